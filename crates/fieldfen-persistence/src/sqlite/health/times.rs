//! Times that should be past and are in the future, because a clock that was ahead has written them.

use diesel::sqlite::SqliteConnection;
use fieldfen_domain::health::{Check, Finding, MOST_ROWS_NAMED};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{CLOCK_TOLERANCE, Timestamp};

use super::not_done;
use super::query::texts;
use super::time_budget::{Ended, TimeBudget};
use crate::sqlite::columns::least_text;
use crate::sqlite::connection::hooks::OpenConnection;

const LOOKED_AT: &str = "the times in all tables that must be past";

/// The tables, the column that names a row, and the columns that must be past.
const PAST: [(&str, &str, &[&str]); 13] = [
    ("files", "id", &["created_at", "updated_at"]),
    (
        "jobs",
        "id",
        &["created_at", "started_at", "completed_at", "waiting_since", "declined_since", "cancel_requested_at"],
    ),
    ("job_attempts", "job_id", &["claimed_at", "ended_at"]),
    ("processed_hashes", "hash", &["created_at"]),
    ("listings", "id", &["created_at", "updated_at", "status_event_at"]),
    ("social_posts", "id", &["posted_at", "gone_at"]),
    ("publications", "id", &["created_at", "updated_at", "held_since"]),
    ("file_history", "file_id", &["at"]),
    ("operator_actions", "action_id", &["at"]),
    ("workers", "id", &["started_at", "last_seen_at"]),
    ("api_usage", "id", &["recorded_at"]),
    ("api_costs", "id", &["at", "settled_at"]),
    ("recurring_jobs", "name", &["last_at", "updated_at"]),
];

pub(super) fn check(opened: &mut OpenConnection, budget: &mut TimeBudget, now: Timestamp) -> Finding {
    budget.begin();
    match budget.run(opened, |conn| ahead(conn, now)) {
        Ok(Ended::Done(details)) if details.is_empty() => {
            Finding::ok(Check::FutureTimes, LOOKED_AT, "no time is in the future")
        }
        Ok(Ended::Done(details)) => {
            let found = "rows have times in the future: a clock is or was ahead";
            let advice =
                "set the clocks of all machines (`timedatectl`); waits and reservations then begin anew by themselves";
            Finding::warning(Check::FutureTimes, LOOKED_AT, found, advice).details(details)
        }
        Ok(Ended::TimeOver) => {
            let found = format!("not checked to the end: it took longer than {}", budget.name());
            Finding::warning(Check::FutureTimes, LOOKED_AT, found, "run `fieldfen doctor --full`")
        }
        Err(error) => not_done(Check::FutureTimes, LOOKED_AT, &error),
    }
}

fn ahead(conn: &mut SqliteConnection, now: Timestamp) -> Result<Vec<String>, StoreError> {
    let latest = least_text(now + CLOCK_TOLERANCE);
    let mut lines = Vec::new();
    for (table, key, columns) in PAST {
        // A blank behind the date: texts with a T do not compare like times.
        let is_ahead = |column: &&str| format!("({column} > '{latest}' AND substr({column}, 11, 1) = ' ')");
        let named = |column: &&str| format!("iif({}, ', {column} ' || {column}, '')", is_ahead(column));
        let (any, names): (Vec<_>, Vec<_>) = columns.iter().map(|column| (is_ahead(column), named(column))).unzip();
        let sql = format!(
            "SELECT coalesce({key}, 'without {key}') || {} AS text FROM {table} WHERE {} LIMIT {}",
            names.join(" || "),
            any.join(" OR "),
            MOST_ROWS_NAMED + 1,
        );
        let mut rows: Vec<_> = texts(conn, &sql)?.into_iter().map(|row| format!("{table} {row}")).collect();
        if rows.len() > MOST_ROWS_NAMED {
            rows.truncate(MOST_ROWS_NAMED);
            rows.push(format!("{table}: more rows"));
        }
        lines.append(&mut rows);
    }
    Ok(lines)
}
