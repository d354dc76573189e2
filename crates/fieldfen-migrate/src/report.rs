//! The report of `fieldfen-migrate status`, for people and as JSON.

use fieldfen_persistence::migrations::{Difference, Migration, MigrationStatus, SchemaState};
use serde::Serialize;

use crate::adopt::origin_in_words;

/// One migration in a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MigrationLine {
    /// The version, for example `0002`.
    pub version: String,
    /// The name, for example `job_queue`; empty if this program does not know the migration.
    pub name: String,
    /// Whether the database has the migration.
    pub applied: bool,
    /// Whether this program knows the migration.
    pub known: bool,
}

/// One difference of a schema in a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DifferenceLine {
    /// The object, for example `column files.width` or `index idx_jobs_claim`.
    pub what: String,
    /// Its definition in the database; `nothing` if it is missing.
    pub found: String,
    /// Its definition by the migrations; `nothing` if it should not exist.
    pub expected: String,
}

/// The state of a database's schema, and the advice for its operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SchemaReport {
    /// The address of the database.
    pub database: String,
    /// The newest migration of the database; `None` if it has none.
    pub at: Option<String>,
    /// The number of migrations that the database lacks.
    pub pending: usize,
    /// The number of applied migrations that this program does not know.
    pub unknown: usize,
    /// All migrations, the oldest first.
    pub migrations: Vec<MigrationLine>,
    /// Whether the database has no migration but the specification's tables. `fieldfen-migrate up` then treats them as
    /// the tables of the first migration.
    pub is_specification: bool,
    /// The revisions of Alembic of such a database; `None` if Alembic has not made it.
    pub alembic: Option<Vec<String>>,
    /// The differences from the specification, or from the schema that the applied migrations make.
    pub differences: Vec<DifferenceLine>,
}

impl SchemaReport {
    pub(crate) fn new(database: String, state: SchemaState, alembic: Option<Vec<String>>) -> Self {
        let SchemaState { migrations: all, is_specification, differences, .. } = state;
        let count = |wanted: fn(&MigrationStatus) -> bool| all.iter().filter(|status| wanted(status)).count();
        Self {
            database,
            at: all.iter().rfind(|status| status.applied).map(|status| status.migration.to_string()),
            pending: count(|status| !status.applied),
            unknown: count(|status| !status.known),
            migrations: all
                .into_iter()
                .map(|MigrationStatus { migration: Migration { version, name, .. }, applied, known, .. }| {
                    MigrationLine { version, name, applied, known }
                })
                .collect(),
            is_specification,
            alembic: alembic.filter(|_| is_specification),
            differences: differences
                .into_iter()
                .map(|Difference { what, found, expected }| DifferenceLine { what, found, expected })
                .collect(),
        }
    }

    /// Returns whether the schema is the one that this program needs.
    #[must_use]
    pub const fn is_current(&self) -> bool {
        self.pending == 0 && self.unknown == 0 && self.differences.is_empty()
    }

    /// A sentence that tells the operator the next step.
    #[must_use]
    pub fn advice(&self) -> String {
        let differ = !self.differences.is_empty();
        match (self.pending, self.unknown, &self.at) {
            (_, 1.., _) => "the database is newer than this program: use the newer program".to_owned(),
            (_, 0, None) if differ => {
                "another program has created tables with the specification's names that differ from the specification, or \
                 objects with names that the migrations need: `fieldfen-migrate up` refuses them"
                    .to_owned()
            }
            (_, 0, None) if self.is_specification => {
                let origin = origin_in_words(self.alembic.as_deref());
                format!("{origin}: `migrate adopt --dry-run` reports on its values, `migrate adopt` takes it over")
            }
            (_, 0, Some(at)) if differ => {
                format!("another program has changed the schema after {at}: undo that, or restore a backup")
            }
            (0, 0, Some(at)) => format!("the database is at {at}, the newest migration"),
            (_, 0, None) => "the database has no schema yet: create it with `fieldfen-migrate up`".to_owned(),
            (pending, 0, Some(at)) => {
                format!("the database is at {at} and lacks {pending}: back it up, then run `fieldfen-migrate up`")
            }
        }
    }
}
