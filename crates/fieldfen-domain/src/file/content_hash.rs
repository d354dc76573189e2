//! The hash of a picture's bytes.

use std::fmt;
use std::str::FromStr;

use crate::sha256;

/// SHA-256 of a picture's bytes, written as 64 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash(sha256::Bytes);

impl ContentHash {
    /// The hash of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha256::digest(&[bytes]))
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&sha256::write(&self.0))
    }
}

impl FromStr for ContentHash {
    type Err = InvalidContentHash;

    fn from_str(text: &str) -> Result<Self, InvalidContentHash> {
        sha256::parse(text).map(Self).ok_or_else(|| InvalidContentHash(text.to_owned()))
    }
}

/// The error of a text that is not a content hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("content hash {0:?}: it must be 64 hex digits in lower case (SHA-256)")]
pub struct InvalidContentHash(
    /// The given text.
    pub String,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_text_has_its_well_known_hash() {
        let text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(ContentHash::of(b"").to_string(), text);
        assert_eq!(text.parse(), Ok(ContentHash::of(b"")));
        assert!(text.to_uppercase().parse::<ContentHash>().is_err());
        assert!("e3b0".parse::<ContentHash>().is_err());
    }
}
