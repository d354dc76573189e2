//! JSON as the text it arrived in.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The largest JSON document that is stored, in bytes: a payload, a result, a job's progress, a file's metadata. A job
/// says what to do; the bytes to do it with live elsewhere.
pub const MAX_JSON_BYTES: usize = 1 << 20;

/// A JSON document, kept letter by letter.
///
/// Platforms send integers above 2^53 and fields that nobody has heard of; a document that is read and written again
/// as it is loses neither.
///
/// [`parse`](RawJson::parse) and [`from_value`](RawJson::from_value) take only documents that can be read back: JSON
/// allows numbers, escapes and nesting that no reader of this crate takes, and a document that is stored in spite of that
/// fails wherever it is needed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RawJson(String);

impl RawJson {
    /// Takes a text that must be one JSON document.
    ///
    /// # Errors
    /// As [`RawJson::check`].
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidJson> {
        let json = Self(text.into());
        json.check()?;
        Ok(json)
    }

    /// Writes a value as JSON. A float that is not a number or infinite is written as `null`.
    ///
    /// # Errors
    /// [`InvalidJson`] when the value cannot be JSON (a map whose keys are not texts, for example), or as
    /// [`RawJson::check`].
    pub fn from_value<T: Serialize + ?Sized>(value: &T) -> Result<Self, InvalidJson> {
        Self::parse(serde_json::to_string(value)?)
    }

    /// Takes what a database row holds, which other programs may have written; it is checked when it is read.
    #[must_use]
    pub const fn unchecked(text: String) -> Self {
        Self(text)
    }

    /// Checks a document that may have been made [`unchecked`](RawJson::unchecked).
    ///
    /// # Errors
    /// [`InvalidJson::TooLarge`] above [`MAX_JSON_BYTES`]; [`InvalidJson::Unreadable`] with the place where the text
    /// stops being JSON, or is JSON that cannot be read: a number beyond 64-bit floats (`1e999`), half of a surrogate
    /// pair (`"\ud800"`), 128 levels of nesting.
    pub fn check(&self) -> Result<(), InvalidJson> {
        let bytes = self.0.len();
        if bytes > MAX_JSON_BYTES {
            return Err(InvalidJson::TooLarge { bytes });
        }
        serde_json::from_str::<Value>(&self.0)?;
        Ok(())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads the document as a type.
    ///
    /// # Errors
    /// [`InvalidJson::Unreadable`] when the text is not JSON or not that type; the message names the field and the place.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, InvalidJson> {
        serde_json::from_str(&self.0).map_err(|source| {
            // Only a failure pays for keeping track of where it is.
            let mut reader = serde_json::Deserializer::from_str(&self.0);
            match serde_path_to_error::deserialize::<_, T>(&mut reader) {
                Err(error) => error.into(),
                Ok(_) => source.into(),
            }
        })
    }
}

impl fmt::Display for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is not the JSON it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidJson {
    /// It is larger than what is stored.
    #[error("{bytes} bytes of JSON; at most {MAX_JSON_BYTES} are stored: keep large data elsewhere")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// It is not JSON, or not of the type that is wanted.
    #[error("not the JSON that belongs here: {}{source}", at(path))]
    Unreadable {
        /// The field, as a path: `captions.instagram`, `hashtags[2]`. Empty where the whole document is meant.
        path: String,
        /// What the parser found, and where.
        source: serde_json::Error,
    },
}

impl From<serde_json::Error> for InvalidJson {
    fn from(source: serde_json::Error) -> Self {
        Self::Unreadable { path: String::new(), source }
    }
}

impl From<serde_path_to_error::Error<serde_json::Error>> for InvalidJson {
    fn from(error: serde_path_to_error::Error<serde_json::Error>) -> Self {
        let path = error.path().to_string();
        // A path of no fields is shown as a full stop.
        let path = if path == "." { String::new() } else { path };
        Self::Unreadable { path, source: error.into_inner() }
    }
}

fn at(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("{path}: ") }
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
        for text in ["", "{", "{} {}", "nul", "{\"a\": 01}", "\u{feff}{}", "\"\0\"", "[1e999]", r#""\ud800""#] {
            assert!(RawJson::parse(text).unwrap_err().to_string().contains("line 1"), "{text}");
        }
    }

    #[test]
    fn documents_are_taken_up_to_the_depth_and_size_that_can_be_read() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(RawJson::parse(nested(127)).is_ok());
        assert!(RawJson::parse(nested(128)).unwrap_err().to_string().contains("recursion limit"));
        let text = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
        assert!(RawJson::parse(text(MAX_JSON_BYTES)).is_ok());
        let error = RawJson::parse(text(MAX_JSON_BYTES + 1)).unwrap_err();
        assert_eq!(error.to_string(), "1048577 bytes of JSON; at most 1048576 are stored: keep large data elsewhere");
    }

    #[test]
    fn a_text_of_another_type_is_refused_with_the_field() {
        type Ratios = std::collections::BTreeMap<String, Vec<f64>>;
        let json = RawJson::parse(r#"{"a": [1.5], "b": [1.5, null]}"#).unwrap();
        let error = json.read::<Ratios>().unwrap_err().to_string();
        assert!(error.starts_with("not the JSON that belongs here: b[1]: invalid type: null"), "{error}");
        let error = json.read::<Vec<f64>>().unwrap_err().to_string();
        assert!(error.starts_with("not the JSON that belongs here: invalid type: map"), "{error}");
    }
}
