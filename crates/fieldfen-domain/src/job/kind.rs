//! The kinds of jobs: the specification's eight commands, and the kinds of importing programs.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The longest name of a kind, in characters.
const MAX_NAME: usize = 64;

/// The value of `jobs.command_type`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum JobKind {
    /// Confirm the row of an ingested file.
    CreateFileRecord,
    /// Upscale the picture.
    UpscaleImage,
    /// Make the processed picture again.
    UpdateImage,
    /// Write title, description, hashtags and captions.
    GenerateMetadata,
    /// Publish a listing at a shop.
    CreateListing,
    /// Update a listing.
    UpdateListing,
    /// Post to a social platform.
    PublishSocial,
    /// Delete a file and all rows that refer to it.
    DeleteFile,
    /// A kind of an importing program.
    Custom(CustomKind),
}

impl JobKind {
    /// The specification's eight kinds.
    pub const SPECIFIED: [Self; 8] = [
        Self::CreateFileRecord,
        Self::UpscaleImage,
        Self::UpdateImage,
        Self::GenerateMetadata,
        Self::CreateListing,
        Self::UpdateListing,
        Self::PublishSocial,
        Self::DeleteFile,
    ];

    /// Makes a kind of an importing program.
    ///
    /// # Errors
    /// [`InvalidKind`] if the name is one of the specification's eight, or is not 1 to 64 ASCII letters, digits, `_`,
    /// `-`, `.` or `:`.
    pub fn custom(name: impl Into<String>) -> Result<Self, InvalidKind> {
        let name = name.into();
        match name.parse()? {
            Self::Custom(kind) => Ok(Self::Custom(kind)),
            _ => Err(InvalidKind { name, rule: "is one of the specification's own" }),
        }
    }

    /// The kind with a name that [is valid](is_name).
    pub(super) fn named(name: &'static str) -> Self {
        Self::specified(name).unwrap_or(Self::Custom(CustomKind(Cow::Borrowed(name))))
    }

    fn specified(name: &str) -> Option<Self> {
        Self::SPECIFIED.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The name, as `jobs.command_type` has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::CreateFileRecord => "CreateFileRecord",
            Self::UpscaleImage => "UpscaleImage",
            Self::UpdateImage => "UpdateImage",
            Self::GenerateMetadata => "GenerateMetadata",
            Self::CreateListing => "CreateListing",
            Self::UpdateListing => "UpdateListing",
            Self::PublishSocial => "PublishSocial",
            Self::DeleteFile => "DeleteFile",
            Self::Custom(kind) => kind.as_str(),
        }
    }

    /// Returns whether the failure of a job of this kind also fails its file.
    ///
    /// True for the kinds that process a picture. The failure of a platform alone fails no file.
    #[must_use]
    pub const fn fails_its_file(&self) -> bool {
        matches!(self, Self::CreateFileRecord | Self::UpscaleImage | Self::UpdateImage | Self::GenerateMetadata)
    }
}

/// The name of an importing program's kind, which was checked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CustomKind(Cow<'static, str>);

impl CustomKind {
    /// The name, as `jobs.command_type` has it: 1 to 64 ASCII characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for JobKind {
    type Err = InvalidKind;

    fn from_str(name: &str) -> Result<Self, InvalidKind> {
        if let Some(kind) = Self::specified(name) {
            Ok(kind)
        } else if is_name(name) {
            Ok(Self::Custom(CustomKind(name.to_owned().into())))
        } else {
            let rule = "must be 1 to 64 ASCII letters, digits, '_', '-', '.' or ':'";
            Err(InvalidKind { name: name.to_owned(), rule })
        }
    }
}

/// Returns whether a kind can have this name.
pub(super) const fn is_name(name: &str) -> bool {
    let mut rest = name.as_bytes();
    while let [byte, after @ ..] = rest {
        if !matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b':') {
            return false;
        }
        rest = after;
    }
    !name.is_empty() && name.len() <= MAX_NAME
}

impl Serialize for JobKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for JobKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <std::borrow::Cow<'de, str>>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The error of a name that no kind of job can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("job kind {name:?} {rule}")]
pub struct InvalidKind {
    /// The given name.
    pub name: String,
    /// The rule that the name breaks.
    pub rule: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_specified_name_reads_back() {
        for kind in JobKind::SPECIFIED {
            assert_eq!(kind.as_str().parse(), Ok(kind.clone()));
            assert!(JobKind::custom(kind.as_str()).is_err());
        }
    }

    #[test]
    fn other_names_are_checked() {
        assert_eq!(JobKind::custom("acme.resize-2:x").unwrap().as_str(), "acme.resize-2:x");
        for name in ["", "two words", "ünï", "a\nb", &"x".repeat(65)] {
            assert_eq!(JobKind::custom(name).unwrap_err().name, name);
        }
    }
}
