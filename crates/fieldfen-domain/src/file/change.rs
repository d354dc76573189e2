//! Changes of a file's state, and the history that they write.

use super::{File, FileEvent, FileState, FileStatus, IllegalFileTransition};
use crate::ids::FileId;
use crate::reason::cut_reason;
use crate::time::Timestamp;

impl File {
    /// The change that an event makes to this file. The store applies the change only if the file still has the status
    /// that it has here.
    ///
    /// # Errors
    /// [`IllegalFileTransition`] if the event is not possible in this state.
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
    /// The file that changes.
    #[must_use]
    pub const fn file_id(&self) -> &FileId {
        &self.file_id
    }

    /// The status that the file must still have when the store applies the change.
    #[must_use]
    pub const fn from(&self) -> FileStatus {
        self.from
    }

    /// The state after the change.
    #[must_use]
    pub const fn to(&self) -> &FileState {
        &self.to
    }

    /// The reason that the history shows, cut to [`MAX_REASON_BYTES`](crate::MAX_REASON_BYTES).
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The time of the change, which is also the time of its line in the history.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }
}

/// The answer to a [`FileChange`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileChangeOutcome {
    /// The state was written, with a line of the history.
    Done,
    /// The file had the new state already. Nothing was written.
    Unchanged,
    /// Another program has changed the status meanwhile. Nothing was written.
    Conflict {
        /// The present status of the file.
        now: FileStatus,
    },
    /// The file does not exist.
    NotFound,
}

/// One line of a file's history.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileHistoryEntry {
    /// The status before the change; `None` for the arrival.
    pub from: Option<FileStatus>,
    /// The status after the change.
    pub to: FileStatus,
    /// The reason, for people to read.
    pub reason: String,
    /// The time of the change, by the clock of the program that made it.
    pub at: Timestamp,
}

impl FileHistoryEntry {
    /// The move of a file from one status to another, for this reason and at this time.
    #[must_use]
    pub fn new(from: Option<FileStatus>, to: FileStatus, reason: impl Into<String>, at: Timestamp) -> Self {
        Self { from, to, reason: reason.into(), at }
    }
}
