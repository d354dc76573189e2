//! SQLite's own check of the file: `quick_check`, or `integrity_check` table by table.

use diesel::sqlite::SqliteConnection;
use fieldfen_domain::health::{Check, Finding};
use fieldfen_domain::store::StoreError;

use super::query::texts;
use super::time_budget::{Ended, TimeBudget};
use super::{RESTORE, Steps, not_done};
use crate::sqlite::connection::hooks::OpenConnection;

pub(super) fn check(
    opened: &mut OpenConnection,
    budget: &mut TimeBudget,
    full: bool,
    steps: &mut Steps<'_, '_>,
) -> Finding {
    let name = if full { "quick_check, and integrity_check of each table" } else { "quick_check" };
    budget.begin();
    steps.begin("quick_check");
    let mut problems =
        match budget.run(opened, |conn| problems(conn, "SELECT quick_check AS text FROM pragma_quick_check")) {
            Ok(Ended::Done(problems)) => problems,
            Ok(Ended::TimeOver) => {
                let found = format!("not checked to the end: quick_check took longer than {}", budget.name());
                return Finding::warning(Check::Integrity, name, found, "run `fieldfen doctor --full`");
            }
            Err(error) => return not_done(Check::Integrity, name, &error),
        };
    if full && problems.is_empty() {
        match check_tables(opened, steps) {
            Ok(of_tables) => problems = of_tables,
            Err(error) => return not_done(Check::Integrity, name, &error),
        }
    }
    match problems.len() {
        0 => Finding::ok(Check::Integrity, name, "the pages and rows are whole"),
        1 => Finding::problem(Check::Integrity, name, "1 fault in the file", RESTORE).details(problems),
        faults => {
            Finding::problem(Check::Integrity, name, format!("{faults} faults in the file"), RESTORE).details(problems)
        }
    }
}

fn check_tables(opened: &mut OpenConnection, steps: &mut Steps<'_, '_>) -> Result<Vec<String>, StoreError> {
    let tables =
        "SELECT name AS text FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name";
    let tables = texts(&mut opened.conn, tables)?;
    steps.add(tables.len());
    let mut found = Vec::new();
    for table in tables {
        steps.begin(format!("integrity_check of {table}"));
        // The table-valued form of the pragma takes only a name that is a literal.
        let check = format!("SELECT integrity_check AS text FROM pragma_integrity_check({})", literal(&table));
        found.extend(problems(&mut opened.conn, &check)?);
    }
    Ok(found)
}

/// The faults that a pragma names, at most 100.
fn problems(conn: &mut SqliteConnection, sql: &str) -> Result<Vec<String>, StoreError> {
    let mut problems = texts(conn, sql)?;
    problems.retain(|problem| problem != "ok");
    Ok(problems)
}

/// A name as an SQL literal.
fn literal(name: &str) -> String {
    format!("'{}'", name.replace('\'', "''"))
}
