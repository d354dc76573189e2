//! Edits of the details of a file.

use serde::{Deserialize, Serialize};

use super::edit_json::{StoredDetails, StoredEdit};
use super::{Dimensions, File};
use crate::json::RawJson;

/// The change that an edit makes to one value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Patch<T> {
    /// The value stays as it is.
    #[default]
    Keep,
    /// The value is replaced.
    Set(T),
    /// The value becomes unknown.
    Clear,
}

impl<T> Patch<T> {
    /// The new value, for [`Patch::Set`].
    #[must_use]
    pub const fn value(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }

    /// Converts the value of a patch.
    #[must_use]
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Patch<U> {
        match self {
            Self::Keep => Patch::Keep,
            Self::Set(value) => Patch::Set(f(value)),
            Self::Clear => Patch::Clear,
        }
    }

    /// Returns whether the value stays as it is.
    #[must_use]
    pub const fn keeps(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// Returns whether the value becomes unknown.
    #[must_use]
    pub const fn clears(&self) -> bool {
        matches!(self, Self::Clear)
    }

    /// Applies the patch to a value.
    pub fn apply(&self, to: &mut Option<T>)
    where
        T: Clone,
    {
        match self {
            Self::Keep => {}
            Self::Set(value) => *to = Some(value.clone()),
            Self::Clear => *to = None,
        }
    }
}

/// The part of a file that an edit can change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredDetails", into = "StoredDetails")]
#[non_exhaustive]
pub struct FileDetails {
    /// The name of the processed picture.
    pub processed_filename: Option<String>,
    /// The category, for example `whitetail-deer`; `None` if it is unknown.
    pub species: Option<String>,
    /// Title, description and further texts, as JSON; see [`FileMetadata`](super::FileMetadata).
    pub metadata: Option<RawJson>,
    /// The size of the picture as it is displayed, in pixels.
    pub size: Option<Dimensions>,
}

impl From<&File> for FileDetails {
    fn from(file: &File) -> Self {
        Self {
            processed_filename: file.processed_filename.clone(),
            species: file.species.clone(),
            metadata: file.metadata.clone(),
            size: file.size,
        }
    }
}

impl FileDetails {
    /// The names of the columns whose values differ from another version.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        let differs = [
            ("processed_filename", self.processed_filename != other.processed_filename),
            ("species", self.species != other.species),
            ("metadata_json", self.metadata != other.metadata),
            ("size", self.size != other.size),
        ];
        differs.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
    }
}

/// New values for the details of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredEdit", into = "StoredEdit")]
#[non_exhaustive]
pub struct FileEdit {
    /// The name of the processed picture.
    pub processed_filename: Patch<String>,
    /// The category, for example `whitetail-deer`.
    pub species: Patch<String>,
    /// Title, description and further texts, as JSON.
    pub metadata: Patch<RawJson>,
    /// The size of the picture as it is displayed. The store derives `aspect_ratio` from it.
    pub size: Patch<Dimensions>,
    /// The version that the editor saw. If the file differs from it, the edit is refused. `None` edits any version.
    pub seen: Option<FileDetails>,
}

impl FileEdit {
    /// An edit that changes nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the name of the processed picture.
    #[must_use]
    pub fn processed_filename(mut self, name: impl Into<String>) -> Self {
        self.processed_filename = Patch::Set(name.into());
        self
    }

    /// Sets the category.
    #[must_use]
    pub fn species(mut self, species: impl Into<String>) -> Self {
        self.species = Patch::Set(species.into());
        self
    }

    /// Sets title, description and further texts.
    #[must_use]
    pub fn metadata(mut self, metadata: RawJson) -> Self {
        self.metadata = Patch::Set(metadata);
        self
    }

    /// Sets the size of the picture as it is displayed.
    #[must_use]
    pub const fn size(mut self, size: Dimensions) -> Self {
        self.size = Patch::Set(size);
        self
    }

    /// Refuses the edit if the file no longer is as the editor saw it.
    #[must_use]
    pub fn seen(mut self, file: &File) -> Self {
        self.seen = Some(file.into());
        self
    }

    /// Returns whether the present details of the file differ from the version that the editor saw.
    #[must_use]
    pub fn is_outdated(&self, now: &FileDetails) -> bool {
        self.seen.as_ref().is_some_and(|seen| seen != now)
    }
}

/// The answer to a [`FileEdit`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileEditOutcome {
    /// The values were written.
    Done,
    /// Another program has changed the file since the editor saw it. The value is its present details. Nothing was
    /// written.
    Conflict(Box<FileDetails>),
    /// The file does not exist.
    NotFound,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_keeps_sets_or_clears() {
        for (patch, result) in [(Patch::Keep, Some(1)), (Patch::Set(2), Some(2)), (Patch::Clear, None)] {
            let mut value = Some(1);
            patch.apply(&mut value);
            assert_eq!((value, patch.clears()), (result, result.is_none()));
        }
    }

    #[test]
    fn an_edit_is_outdated_by_any_other_value_and_the_difference_has_a_name() {
        let seen = FileDetails { species: Some("fox".to_owned()), ..FileDetails::default() };
        let now = FileDetails { species: None, ..seen.clone() };
        let edit = FileEdit { seen: Some(seen.clone()), ..FileEdit::new() };
        assert!(!edit.is_outdated(&seen) && edit.is_outdated(&now) && !FileEdit::new().is_outdated(&now));
        assert_eq!((seen.differences(&now), seen.differences(&seen)), (vec!["species"], vec![]));
    }
}
