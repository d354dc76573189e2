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
    /// The adoption of a database of another program is at work, on the copy or on the database itself.
    Adopting {
        /// The work.
        step: AdoptionStep,
        /// The table.
        table: &'a str,
        /// The number of rows so far.
        rows: u64,
    },
    /// A run on the copy.
    Rehearsing(&'a MigrationEvent<'a>),
    /// The statements of older programs run on the copy.
    CheckingStatements,
    /// SQLite's `integrity_check` reads the copy.
    CheckingCopy,
    /// The database is being backed up into this folder.
    BackingUp(&'a Path),
    /// The run on the database itself.
    Running(&'a MigrationEvent<'a>),
}

/// The work of an adoption on one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AdoptionStep {
    /// The values are read, to count their forms or to compare them.
    Reading,
    /// Times are rewritten; in a conversion, ids and words too.
    Rewriting,
    /// Publications are confirmed for live rows.
    Confirming,
}
