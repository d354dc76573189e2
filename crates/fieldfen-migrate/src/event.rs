//! The progress of a migrator, for its observer.

use std::path::Path;

use fieldfen_persistence::migrations::MigrationEvent;

/// The progress of a migrator.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MigrateEvent<'a> {
    /// Another process migrates or rehearses in this folder, or backs up into it. The migrator waits for its end.
    WaitingForFolder(&'a Path),
    /// The database is being copied for the rehearsal.
    Copying {
        /// The number of copied pages.
        pages: u32,
        /// The number of all pages.
        of: u32,
    },
    /// A run on the copy.
    Rehearsing(&'a MigrationEvent<'a>),
    /// SQLite's `integrity_check` reads the copy.
    CheckingCopy,
    /// The database is being backed up into this folder.
    BackingUp(&'a Path),
    /// The run on the database itself.
    Running(&'a MigrationEvent<'a>),
}
