//! The schema's migrations, embedded in the program, and the functions that run them.
//!
//! A database that another program created from the specification already has the first migration's tables.
//! [`run_pending`] recognises them, records the first migration as applied and applies the following ones.
//!
//! A [`MigrationRun`] applies all migrations in one transaction. If a migration fails, or changes rows that it does not
//! declare, the database stays as it was. Two programs that migrate at once run one after the other. A store never
//! migrates its database.
//!
//! An importing program can add [`MigrationSet`]s of its own, in its own range of versions. They get the same lock,
//! guard, checks and ledger.

mod adoption;
mod checks;
mod command;
mod data_loss;
mod declarations;
mod difference;
mod embedded;
mod encoding;
mod error;
mod expected_schema;
mod foreign_key_state;
mod guard;
mod guard_finding;
mod guarded_schema;
mod ledger;
mod migration_event;
mod migration_file;
mod migration_folder;
mod migration_lock;
mod migration_run;
mod migration_set;
mod migration_state;
mod migrations_of_programs;
mod newest_schema;
mod schema_check;
mod schema_objects;
mod sql_digest;
mod sql_statements;
mod sql_tokens;
mod step;
mod table_columns;
mod table_digest;
mod target;

use std::collections::BTreeMap;

use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;

pub use adoption::{AdoptionPhase, change_exclusively};
pub use checks::FailedCheck;
pub(crate) use command::command;
pub use command::set_command;
pub use data_loss::{DataLoss, Loss};
pub use declarations::DeclaredChange;
pub use difference::Difference;
use embedded::EMBEDDED;
pub use error::MigrationError;
use expected_schema::SpecificationTables;
pub(crate) use expected_schema::foreign_rules;
pub(in crate::sqlite) use expected_schema::tables;
pub use guard_finding::{GuardFinding, GuardReport};
pub use ledger::{HowApplied, LedgerEntry};
pub use migration_event::MigrationEvent;
pub use migration_file::MigrationFile;
pub use migration_run::{DoneStep, LOCK_WAIT, MigrationRun, RunReport};
pub use migration_set::{FIELDFEN, InvalidMigrations, MigrationSet};
pub use migration_state::{MigrationState, MigrationStatus};
pub use migrations_of_programs::Migrations;
pub(crate) use schema_check::check;
pub use sql_digest::SqlDigest;
pub use step::{Direction, Step};
pub use table_columns::{TableColumn, table_columns};
pub use table_digest::TableDigest;
pub use target::Target;

/// A migration of the schema, by its version and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Migration {
    /// For example `0002`. Versions sort as texts.
    pub version: String,
    /// For example `job_queue`.
    pub name: String,
}

impl std::fmt::Display for Migration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name.as_str() {
            "" => f.pad(&self.version),
            name => f.pad(&format!("{}_{name}", self.version)),
        }
    }
}

/// The schema of a database, compared with the migrations of this program.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaState {
    /// All migrations that the program knows or the database has, the oldest first.
    pub migrations: Vec<MigrationStatus>,
    /// Whether the database has the specification's tables and no migration. [`run_pending`] then records the first
    /// migration as applied.
    pub is_specification: bool,
    /// The differences from the specification and from the schema of the applied migrations. An addition of another
    /// program counts only if a missing migration needs its name.
    pub differences: Vec<Difference>,
}

/// The result of [`run_pending`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AppliedMigrations {
    /// The first migration, if another program had created its tables from the specification.
    pub recognised: Option<Migration>,
    /// The applied migrations, the oldest first.
    pub migrations: Vec<Migration>,
}

/// The text of `schema.rs`, by which diesel knows the columns of the tables. `diesel print-schema` made it from the
/// newest schema.
pub const DIESEL_SCHEMA: &str = include_str!("../schema.rs");

/// The newest migration that this program knows.
#[must_use]
pub fn newest() -> Migration {
    EMBEDDED[EMBEDDED.len() - 1].migration()
}

