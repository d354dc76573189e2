//! The schema's migrations, embedded in the program, and the functions that run them.
//!
//! A database that another program created from the specification already has the first migration's tables.
//! [`run_pending`] recognises them, records the first migration as applied and applies the following ones.
//!
//! [`run_pending`] applies all migrations in one transaction. If a migration fails, the database stays as it was. Two
//! programs that migrate at once run one after the other. A store never migrates its database.

mod command;
mod data_loss;
mod difference;
mod embedded;
mod encoding;
mod error;
mod expected_schema;
mod newest_schema;
mod schema_check;
mod schema_objects;
mod sql_tokens;

use diesel::connection::SimpleConnection;
use diesel::migration::MigrationConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;

use crate::sqlite::error::{Classify as _, classify};
pub(crate) use command::command;
pub use command::set_command;
pub use data_loss::{DataLoss, Loss};
pub use difference::Difference;
use embedded::{EMBEDDED, EmbeddedMigration, locked};
pub use error::MigrationError;
use expected_schema::SpecificationTables;
pub(crate) use schema_check::check;

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

/// A migration and its state in a database.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MigrationStatus {
    /// The name is empty if this program does not know the migration.
    pub migration: Migration,
    /// Whether the database has the migration.
    pub applied: bool,
    /// Whether this program knows the migration.
    pub known: bool,
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

/// The newest migration that this program knows.
#[must_use]
pub fn newest() -> Migration {
    EMBEDDED[EMBEDDED.len() - 1].migration()
}

/// All migrations that the program knows or the database has, the oldest first. This module ignores the migrations of
/// an importing program, whose versions do not have four digits.
///
/// # Errors
/// [`MigrationError::Store`] if the database cannot be read.
pub fn status(conn: &mut SqliteConnection) -> Result<Vec<MigrationStatus>, MigrationError> {
    let applied = applied(conn)?;
    let known = EMBEDDED.iter().map(|embedded| embedded.migration());
    let mut all: Vec<MigrationStatus> = known
        .map(|migration| MigrationStatus { applied: applied.contains(&migration.version), known: true, migration })
        .collect();
    for version in applied {
        if !all.iter().any(|status| status.migration.version == version) {
            let migration = Migration { version, name: String::new() };
            all.push(MigrationStatus { migration, applied: true, known: false });
        }
    }
    all.sort_by(|a, b| a.migration.cmp(&b.migration));
    Ok(all)
}

/// The migrations of a database and the state of its schema.
///
/// # Errors
/// [`MigrationError::Store`] if the database cannot be read.
pub fn inspect(conn: &mut SqliteConnection) -> Result<SchemaState, MigrationError> {
    // Without a savepoint, another program could migrate between the statements.
    conn.batch_execute("SAVEPOINT fieldfen_inspect").store()?;
    let state = (|| {
        encoding::refuse_other(conn)?;
        let mut applied = applied(conn)?;
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
        Ok(SchemaState { migrations: status(conn)?, is_specification, differences })
    })();
    conn.batch_execute("RELEASE fieldfen_inspect").store()?;
    state
}

/// Applies every missing migration, the oldest first, and returns the applied ones.
///
/// If the database has no migration but the specification's six tables, in any equivalent SQL, the first migration is
/// recorded as applied and its missing indexes are created.
///
/// # Errors
/// [`MigrationError`]. After an error, no migration has been applied.
pub fn run_pending(conn: &mut SqliteConnection) -> Result<AppliedMigrations, MigrationError> {
    locked(conn, |conn| {
        encoding::refuse_other(conn)?;
        let mut applied = refuse_newer(conn)?;
        let specification = SpecificationTables::of_unmigrated(conn, &applied)?;
        // Creates diesel's own table if it is missing.
        conn.setup().store()?;
        let mut done = AppliedMigrations::default();
        match specification {
            Some(SpecificationTables::Different(differences)) => {
                return Err(MigrationError::NotTheSpecification(differences));
            }
            Some(SpecificationTables::Equal { indexes }) => {
                indexes.iter().try_for_each(|index| conn.batch_execute(index)).store()?;
                EMBEDDED[0].record(conn)?;
                applied.push(EMBEDDED[0].version().to_owned());
                done.recognised = Some(EMBEDDED[0].migration());
            }
            Some(SpecificationTables::Absent) | None => {}
        }
        refuse_changed(conn, &applied)?;
        match expected_schema::taken_names(conn, &applied)? {
            taken if taken.is_empty() => {}
            taken => return Err(MigrationError::NamesTaken(taken)),
        }
        for embedded in EMBEDDED.iter().filter(|embedded| !has(&applied, embedded.version())) {
            embedded.apply(conn)?;
            done.migrations.push(embedded.migration());
        }
        let applied = self::applied(conn)?;
        refuse_changed(conn, &applied).map(|()| done)
    })
}

fn refuse_changed(conn: &mut SqliteConnection, applied: &[String]) -> Result<(), MigrationError> {
    match expected_schema::differences(conn, applied)? {
        differences if differences.is_empty() => Ok(()),
        differences => Err(MigrationError::Changed(differences)),
    }
}

