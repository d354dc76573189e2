//! The ledger `__fieldfen_migrations`: which text of each migration was applied, when, by which tool, and where the
//! backup is.
//!
//! The table stands beside diesel's own. diesel_cli leaves out tables whose names begin with `__` when it prints a
//! schema, and goes on working on the database. The row of a migration that another tool has reverted or applied again
//! meanwhile is stale: its `run_on` differs from that of diesel's row.

use std::collections::BTreeMap;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;

use super::migration_file::MigrationFile;
use crate::sqlite::error::Classify as _;

/// The name of the table.
pub(super) const TABLE: &str = "__fieldfen_migrations";

const CREATE: &str = "CREATE TABLE IF NOT EXISTS __fieldfen_migrations (
    version TEXT PRIMARY KEY NOT NULL,
    program TEXT NOT NULL,
    name TEXT NOT NULL,
    up_digest TEXT NOT NULL,
    down_digest TEXT NOT NULL,
    how TEXT NOT NULL,
    applied_at TEXT,
    run_on TEXT,
    took_ms INTEGER,
    tool TEXT NOT NULL,
    backup TEXT,
    repaired_at TEXT,
    repaired_by TEXT
)";

/// Now as UTC text, by SQLite's clock.
const NOW: &str = "strftime('%Y-%m-%d %H:%M:%f000', 'now')";

/// The way in which a migration came into the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HowApplied {
    /// Its statements ran.
    Applied,
    /// Another program had created the specification's tables, which are those of the first migration.
    Recognised,
    /// A database of SQLAlchemy or Alembic was taken over.
    Adopted,
    /// It was applied before the ledger existed, or by another tool. The digests are those of the files at the time of
    /// the row.
    BeforeLedger,
}

impl HowApplied {
    /// The word in the ledger.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Recognised => "recognised",
            Self::Adopted => "adopted",
            Self::BeforeLedger => "before ledger",
        }
    }
}

/// A row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LedgerEntry {
    /// The name of the set to which the migration belongs.
    pub program: String,
    /// The name of the migration.
    pub name: String,
    /// The digest of `up.sql`.
    pub up_digest: String,
    /// The digest of `down.sql`.
    pub down_digest: String,
    /// The way in which the migration came into the database, as a word of [`HowApplied::as_str`].
    pub how: String,
    /// The time of the run, as UTC text; `None` if it is not known.
    pub applied_at: Option<String>,
    /// The time that the statements took; `None` if it is not known.
    pub took: Option<Duration>,
    /// The tool that wrote the row, with its version.
    pub tool: String,
    /// The backup that was made before the run.
    pub backup: Option<String>,
    /// The time at which somebody accepted an edited migration, as UTC text.
    pub repaired_at: Option<String>,
    /// The person or program that accepted an edited migration.
    pub repaired_by: Option<String>,
    /// Whether another tool has reverted or applied the migration since: the digests and times are then not those of
    /// the migration in the database.
    pub is_stale: bool,
}

/// The values that a run writes into each row.
#[derive(Debug, Clone, Copy)]
pub(super) struct WrittenBy<'a> {
    pub(super) tool: &'a str,
    pub(super) backup: Option<&'a str>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    version: String,
    #[diesel(sql_type = Text)]
    program: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    up_digest: String,
    #[diesel(sql_type = Text)]
    down_digest: String,
    #[diesel(sql_type = Text)]
    how: String,
    #[diesel(sql_type = Nullable<Text>)]
    applied_at: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    took_ms: Option<i64>,
    #[diesel(sql_type = Text)]
    tool: String,
    #[diesel(sql_type = Nullable<Text>)]
    backup: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    repaired_at: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    repaired_by: Option<String>,
    #[diesel(sql_type = BigInt)]
    is_stale: i64,
}