/// The digest of each ordinary table that `is_wanted` accepts by its name, also of other programs' tables: the number of
/// rows and a digest of all values. `observer` gets [`MigrationEvent::Digesting`].
///
/// # Errors
/// [`MigrationError::Store`] if the database cannot be read.
pub fn table_digests(
    conn: &mut SqliteConnection,
    is_wanted: impl Fn(&str) -> bool,
    mut observer: impl FnMut(&MigrationEvent<'_>),
) -> Result<BTreeMap<String, TableDigest>, MigrationError> {
    let mut digests = BTreeMap::new();
    for name in guarded_schema::tables(conn)?.into_values().filter(|name| is_wanted(name)) {
        let columns = guarded_schema::columns(conn, &name)?;
        let mut progress = |rows| observer(&MigrationEvent::Digesting { table: &name, rows, is_done: false });
        let digest = table_digest::table_digest(conn, &name, &columns.stored, &mut progress)?;
        observer(&MigrationEvent::Digesting { table: &name, rows: digest.rows, is_done: true });
        digests.insert(name, digest);
    }
    Ok(digests)
}

/// All migrations that the program knows or the database has, the oldest first. The function ignores the migrations of
/// importing programs; [`Migrations::status`] also returns those.
///
/// # Errors
/// [`MigrationError::Store`] if the database cannot be read.
pub fn status(conn: &mut SqliteConnection) -> Result<Vec<MigrationStatus>, MigrationError> {
    let mut status = Migrations::fieldfen().status(conn)?;
    status.retain(|status| status.program == FIELDFEN);
    Ok(status)
}

/// fieldfen's migrations of a database and the state of its schema.
///
/// # Errors
/// [`MigrationError::Store`] if the database cannot be read.
pub fn inspect(conn: &mut SqliteConnection) -> Result<SchemaState, MigrationError> {
    let mut state = Migrations::fieldfen().inspect(conn)?;
    state.migrations.retain(|status| status.program == FIELDFEN);
    Ok(state)
}

fn inspect_sets(conn: &mut SqliteConnection, sets: &[MigrationSet]) -> Result<SchemaState, MigrationError> {
    // Without a snapshot, another program could migrate between the statements.
    migrations_of_programs::in_snapshot(conn, |conn| {
        encoding::refuse_other(conn)?;
        let migrations = migration_state::status(conn, sets)?;
        let mut applied = migration_run::own_versions(&migrations);
        let specification = SpecificationTables::of_unmigrated(conn, &applied)?;
        let is_specification = matches!(specification, Some(SpecificationTables::Equal { .. }));
        let differences = match specification {
            Some(SpecificationTables::Different(differences)) => differences,
            Some(SpecificationTables::Equal { .. }) => {
                applied.push(EMBEDDED[0].version().to_owned());
                expected_schema::taken_names(conn, &applied)?
            }
            Some(SpecificationTables::Absent) | None => {
                let mut differences = expected_schema::differences(conn, &applied)?;
                differences.extend(expected_schema::taken_names(conn, &applied)?);
                differences
            }
        };
        Ok(SchemaState { migrations, is_specification, differences })
    })
}

/// Applies every missing migration of fieldfen, the oldest first, and returns the applied ones. [`MigrationRun`] does
/// the same with more settings.
///
/// If the database has no migration but the specification's six tables, in any equivalent SQL, the first migration is
/// recorded as applied and its missing indexes are created.
///
/// # Errors
/// [`MigrationError`]. After an error, no migration has been applied.
pub fn run_pending(conn: &mut SqliteConnection) -> Result<AppliedMigrations, MigrationError> {
    let migrations = Migrations::fieldfen();
    let report = MigrationRun::new(&migrations).run(conn)?;
    let migrations = report.applied.into_iter().map(|done| done.migration).collect();
    Ok(AppliedMigrations { recognised: report.recognised, migrations })
}

/// Lists the data that the database would lose if this number of its newest migrations were reverted. The function
/// changes nothing.
///
/// # Errors
/// [`MigrationError::Newer`], and [`MigrationError::Store`] if the database cannot be read.
pub fn losses(conn: &mut SqliteConnection, migrations: usize) -> Result<Vec<Loss>, MigrationError> {
    Migrations::fieldfen().losses(conn, &Target::Down(migrations))
}

/// Reverts these migrations, the newest first, and deletes the data of their tables and columns. Either all or none are
/// reverted.
///
/// Pending jobs that are not due yet are kept as failed jobs. They become pending again when the migrations are applied
/// again.
///
/// # Errors
/// [`MigrationError::DataLoss`] if data would be lost and `data_loss` does not allow it; [`MigrationError::NotNewest`] if
/// another program has migrated meanwhile; and others. After an error, no migration has been reverted.
pub fn revert(
    conn: &mut SqliteConnection,
    migrations: &[Migration],
    data_loss: DataLoss,
) -> Result<(), MigrationError> {
    let own = Migrations::fieldfen();
    MigrationRun::new(&own).revert(migrations.to_vec()).data_loss(data_loss).run(conn).map(|_| ())
}

/// Reverts the newest migration, as [`revert`] does without data loss; `None` if the database has no migration.
///
/// # Errors
/// [`MigrationError`]. After an error, no migration has been reverted.
pub fn revert_last(conn: &mut SqliteConnection) -> Result<Option<Migration>, MigrationError> {
    let own = Migrations::fieldfen();
    let report = MigrationRun::new(&own).target(Target::Down(1)).run(conn)?;
    Ok(report.reverted.into_iter().next().map(|done| done.migration))
}

/// The versions of the migrations that this program knows, the oldest first.
fn versions() -> impl Iterator<Item = &'static str> {
    EMBEDDED.iter().map(|file| file.version())
}

