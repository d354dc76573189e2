//! Runs `checks.sql` of a migration: read-only assertions on the data, before the migration is applied.

use std::fmt;

use diesel::connection::{DefaultLoadingMode, SimpleConnection};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::prelude::*;
use diesel::row::{Field as _, Row};
use diesel::sql_types::{Text, Untyped};
use diesel::sqlite::{Sqlite, SqliteConnection, SqliteType};
use fieldfen_domain::store::StoreError;

use super::migration_file::MigrationFile;
use super::sql_statements::statements;
use super::{Migration, MigrationError, ledger};
use crate::sqlite::columns::StoredText;
use crate::sqlite::error::{Classify as _, classify};

/// The number of rows of a check that an error names.
const MOST_NAMED: usize = 10;

/// A check that returned rows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailedCheck {
    /// The comment above the check, or its number.
    pub check: String,
    /// The number of rows that it returned.
    pub total: u64,
    /// The first rows, as `column=value` pairs.
    pub rows: Vec<String>,
}

impl fmt::Display for FailedCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { check, total, rows } = self;
        write!(f, "{check}: {total} {}: {}", if *total == 1 { "row" } else { "rows" }, rows.join("; "))?;
        if *total > rows.len() as u64 { write!(f, "; …") } else { Ok(()) }
    }
}

/// All failed checks as one text.
pub(super) fn listed(failed: &[FailedCheck]) -> String {
    failed.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Runs the checks of a migration. The connection cannot write meanwhile.
pub(super) fn run(conn: &mut SqliteConnection, file: &MigrationFile) -> Result<(), MigrationError> {
    let Some(checks) = file.checks.as_deref() else { return Ok(()) };
    let was_query_only = ledger::number(conn, "SELECT query_only AS n FROM pragma_query_only")? != 0;
    conn.batch_execute("PRAGMA query_only = ON").store()?;
    let failed = failed(conn, checks, file.migration());
    if !was_query_only {
        conn.batch_execute("PRAGMA query_only = OFF").store()?;
    }
    match failed? {
        failed if failed.is_empty() => Ok(()),
        failed => Err(MigrationError::ChecksFailed { migration: file.migration(), failed }),
    }
}

fn failed(conn: &mut SqliteConnection, checks: &str, migration: Migration) -> Result<Vec<FailedCheck>, MigrationError> {
    let mut failed = Vec::new();
    for (at, statement) in statements(checks).into_iter().enumerate() {
        let check = statement.comment.map(|comment| comment.trim_matches(['-', '/', '*', ' ', '\n', '\r']).to_owned());
        let check = check.filter(|check| !check.is_empty()).unwrap_or_else(|| format!("check {}", at + 1));
        match violations(conn, statement.text) {
            Ok((0, _)) => {}
            Ok((total, rows)) => failed.push(FailedCheck { check, total, rows }),
            Err(source) => {
                return Err(MigrationError::CheckError { migration, check, source: source.into() });
            }
        }
    }
    Ok(failed)
}

fn violations(conn: &mut SqliteConnection, check: &str) -> Result<(u64, Vec<String>), StoreError> {
    let (mut total, mut rows) = (0, Vec::new());
    for row in diesel::sql_query(check).load_iter::<NamedValues, DefaultLoadingMode>(conn).map_err(classify)? {
        let NamedValues(row) = row.store()?;
        if rows.len() < MOST_NAMED {
            rows.push(row);
        }
        total += 1;
    }
    Ok((total, rows))
}

/// The values of a row with the names of their columns.
struct NamedValues(String);

impl FromSqlRow<Untyped, Sqlite> for NamedValues {
    fn build_from_row<'a>(row: &impl Row<'a, Sqlite>) -> deserialize::Result<Self> {
        let mut values = Vec::new();
        for at in 0..row.field_count() {
            let field = row.get(at).ok_or(diesel::result::UnexpectedEndOfRow)?;
            let value = match field.value() {
                None => "NULL".to_owned(),
                Some(mut value) => match value.value_type() {
                    Some(SqliteType::Binary | SqliteType::Text) => {
                        <StoredText as FromSql<Text, Sqlite>>::from_sql(value)?.to_string()
                    }
                    _ => value.read_text().to_owned(),
                },
            };
            values.push(format!("{}={value}", field.field_name().unwrap_or("?")));
        }
        Ok(Self(values.join(", ")))
    }
}
