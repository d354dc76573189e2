//! Checks that the statements of older programs still work: those of programs after the specification, and those of the
//! previous releases. The specification calls a schema change backward-compatible if they do.

pub(crate) mod record;

use std::fmt;

use diesel::connection::{DefaultLoadingMode, SimpleConnection as _};
use diesel::deserialize::{self, FromSqlRow};
use diesel::prelude::*;
use diesel::row::Row;
use diesel::sql_types::Untyped;
use diesel::sqlite::{Sqlite, SqliteConnection};
use fieldfen_domain::store::StoreError;
use fieldfen_persistence::migrations::{MigrationError, Migrations};
use fieldfen_persistence::store_error;

use record::{Record, RecordedStatement};

/// The number of characters of a statement that an error shows.
const SHOWN: usize = 160;

/// A statement of an older program that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BrokenStatement {
    /// The program that issues it, and its command: for example `program.py text fill`.
    pub origin: String,
    /// The statement.
    pub statement: String,
    /// SQLite's message.
    pub problem: String,
}

impl fmt::Display for BrokenStatement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.statement.split_whitespace().collect::<Vec<_>>().join(" ");
        let shown: String = line.chars().take(SHOWN).collect();
        let rest = if shown.len() < line.len() { " …" } else { "" };
        write!(f, "{}: {shown}{rest}: {}", self.origin, self.problem)
    }
}

/// The recorded statements that fail in a database, for each record in their order. `None` for a record that does not
/// apply, since the database is at an older version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Compatibility(Vec<Option<Vec<BrokenStatement>>>);

impl Compatibility {
    /// Checks the statements of all records that apply. Everything that they change is rolled back.
    ///
    /// # Errors
    /// [`MigrationError::Store`] if the database cannot be read or written.
    pub(crate) fn check(conn: &mut SqliteConnection, migrations: &Migrations) -> Result<Self, MigrationError> {
        let status = migrations.status(conn)?;
        // A database that another program has made has the tables of the first migration, and no migration.
        let is_unmigrated = !status.iter().any(|one| one.applied);
        let is_specification = is_unmigrated && migrations.inspect(conn)?.is_specification;
        let check = |record: &Record| {
            let applies = record.applies(&status) || (is_specification && record.has_values);
            applies.then(|| check_statements(conn, *record)).transpose()
        };
        Ok(Self(Record::all().iter().map(check).collect::<Result<_, _>>()?))
    }

    /// The statements that fail here and did not fail before. Of a record that did not apply before, all count.
    pub(crate) fn worse_than(&self, before: &Self) -> Vec<BrokenStatement> {
        let mut worse = Vec::new();
        for (now, before) in self.0.iter().zip(&before.0) {
            let was_broken = |one: &&BrokenStatement| {
                before.iter().flatten().any(|old| (&old.origin, &old.statement) == (&one.origin, &one.statement))
            };
            worse.extend(now.iter().flatten().filter(|one| !was_broken(one)).cloned());
        }
        worse
    }

    /// The number of statements that were checked.
    pub(crate) fn checked(&self) -> usize {
        let applied = Record::all().iter().zip(&self.0).filter(|(_, broken)| broken.is_some());
        applied.map(|(record, _)| record.statements().count()).sum()
    }

    /// The number of statements that fail.
    pub(crate) fn broken(&self) -> usize {
        self.0.iter().flatten().map(Vec::len).sum()
    }
}

/// Compiles each statement of a record, and runs it if the record has its values. The statements of one program run in
/// their order in one transaction, which is rolled back. Returns the statements that fail.
///
/// # Errors
/// [`StoreError`] if the database cannot be read or written.
fn check_statements(conn: &mut SqliteConnection, record: Record) -> Result<Vec<BrokenStatement>, StoreError> {
    let statements: Vec<_> = record.statements().collect();
    let mut broken = Vec::new();
    for program in statements.chunk_by(|a, b| a.program == b.program) {
        conn.batch_execute("BEGIN IMMEDIATE").map_err(store_error)?;
        let checked = check_program(conn, record, program, &mut broken);
        // A trigger may have rolled the transaction back.
        conn.batch_execute("ROLLBACK").ok();
        checked?;
    }
    Ok(broken)
}

fn check_program(
    conn: &mut SqliteConnection,
    record: Record,
    program: &[RecordedStatement],
    broken: &mut Vec<BrokenStatement>,
) -> Result<(), StoreError> {
    for RecordedStatement { program, command, sql } in program {
        conn.batch_execute("SAVEPOINT statement").map_err(store_error)?;
        let explained = first_row(conn, &format!("EXPLAIN {sql}"));
        let outcome = if record.has_values { explained.and_then(|()| first_row(conn, sql)) } else { explained };
        let Err(error) = outcome else {
            conn.batch_execute("RELEASE statement").map_err(store_error)?;
            continue;
        };
        let problem = error.to_string();
        if let error @ (StoreError::Busy { .. }
        | StoreError::Unavailable { .. }
        | StoreError::Full(_)
        | StoreError::ReadOnly(_)
        | StoreError::Io(_)
        | StoreError::Corrupt(_)) = store_error(error)
        {
            return Err(error);
        }
        let origin = format!("{program} {command}");
        broken.push(BrokenStatement { origin, statement: (*sql).to_owned(), problem });
        if conn.batch_execute("ROLLBACK TO statement; RELEASE statement").is_err() {
            // A trigger has rolled the transaction back, and the following statements would need its rows.
            break;
        }
    }
    Ok(())
}

