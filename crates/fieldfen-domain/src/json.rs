//! JSON documents that keep their text.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::non_finite_floats::find_non_finite;

/// The largest JSON document that is stored, in bytes: a payload, a result, the progress of a job, or the metadata of a
/// file. Larger data belongs elsewhere, with a reference in the document.
pub const MAX_JSON_BYTES: usize = 1 << 20;

/// A JSON document that keeps its exact text.
///
/// Platforms send integers above 2^53 and unknown fields. A document that is read and written again loses neither.
///
/// [`parse`](RawJson::parse) and [`from_value`](RawJson::from_value) only accept documents that can be read back: JSON
/// allows numbers, escapes and nesting that no reader of this crate accepts, and such a document would fail wherever it
/// is read. Every store [checks](RawJson::check) the documents that it gets, so that a document from a damaged row is
/// not written to another row.
#[derive(Clone)]
pub struct RawJson {
    text: String,
    /// Whether the document was checked.
    checked: bool,
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RawJson").field(&self.text).finish()
    }
}

impl PartialEq for RawJson {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for RawJson {}

impl Hash for RawJson {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl RawJson {
    /// Makes a document of a text, which must be one JSON document.
    ///
    /// # Errors
    /// As [`RawJson::check`].
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidJson> {
        Self::unchecked(text.into()).checked()
    }

    /// Writes a value as JSON.
    ///
    /// # Errors
    /// [`InvalidJson::NotFinite`] if the value contains NaN or an infinity, which `serde_json` would write as `null`;
    /// [`InvalidJson::Unreadable`] if it cannot be JSON, for example a map whose keys are not texts; or as
    /// [`RawJson::check`].
    pub fn from_value<T: Serialize + ?Sized>(value: &T) -> Result<Self, InvalidJson> {
        let text = serde_json::to_string(value)?;
        if text.contains("null")
            && let Some((path, value)) = find_non_finite(value)
        {
            return Err(InvalidJson::NotFinite { path: of_fields(path), value });
        }
        Self::parse(text)
    }

    /// Makes a document of the text in a database row, which other programs may have written. For stores: it is checked
    /// when it is read, and when it is passed to a store again.
    #[must_use]
    pub const fn unchecked(text: String) -> Self {
        Self { text, checked: false }
    }

    /// Checks a document that may have been made [`unchecked`](RawJson::unchecked). Other documents were checked when
    /// they were made, and are not checked again.
    ///
    /// # Errors
    /// [`InvalidJson::TooLarge`] above [`MAX_JSON_BYTES`]; [`InvalidJson::Unreadable`] with the place at which the text
    /// stops being JSON, or is JSON that cannot be read: a number beyond 64-bit floats (`1e999`), half of a surrogate
    /// pair (`"\ud800"`), 128 levels of nesting.
    pub fn check(&self) -> Result<(), InvalidJson> {
        if self.checked {
            return Ok(());
        }
        let bytes = self.text.len();
        if bytes > MAX_JSON_BYTES {
            return Err(InvalidJson::TooLarge { bytes });
        }
        serde_json::from_str::<Value>(&self.text)?;
        Ok(())
    }

    /// Returns the document if it can be read back.
    ///
    /// # Errors
    /// As [`RawJson::check`].
    pub fn checked(self) -> Result<Self, InvalidJson> {
        self.check()?;
        Ok(Self { checked: true, ..self })
    }

