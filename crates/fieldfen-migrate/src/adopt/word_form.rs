//! The forms in which programs write the words of a column: statuses, platforms, types of posts and kinds of jobs.
//!
//! SQLAlchemy's `Enum` stores the names of the members of a Python enum, for example `SOLD_OUT`, unless it gets
//! `values_callable`. `str()` of a member is its class and name: `ListingStatus.SOLD_OUT`.

use std::str::FromStr;

use fieldfen_domain::file::FileStatus;
use fieldfen_domain::job::{JobKind, JobStatus};
use fieldfen_domain::publication::{ListingStatus, Platform, PostType, SocialPlatform};

use super::form::{Form, NULL, no_text};
use super::value::Value;

/// The words that a column allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vocabulary {
    FileStatus,
    JobStatus,
    ListingStatus,
    PostType,
    Platform,
    SocialPlatform,
    JobKind,
}

impl Vocabulary {
    /// The specification's words.
    fn specified(self) -> Vec<&'static str> {
        match self {
            Self::FileStatus => FileStatus::ALL.iter().map(|word| word.as_str()).collect(),
            Self::JobStatus => JobStatus::ALL.iter().map(|word| word.as_str()).collect(),
            Self::ListingStatus => ListingStatus::ALL.iter().map(|word| word.as_str()).collect(),
            Self::PostType => PostType::ALL.iter().map(|word| word.as_str()).collect(),
            Self::Platform => Platform::SPECIFIED.iter().map(Platform::as_str).collect(),
            Self::SocialPlatform => SocialPlatform::SPECIFIED.iter().map(SocialPlatform::as_str).collect(),
            Self::JobKind => JobKind::SPECIFIED.iter().map(JobKind::as_str).collect(),
        }
    }

    /// Whether fieldfen reads this word.
    fn has(self, word: &str) -> bool {
        match self {
            Self::FileStatus => FileStatus::from_str(word).is_ok(),
            Self::JobStatus => JobStatus::from_str(word).is_ok(),
            Self::ListingStatus => ListingStatus::from_str(word).is_ok(),
            Self::PostType => PostType::from_str(word).is_ok(),
            Self::Platform => Platform::from_str(word).is_ok(),
            Self::SocialPlatform => SocialPlatform::from_str(word).is_ok(),
            Self::JobKind => JobKind::from_str(word).is_ok(),
        }
    }

    /// The form of a word, and the word that fieldfen writes for it; `None` if the word is unknown.
    pub(super) fn read(self, value: &Value) -> (Form, Option<String>) {
        let word = match value {
            Value::Null => return (NULL, None),
            Value::Text(word) => word,
            other => return (no_text(other), None),
        };
        let specified = self.specified();
        if specified.contains(&word.as_str()) {
            return (Form::kept("value"), Some(word.clone()));
        }
        let (class, name) = word.rsplit_once('.').unwrap_or(("", word));
        let is_name = !name.bytes().any(|byte| byte.is_ascii_lowercase());
        let known = specified.into_iter().find(|known| folded(known) == folded(name)).map(str::to_owned);
        let is_own = self.has(word);
        match known {
            Some(known) if is_name && !class.is_empty() => {
                (Form::convertible("class and name of a Python enum"), Some(known))
            }
            Some(known) if is_name => (Form::convertible("name of a Python enum"), Some(known)),
            Some(known) if !is_own => (Form::convertible("other case"), Some(known)),
            _ if is_own => (Form::kept("word of another program"), Some(word.clone())),
            _ if self.has(&word.to_ascii_lowercase()) => {
                (Form::convertible("word of another program in other case"), Some(word.to_ascii_lowercase()))
            }
            _ => (Form::refused("unknown word"), None),
        }
    }
}

/// The letters and digits of a word in lower case.
fn folded(word: &str) -> String {
    word.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adopt::form::Treatment;

    #[test]
    fn values_names_and_own_words_are_told_apart() {
        for (vocabulary, text, treatment, word) in [
            (Vocabulary::FileStatus, "ingested", Treatment::Kept, Some("ingested")),
            (Vocabulary::FileStatus, "INGESTED", Treatment::Convertible, Some("ingested")),
            (Vocabulary::FileStatus, "FileStatus.INGESTED", Treatment::Convertible, Some("ingested")),
            (Vocabulary::FileStatus, "Ingested", Treatment::Convertible, Some("ingested")),
            (Vocabulary::FileStatus, "archived", Treatment::Refused, None),
            (Vocabulary::FileStatus, "", Treatment::Refused, None),
            (Vocabulary::ListingStatus, "SOLD_OUT", Treatment::Convertible, Some("sold_out")),
            (Vocabulary::Platform, "ETSY", Treatment::Convertible, Some("etsy")),
            (Vocabulary::Platform, "folksy", Treatment::Kept, Some("folksy")),
            (Vocabulary::Platform, "FOLKSY", Treatment::Convertible, Some("folksy")),
            (Vocabulary::Platform, "not a platform", Treatment::Refused, None),
            (Vocabulary::JobKind, "UPSCALE_IMAGE", Treatment::Convertible, Some("UpscaleImage")),
            (Vocabulary::JobKind, "CommandType.UPSCALE_IMAGE", Treatment::Convertible, Some("UpscaleImage")),
            (Vocabulary::JobKind, "upscale_image", Treatment::Kept, Some("upscale_image")),
            (Vocabulary::JobKind, "birds.count", Treatment::Kept, Some("birds.count")),
            (Vocabulary::JobKind, "upscale image", Treatment::Convertible, Some("UpscaleImage")),
            (Vocabulary::JobKind, "two words", Treatment::Refused, None),
        ] {
            let (form, found) = vocabulary.read(&Value::Text(text.to_owned()));
            assert_eq!((form.treatment, found.as_deref()), (treatment, word), "{text}");
        }
        assert_eq!(Vocabulary::PostType.read(&Value::Null), (NULL, None));
        assert_eq!(Vocabulary::PostType.read(&Value::Blob(vec![])).0.treatment, Treatment::Refused);
    }
}