/// The rows of the ledger by their versions. The result is empty if the table is missing. Writes nothing.
pub(super) fn read(conn: &mut SqliteConnection) -> Result<BTreeMap<String, LedgerEntry>, StoreError> {
    let both = "SELECT count(*) AS n FROM sqlite_schema
                WHERE name IN ('__fieldfen_migrations', '__diesel_schema_migrations')";
    if number(conn, both)? < 2 {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT ledger.*, diesel.run_on IS NULL OR ledger.run_on IS NOT diesel.run_on AS is_stale
         FROM __fieldfen_migrations AS ledger
         LEFT JOIN __diesel_schema_migrations AS diesel ON diesel.version = ledger.version",
    )
    .load(conn)
    .store()?;
    let entry = |row: Row| {
        let entry = LedgerEntry {
            program: row.program,
            name: row.name,
            up_digest: row.up_digest,
            down_digest: row.down_digest,
            how: row.how,
            applied_at: row.applied_at,
            took: row.took_ms.and_then(|took| u64::try_from(took).ok()).map(Duration::from_millis),
            tool: row.tool,
            backup: row.backup,
            repaired_at: row.repaired_at,
            repaired_by: row.repaired_by,
            is_stale: row.is_stale != 0,
        };
        (row.version, entry)
    };
    Ok(rows.into_iter().map(entry).collect())
}

/// Creates the table if it is missing.
pub(super) fn create(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    conn.batch_execute(CREATE).store()
}

/// Writes the row of a migration whose row of diesel was just written, or replaces it.
pub(super) fn write(
    conn: &mut SqliteConnection,
    program: &str,
    file: &MigrationFile,
    how: HowApplied,
    took: Option<Duration>,
    by: WrittenBy<'_>,
) -> Result<(), StoreError> {
    let applied_at = if how == HowApplied::BeforeLedger { "NULL" } else { NOW };
    let insert = format!(
        "INSERT OR REPLACE INTO __fieldfen_migrations
             (version, program, name, up_digest, down_digest, how, applied_at, run_on, took_ms, tool, backup)
         SELECT version, ?, ?, ?, ?, ?, {applied_at}, run_on, ?, ?, ? FROM __diesel_schema_migrations WHERE version = ?"
    );
    let took = took.map(|took| i64::try_from(took.as_millis()).unwrap_or(i64::MAX));
    let backup = by.backup.filter(|_| how != HowApplied::BeforeLedger);
    diesel::sql_query(insert)
        .bind::<Text, _>(program)
        .bind::<Text, _>(file.name.as_ref())
        .bind::<Text, _>(file.up_digest().as_str())
        .bind::<Text, _>(file.down_digest().as_str())
        .bind::<Text, _>(how.as_str())
        .bind::<Nullable<BigInt>, _>(took)
        .bind::<Text, _>(by.tool)
        .bind::<Nullable<Text>, _>(backup)
        .bind::<Text, _>(file.version())
        .execute(conn)
        .store()?;
    Ok(())
}

/// Deletes the row of a reverted migration.
pub(super) fn delete(conn: &mut SqliteConnection, version: &str) -> Result<(), StoreError> {
    let delete = diesel::sql_query("DELETE FROM __fieldfen_migrations WHERE version = ?");
    delete.bind::<Text, _>(version).execute(conn).store()?;
    Ok(())
}

/// Replaces the digests in a row by those of the file.
pub(super) fn accept(conn: &mut SqliteConnection, file: &MigrationFile, by: &str) -> Result<(), StoreError> {
    let update = format!(
        "UPDATE __fieldfen_migrations SET up_digest = ?, down_digest = ?, name = ?, repaired_at = {NOW}, repaired_by = ?
         WHERE version = ?"
    );
    diesel::sql_query(update)
        .bind::<Text, _>(file.up_digest().as_str())
        .bind::<Text, _>(file.down_digest().as_str())
        .bind::<Text, _>(file.name.as_ref())
        .bind::<Text, _>(by)
        .bind::<Text, _>(file.version())
        .execute(conn)
        .store()?;
    Ok(())
}

pub(super) fn number(conn: &mut SqliteConnection, sql: &str) -> Result<i64, StoreError> {
    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = BigInt)]
        n: i64,
    }
    Ok(diesel::sql_query(sql).get_result::<Number>(conn).store()?.n)
}
