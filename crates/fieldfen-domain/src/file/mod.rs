//! Files: one picture each, from its arrival to its publication.

mod aspect_ratio;
mod change;
mod content_hash;
mod deletion;
mod edit;
mod edit_json;
mod filter;
mod metadata;
mod new_file;
mod status;

pub use aspect_ratio::{AspectRatio, Dimensions, InvalidAspectRatio, InvalidDimensions, MAX_SIDE};
pub use change::{FileChange, FileChangeOutcome, FileHistoryEntry};
pub use content_hash::{ContentHash, InvalidContentHash};
pub use deletion::{Deletion, FileDeleteOutcome};
pub use edit::{FileDetails, FileEdit, FileEditOutcome, Patch};
pub use filter::{Arrival, FileFilter};
pub use metadata::{FileMetadata, InvalidMetadata, normalise_hashtag};
pub use new_file::{IngestOutcome, NewFile};
pub use status::{ContradictoryFileState, Failure, FileEvent, FileState, FileStatus, IllegalFileTransition};

use crate::ids::FileId;
use crate::json::RawJson;
use crate::time::Timestamp;

/// A row of `files`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct File {
    /// Primary key of the row.
    pub id: FileId,
    /// The name under which it arrived.
    pub original_filename: String,
    /// The name of the processed picture; `None` before the processing.
    pub processed_filename: Option<String>,
    /// The category, for example `whitetail-deer`; `None` if it is unknown.
    pub species: Option<String>,
    /// The status, with the data of that status.
    pub state: FileState,
    /// Its id at Google Drive. Programs that know only the specification may give one Drive id to several files. An
    /// arrival with that Drive id then finds the oldest of them.
    pub drive_file_id: Option<String>,
    /// SHA-256 of its bytes; `None` if the program that ingested it gave none.
    pub content_hash: Option<ContentHash>,
    /// Title, description and further texts as JSON; see [`FileMetadata::from_json`].
    pub metadata: Option<RawJson>,
    /// Width and height in pixels, after the EXIF orientation is applied; `None` if they are unknown.
    pub size: Option<Dimensions>,
    /// The time of its arrival; `None` if a program that knows only the specification has left it out.
    pub created_at: Option<Timestamp>,
    /// The time of the last change of the row.
    pub updated_at: Option<Timestamp>,
}

impl File {
    /// A row with only a name and a state. A store sets the other columns.
    #[must_use]
    pub fn new(id: FileId, original_filename: impl Into<String>, state: FileState) -> Self {
        Self {
            id,
            original_filename: original_filename.into(),
            processed_filename: None,
            species: None,
            state,
            drive_file_id: None,
            content_hash: None,
            metadata: None,
            size: None,
            created_at: None,
            updated_at: None,
        }
    }
}
