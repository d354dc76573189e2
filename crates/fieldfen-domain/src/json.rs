//! JSON as the text it arrived in.

use std::fmt;

use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

/// A JSON document, kept letter by letter.
///
/// Platforms send integers above 2^53 and fields that nobody has heard of; a document that is read and written again
/// as it is loses neither.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RawJson(String);

impl RawJson {
    /// Takes a text that must be one JSON document.
    ///
    /// # Errors
    /// [`InvalidJson`] with the place where the text stops being JSON.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidJson> {
        let text = text.into();
        match serde_json::from_str::<IgnoredAny>(&text) {
            Ok(_) => Ok(Self(text)),
            Err(source) => Err(InvalidJson { source }),
        }
    }

    /// Writes a value as JSON.
    ///
    /// # Errors
    /// [`InvalidJson`] when the value cannot be JSON: a map whose keys are not texts, for example.
    pub fn from_value<T: Serialize + ?Sized>(value: &T) -> Result<Self, InvalidJson> {
        serde_json::to_string(value).map(Self).map_err(|source| InvalidJson { source })
    }

    /// Takes what a database row holds, which other programs may have written; it is checked when it is read.
    #[must_use]
    pub const fn unchecked(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads the document as a type.
    ///
    /// # Errors
    /// [`InvalidJson`] when the text is not JSON or not that type; the message names the field or the place.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, InvalidJson> {
        serde_json::from_str(&self.0).map_err(|source| InvalidJson { source })
    }
}

impl fmt::Display for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is not the JSON it should be.
#[derive(Debug, thiserror::Error)]
#[error("not the JSON that belongs here: {source}")]
pub struct InvalidJson {
    /// What the parser found, and where.
    pub source: serde_json::Error,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_survives_to_the_letter() {
        let text = r#"{"id": 9007199254740993, "ratio": 1.10, "id2": 12345678901234567890123}"#;
        assert_eq!(RawJson::parse(text).unwrap().as_str(), text);
    }

    #[test]
    fn other_texts_are_refused_with_the_place() {
        for text in ["", "{", "{} {}", "nul", "{\"a\": 01}"] {
            assert!(RawJson::parse(text).unwrap_err().to_string().contains("line 1"), "{text}");
        }
    }
}
