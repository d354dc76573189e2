//! The id of each table's rows, and the fence token of a claim.
//!
//! Ids are version 4 UUIDs, as the specification requires. An id has one text, lower-case with hyphens, in messages, in
//! JSON and in the database. Parsing also accepts the 32 hex digits without hyphens that other programs write.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// The error of a text that is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {value:?} is not a UUID of 36 characters with hyphens or of 32 hex digits, in lower case")]
pub struct InvalidId {
    /// The expected kind of id, for example `file id`.
    pub what: &'static str,
    /// The given text.
    pub value: String,
}

fn parse(what: &'static str, text: &str) -> Result<Uuid, InvalidId> {
    // Without this check of the length, `Uuid` would accept braces and `urn:uuid:` too.
    let is_id = matches!(text.len(), 32 | 36) && !text.bytes().any(|byte| byte.is_ascii_uppercase());
    let uuid = Uuid::try_parse(text).ok().filter(|_| is_id);
    uuid.ok_or_else(|| InvalidId { what, value: text.to_owned() })
}

macro_rules! id_type {
    ($(#[$meta:meta])* $name:ident, $what:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The id with this UUID.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// A version 4 id made of 122 of these random bits.
            #[must_use]
            pub const fn from_random(bits: u128) -> Self {
                Self(uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid())
            }

            /// The id as a UUID, for programs that store it in binary form.
            #[must_use]
            pub const fn uuid(&self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.0.hyphenated().encode_lower(&mut [0; 36]))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse($what, text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

id_type!(
    /// A row of `files`.
    FileId,
    "file id"
);
id_type!(
    /// A row of `jobs`.
    JobId,
    "job id"
);
id_type!(
    /// A row of `listings`.
    ListingId,
    "listing id"
);
id_type!(
    /// A row of `social_posts`.
    SocialPostId,
    "social post id"
);
id_type!(
    /// A row of `publications`.
    PublicationId,
    "publication id"
);
id_type!(
    /// A row of `workers`, which stands for one start of a worker.
    WorkerId,
    "worker id"
);
id_type!(
    /// An operator's action. The caller makes one id for all attempts, so that a repeated attempt is recognised.
    OperatorActionId,
    "operator action id"
);
id_type!(
    /// A row of `bulk_actions`.
    BulkActionId,
    "bulk action id"
);
id_type!(
    /// A row of `api_permits`: the right to make one call.
    PermitId,
    "permit id"
);
id_type!(
    /// The token that proves that a claim or a reservation is still the current one.
    ///
    /// Every claim writes a new token into the rows that it takes. A worker with an older token has lost its lease.
    FenceToken,
    "fence token"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_with_and_without_hyphens_and_printed_with_them() {
        let plain: FileId = "c3b1a7a06f0e4a3e9d2a5b8c7d6e5f40".parse().unwrap();
        let hyphenated: FileId = "c3b1a7a0-6f0e-4a3e-9d2a-5b8c7d6e5f40".parse().unwrap();
        assert_eq!(plain, hyphenated);
        assert_eq!(plain.to_string(), "c3b1a7a0-6f0e-4a3e-9d2a-5b8c7d6e5f40");
        assert_eq!(serde_json::to_string(&plain).unwrap(), format!("\"{hyphenated}\""));
    }

    #[test]
    fn other_texts_are_refused_with_the_text_named() {
        for text in [
            "",
            "abc123",
            "C3B1A7A0-6F0E-4A3E-9D2A-5B8C7D6E5F40",
            "{c3b1a7a0-6f0e-4a3e-9d2a-5b8c7d6e5f4}",
            "c3b1a7a0-6f0e-4a3e-9d2a-5b8c7d6e5f4é",
            "urn:uuid:c3b1a7a0-6f0e-4a3e-9d2a-5b8c7d6e5f40",
        ] {
            let error = text.parse::<JobId>().unwrap_err();
            assert_eq!((error.what, error.value.as_str()), ("job id", text));
        }
    }

    #[test]
    fn random_bits_make_a_version_4_uuid() {
        let id = ListingId::from_random(u128::MAX);
        assert_eq!(id.to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(id.uuid().get_version_num(), 4);
    }
}
