//! Files and their history.

use super::StoreError;
use crate::file::{
    ContentHash, Deletion, File, FileChange, FileChangeOutcome, FileDeleteOutcome, FileEdit, FileEditOutcome,
    FileFilter, FileHistoryEntry, FileStatus, IngestOutcome, NewFile,
};
use crate::ids::FileId;
use crate::page::{Page, PageRequest};
use crate::time::Timestamp;

/// Reads rows of `files` and `file_history`.
pub trait FileReads {
    /// The file with this id, however its row spells it.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] when the row holds what no file can hold; other [`StoreError`]s as the store has them.
    fn find(&mut self, id: &FileId) -> Result<Option<File>, StoreError>;

    /// The file to which this Google Drive id leads: the one that arrived with it, or whose row has it. Its
    /// [`File::drive_file_id`] may be another one where its bytes have arrived under several Drive ids. A blank Drive id
    /// leads nowhere.
    ///
    /// # Errors
    /// As [`FileReads::find`].
    fn find_by_drive_id(&mut self, drive_file_id: &str) -> Result<Option<File>, StoreError>;

    /// The file with these bytes.
    ///
    /// # Errors
    /// As [`FileReads::find`].
    fn find_by_content(&mut self, hash: &ContentHash) -> Result<Option<File>, StoreError>;

    /// A page of files. Rows that no file can be read from are named in it.
    ///
    /// Files are sorted in the order of their insertion. With a [window](crate::file::Arrival::Window) they are sorted by
    /// their time of arrival, and those of one time in the order of insertion. A cursor of one order does not lead
    /// anywhere in the other.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list; other [`StoreError`]s as the store has them.
    fn page(&mut self, filter: &FileFilter, page: &PageRequest) -> Result<Page<File>, StoreError>;

    /// How many files have each status; statuses without files are left out, and so are rows whose status is none, which
    /// the log names.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn count(&mut self) -> Result<Vec<(FileStatus, u64)>, StoreError>;

    /// A page of the file's history. Lines that cannot be read are named in it.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list; other [`StoreError`]s as the store has them.
    fn history(&mut self, id: &FileId, page: &PageRequest) -> Result<Page<FileHistoryEntry>, StoreError>;
}

/// Writes rows of `files`. Each change of a status also writes a line of the file's history.
pub trait Files: FileReads {
    /// Adds a file, or meets the one that has its Drive id or its bytes already. The arrival is in its history.
    ///
    /// A file that is met by its Drive id and has other bytes is [`IngestOutcome::ContentDiffers`], and is not changed.
    ///
    /// A file that is met gets the Drive id or the hash of its bytes if it has none, and every Drive id of an arrival
    /// leads to its file from then on, until the file is deleted. The next arrival with the Drive id alone meets the file
    /// too.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] when the id is taken, or when Drive id and bytes belong to two different files;
    /// [`StoreError::Invalid`] when the Drive id is blank.
    fn insert(&mut self, file: &NewFile) -> Result<IngestOutcome, StoreError>;

    /// Moves a file on, if it still has the status from which the change was made, and writes its history.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them; a lost race is not one.
    fn change(&mut self, change: &FileChange) -> Result<FileChangeOutcome, StoreError>;

    /// Sets what is known about a file, unless it is no longer [as the editor saw it](FileEdit::seen).
    ///
    /// # Errors
    /// As [`FileEdit::check`]; [`StoreError::BadRow`] when the edit demands a version and the row cannot be read; other
    /// [`StoreError`]s as the store has them. A lost race is not one.
    fn edit(&mut self, id: &FileId, edit: &FileEdit, at: Timestamp) -> Result<FileEditOutcome, StoreError>;

    /// Deletes a file with its jobs, history, publications, listings and posts. A listing or publication whose status
    /// cannot be read counts as live.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them; a refusal is not one.
    fn delete(&mut self, id: &FileId, deletion: Deletion) -> Result<FileDeleteOutcome, StoreError>;
}
