//! The errors of a migrator.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fieldfen_backup::BackupError;
use fieldfen_domain::store::StoreError;
use fieldfen_persistence::SqliteUrl;
use fieldfen_persistence::migrations::MigrationError;

use crate::adopt::AdoptError;
use crate::compat::BrokenStatement;

/// The reason why the schema of a database was not read or changed. The database is as it was before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// The database is in memory, so it would be lost at the end of the program.
    #[error("{url} is a database in memory, which ends with this program: name a file")]
    InMemory {
        /// The address of the database.
        url: SqliteUrl,
    },
    /// The database does not have the version that should remain.
    #[error("migration {version:?} is not one that the database has: it has {applied}")]
    NotApplied {
        /// The requested version.
        version: String,
        /// The applied migrations, as text.
        applied: String,
    },
    /// The file system has no room for the rehearsal.
    #[error(
        "the rehearsal needs {needed} free bytes in {folder:?}, twice the {copy} bytes of the database and its log, and \
         {free} are free: make room, give --scratch with a folder on another disk, or give --no-rehearsal"
    )]
    NoRoom {
        /// The folder in which the copy would be made.
        folder: PathBuf,
        /// The bytes of the database and its log.
        copy: u64,
        /// The bytes that the rehearsal may need.
        needed: u64,
        /// The bytes that are free.
        free: u64,
    },
    /// Another process kept a folder locked for longer than the wait.
    #[error(
        "{} rehearses or migrates in {folder:?} and has not ended within {} ms: run the command again when it has",
        process.as_deref().unwrap_or("another process"), waited.as_millis()
    )]
    FolderInUse {
        /// The folder.
        folder: PathBuf,
        /// The id and the name of the process; `None` where the system does not tell.
        process: Option<String>,
        /// The length of the wait.
        waited: Duration,
    },
    /// A step of the rehearsal failed on the copy.
    #[error("the rehearsal on a copy failed {phase}; the database is as it was")]
    Rehearsal {
        /// The step, for example `while it applied the migrations`.
        phase: &'static str,
        /// The error on the copy.
        source: MigrationError,
    },
    /// On the copy, going there, back and there again led to another schema than going there.
    #[error(
        "the rehearsal on a copy failed: the migrations, their reversal and the migrations again lead to another schema than \
         the migrations alone, so one of them does not undo the other: {objects}; the database is as it was"
    )]
    OtherSchema {
        /// The tables, indexes, triggers and views that differ.
        objects: String,
    },
    /// On the copy, statements of older programs failed after the migrations.
    #[error(
        "the rehearsal on a copy failed: after the migrations, {n} of the recorded statements of older programs fail, so that \
         such programs would not work any more: {statements}; the database is as it was",
        n = .broken.len(), statements = first_of(.broken)
    )]
    BrokenStatements {
        /// The statements that worked before the migrations, or whose programs the older schema did not serve.
        broken: Vec<BrokenStatement>,
    },
    /// SQLite's `integrity_check` found damage in the copy.
    #[error(
        "integrity_check found damage in the copy after the rehearsal: {problem}; if `fieldfen doctor --full` finds the same \
         in the database, restore a backup"
    )]
    Damaged {
        /// The first findings.
        problem: String,
    },
    /// The backup failed, so that nothing was migrated.
    #[error("no backup was made, and so nothing was migrated")]
    Backup(#[source] BackupError),
    /// A file or folder could not be created, read or written.
    #[error("cannot {action} {path:?}")]
    File {
        /// The operation that failed, for example `lock`.
        action: &'static str,
        /// The path of the file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A database of another program was not adopted.
    #[error(transparent)]
    Adopt(#[from] AdoptError),
    /// The schema could not be read or changed.
    #[error(transparent)]
    Migration(#[from] MigrationError),
}

/// The number of statements that a message names.
const NAMED: usize = 3;

fn first_of(broken: &[BrokenStatement]) -> String {
    let named = broken.iter().take(NAMED).map(ToString::to_string).collect::<Vec<_>>().join("; ");
    match broken.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named}; and {more} more"),
    }
}

impl From<StoreError> for MigrateError {
    fn from(error: StoreError) -> Self {
        Self::Migration(error.into())
    }
}

/// Adds the operation and its path to an error of the operating system.
pub(crate) trait WithOperation<T> {
    fn with_operation(self, action: &'static str, path: &Path) -> Result<T, MigrateError>;
}

impl<T> WithOperation<T> for io::Result<T> {
    fn with_operation(self, action: &'static str, path: &Path) -> Result<T, MigrateError> {
        self.map_err(|source| MigrateError::File { action, path: path.to_owned(), source })
    }
}