fn has(applied: &[String], version: &str) -> bool {
    applied.iter().any(|applied| applied == version)
}

/// The versions of fieldfen's migrations in the database, the oldest first. If diesel's table is missing, the result is
/// empty. The function writes nothing.
fn applied(conn: &mut SqliteConnection) -> Result<Vec<String>, StoreError> {
    let mut versions = migration_state::applied(conn)?;
    versions.retain(|version| migration_set::is_own_version(version));
    Ok(versions)
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection as _;
    use diesel::prelude::*;
    use diesel::sql_types::Text;

    use super::*;

    fn connection() -> SqliteConnection {
        SqliteConnection::establish(":memory:").unwrap()
    }

    #[test]
    fn everything_is_applied_once_and_reverted_one_by_one() {
        let mut conn = connection();
        assert!(status(&mut conn).unwrap().iter().all(|status| status.known && !status.applied));
        let done = run_pending(&mut conn).unwrap();
        assert_eq!((done.recognised.as_ref(), done.migrations.last()), (None, Some(&newest())));
        assert_eq!(done.migrations[0].to_string(), "0001_initial_schema");
        assert_eq!(run_pending(&mut conn).unwrap(), AppliedMigrations::default());
        for expected in done.migrations.iter().rev() {
            assert_eq!(revert_last(&mut conn).unwrap().as_ref(), Some(expected));
        }
        assert_eq!(revert_last(&mut conn).unwrap(), None);
        assert_eq!(run_pending(&mut conn).unwrap(), done);
    }

    #[test]
    fn a_newer_schema_is_left_alone() {
        let mut conn = connection();
        run_pending(&mut conn).unwrap();
        conn.batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')").unwrap();
        assert_eq!(status(&mut conn).unwrap().last().map(|last| (last.known, last.applied)), Some((false, true)));
        for error in [run_pending(&mut conn).unwrap_err(), revert_last(&mut conn).unwrap_err()] {
            assert!(error.to_string().contains("migration 9999"), "{error}");
        }
    }

    #[test]
    fn migrations_of_the_importing_program_are_left_alone() {
        let mut conn = connection();
        let done = run_pending(&mut conn).unwrap();
        conn.batch_execute(
            "INSERT INTO __diesel_schema_migrations (version) VALUES ('20260101000000'), (CAST(x'e9' AS TEXT))",
        )
        .unwrap();
        assert!(status(&mut conn).unwrap().iter().all(|status| status.known && status.applied));
        assert_eq!(run_pending(&mut conn).unwrap(), AppliedMigrations::default());
        assert_eq!(revert_last(&mut conn).unwrap().as_ref(), done.migrations.last());
        assert_eq!(run_pending(&mut conn).unwrap().migrations.len(), 1);
    }

    #[test]
    fn drive_ids_that_stand_in_several_rows_lead_to_the_oldest_of_them() {
        let mut conn = connection();
        run_pending(&mut conn).unwrap();
        while applied(&mut conn).unwrap() != ["0001"] {
            revert_last(&mut conn).unwrap();
        }
        for (id, drive) in [
            ("NULL", "'x'"),
            ("'b'", "'x'"),
            ("'a'", "'x'"),
            ("'c'", "NULL"),
            ("'d'", "NULL"),
            ("'e'", "''"),
            ("'f'", "''"),
            ("'g'", "'y'"),
            ("'h'", "x'79'"),
            ("'i'", "CAST(x'e9' AS TEXT)"),
        ] {
            let insert = "INSERT INTO files (id, original_filename, status, drive_file_id) VALUES";
            conn.batch_execute(&format!("{insert} ({id}, 'n', 'ingested', {drive})")).unwrap();
        }
        run_pending(&mut conn).unwrap();
        let led = "(SELECT group_concat(hex(drive_file_id) || ' ' || file_id, ', ') \
                   FROM (SELECT * FROM file_drive_ids ORDER BY file_id))";
        let led: String = diesel::select(diesel::dsl::sql::<Text>(led)).get_result(&mut conn).unwrap();
        assert_eq!(led, "78 b, 79 g, E9 i");
    }
}
