//! Webhook deliveries, and the hash that tells a new one from a repetition.

use std::fmt;
use std::str::FromStr;

use crate::ids::FileId;
use crate::sha256;
use crate::time::Timestamp;

/// What `processed_hashes.hash` holds: SHA-256 as 64 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PayloadHash(sha256::Bytes);

impl PayloadHash {
    /// The hash of a delivery's body, as the specification asks.
    #[must_use]
    pub fn of_body(body: &[u8]) -> Self {
        Self(sha256::digest(&[body]))
    }

    /// The hash of a delivery that its sender has numbered: of source, scope and delivery id, not of the body.
    ///
    /// Some senders repeat one body for different events, others change bytes when they send again; only their own
    /// id tells. The scope separates accounts whose ids may coincide.
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

/// A text that is not a payload hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("payload hash {0:?}: it must be 64 hex digits in lower case (SHA-256)")]
pub struct InvalidPayloadHash(
    /// The text that was given.
    pub String,
);

/// A hash to be remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewHash {
    /// The hash that identifies the delivery.
    pub hash: PayloadHash,
    /// The name of the sender, for example `shopify`.
    pub source: String,
    /// When the delivery arrived, by the caller's clock.
    pub at: Timestamp,
    /// From this time on, the same delivery counts as new.
    pub expires_at: Timestamp,
}

impl NewHash {
    /// The hash of a webhook of this source.
    #[must_use]
    pub fn new(hash: PayloadHash, source: impl Into<String>, at: Timestamp, expires_at: Timestamp) -> Self {
        Self { hash, source: source.into(), at, expires_at }
    }

    /// The same hash of another source.
    #[must_use]
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = source.into();
        self
    }

    /// The same hash, remembered until this time.
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
    /// Who sent it; a program that knows only the specification does not say.
    pub source: Option<String>,
    /// The file that it led to, where one was named and is still there.
    pub file_id: Option<FileId>,
    /// When it was first seen; a program that knows only the specification may have left it out.
    pub first_seen: Option<Timestamp>,
    /// From this time on, the same delivery counts as new, although its row may still be there. `None`: it never
    /// does.
    pub expires_at: Option<Timestamp>,
}

impl Delivery {
    /// A delivery with this hash, of which nothing else is known.
    #[must_use]
    pub const fn new(hash: PayloadHash) -> Self {
        Self { hash, source: None, file_id: None, first_seen: None, expires_at: None }
    }

    /// The same delivery from this sender.
    #[must_use]
    pub fn source(mut self, source: impl Into<Option<String>>) -> Self {
        self.source = source.into();
        self
    }

    /// The same delivery, which led to this file.
    #[must_use]
    pub fn file_id(mut self, file_id: impl Into<Option<FileId>>) -> Self {
        self.file_id = file_id.into();
        self
    }

    /// The same delivery, first seen then.
    #[must_use]
    pub fn first_seen(mut self, first_seen: impl Into<Option<Timestamp>>) -> Self {
        self.first_seen = first_seen.into();
        self
    }

    /// The same delivery, which counts as new from then on.
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
        /// When it was first seen.
        first_seen: Option<Timestamp>,
        /// The file it led to, where one was named.
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
