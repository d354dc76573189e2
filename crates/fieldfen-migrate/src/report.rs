//! What is said about the schema of a database, for people and for programs.

use fieldfen_persistence::migrations::{Migration, MigrationStatus};
use serde::Serialize;

/// One migration, in a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MigrationLine {
    /// Its version, for example `0002`.
    pub version: String,
    /// Its name, for example `job_queue`; empty when this program does not know it.
    pub name: String,
    /// Whether the database has it.
    pub applied: bool,
    /// Whether this program knows it.
    pub known: bool,
}

/// The schema of a database, and what this program would do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SchemaReport {
    /// The address of the database.
    pub database: String,
    /// The newest migration that the database has.
    pub at: Option<String>,
    /// How many migrations the database lacks.
    pub pending: usize,
    /// How many migrations the database has that this program does not know.
    pub unknown: usize,
    /// All of them, the oldest first.
    pub migrations: Vec<MigrationLine>,
}

impl SchemaReport {
    pub(crate) fn new(database: String, all: Vec<MigrationStatus>) -> Self {
        let count = |wanted: fn(&MigrationStatus) -> bool| all.iter().filter(|status| wanted(status)).count();
        Self {
            database,
            at: all.iter().rfind(|status| status.applied).map(|status| status.migration.to_string()),
            pending: count(|status| !status.applied),
            unknown: count(|status| !status.known),
            migrations: all
                .into_iter()
                .map(|MigrationStatus { migration: Migration { version, name }, applied, known }| MigrationLine {
                    version,
                    name,
                    applied,
                    known,
                })
                .collect(),
        }
    }

    /// Whether the schema is the one that this program works with.
    #[must_use]
    pub const fn is_current(&self) -> bool {
        self.pending == 0 && self.unknown == 0
    }

    /// What to do next, in one sentence.
    #[must_use]
    pub fn advice(&self) -> String {
        match (self.pending, self.unknown, &self.at) {
            (_, 1.., _) => "the database is newer than this program: use the newer program".to_owned(),
            (0, 0, Some(at)) => format!("the database is at {at}, the newest migration"),
            (_, 0, None) => "the database has no schema yet: create it with `migrate up`".to_owned(),
            (pending, 0, Some(at)) => {
                format!("the database is at {at} and lacks {pending}: back it up, then run `migrate up`")
            }
        }
    }
}
