//! Files: one picture each, from its arrival to its publication.

mod aspect_ratio;
mod content_hash;
mod edit;
mod metadata;
mod status;
mod stored_edit;

pub use aspect_ratio::{AspectRatio, Dimensions, InvalidAspectRatio, InvalidDimensions, MAX_SIDE};
pub use content_hash::{ContentHash, InvalidContentHash};
pub use edit::{FileDetails, FileEdit, FileEditOutcome, Patch};
pub use metadata::{FileMetadata, InvalidMetadata, normalise_hashtag};
pub use status::{ContradictoryFileState, Failure, FileEvent, FileState, FileStatus, IllegalFileTransition};

use crate::ids::FileId;
use crate::json::RawJson;
use crate::reason::cut_reason;
use crate::store::StoreError;
use crate::time::Timestamp;

/// A row of `files`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct File {
    /// The id.
    pub id: FileId,
    /// The name under which it arrived.
    pub original_filename: String,
    /// The name of the processed picture, once there is one.
    pub processed_filename: Option<String>,
    /// The category, for example `whitetail-deer`.
    pub species: Option<String>,
    /// Where it stands.
    pub state: FileState,
    /// Its id at Google Drive. Programs that know only the specification may give one Drive id to several files; an arrival
    /// with that Drive id leads to the oldest of them.
    pub drive_file_id: Option<String>,
    /// SHA-256 of its bytes, where the ingesting program gave one.
    pub content_hash: Option<ContentHash>,
    /// Title, description and so on as JSON; see [`FileMetadata::from_json`].
    pub metadata: Option<RawJson>,
    /// Size as looked at, in pixels.
    pub size: Option<Dimensions>,
    /// When it arrived; a program that knows only the specification may have left it out.
    pub created_at: Option<Timestamp>,
    /// When the row last changed.
    pub updated_at: Option<Timestamp>,
}

impl File {
    /// The row of a file of which only the name and the state are known. A store sets what else the row has.
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

    /// The change that an event makes to this file. The store applies it only while the file is still in the status
    /// that it has here.
    ///
    /// # Errors
    /// [`IllegalFileTransition`] when the event cannot happen in this state.
    pub fn after(
        &self,
        event: FileEvent,
        reason: impl Into<String>,
        at: Timestamp,
    ) -> Result<FileChange, IllegalFileTransition> {
        let reason = cut_reason(&reason.into()).into_owned();
        let to = self.state.after(event, &reason)?;
        Ok(FileChange { file_id: self.id, from: self.state.status(), to, reason, at })
    }
}

/// A file that arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewFile {
    /// Its new id.
    pub id: FileId,
    /// The name under which it arrives.
    pub original_filename: String,
    /// The category, where it is known already.
    pub species: Option<String>,
    /// Its id at Google Drive. The file to which it has led before is met instead of a second one being made.
    pub drive_file_id: Option<String>,
    /// SHA-256 of its bytes. The file that has it already is met instead of a second one being made.
    pub content_hash: Option<ContentHash>,
    /// Size as looked at, where it is known already.
    pub size: Option<Dimensions>,
    /// When it arrives.
    pub at: Timestamp,
}

impl NewFile {
    /// A file of which only the name is known.
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

    /// The same file under another id.
    #[must_use]
    pub const fn id(mut self, id: FileId) -> Self {
        self.id = id;
        self
    }

    /// The same file under another name.
    #[must_use]
    pub fn original_filename(mut self, original_filename: impl Into<String>) -> Self {
        self.original_filename = original_filename.into();
        self
    }

    /// The same file of this species.
    #[must_use]
    pub fn species(mut self, species: impl Into<Option<String>>) -> Self {
        self.species = species.into();
        self
    }

    /// The same file with this id at Google Drive.
    #[must_use]
    pub fn drive_file_id(mut self, drive_file_id: impl Into<Option<String>>) -> Self {
        self.drive_file_id = drive_file_id.into();
        self
    }

    /// The same file with bytes of this hash.
    #[must_use]
    pub fn content_hash(mut self, content_hash: impl Into<Option<ContentHash>>) -> Self {
        self.content_hash = content_hash.into();
        self
    }

    /// The same file in this size.
    #[must_use]
    pub fn size(mut self, size: impl Into<Option<Dimensions>>) -> Self {
        self.size = size.into();
        self
    }

    /// The same file at another time.
    #[must_use]
    pub const fn at(mut self, at: Timestamp) -> Self {
        self.at = at;
        self
    }

    /// Refuses a blank Drive id, which would make one file of all that have none.
    ///
    /// # Errors
    /// [`StoreError::Invalid`], as a store's `insert` returns it.
    pub fn check(&self) -> Result<(), StoreError> {
        match &self.drive_file_id {
            Some(id) if id.trim().is_empty() => Err(StoreError::Invalid {
                what: "drive_file_id of a new file",
                value: id.clone(),
                rule: "it must not be blank; leave it out where there is none",
            }),
            _ => Ok(()),
        }
    }
}

