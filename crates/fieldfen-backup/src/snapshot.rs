//! The rows and migrations of a database at one moment, and the check of a copy.

use std::collections::BTreeMap;
use std::path::Path;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;
use fieldfen_persistence::migrations::{self, MigrationError};
use fieldfen_persistence::{mark_as_copy, store_error};

use crate::error::{BackupError, WithOperation};

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[derive(QueryableByName)]
struct Words {
    #[diesel(sql_type = Text)]
    text: String,
}

/// The rows and migrations of a database at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// The number of rows of each table.
    pub(crate) rows: BTreeMap<String, i64>,
    /// The newest migration; `None` without migrations.
    pub(crate) schema: Option<String>,
    /// The applied migrations.
    migrations: Vec<String>,
}

impl Snapshot {
    /// Reads the database.
    pub(crate) fn take(conn: &mut SqliteConnection) -> Result<Self, BackupError> {
        let schema = migrations::status(conn).map_err(|error| match error {
            MigrationError::Store(source) => source,
            error => StoreError::Database(error.into()),
        })?;
        let applied = schema.into_iter().filter(|status| status.applied);
        let migrations: Vec<_> = applied.map(|status| status.migration.to_string()).collect();
        let rows = rows(conn).map_err(failed("count the rows of each table"))?;
        Ok(Self { rows, schema: migrations.last().cloned(), migrations })
    }
}

/// Returns whether the database has no tables.
pub(crate) fn is_empty(conn: &mut SqliteConnection) -> Result<bool, BackupError> {
    let tables = number(conn, "SELECT count(*) AS n FROM sqlite_schema WHERE type = 'table'");
    Ok(tables.map_err(failed("read the database"))? == 0)
}

/// A number that changes with every commit of another connection.
pub(crate) fn data_version(conn: &mut SqliteConnection) -> Result<i64, BackupError> {
    number(conn, "SELECT data_version AS n FROM pragma_data_version").map_err(failed("read the database"))
}

fn rows(conn: &mut SqliteConnection) -> QueryResult<BTreeMap<String, i64>> {
    let tables: Vec<Words> = diesel::sql_query(
        "SELECT name AS text FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )
    .load(conn)?;
    let count = |Words { text: table }: Words| {
        let n = number(conn, &format!("SELECT count(*) AS n FROM \"{}\"", table.replace('"', "\"\"")))?;
        Ok((table, n))
    };
    tables.into_iter().map(count).collect()
}

/// The result of the check of a good copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CheckedCopy {
    /// The rows and migrations of the copy.
    pub(crate) snapshot: Snapshot,
    /// The number of rows that refer to rows that do not exist. The database has them too.
    pub(crate) dangling: u64,
}

/// Marks a copy as a copy. SQLite writes no journal beside it, since an unfinished copy is never continued.
pub(crate) fn mark(path: &Path) -> Result<(), BackupError> {
    let mut conn = open(path)?;
    let marking = "mark the copy as a copy";
    conn.batch_execute("PRAGMA journal_mode = MEMORY").map_err(failed(marking))?;
    mark_as_copy(&mut conn).map_err(|source| BackupError::Store { action: marking, source })
}

/// Checks a copy by itself. The copy is only read, so that no log appears beside it.
pub(crate) fn check(path: &Path) -> Result<CheckedCopy, BackupError> {
    let mut conn = open(path)?;
    let reading = "read the copy back";
    let problems: Vec<Words> = diesel::sql_query("SELECT integrity_check AS text FROM pragma_integrity_check LIMIT 3")
        .load(&mut conn)
        .map_err(failed(reading))?;
    let problems: Vec<_> = problems.into_iter().map(|problem| problem.text).collect();
    if problems != ["ok"] {
        return Err(BackupError::CheckFailed { problem: format!("integrity_check says {}", problems.join("; ")) });
    }
    let dangling = number(&mut conn, "SELECT count(*) AS n FROM pragma_foreign_key_check").map_err(failed(reading))?;
    let snapshot = Snapshot::take(&mut conn)?;
    Ok(CheckedCopy { snapshot, dangling: dangling.unsigned_abs() })
}

fn open(path: &Path) -> Result<SqliteConnection, BackupError> {
    let name = sqlite_name(path)?;
    SqliteConnection::establish(&name).map_err(|error| BackupError::CheckFailed { problem: error.to_string() })
}

/// The path in the form for SQLite: absolute, so that SQLite does not give a part of it another meaning.
pub(crate) fn sqlite_name(path: &Path) -> Result<String, BackupError> {
    let absolute = std::path::absolute(path).with_operation("find", path)?;
    absolute.into_os_string().into_string().map_err(|_| BackupError::NotText { path: path.to_owned() })
}

fn number(conn: &mut SqliteConnection, sql: &str) -> QueryResult<i64> {
    Ok(diesel::sql_query(sql).get_result::<Number>(conn)?.n)
}

/// Adds the operation to an error of the database.
pub(crate) fn failed(action: &'static str) -> impl Fn(diesel::result::Error) -> BackupError {
    move |error| BackupError::Store { action, source: store_error(error) }
}
