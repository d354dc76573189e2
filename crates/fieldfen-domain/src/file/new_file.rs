//! A file that arrives, and the answer to its arrival.

use super::{ContentHash, Dimensions, File};
use crate::OptionalText;
use crate::ids::FileId;
use crate::time::Timestamp;

/// A file that arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewFile {
    /// The id of the new row. It is not used if the file is known already.
    pub id: FileId,
    /// The name under which it arrives.
    pub original_filename: String,
    /// The category; `None` if it is not known yet.
    pub species: Option<String>,
    /// Its id at Google Drive. If a file has arrived with this Drive id before, no second row is made.
    pub drive_file_id: Option<String>,
    /// SHA-256 of its bytes. If a file has the same bytes, no second row is made.
    pub content_hash: Option<ContentHash>,
    /// Width and height in pixels, after the EXIF orientation is applied; `None` if they are not known yet.
    pub size: Option<Dimensions>,
    /// The time of its arrival, by the caller's clock.
    pub at: Timestamp,
}

impl NewFile {
    /// A file with only a name.
    #[must_use]
    pub fn new(id: FileId, original_filename: impl Into<String>, at: Timestamp) -> Self {
        Self {
            id,
            original_filename: original_filename.into(),
            species: None,
            drive_file_id: None,
            content_hash: None,
            size: None,
            at,
        }
    }

    /// Sets the id.
    #[must_use]
    pub const fn id(mut self, id: FileId) -> Self {
        self.id = id;
        self
    }

    /// Sets the name.
    #[must_use]
    pub fn original_filename(mut self, original_filename: impl Into<String>) -> Self {
        self.original_filename = original_filename.into();
        self
    }

    /// Sets the category.
    #[must_use]
    pub fn species(mut self, species: impl Into<OptionalText>) -> Self {
        self.species = species.into().0;
        self
    }

    /// Sets the id at Google Drive.
    #[must_use]
    pub fn drive_file_id(mut self, drive_file_id: impl Into<OptionalText>) -> Self {
        self.drive_file_id = drive_file_id.into().0;
        self
    }

    /// Sets the hash of its bytes.
    #[must_use]
    pub fn content_hash(mut self, content_hash: impl Into<Option<ContentHash>>) -> Self {
        self.content_hash = content_hash.into();
        self
    }

    /// Sets the size.
    #[must_use]
    pub fn size(mut self, size: impl Into<Option<Dimensions>>) -> Self {
        self.size = size.into();
        self
    }

    /// Sets the time of its arrival.
    #[must_use]
    pub const fn at(mut self, at: Timestamp) -> Self {
        self.at = at;
        self
    }
}

/// The answer to the arrival of a [`NewFile`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IngestOutcome {
    /// The file was not known. A row was made, with the first line of its history.
    Created,
    /// A file with the same Drive id or bytes existed already. The value is that file, after the arrival has added the
    /// Drive id or hash that it lacked.
    Duplicate(Box<File>),
    /// A file with the same Drive id existed already, and its bytes differ, because somebody has replaced them at
    /// Google Drive. Nothing was changed. To make a file of the new bytes, ingest them without the Drive id.
    ContentDiffers {
        /// The known file.
        file: Box<File>,
        /// The hash of the known file's bytes.
        known: ContentHash,
        /// The hash of the bytes that have arrived.
        arrived: ContentHash,
    },
}

impl IngestOutcome {
    /// The answer to an arrival that is recognised as `file`, with the values of the arrival already added to `file`.
    #[must_use]
    pub fn of_known_file(file: File, new: &NewFile) -> Self {
        match (file.content_hash, new.content_hash) {
            (Some(known), Some(arrived)) if known != arrived => {
                Self::ContentDiffers { file: Box::new(file), known, arrived }
            }
            _ => Self::Duplicate(Box::new(file)),
        }
    }
}