/// Runs a statement up to its first row. What a statement changes, it has changed then.
fn first_row(conn: &mut SqliteConnection, sql: &str) -> QueryResult<()> {
    let mut rows = diesel::sql_query(sql).load_iter::<Values, DefaultLoadingMode>(conn)?;
    rows.next().transpose().map(drop)
}

/// A row of any columns, which nobody reads.
struct Values;

impl FromSqlRow<Untyped, Sqlite> for Values {
    fn build_from_row<'a>(_row: &impl Row<'a, Sqlite>) -> deserialize::Result<Self> {
        Ok(Self)
    }
}

#[cfg(test)]
mod tests {
    use fieldfen_persistence::migrations;

    use super::*;

    fn newest() -> SqliteConnection {
        let mut conn = SqliteConnection::establish(":memory:").unwrap();
        conn.batch_execute("PRAGMA foreign_keys = ON").unwrap();
        migrations::run_pending(&mut conn).unwrap();
        conn
    }

    fn broken(conn: &mut SqliteConnection) -> Vec<BrokenStatement> {
        Record::all().iter().flat_map(|record| check_statements(conn, *record).unwrap()).collect()
    }

    #[test]
    fn the_newest_schema_breaks_no_statement_and_nothing_of_the_check_stays() {
        let mut conn = newest();
        let before = migrations::table_digests(&mut conn, |_| true, |_| {}).unwrap();
        assert_eq!(broken(&mut conn), []);
        assert_eq!(migrations::table_digests(&mut conn, |_| true, |_| {}).unwrap(), before);
        conn.batch_execute("BEGIN; ROLLBACK").unwrap();
    }

    /// Each change that is not backward-compatible, and a text of a statement that it breaks.
    #[test]
    fn every_kind_of_incompatible_change_breaks_a_statement() {
        for (change, broken_statement, problem) in [
            ("ALTER TABLE files DROP COLUMN aspect_ratio", "SELECT files.id", "aspect_ratio"),
            ("ALTER TABLE jobs RENAME COLUMN last_error TO error", "UPDATE jobs SET status='failed'", "last_error"),
            ("ALTER TABLE social_posts RENAME TO posts", "INSERT INTO social_posts", "social_posts"),
            ("DROP INDEX idx_jobs_claim", "INDEXED BY idx_jobs_claim", "idx_jobs_claim"),
            ("DROP TABLE pauses", "pauses", "no such table: pauses"),
            ("CREATE UNIQUE INDEX u ON files(drive_file_id)", "INSERT INTO files", "UNIQUE constraint failed"),
            ("CREATE UNIQUE INDEX u ON social_posts(platform_post_id)", "INSERT INTO social_posts", "UNIQUE"),
            ("CREATE UNIQUE INDEX u ON api_usage(service, recorded_at)", "INSERT INTO api_usage", "UNIQUE"),
            (
                "CREATE TRIGGER t BEFORE UPDATE ON jobs BEGIN SELECT RAISE(ROLLBACK, 'not any more'); END",
                "UPDATE jobs SET",
                "not any more",
            ),
            (
                "CREATE TRIGGER t BEFORE INSERT ON listings WHEN NEW.listing_url IS NULL
                 BEGIN SELECT RAISE(ABORT, 'listing_url must be given'); END",
                "INSERT INTO listings",
                "listing_url must be given",
            ),
        ] {
            let mut conn = newest();
            conn.batch_execute(change).unwrap();
            let found = broken(&mut conn);
            let is_named = |one: &BrokenStatement| {
                one.statement.contains(broken_statement) && one.problem.contains(problem) && !one.origin.is_empty()
            };
            assert!(found.iter().any(is_named), "{change}: {found:#?}");
            conn.batch_execute("BEGIN; ROLLBACK").unwrap();
        }
    }

    #[test]
    fn a_long_statement_is_shown_in_part_and_on_one_line() {
        let statement = format!("SELECT '{}'\n  FROM files", "é".repeat(200));
        let broken = BrokenStatement { origin: "shop".to_owned(), statement, problem: "no".to_owned() };
        let shown = broken.to_string();
        assert!(
            shown.starts_with("shop: SELECT 'éé") && shown.ends_with("é …: no") && !shown.contains('\n'),
            "{shown}"
        );
    }
}
