//! The beginning of an id, as a person types it.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// The smallest number of digits.
const SHORTEST: usize = 8;

/// The number of digits of a whole id.
const WHOLE: usize = 32;

/// The first 8 to 32 hex digits of an id, with its hyphens or without.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdPrefix(String);

/// The tables whose rows are found by the beginning of their id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum IdTable {
    /// The table `files`.
    Files,
    /// The table `jobs`.
    Jobs,
    /// The table `publications`.
    Publications,
    /// The table `listings`.
    Listings,
    /// The table `social_posts`.
    SocialPosts,
}

/// A text that is not the beginning of an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "beginning of an id {0:?} must have {SHORTEST} to {WHOLE} hex digits in lower case, with hyphens as in a UUID or without"
)]
pub struct InvalidIdPrefix(
    /// The given text.
    pub String,
);

impl IdPrefix {
    /// The digits without hyphens.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// The digits with the hyphens of a UUID, without a hyphen at the end.
    #[must_use]
    pub fn hyphenated(&self) -> String {
        let mut text = String::with_capacity(36);
        for (index, digit) in self.0.chars().enumerate() {
            if [8, 12, 16, 20].contains(&index) {
                text.push('-');
            }
            text.push(digit);
        }
        text
    }

    /// The first and the last UUID that begin with these digits.
    #[must_use]
    pub fn bounds(&self) -> [Uuid; 2] {
        let filled = |digit: char| {
            let digits = self.0.chars().chain(std::iter::repeat(digit)).take(WHOLE);
            digits.fold(0_u128, |sum, digit| sum << 4 | u128::from(digit.to_digit(16).unwrap_or_default()))
        };
        [Uuid::from_u128(filled('0')), Uuid::from_u128(filled('f'))]
    }
}

impl FromStr for IdPrefix {
    type Err = InvalidIdPrefix;

    fn from_str(text: &str) -> Result<Self, InvalidIdPrefix> {
        let prefix = Self(text.chars().filter(|c| *c != '-').collect());
        let is_hex = prefix.0.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let is_whole = text == prefix.0 || text.strip_suffix('-').unwrap_or(text) == prefix.hyphenated();
        if is_hex && is_whole && (SHORTEST..=WHOLE).contains(&prefix.0.len()) {
            Ok(prefix)
        } else {
            Err(InvalidIdPrefix(text.to_owned()))
        }
    }
}

impl fmt::Display for IdPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.hyphenated())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_has_its_hyphens_or_none() {
        for (text, digits, hyphenated) in [
            ("0b5a4f0e", "0b5a4f0e", "0b5a4f0e"),
            ("0b5a4f0e-", "0b5a4f0e", "0b5a4f0e"),
            ("0b5a4f0e4", "0b5a4f0e4", "0b5a4f0e-4"),
            ("0b5a4f0e-4f5c-4b", "0b5a4f0e4f5c4b", "0b5a4f0e-4f5c-4b"),
            (
                "0b5a4f0e4f5c4b0e9a530c2a6f4f9a11",
                "0b5a4f0e4f5c4b0e9a530c2a6f4f9a11",
                "0b5a4f0e-4f5c-4b0e-9a53-0c2a6f4f9a11",
            ),
        ] {
            let prefix: IdPrefix = text.parse().unwrap();
            assert_eq!((prefix.digits(), prefix.hyphenated().as_str()), (digits, hyphenated), "{text}");
        }
        let whole = "0b5a4f0e4f5c4b0e9a530c2a6f4f9a11";
        for text in [
            "",
            "0b5a4f0",
            "0b5a-4f0e",
            "0b5a4f0e--",
            "0b5a4f0e4-",
            "0B5A4F0E",
            "fox",
            "0b5a4f0g",
            &format!("{whole}0"),
        ] {
            let error = text.parse::<IdPrefix>().unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?} must have 8 to 32 hex digits")), "{error}");
        }
    }

    #[test]
    fn the_bounds_are_the_first_and_the_last_id_with_the_digits() {
        let prefix: IdPrefix = "0b5a4f0e-4".parse().unwrap();
        let bounds = prefix.bounds().map(|id| id.to_string());
        assert_eq!(bounds, ["0b5a4f0e-4000-0000-0000-000000000000", "0b5a4f0e-4fff-ffff-ffff-ffffffffffff"]);
        let whole: IdPrefix = "0b5a4f0e-4f5c-4b0e-9a53-0c2a6f4f9a11".parse().unwrap();
        assert_eq!(whole.bounds()[0], whole.bounds()[1]);
    }
}
