//! Enums of the specification's words, which importing programs extend with words of their own.

use std::fmt;

/// The longest word, in bytes.
const MAX_WORD: usize = 32;

/// A word of an importing program: 1 to 32 lower-case ASCII letters, digits, `_`, `-` or `.`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OwnWord {
    /// The bytes of the word, padded with zeros, so that words compare as their texts do.
    bytes: [u8; MAX_WORD],
    len: u8,
}

impl OwnWord {
    /// Makes a word of this text; `None` if the text does not have this form.
    pub(crate) const fn new(word: &str) -> Option<Self> {
        let word = word.as_bytes();
        if word.is_empty() || word.len() > MAX_WORD {
            return None;
        }
        let mut bytes = [0; MAX_WORD];
        let mut at = 0;
        while at < word.len() {
            if !matches!(word[at], b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.') {
                return None;
            }
            bytes[at] = word[at];
            at += 1;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 32")]
        let len = word.len() as u8;
        Some(Self { bytes, len })
    }

    /// The text of the word, as the database has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // The bytes are ASCII, because the constructor refuses others.
        self.bytes.get(..usize::from(self.len)).and_then(|word| std::str::from_utf8(word).ok()).unwrap_or_default()
    }
}

impl fmt::Debug for OwnWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// The error of a word that an open enum cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {value:?}: it must be 1 to 32 lower-case ASCII letters, digits, '_', '-' or '.'")]
pub struct InvalidWord {
    /// The kind of word that was expected, for example `platform`.
    pub what: &'static str,
    /// The given word.
    pub value: String,
}

/// Returns whether two words are equal, for constants.
pub(crate) const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// Declares an enum of fixed words and of one variant, `Own`, for the words of importing programs.
macro_rules! open_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident as $what:literal {
            $( $(#[$variant_meta:meta])* $variant:ident = $word:literal, )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $( $(#[$variant_meta])* $variant, )+
            /// A word of an importing program. `own` or `parse` make it.
            Own($crate::OwnWord),
        }

        impl $name {
            /// The variants with fixed words, in the order of declaration.
            pub const SPECIFIED: &'static [Self] = &[$( Self::$variant, )+];

            /// A word of an importing program, for its constants; `None` if the word is one of the fixed ones, or is
            /// not 1 to 32 lower-case ASCII letters, digits, `_`, `-` or `.`.
            #[must_use]
            pub const fn own(word: &str) -> Option<Self> {
                $(
                    if $crate::open_enum::is_same(word, $word) {
                        return None;
                    }
                )+
                match $crate::OwnWord::new(word) {
                    Some(word) => Some(Self::Own(word)),
                    None => None,
                }
            }

            /// The word, as the database has it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $word, )+
                    Self::Own(word) => word.as_str(),
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::InvalidWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $( $word => Ok(Self::$variant), )+
                    _ => match $crate::OwnWord::new(word) {
                        Some(word) => Ok(Self::Own(word)),
                        None => Err($crate::InvalidWord { what: $what, value: word.to_owned() }),
                    },
                }
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = <::std::borrow::Cow<'de, str> as ::serde::Deserialize>::deserialize(deserializer)?;
                word.parse().map_err(::serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use open_enum;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publication::Platform;

    #[test]
    fn words_of_an_importer_stand_beside_those_of_the_specification() {
        assert_eq!("etsy".parse(), Ok(Platform::Etsy));
        let own: Platform = "prints.example-2".parse().unwrap();
        const OWN: Option<Platform> = Platform::own("prints.example-2");
        assert_eq!((OWN, Platform::own("etsy"), Platform::own("Etsy")), (Some(own), None, None));
        assert_eq!(
            (own.to_string().as_str(), format!("{own:?}").as_str()),
            ("prints.example-2", r#"Own("prints.example-2")"#)
        );
        assert_eq!(serde_json::from_str::<Platform>(&serde_json::to_string(&own).unwrap()).unwrap(), own);
    }

    #[test]
    fn a_word_that_may_be_meant_as_another_is_refused() {
        for word in ["", "Etsy", "two words", "ünï", "a\nb", &"x".repeat(33)] {
            assert_eq!(word.parse::<Platform>().unwrap_err().value, word);
        }
        assert!("x".repeat(32).parse::<Platform>().is_ok());
    }

    #[test]
    fn words_compare_as_their_texts_do() {
        let word = |text| OwnWord::new(text).unwrap();
        let mut words = ["b", "a", "ab", "a.b"].map(word);
        words.sort_unstable();
        assert_eq!(words.map(|word| word.as_str().to_owned()), ["a", "a.b", "ab", "b"]);
    }
}
