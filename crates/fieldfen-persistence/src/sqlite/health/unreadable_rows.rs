//! Rows that cannot be read, of which no list of the repository traits shows the whole: the history of files, the
//! attempts of jobs, and the large columns of jobs.

use diesel::sqlite::SqliteConnection;
use fieldfen_domain::health::{Check, Finding, MOST_ROWS_NAMED};
use fieldfen_domain::store::StoreError;

use super::not_done;
use super::query::texts;
use super::time_budget::{Ended, TimeBudget};
use crate::sqlite::connection::hooks::OpenConnection;
use crate::sqlite::session::SqliteSession;

const LOOKED_AT: &str = "the history of files, the attempts of jobs, and the documents of jobs";

pub(super) fn check(opened: &mut OpenConnection, budget: &mut TimeBudget) -> Option<Finding> {
    budget.begin();
    let finding = match budget.run(opened, unreadable) {
        Ok(Ended::Done(rows)) if rows.is_empty() => return None,
        Ok(Ended::Done(rows)) => {
            let advice = "correct the column in the program that has written it; the other rows are used as usual";
            Finding::problem(Check::UnreadableRows, LOOKED_AT, "rows cannot be read", advice).details(rows)
        }
        Ok(Ended::TimeOver) => {
            let found = format!("not checked to the end: it took longer than {}", budget.name());
            Finding::warning(Check::UnreadableRows, LOOKED_AT, found, "run `fieldfen doctor --full`")
        }
        Err(error) => not_done(Check::UnreadableRows, LOOKED_AT, &error),
    };
    Some(finding)
}

fn unreadable(conn: &mut SqliteConnection) -> Result<Vec<String>, StoreError> {
    let mut rows = Vec::new();
    let mut session = SqliteSession::new(conn);
    let of_session = [session.unreadable_history(MOST_ROWS_NAMED)?, session.unreadable_attempts(MOST_ROWS_NAMED)?];
    rows.extend(of_session.into_iter().flatten().map(|row| row.to_string()));
    for column in ["payload_json", "result_json", "progress_json"] {
        let sql = format!(
            "SELECT 'jobs ' || coalesce(id, 'without id (rowid ' || rowid || ')') || ': column {column} holds a ' \
             || typeof({column}) || '; it must be a text' AS text \
             FROM jobs WHERE typeof({column}) NOT IN ('text', 'null') LIMIT {MOST_ROWS_NAMED}"
        );
        rows.extend(texts(conn, &sql)?);
    }
    Ok(rows)
}
