//! Files and their history.

use super::StoreError;
use crate::capped_count::CappedCount;
use crate::file::{
    ContentHash, Deletion, File, FileChange, FileChangeOutcome, FileDeleteOutcome, FileEdit, FileEditOutcome,
    FileFilter, FileHistoryEntry, FileStatus, IngestOutcome, NewFile,
};
use crate::ids::FileId;
use crate::page::{Page, PageRequest};
use crate::time::Timestamp;

/// Reads rows of `files` and `file_history`.
pub trait FileReads {
    /// The file with this id, whether its row holds the id with or without hyphens; `None` if there is none.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] if the row cannot be read as a file.
    fn find(&mut self, id: &FileId) -> Result<Option<File>, StoreError>;

    /// The file that arrived with this Google Drive id, or whose row has it. If the same bytes have arrived under
    /// several Drive ids, [`File::drive_file_id`] may differ from `drive_file_id`. A blank Drive id finds no file.
    ///
    /// # Errors
    /// As [`FileReads::find`].
    fn find_by_drive_id(&mut self, drive_file_id: &str) -> Result<Option<File>, StoreError>;

    /// The file whose bytes have this hash.
    ///
    /// # Errors
    /// As [`FileReads::find`].
    fn find_by_content(&mut self, hash: &ContentHash) -> Result<Option<File>, StoreError>;

    /// A page of files. Unreadable rows are listed in [`Page::unreadable`].
    ///
    /// Files are sorted by insertion. With a [window](crate::file::Arrival::Window) they are sorted by time of
    /// arrival, then by insertion. A cursor of one order is an error in the other.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    fn page(&mut self, filter: &FileFilter, page: &PageRequest) -> Result<Page<File>, StoreError>;

    /// The number of files in each status. Statuses without files are left out. Rows with an unknown status are left
    /// out too, and the log names them.
    fn count(&mut self) -> Result<Vec<(FileStatus, u64)>, StoreError>;

    /// The number of files in a status, counted up to `most`.
    fn count_up_to(&mut self, status: FileStatus, most: u32) -> Result<CappedCount, StoreError>;

    /// A page of the file's history. Unreadable lines are listed in [`Page::unreadable`].
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    fn history(&mut self, id: &FileId, page: &PageRequest) -> Result<Page<FileHistoryEntry>, StoreError>;
}

/// Writes rows of `files`. Each change of a status also writes a line of the file's history.
pub trait Files: FileReads {
    /// Inserts a file with the first line of its history, unless a file with the same Drive id or the same bytes
    /// exists.
    ///
    /// If the known file has the same Drive id and other bytes, the answer is [`IngestOutcome::ContentDiffers`], and
    /// the file is not changed.
    ///
    /// A known file gets the Drive id, or the hash of its bytes, that it lacks. The store also remembers every Drive
    /// id of an arrival until the file is deleted, so that the next arrival with that Drive id alone finds the file.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] if the id is taken, or if Drive id and bytes belong to two different files;
    /// [`StoreError::Invalid`] if the Drive id is blank.
    fn insert(&mut self, file: &NewFile) -> Result<IngestOutcome, StoreError>;

    /// Applies a change and writes a line of the history, if the file still has the status before the change.
    ///
    /// # Errors
    /// None of its own. A lost race is no error: the answer is [`FileChangeOutcome::Conflict`].
    fn change(&mut self, change: &FileChange) -> Result<FileChangeOutcome, StoreError>;

    /// Writes new values to a file. If the edit has a version ([`FileEdit::seen`]) and the file differs from it,
    /// nothing is written.
    ///
    /// As [`FileEdit::check`]; [`StoreError::BadRow`] if the edit has a version and the row cannot be read. A lost race
    /// is no error.
    fn edit(&mut self, id: &FileId, edit: &FileEdit, at: Timestamp) -> Result<FileEditOutcome, StoreError>;

    /// Deletes a file with its jobs, history, publications, listings and posts. A listing or publication with an
    /// unreadable status counts as live.
    ///
    /// # Errors
    /// None of its own. A refusal is no error: the answer is [`FileDeleteOutcome::Refused`].
    fn delete(&mut self, id: &FileId, deletion: Deletion) -> Result<FileDeleteOutcome, StoreError>;
}
