//! The errors of a backup.

use std::io;
use std::path::PathBuf;

use fieldfen_domain::store::StoreError;
use fieldfen_persistence::SqliteUrl;

/// The reason why a backup was not made. Earlier backups are unchanged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The database is in memory, and has no file to back up.
    #[error("{url} is a database in memory: name a file")]
    InMemory {
        /// The address of the database.
        url: SqliteUrl,
    },
    /// The database has no tables.
    #[error("{url} has no tables: there is nothing to back up, so check the address")]
    Empty {
        /// The address of the database.
        url: SqliteUrl,
    },
    /// The backup would replace the database.
    #[error("the backup {path:?} would replace the database itself: name another folder")]
    OntoItself {
        /// The path at which the backup would be.
        path: PathBuf,
    },
    /// Another file has the name of a backup, and this program did not make it.
    #[error("{path:?} is {found}, which a backup never is: move it away")]
    Blocked {
        /// The path with the name of a backup.
        path: PathBuf,
        /// The kind of the file at the path, for example `a folder`.
        found: &'static str,
    },
    /// The database, or one of SQLite's files beside it, has the name of a backup.
    #[error("{path:?} belongs to the database itself: keep the database and its backups in different folders")]
    Live {
        /// The path of that file.
        path: PathBuf,
    },
    /// The path of the folder does not lead to a folder.
    #[error("{found} is there instead of the folder {path:?}: name another folder")]
    NoFolder {
        /// The path of the folder.
        path: PathBuf,
        /// The kind of the file at the path, for example `a pipe`.
        found: &'static str,
    },
    /// A program has opened today's earlier backup as a database.
    #[error(
        "{path:?} belongs to a backup that a program has open, or that was not closed properly: close that program, or \
         move the backup away together with this file"
    )]
    InUse {
        /// The log beside the backup.
        path: PathBuf,
    },
    /// Another process is backing up into the same folder.
    #[error("another backup into {folder:?} is running: wait for its end")]
    AlreadyRunning {
        /// The folder of the backups.
        folder: PathBuf,
    },
    /// The path of the backup is not UTF-8, which SQLite requires.
    #[error("the backup's path {path:?} is not valid UTF-8: name another folder")]
    NotText {
        /// The path of the backup.
        path: PathBuf,
    },
    /// The copy failed its check and was removed.
    #[error("the copy failed its check and was removed: {problem}")]
    CheckFailed {
        /// The findings of SQLite's check, or the reason why it could not run.
        problem: String,
    },
    /// A file or folder could not be created, written or renamed.
    #[error("cannot {action} {path:?}")]
    File {
        /// The operation that failed, for example `rename`.
        action: &'static str,
        /// The path of the file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The database could not be read, or the copy could not be written.
    #[error("cannot {action}")]
    Store {
        /// The operation that failed, for example `copy the database`.
        action: &'static str,
        /// The error of the store.
        source: StoreError,
    },
}

impl From<StoreError> for BackupError {
    fn from(source: StoreError) -> Self {
        Self::Store { action: "read the database", source }
    }
}

/// Adds the operation and its path to an error of the operating system.
pub(crate) trait WithOperation<T> {
    fn with_operation(self, action: &'static str, path: &std::path::Path) -> Result<T, BackupError>;
}

impl<T> WithOperation<T> for io::Result<T> {
    fn with_operation(self, action: &'static str, path: &std::path::Path) -> Result<T, BackupError> {
        self.map_err(|source| BackupError::File { action, path: path.to_owned(), source })
    }
}
