//! Findings of checks on the health of a database.
//!
//! A check looks at one thing and says what it found. The checks are in the crates that know the thing: SQLite's file
//! in `fieldfen-persistence`, rows in `fieldfen-services`, backups in `fieldfen-backup`.

use std::fmt;

use serde::Serialize;

/// The most rows that the details of a finding name for each table.
pub const MOST_ROWS_NAMED: usize = 20;

/// The weight of a [`Finding`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing needs to be done.
    Ok,
    /// The shop works. A person should look at it.
    Warning,
    /// The shop does not work, loses data, or soon will.
    Problem,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        })
    }
}

/// The thing that a check looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Check {
    /// The address of the database, and the file with the rules of the shop.
    Configuration,
    /// Whether the database can be opened and read.
    Database,
    /// The settings of SQLite that are in force.
    Settings,
    /// The versions of SQLite that use the file.
    SqliteVersions,
    /// The size of the write-ahead log and its readers.
    WriteAheadLog,
    /// The pages of the file, and its indexes.
    Integrity,
    /// The references from row to row.
    ForeignKeys,
    /// The migrations and the schema.
    Schema,
    /// The query plan of the claim.
    ClaimPlan,
    /// The free space of the folder.
    DiskSpace,
    /// Owner and mode of the files.
    Permissions,
    /// The age of the newest backup.
    Backup,
    /// Rows that cannot be read.
    UnreadableRows,
    /// Running jobs without a lease.
    JobsWithoutLease,
    /// Times that should be past and are in the future.
    FutureTimes,
    /// Workers that have died.
    DeadWorkers,
    /// Publications of which nobody knows whether they exist at their platform.
    PublicationsInDoubt,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Configuration => "configuration",
            Self::Database => "database",
            Self::Settings => "settings",
            Self::SqliteVersions => "SQLite versions",
            Self::WriteAheadLog => "write-ahead log",
            Self::Integrity => "integrity",
            Self::ForeignKeys => "foreign keys",
            Self::Schema => "schema",
            Self::ClaimPlan => "plan of the claim",
            Self::DiskSpace => "disk space",
            Self::Permissions => "permissions",
            Self::Backup => "backup",
            Self::UnreadableRows => "unreadable rows",
            Self::JobsWithoutLease => "jobs without lease",
            Self::FutureTimes => "future times",
            Self::DeadWorkers => "dead workers",
            Self::PublicationsInDoubt => "publications in doubt",
        })
    }
}

/// One thing that a check has found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The check.
    pub check: Check,
    /// Its weight.
    pub severity: Severity,
    /// The thing that was looked at, for example a path or a pragma.
    pub looked_at: String,
    /// The state in which it was found, in a sentence.
    pub found: String,
    /// The step that puts it right, with the command; `None` if nothing needs to be done.
    pub advice: Option<String>,
    /// The rows, files or steps in question. [`MOST_ROWS_NAMED`] bounds those of a table.
    pub details: Vec<String>,
}

impl Finding {
    /// A thing that is as it should be.
    pub fn ok(check: Check, looked_at: impl Into<String>, found: impl Into<String>) -> Self {
        let (looked_at, found) = (looked_at.into(), found.into());
        Self { check, severity: Severity::Ok, looked_at, found, advice: None, details: Vec::new() }
    }

    /// A thing that a person should look at.
    pub fn warning(
        check: Check,
        looked_at: impl Into<String>,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { severity: Severity::Warning, advice: Some(advice.into()), ..Self::ok(check, looked_at, found) }
    }

    /// A thing that a person must put right.
    pub fn problem(
        check: Check,
        looked_at: impl Into<String>,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { severity: Severity::Problem, ..Self::warning(check, looked_at, found, advice) }
    }

    /// The same finding with these details.
    #[must_use]
    pub fn details(mut self, details: Vec<String>) -> Self {
        self.details = details;
        self
    }
}
