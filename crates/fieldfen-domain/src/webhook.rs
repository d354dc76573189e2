//! Webhook deliveries, and the hash by which a repetition is recognised.

use std::fmt;
use std::str::FromStr;

use crate::OptionalText;
use crate::ids::FileId;
use crate::sha256;
use crate::time::Timestamp;

/// The value of `processed_hashes.hash`: SHA-256 as 64 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PayloadHash(sha256::Bytes);

impl PayloadHash {
    /// The hash of a delivery's body, as the specification requires.
    #[must_use]
    pub fn of_body(body: &[u8]) -> Self {
        Self(sha256::digest(&[body]))
    }

    /// The hash of a delivery to which its sender has given an id: of source, scope and delivery id, not of the body.
    ///
    /// Some senders repeat one body for different events, others change bytes in a repetition, so only their own id
    /// identifies a delivery. The scope separates accounts whose ids may coincide.
    #[must_use]
    pub fn of_delivery(source: &str, scope: &str, delivery_id: &str) -> Self {
        let lengths = [source, scope].map(|part| (part.len() as u64).to_be_bytes());
        Self(sha256::digest(&[
            b"delivery",
            &lengths[0],
            source.as_bytes(),
            &lengths[1],
            scope.as_bytes(),
            delivery_id.as_bytes(),
        ]))
    }
}

impl fmt::Display for PayloadHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&sha256::write(&self.0))
    }
}

impl FromStr for PayloadHash {
    type Err = InvalidPayloadHash;

    fn from_str(text: &str) -> Result<Self, InvalidPayloadHash> {
        sha256::parse(text).map(Self).ok_or_else(|| InvalidPayloadHash(text.to_owned()))
    }
}

/// The error of a text that is not a payload hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("payload hash {0:?}: it must be 64 hex digits in lower case (SHA-256)")]
pub struct InvalidPayloadHash(
    /// The given text.
    pub String,
);

/// A hash that is to be remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewHash {
    /// The hash that identifies the delivery.
    pub hash: PayloadHash,
    /// The name of the sender, for example `shopify`.
    pub source: String,
    /// The time at which the delivery arrived, by the caller's clock.
    pub at: Timestamp,
    /// The time from which the same delivery counts as new.
    pub expires_at: Timestamp,
}

impl NewHash {
    /// The hash of a webhook of this source.
    #[must_use]
    pub fn new(hash: PayloadHash, source: impl Into<String>, at: Timestamp, expires_at: Timestamp) -> Self {
        Self { hash, source: source.into(), at, expires_at }
    }

    /// Sets the source.
    #[must_use]
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = source.into();
        self
    }

    /// Sets the time until which it is remembered.
    #[must_use]
    pub fn expires_at(mut self, expires_at: Timestamp) -> Self {
        self.expires_at = expires_at;
        self
    }
}

/// A row of `processed_hashes`: a delivery that has taken effect.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// The hash that identifies the delivery.
    pub hash: PayloadHash,
    /// The name of the sender; `None` if a program that knows only the specification has inserted the row.
    pub source: Option<String>,
    /// The file of the delivery; `None` if none was recorded, or it was deleted.
    pub file_id: Option<FileId>,
    /// The time of the first delivery; `None` if a program that knows only the specification has left it out.
    pub first_seen: Option<Timestamp>,
    /// The time from which the same delivery counts as new, although its row may still exist. `None` means never.
    pub expires_at: Option<Timestamp>,
}

impl Delivery {
    /// A delivery with only a hash.
    #[must_use]
    pub const fn new(hash: PayloadHash) -> Self {
        Self { hash, source: None, file_id: None, first_seen: None, expires_at: None }
    }

    /// Sets the sender.
    #[must_use]
    pub fn source(mut self, source: impl Into<OptionalText>) -> Self {
        self.source = source.into().0;
        self
    }

    /// Sets the file.
    #[must_use]
    pub fn file_id(mut self, file_id: impl Into<Option<FileId>>) -> Self {
        self.file_id = file_id.into();
        self
    }

    /// Sets the time of the first delivery.
    #[must_use]
    pub fn first_seen(mut self, first_seen: impl Into<Option<Timestamp>>) -> Self {
        self.first_seen = first_seen.into();
        self
    }

    /// Sets the time from which it counts as new.
    #[must_use]
    pub fn expires_at(mut self, expires_at: impl Into<Option<Timestamp>>) -> Self {
        self.expires_at = expires_at.into();
        self
    }
}

/// The answer to a [`NewHash`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HashInsertOutcome {
    /// The hash was not remembered, or had expired. It is remembered now.
    New,
    /// The hash is remembered already.
    Duplicate {
        /// The time of the first delivery; `None` if it is unknown.
        first_seen: Option<Timestamp>,
        /// The file of the delivery; `None` if none was recorded.
        file_id: Option<FileId>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_a_body_is_plain_sha_256() {
        let hash = PayloadHash::of_body(b"{}");
        assert_eq!(hash.to_string(), "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert!("44136".parse::<PayloadHash>().is_err());
    }

    #[test]
    fn source_scope_and_id_do_not_run_into_each_other() {
        let hash = PayloadHash::of_delivery("etsy", "shop", "1");
        for (source, scope, id) in [("etsys", "hop", "1"), ("etsy", "shop1", ""), ("etsy", "", "shop1")] {
            assert_ne!(hash, PayloadHash::of_delivery(source, scope, id));
        }
    }
}
