//! What can go wrong while backing up.

use std::io;
use std::path::PathBuf;

use fieldfen_domain::store::StoreError;
use fieldfen_persistence::SqliteUrl;

/// What can go wrong while backing up. The backups that were there are still there, as they were.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// A database in memory has no file to be backed up.
    #[error("{url} is a database in memory: name a file")]
    InMemory {
        /// The address that was given.
        url: SqliteUrl,
    },
    /// The database holds nothing at all.
    #[error("{url} holds no tables: there is nothing to back up, so check the address")]
    Empty {
        /// The address that was given.
        url: SqliteUrl,
    },
    /// The backup would take the place of the database.
    #[error("the backup {} would replace the database itself: name another folder", path.display())]
    OntoItself {
        /// Where the backup would be.
        path: PathBuf,
    },
    /// Something else has a name of a backup, and this program did not make it.
    #[error("{} is {found}, which a backup never is: move it away", path.display())]
    Blocked {
        /// The path of what was found.
        path: PathBuf,
        /// What was found there, for example `a folder`.
        found: &'static str,
    },
    /// The database, or a file of SQLite's beside it, has the name of a backup.
    #[error("{} belongs to the database itself: keep the database and its backups in different folders", path.display())]
    Live {
        /// The path of what was found.
        path: PathBuf,
    },
    /// The folder is none.
    #[error("{found} is there instead of the folder {}: name another folder", path.display())]
    NoFolder {
        /// The path that was given.
        path: PathBuf,
        /// What is there instead.
        found: &'static str,
    },
    /// Somebody has opened today's earlier backup as a database.
    #[error(
        "{} belongs to a backup that a program has open, or that was not closed properly: close that program, or move \
         the backup away together with this file",
        path.display()
    )]
    InUse {
        /// The log beside the backup.
        path: PathBuf,
    },
    /// Another program backs up into the same folder.
    #[error("another backup into {} is at work: wait for it to end", folder.display())]
    AtWork {
        /// The folder of the backups.
        folder: PathBuf,
    },
    /// The folder's name is not text, which SQLite needs.
    #[error("the backup's path {} is not valid UTF-8: name another folder", path.display())]
    NotText {
        /// The path that was given.
        path: PathBuf,
    },
    /// The copy is not as it must be, and has been thrown away.
    #[error("the copy failed its check and was thrown away: {problem}")]
    Unsound {
        /// What is wrong with it.
        problem: String,
    },
    /// A file or folder could not be made, written or renamed.
    #[error("cannot {action} {}", path.display())]
    File {
        /// The operation that failed.
        action: &'static str,
        /// The path that it concerned.
        path: PathBuf,
        /// The error of the operating system or the database.
        source: io::Error,
    },
    /// The database could not be read, or the copy not written.
    #[error("cannot {action}")]
    Store {
        /// The operation that failed.
        action: &'static str,
        /// The error of the operating system or the database.
        source: StoreError,
    },
}

impl From<StoreError> for BackupError {
    fn from(source: StoreError) -> Self {
        Self::Store { action: "read the database", source }
    }
}

/// Says what was tried when a file operation fails.
pub(crate) trait Trying<T> {
    fn trying(self, action: &'static str, path: &std::path::Path) -> Result<T, BackupError>;
}

impl<T> Trying<T> for io::Result<T> {
    fn trying(self, action: &'static str, path: &std::path::Path) -> Result<T, BackupError> {
        self.map_err(|source| BackupError::File { action, path: path.to_owned(), source })
    }
}
