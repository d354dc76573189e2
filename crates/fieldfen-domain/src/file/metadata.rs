//! Title, description, hashtags and captions of a picture: the content of `files.metadata_json`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::json::{InvalidJson, RawJson};

/// The keys of the specification.
const SPECIFIED: [&str; 4] = ["title", "description", "hashtags", "captions"];

/// The texts about a picture, in the specification's shape.
///
/// Other keys are kept too, even with the value `null`. Their numbers are serde_json's: floats have 64 bits, and
/// integers beyond 64 bits become floats. The file's [`RawJson`] keeps the exact text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileMetadata {
    /// The title. Never blank.
    pub title: String,
    /// The description; may be empty.
    pub description: String,
    /// Hashtags in their normal form, see [`normalise_hashtag`]. Each appears once.
    pub hashtags: Vec<String>,
    /// One caption for each social platform with its own.
    pub captions: BTreeMap<String, String>,
    /// Every other key with its value.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl FileMetadata {
    /// Metadata with only a title.
    ///
    /// # Errors
    /// [`InvalidMetadata`] if the title is blank.
    pub fn new(title: impl Into<String>) -> Result<Self, InvalidMetadata> {
        let title = title.into();
        if title.trim().is_empty() {
            return Err(InvalidMetadata::rule("title", "must not be blank"));
        }
        Ok(Self {
            title,
            description: String::new(),
            hashtags: Vec::new(),
            captions: BTreeMap::new(),
            other: Map::new(),
        })
    }

    /// Sets the hashtags. They are normalised, and later repetitions are dropped.
    ///
    /// # Errors
    /// [`InvalidMetadata`] if a hashtag has no letter and no digit.
    pub fn with_hashtags<I: IntoIterator<Item = S>, S: AsRef<str>>(mut self, tags: I) -> Result<Self, InvalidMetadata> {
        self.hashtags.clear();
        for (index, tag) in tags.into_iter().enumerate() {
            let field = || format!("hashtags[{index}]");
            let tag = normalise_hashtag(tag.as_ref())
                .ok_or_else(|| InvalidMetadata::rule(field(), "must contain at least one letter or digit"))?;
            if !self.hashtags.contains(&tag) {
                self.hashtags.push(tag);
            }
        }
        Ok(self)
    }

    /// Reads `files.metadata_json`.
    ///
    /// Only the title is required. For the keys of the specification, `null` counts as absent.
    ///
    /// # Errors
    /// [`InvalidMetadata`] with the field and the rule that it breaks.
    pub fn from_json(json: &RawJson) -> Result<Self, InvalidMetadata> {
        let mut fields: Map<String, Value> = json.read().map_err(InvalidMetadata::NotAnObject)?;
        fields.retain(|key, value| !value.is_null() || !SPECIFIED.contains(&key.as_str()));
        let title = match fields.remove("title") {
            Some(value) => text("title", value)?,
            None => return Err(InvalidMetadata::rule("title", "is missing")),
        };
        let mut metadata = Self::new(title)?;
        if let Some(value) = fields.remove("description") {
            metadata.description = text("description", value)?;
        }
        if let Some(value) = fields.remove("hashtags") {
            let Value::Array(tags) = value else {
                return Err(InvalidMetadata::rule("hashtags", "must be a list of texts"));
            };
            let tags = tags.into_iter().enumerate().map(|(index, tag)| text(format!("hashtags[{index}]"), tag));
            metadata = metadata.with_hashtags(tags.collect::<Result<Vec<_>, _>>()?)?;
        }
        if let Some(value) = fields.remove("captions") {
            let Value::Object(captions) = value else {
                return Err(InvalidMetadata::rule("captions", "must be an object of texts, one for each platform"));
            };
            for (platform, caption) in captions {
                let caption = text(format!("captions.{platform}"), caption)?;
                metadata.captions.insert(platform, caption);
            }
        }
        metadata.other = fields;
        Ok(metadata)
    }

    /// Writes `files.metadata_json`.
    ///
    /// # Errors
    /// Never for values of this type. The signature is serde's.
    pub fn to_json(&self) -> Result<RawJson, InvalidJson> {
        RawJson::from_value(self)
    }
}

/// The normal form of a hashtag: without `#`, in lower case, letters, digits and `_` only.
///
/// Instagram, TikTok, Facebook and Pinterest take such a text as one tag. `None` if no character is left.
#[must_use]
pub fn normalise_hashtag(tag: &str) -> Option<String> {
    let tag: String = tag.chars().filter(|c| c.is_alphanumeric() || *c == '_').flat_map(char::to_lowercase).collect();
    tag.chars().any(char::is_alphanumeric).then_some(tag)
}

fn text(field: impl Into<String>, value: Value) -> Result<String, InvalidMetadata> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(InvalidMetadata::rule(field, "must be a text")),
    }
}

/// The error of metadata that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidMetadata {
    /// The JSON is not an object.
    #[error("metadata must be a JSON object")]
    NotAnObject(#[source] InvalidJson),
    /// One field breaks a rule.
    #[error("metadata field {field} {rule}")]
    Field {
        /// The field, as a path: `captions.instagram`, `hashtags[2]`.
        field: String,
        /// The rule that the field breaks.
        rule: &'static str,
    },
}

impl InvalidMetadata {
    fn rule(field: impl Into<String>, rule: &'static str) -> Self {
        Self::Field { field: field.into(), rule }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<FileMetadata, InvalidMetadata> {
        FileMetadata::from_json(&RawJson::parse(text).unwrap())
    }

    #[test]
    fn the_specification_example_survives_a_round_trip_with_what_it_does_not_know() {
        let metadata = read(
            r##"{"title": "Whitetail Buck", "description": "A buck", "hashtags": ["#WildlifeArt", "wildlifeart", "white tail-deer"],
                "captions": {"instagram": "look"}, "prompt_id": 9007199254740993, "seed": null}"##,
        )
        .unwrap();
        assert_eq!(metadata.hashtags, ["wildlifeart", "whitetaildeer"]);
        assert_eq!(metadata.other["prompt_id"], 9_007_199_254_740_993_u64);
        assert_eq!(metadata.other["seed"], Value::Null, "an unknown key may have a meaning for other programs");
        assert_eq!(FileMetadata::from_json(&metadata.to_json().unwrap()).unwrap(), metadata);
    }

    #[test]
    fn errors_name_the_field() {
        for (json, message) in [
            (r#"{}"#, "metadata field title is missing"),
            (r#"{"title": "  "}"#, "metadata field title must not be blank"),
            (r#"{"title": null}"#, "metadata field title is missing"),
            (r#"{"title": 7}"#, "metadata field title must be a text"),
            (r#"{"title": "x", "hashtags": "y"}"#, "metadata field hashtags must be a list of texts"),
            (r#"{"title": "x", "hashtags": ["a", 1]}"#, "metadata field hashtags[1] must be a text"),
            (
                r##"{"title": "x", "hashtags": ["#"]}"##,
                "metadata field hashtags[0] must contain at least one letter or digit",
            ),
            (r#"{"title": "x", "captions": {"tiktok": []}}"#, "metadata field captions.tiktok must be a text"),
            (r#"[1]"#, "metadata must be a JSON object"),
        ] {
            assert_eq!(read(json).unwrap_err().to_string(), message);
        }
    }
}