    /// The exact text of the document.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Reads the document as a type.
    ///
    /// # Errors
    /// [`InvalidJson::Unreadable`] if the text is not JSON or not of that type. The message names the field and the
    /// place.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, InvalidJson> {
        serde_json::from_str(&self.text).map_err(|source| {
            // The path is only tracked after a failure, because that costs time.
            let mut reader = serde_json::Deserializer::from_str(&self.text);
            match serde_path_to_error::deserialize::<_, T>(&mut reader) {
                Err(error) => error.into(),
                Ok(_) => source.into(),
            }
        })
    }
}

impl fmt::Display for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The error of a text that is not the expected JSON.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidJson {
    /// The document is larger than the limit.
    #[error("the JSON has {bytes} bytes; it must have at most {MAX_JSON_BYTES}: keep large data elsewhere")]
    TooLarge {
        /// The size of the text in bytes.
        bytes: usize,
    },
    /// A float is NaN or infinite.
    #[error("{}{value} cannot be written as JSON; it must be a finite number, or None", at(path))]
    NotFinite {
        /// The field, as a path: `ratios[1]`. Empty if the value itself is the float.
        path: String,
        /// The float: NaN or an infinity.
        value: f64,
    },
    /// The text is not JSON, or not of the expected type.
    #[error("not the expected JSON: {}{source}", at(path))]
    Unreadable {
        /// The field, as a path: `captions.instagram`, `hashtags[2]`. Empty for the whole document.
        path: String,
        /// The parser's error, with the place.
        source: serde_json::Error,
    },
}

impl InvalidJson {
    /// Returns whether the text is JSON, but not of the expected type.
    #[must_use]
    pub fn is_other_type(&self) -> bool {
        matches!(self, Self::Unreadable { source, .. } if source.is_data())
    }
}

impl From<serde_json::Error> for InvalidJson {
    fn from(source: serde_json::Error) -> Self {
        Self::Unreadable { path: String::new(), source }
    }
}

impl From<serde_path_to_error::Error<serde_json::Error>> for InvalidJson {
    fn from(error: serde_path_to_error::Error<serde_json::Error>) -> Self {
        Self::Unreadable { path: of_fields(error.path().to_string()), source: error.into_inner() }
    }
}

/// The path, or an empty text if it has no fields and is written as a full stop.
fn of_fields(path: String) -> String {
    if path == "." { String::new() } else { path }
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
    fn floats_that_are_no_finite_numbers_are_refused_with_their_place() {
        #[derive(Serialize)]
        enum Shape {
            Unit,
            Newtype(f32),
            Tuple(u8, f64),
            Struct { side: f64 },
        }
        #[derive(Serialize)]
        struct Measured {
            name: &'static str,
            weight: Option<f64>,
            ratios: Vec<f64>,
            of: std::collections::BTreeMap<u8, (char, Option<f32>)>,
            shape: Shape,
        }
        let measured = |weight, ratio, of, shape| Measured {
            name: "null",
            weight,
            ratios: vec![1.0, ratio],
            of: [(7, ('x', of))].into(),
            shape,
        };
        let (nan, infinite) = (f64::NAN, f64::INFINITY);
        for (value, (place, float)) in [
            (measured(Some(nan), 1.0, None, Shape::Unit), ("weight: ", "NaN")),
            (measured(None, -infinite, None, Shape::Unit), ("ratios[1]: ", "-inf")),
            (measured(None, 1.0, Some(f32::INFINITY), Shape::Unit), ("of.7[1]: ", "inf")),
            (measured(None, 1.0, None, Shape::Newtype(f32::NAN)), ("shape", "NaN")),
            (measured(None, 1.0, None, Shape::Tuple(1, nan)), ("shape", "NaN")),
            (measured(None, 1.0, None, Shape::Struct { side: nan }), ("shape", "NaN")),
        ] {
            let error = RawJson::from_value(&value).unwrap_err();
            let message = error.to_string();
            let told = message.starts_with(place) && message.contains(&format!(": {float} cannot be written as JSON"));
            assert!(told && matches!(error, InvalidJson::NotFinite { .. }), "{message}");
        }
        assert!(RawJson::from_value(&nan).unwrap_err().to_string().starts_with("NaN cannot"));
        let fine = measured(None, 2.5, Some(0.5), Shape::Unit);
        let text = r#"{"name":"null","weight":null,"ratios":[1.0,2.5],"of":{"7":["x",0.5]},"shape":"Unit"}"#;
        assert_eq!(RawJson::from_value(&fine).unwrap().as_str(), text);
        assert_eq!(RawJson::from_value(&serde_json::json!({"none": null})).unwrap().as_str(), r#"{"none":null}"#);
    }

    #[test]
    fn a_document_is_equal_to_the_same_one_that_is_not_checked() {
        assert_eq!(RawJson::parse("[1]").unwrap(), RawJson::unchecked("[1]".to_owned()));
        assert!(RawJson::unchecked("[1".to_owned()).check().is_err());
    }

    #[test]
    fn documents_are_taken_up_to_the_depth_and_size_that_can_be_read() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(RawJson::parse(nested(127)).is_ok());
        assert!(RawJson::parse(nested(128)).unwrap_err().to_string().contains("recursion limit"));
        let text = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
        assert!(RawJson::parse(text(MAX_JSON_BYTES)).is_ok());
        let error = RawJson::parse(text(MAX_JSON_BYTES + 1)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the JSON has 1048577 bytes; it must have at most 1048576: keep large data elsewhere"
        );
    }

    #[test]
    fn a_text_of_another_type_is_refused_with_the_field() {
        type Ratios = std::collections::BTreeMap<String, Vec<f64>>;
        let json = RawJson::parse(r#"{"a": [1.5], "b": [1.5, null]}"#).unwrap();
        let error = json.read::<Ratios>().unwrap_err().to_string();
        assert!(error.starts_with("not the expected JSON: b[1]: invalid type: null"), "{error}");
        let error = json.read::<Vec<f64>>().unwrap_err().to_string();
        assert!(error.starts_with("not the expected JSON: invalid type: map"), "{error}");
    }
}