/// What became of a [`NewFile`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IngestOutcome {
    /// A row was made.
    Created,
    /// The file was there already, by its Drive id or its bytes. Here it is as it is now: with the Drive id and the hash
    /// of its bytes that it lacked before.
    Duplicate(Box<File>),
    /// The file was there already by its Drive id, and has other bytes: somebody has replaced them at Google Drive. Nothing
    /// was changed, and the file stands for the bytes that it had. Ingested without the Drive id, the new ones are a file
    /// of their own.
    ContentDiffers {
        /// The file as it is.
        file: Box<File>,
        /// The hash of the bytes that it stands for.
        known: ContentHash,
        /// The hash of the bytes that have arrived.
        arrived: ContentHash,
    },
}

impl IngestOutcome {
    /// The answer to an arrival that is recognised as this file. The file is given as the arrival leaves it.
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

/// A legal change of a file's state, made by [`File::after`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    file_id: FileId,
    from: FileStatus,
    to: FileState,
    reason: String,
    at: Timestamp,
}

impl FileChange {
    /// Which file.
    #[must_use]
    pub const fn file_id(&self) -> &FileId {
        &self.file_id
    }

    /// The status it must still have.
    #[must_use]
    pub const fn from(&self) -> FileStatus {
        self.from
    }

    /// The state it gets.
    #[must_use]
    pub const fn to(&self) -> &FileState {
        &self.to
    }

    /// Why, for the history.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// When.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }
}

/// What became of a [`FileChange`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileChangeOutcome {
    /// The file has its new state, and the history a new line.
    Done,
    /// The state was the new one already; nothing was written.
    Unchanged,
    /// Somebody else moved it in the meantime; nothing was written.
    Conflict {
        /// The status it has now.
        now: FileStatus,
    },
    /// There is no such file.
    NotFound,
}

/// One line of a file's history.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileHistoryEntry {
    /// The status before; `None` for the arrival.
    pub from: Option<FileStatus>,
    /// The status after.
    pub to: FileStatus,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

impl FileHistoryEntry {
    /// The move of a file from one status to another, for this reason and at this time.
    #[must_use]
    pub fn new(from: Option<FileStatus>, to: FileStatus, reason: impl Into<String>, at: Timestamp) -> Self {
        Self { from, to, reason: reason.into(), at }
    }
}

/// Which files are wanted; everything given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileFilter {
    /// Only files of this status.
    pub status: Option<FileStatus>,
    /// Only files of this species.
    pub species: Option<String>,
    /// Only files that arrived in this window of time. A window also decides the order of the files, see
    /// [`FileReads::page`](crate::store::FileReads::page).
    pub arrival: Option<Arrival>,
}

/// Files by the time of their arrival, [`File::created_at`].
///
/// Each file is either in the window without limits or among the other forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arrival {
    /// Files that arrived at `since` or later, and before `before`; `None` is no limit.
    Window {
        /// The first time in the window.
        since: Option<Timestamp>,
        /// The first time behind the window.
        before: Option<Timestamp>,
    },
    /// Files that no window holds, since another program has left their time of arrival out, or has written it in a form
    /// in which it cannot be compared. The store says which forms it compares.
    OtherForms,
}

impl Arrival {
    /// Every time that can be compared.
    pub const ANY_TIME: Self = Self::Window { since: None, before: None };

    /// At this time or later.
    #[must_use]
    pub const fn since(time: Timestamp) -> Self {
        Self::Window { since: Some(time), before: None }
    }

    /// Before this time.
    #[must_use]
    pub const fn before(time: Timestamp) -> Self {
        Self::Window { since: None, before: Some(time) }
    }

    /// At `since` or later, and before `before`. No file is in a window that ends before it begins.
    #[must_use]
    pub const fn between(since: Timestamp, before: Timestamp) -> Self {
        Self::Window { since: Some(since), before: Some(before) }
    }
}

impl FileFilter {
    /// All files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only files of this status; `None` for any.
    #[must_use]
    pub fn status(mut self, status: impl Into<Option<FileStatus>>) -> Self {
        self.status = status.into();
        self
    }

    /// Only files of this species; `None` for any.
    #[must_use]
    pub fn species(mut self, species: impl Into<Option<String>>) -> Self {
        self.species = species.into();
        self
    }

    /// Only files that arrived in this window of time, in the order of their arrival; `None` for any.
    #[must_use]
    pub fn arrival(mut self, arrival: impl Into<Option<Arrival>>) -> Self {
        self.arrival = arrival.into();
        self
    }
}

/// Whether a file may be deleted together with listings that are still for sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// Refuse while a listing is live.
    KeepLiveListings,
    /// Delete the rows of its listings too; the products at the platforms stay as they are.
    Forced,
}

/// What became of a deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileDeleteOutcome {
    /// The file and all that hung on it are gone.
    Done,
    /// Nothing was deleted: these listings or reservations are live, as `platform: id` each.
    Refused(Vec<String>),
    /// There was no such file.
    NotFound,
}