/// Lists the data that the database would lose if this number of its newest migrations were reverted. The function
/// changes nothing.
///
/// # Errors
/// [`MigrationError::Newer`], and [`MigrationError::Store`] if the database cannot be read.
pub fn losses(conn: &mut SqliteConnection, migrations: usize) -> Result<Vec<Loss>, MigrationError> {
    let applied = applied_here(conn)?;
    data_loss::losses(conn, &applied, applied.len().saturating_sub(migrations))
}

/// Reverts these migrations, the newest first, and deletes the data of their tables and columns. Either all or none are
/// reverted.
///
/// Pending jobs that are not due yet are kept as failed jobs. They become pending again when the migrations are applied
/// again.
///
/// # Errors
/// [`MigrationError::StillNeeded`] if jobs are running or publications are live and `data_loss` does not allow data loss;
/// [`MigrationError::NotNewest`] if another program has migrated meanwhile; and others. After an error, no migration
/// has been reverted.
pub fn revert(
    conn: &mut SqliteConnection,
    migrations: &[Migration],
    data_loss: DataLoss,
) -> Result<(), MigrationError> {
    locked(conn, |conn| {
        let applied = applied_here(conn)?;
        let newest: Vec<_> = applied.iter().rev().take(migrations.len()).map(|embedded| embedded.migration()).collect();
        if newest != migrations {
            let mut pairs = migrations.iter().map(Some).zip(newest.iter().map(Some).chain(std::iter::repeat(None)));
            let differing = pairs.find(|(expected, found)| expected != found);
            let text = |migration: Option<&Migration>| migration.map_or("none".to_owned(), ToString::to_string);
            let (expected, found) = differing.map_or((None, None), |pair| pair);
            return Err(MigrationError::NotNewest { expected: text(expected), found: text(found) });
        }
        take_back(conn, &applied, migrations.len(), data_loss)
    })
}

/// Reverts the newest migration, as [`revert`] does without data loss; `None` if the database has no migration.
///
/// # Errors
/// [`MigrationError`]. After an error, no migration has been reverted.
pub fn revert_last(conn: &mut SqliteConnection) -> Result<Option<Migration>, MigrationError> {
    locked(conn, |conn| {
        let applied = applied_here(conn)?;
        take_back(conn, &applied, 1.min(applied.len()), DataLoss::Refuse)?;
        Ok(applied.last().map(|newest| newest.migration()))
    })
}

fn take_back(
    conn: &mut SqliteConnection,
    applied: &[EmbeddedMigration],
    migrations: usize,
    data_loss: DataLoss,
) -> Result<(), MigrationError> {
    let remain = applied.len() - migrations;
    if data_loss == DataLoss::Refuse {
        let mut losses = data_loss::losses(conn, applied, remain)?;
        losses.retain(|loss| loss.needs_permission);
        if !losses.is_empty() {
            return Err(MigrationError::StillNeeded(losses));
        }
    }
    applied[remain..].iter().rev().try_for_each(|migration| migration.take_back(conn))
}

/// The migrations of the database. This program must know all of them.
fn applied_here(conn: &mut SqliteConnection) -> Result<Vec<EmbeddedMigration>, MigrationError> {
    let applied = refuse_newer(conn)?;
    Ok(EMBEDDED.into_iter().filter(|embedded| has(&applied, embedded.version())).collect())
}

/// The versions of the migrations that this program knows, the oldest first.
fn versions() -> [&'static str; EMBEDDED.len()] {
    EMBEDDED.map(|embedded| embedded.version())
}

fn has(applied: &[String], version: &str) -> bool {
    applied.iter().any(|applied| applied == version)
}

/// The versions of fieldfen's migrations in the database, the oldest first. A version of fieldfen has four digits. An
/// importing program may record its own migrations in the same table; diesel numbers them by their creation time, in
/// fourteen digits. If diesel's table is missing, the result is empty. The function writes nothing.
fn applied(conn: &mut SqliteConnection) -> Result<Vec<String>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        version: String,
    }
    #[derive(QueryableByName)]
    struct Tables {
        #[diesel(sql_type = BigInt)]
        n: i64,
    }
    let table = "SELECT count(*) AS n FROM sqlite_schema WHERE name = '__diesel_schema_migrations'";
    if diesel::sql_query(table).get_result::<Tables>(conn).map_err(classify)?.n == 0 {
        return Ok(Vec::new());
    }
    let rows = diesel::sql_query(
        "SELECT version FROM __diesel_schema_migrations WHERE version GLOB '[0-9][0-9][0-9][0-9]' ORDER BY version",
    );
    let rows: Vec<Row> = rows.load(conn).map_err(classify)?;
    Ok(rows.into_iter().map(|row| row.version).collect())
}

fn refuse_newer(conn: &mut SqliteConnection) -> Result<Vec<String>, MigrationError> {
    let applied = applied(conn)?;
    match applied.iter().find(|version| !versions().contains(&version.as_str())) {
        Some(version) => Err(MigrationError::Newer { version: version.clone() }),
        None => Ok(applied),
    }
}

#[cfg(test)]
mod tests {
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
