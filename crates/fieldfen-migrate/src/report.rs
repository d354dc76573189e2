//! The report of `fieldfen-migrate status`, for people and as JSON.

use fieldfen_persistence::migrations::{Difference, FIELDFEN, MigrationState, MigrationStatus, SchemaState};
use serde::Serialize;

use crate::adopt::origin_in_words;
use crate::rehearsal::report::milliseconds;

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
    /// The set to which the migration belongs; empty if nobody knows.
    pub program: String,
    /// The state as a word: `pending`, `out of order`, `applied`, `edited`, `missing`, `newer` or `of another program`.
    pub state: &'static str,
    /// How the migration came into the database: `applied`, `recognised`, `adopted` or `before ledger`. `None` without
    /// a row in the ledger; also the following values then are.
    pub how: Option<String>,
    /// The time of the run, as UTC text.
    pub applied_at: Option<String>,
    /// The milliseconds that the statements took.
    pub took_ms: Option<u64>,
    /// The tool that applied the migration, with its version.
    pub tool: Option<String>,
    /// The backup that was made before.
    pub backup: Option<String>,
}

impl MigrationLine {
    fn new(status: MigrationStatus) -> Self {
        // A stale row tells of another run.
        let entry = status.ledger.filter(|entry| !entry.is_stale);
        let (how, applied_at, took_ms, tool, backup) = match entry {
            None => (None, None, None, None, None),
            Some(entry) => {
                (Some(entry.how), entry.applied_at, entry.took.map(milliseconds), Some(entry.tool), entry.backup)
            }
        };
        Self {
            version: status.migration.version,
            name: status.migration.name,
            applied: status.applied,
            known: status.known,
            program: status.program,
            state: status.state.as_str(),
            how,
            applied_at,
            took_ms,
            tool,
            backup,
        }
    }
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
    /// The newest of fieldfen's migrations in the database; `None` if it has none.
    pub at: Option<String>,
    /// The number of migrations that the database lacks.
    pub pending: usize,
    /// The number of applied migrations that this program should know and does not: newer ones, and those whose files
    /// are gone.
    pub unknown: usize,
    /// The number of applied migrations whose files were edited since.
    pub edited: usize,
    /// The number of migrations that the database lacks although it has a newer one.
    pub out_of_order: usize,
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
        let is_own = |status: &&MigrationStatus| status.applied && status.program == FIELDFEN;
        Self {
            database,
            at: all.iter().rev().find(is_own).map(|status| status.migration.to_string()),
            pending: count(|status| !status.applied),
            unknown: count(|status| matches!(status.state, MigrationState::Newer | MigrationState::Missing)),
            edited: count(|status| status.state == MigrationState::Edited),
            out_of_order: count(|status| status.state == MigrationState::OutOfOrder),
            migrations: all.into_iter().map(MigrationLine::new).collect(),
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
        self.pending == 0 && self.unknown == 0 && self.edited == 0 && self.differences.is_empty()
    }

    /// A sentence that tells the operator the next step.
    #[must_use]
    pub fn advice(&self) -> String {
        let differ = !self.differences.is_empty();
        if self.edited > 0 {
            return "files of applied migrations have been changed since: undo the change and put it into a new migration, or \
                    accept the files as they are now with `fieldfen-migrate repair VERSION`"
                .to_owned();
        }
        if self.out_of_order > 0 {
            return "the database lacks migrations although it has newer ones: give them a newer version, or revert the \
                    newer ones first"
                .to_owned();
        }
        match (self.pending, self.unknown, &self.at) {
            (_, 1.., _) => "the database has migrations that this program does not know: use the newer program".to_owned(),
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
                format!("the database is at {at} and lacks {pending}: run `fieldfen-migrate up`")
            }
        }
    }
}
