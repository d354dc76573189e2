//! The id of each table's rows, and the fence token of a claim.
//!
//! Ids are version 4 UUIDs, as the specification asks. fieldfen writes them lower-case and hyphenated; rows that
//! another program wrote as 32 plain hex digits (SQLAlchemy's `Uuid` type does) keep their spelling, because other
//! rows refer to them by that text. An id therefore remembers how it was spelled, and equality ignores it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// A text that is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {value:?} is not a UUID of 36 characters with hyphens or of 32 hex digits, in lower case")]
pub struct InvalidId {
    /// Which id it should have been, for example `file id`.
    pub what: &'static str,
    /// The text that was given.
    pub value: String,
}

/// How the text of an id is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Hyphenated,
    Simple,
}

fn parse(what: &'static str, text: &str) -> Result<(Uuid, Spelling), InvalidId> {
    let invalid = || InvalidId { what, value: text.to_owned() };
    let spelling = match text.len() {
        36 => Spelling::Hyphenated,
        32 => Spelling::Simple,
        _ => return Err(invalid()),
    };
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(invalid());
    }
    Uuid::try_parse(text).map(|uuid| (uuid, spelling)).map_err(|_| invalid())
}

macro_rules! id_type {
    ($(#[$meta:meta])* $name:ident, $what:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy)]
        pub struct $name {
            uuid: Uuid,
            spelling: Spelling,
        }

        impl $name {
            /// The id with this UUID, spelled with hyphens.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self { uuid, spelling: Spelling::Hyphenated }
            }

            /// A version 4 id made of 122 of these random bits.
            #[must_use]
            pub const fn from_random(bits: u128) -> Self {
                Self::from_uuid(uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid())
            }

            /// The UUID, whatever its spelling.
            #[must_use]
            pub const fn uuid(&self) -> Uuid {
                self.uuid
            }

            /// The two texts a row may hold for this id: its own spelling first, then the other one.
            #[must_use]
            pub fn spellings(&self) -> [String; 2] {
                let (hyphenated, simple) = (self.uuid.hyphenated().to_string(), self.uuid.simple().to_string());
                match self.spelling {
                    Spelling::Hyphenated => [hyphenated, simple],
                    Spelling::Simple => [simple, hyphenated],
                }
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.uuid == other.uuid
            }
        }

        impl Eq for $name {}

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.uuid.hash(state);
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.uuid.cmp(&other.uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut buffer = [0; 36];
                f.pad(match self.spelling {
                    Spelling::Hyphenated => self.uuid.hyphenated().encode_lower(&mut buffer),
                    Spelling::Simple => self.uuid.simple().encode_lower(&mut buffer),
                })
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
                parse($what, text).map(|(uuid, spelling)| Self { uuid, spelling })
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
    /// The proof that a claim, or a reservation, is still the current one.
    ///
    /// Every claim writes a new one on the rows it takes; a worker that presents an older one has lost its lease.
    FenceToken,
    "fence token"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_keeps_its_spelling_and_compares_without_it() {
        let plain: FileId = "c3b1a7a06f0e4a3e9d2a5b8c7d6e5f40".parse().unwrap();
        let hyphenated: FileId = "c3b1a7a0-6f0e-4a3e-9d2a-5b8c7d6e5f40".parse().unwrap();
        assert_eq!(plain, hyphenated);
        assert_eq!(plain.to_string(), "c3b1a7a06f0e4a3e9d2a5b8c7d6e5f40");
        assert_eq!(hyphenated.to_string(), "c3b1a7a0-6f0e-4a3e-9d2a-5b8c7d6e5f40");
        assert_eq!(plain.spellings()[1], hyphenated.to_string());
        let json = serde_json::to_string(&plain).unwrap();
        assert_eq!(serde_json::from_str::<FileId>(&json).unwrap().to_string(), plain.to_string());
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
