//! The embedded migrations and the functions that run one.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;

use super::{Migration, MigrationError};
use crate::sqlite::error::{Classify, classify};

#[derive(Debug, Clone, Copy)]
pub(super) struct EmbeddedMigration {
    /// The name of the migration's folder.
    name: &'static str,
    up: &'static str,
    down: &'static str,
}

macro_rules! embedded {
    ($($name:literal),+ $(,)?) => {
        [$(EmbeddedMigration {
            name: $name,
            up: include_str!(concat!("../../../migrations/sqlite/", $name, "/up.sql")),
            down: include_str!(concat!("../../../migrations/sqlite/", $name, "/down.sql")),
        }),+]
    };
}

/// All migrations, the oldest first.
pub(super) const EMBEDDED: [EmbeddedMigration; 19] = embedded![
    "0001_initial_schema",
    "0002_job_queue",
    "0003_file_history",
    "0004_publications",
    "0005_webhook_retention",
    "0006_recurring_jobs",
    "0007_file_pages",
    "0008_unknown_ends",
    "0009_operator_actions",
    "0010_workers",
    "0011_api_calls",
    "0012_rate_limits",
    "0013_api_costs",
    "0014_concurrency_limits",
    "0015_api_usage_monthly",
    "0016_job_attempts",
    "0017_worker_death",
    "0018_bulk_actions",
    "0019_recurring_time_zones",
];

impl EmbeddedMigration {
    pub(super) fn version(&self) -> &'static str {
        self.name.split_once('_').map_or(self.name, |(version, _)| version)
    }

    pub(super) fn migration(&self) -> Migration {
        let name = self.name.split_once('_').map_or("", |(_, name)| name);
        Migration { version: self.version().to_owned(), name: name.to_owned() }
    }

    /// Runs the migration's statements and records it, within the open transaction.
    pub(super) fn apply(&self, conn: &mut SqliteConnection) -> Result<(), MigrationError> {
        self.attempt(conn.batch_execute(self.up))?;
        self.record(conn)
    }

    /// Records the migration as applied.
    pub(super) fn record(&self, conn: &mut SqliteConnection) -> Result<(), MigrationError> {
        let insert = diesel::sql_query("INSERT INTO __diesel_schema_migrations (version) VALUES (?)");
        self.attempt(insert.bind::<Text, _>(self.version()).execute(conn))
    }

    /// Reverts the migration's statements and deletes its record, within the open transaction.
    pub(super) fn take_back(&self, conn: &mut SqliteConnection) -> Result<(), MigrationError> {
        self.attempt(conn.batch_execute(self.down))?;
        let delete = diesel::sql_query("DELETE FROM __diesel_schema_migrations WHERE version = ?");
        self.attempt(delete.bind::<Text, _>(self.version()).execute(conn))
    }

    fn attempt<T>(&self, result: QueryResult<T>) -> Result<(), MigrationError> {
        match result {
            Ok(_) => Ok(()),
            Err(error) => Err(MigrationError::Failed { migration: self.migration(), source: classify(error).into() }),
        }
    }
}

/// Runs `f` in a transaction that holds the write lock from its start.
///
/// diesel's transactions do not fit here. When SQLite has rolled back by itself, for example on a full disk, diesel
/// reports that its own rollback failed and hides the cause.
pub(super) fn locked<T>(
    conn: &mut SqliteConnection,
    f: impl FnOnce(&mut SqliteConnection) -> Result<T, MigrationError>,
) -> Result<T, MigrationError> {
    conn.batch_execute("BEGIN IMMEDIATE").store()?;
    let result = f(conn).and_then(|done| Ok(conn.batch_execute("COMMIT").store().map(|()| done)?));
    if result.is_err() {
        // The statement fails if SQLite has rolled back already.
        conn.batch_execute("ROLLBACK").ok();
    }
    result
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_migration_in_the_folder_is_embedded() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, EMBEDDED.map(|embedded| embedded.name));
    }
}
