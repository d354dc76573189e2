//! Running jobs without a lease. Programs that know only the specification leave them, and no reclaim takes them back.

use diesel::sqlite::SqliteConnection;
use fieldfen_domain::Timestamp;
use fieldfen_domain::health::{Check, Finding, MOST_ROWS_NAMED};
use fieldfen_domain::store::StoreError;

use super::not_done;
use super::query::{number, texts};
use super::time_budget::{Ended, TimeBudget};
use crate::sqlite::columns::least_text;
use crate::sqlite::connection::hooks::OpenConnection;

const LOOKED_AT: &str = "running jobs of programs that know only the specification";

/// The hours for which such a job may run before somebody should look.
const HOURS: i64 = 1;

pub(super) fn check(opened: &mut OpenConnection, budget: &mut TimeBudget, now: Timestamp) -> Finding {
    budget.begin();
    match budget.run(opened, |conn| without_lease(conn, now)) {
        Ok(Ended::Done((0, _, _))) => Finding::ok(Check::JobsWithoutLease, LOOKED_AT, "none"),
        Ok(Ended::Done((all, 0, _))) => {
            Finding::ok(Check::JobsWithoutLease, LOOKED_AT, format!("{all}, all started within the last hour"))
        }
        Ok(Ended::Done((_, old, details))) => {
            let found =
                format!("{old} without a lease that did not start within the last hour; no reclaim takes them back");
            let advice =
                "if the program that ran them has died: `fieldfen jobs kill ID`, then `fieldfen jobs retry ID`";
            Finding::warning(Check::JobsWithoutLease, LOOKED_AT, found, advice).details(details)
        }
        Ok(Ended::TimeOver) => {
            let found = format!("not checked to the end: it took longer than {}", budget.name());
            Finding::warning(Check::JobsWithoutLease, LOOKED_AT, found, "run `fieldfen doctor --full`")
        }
        Err(error) => not_done(Check::JobsWithoutLease, LOOKED_AT, &error),
    }
}

/// The number of such jobs, the number of those that started long ago or at an unknown time, and a line for the first
/// of these.
fn without_lease(conn: &mut SqliteConnection, now: Timestamp) -> Result<(i64, i64, Vec<String>), StoreError> {
    let all = "FROM jobs INDEXED BY idx_jobs_status WHERE status = 'running' AND lease_expires_at IS NULL";
    let since = least_text(now - chrono::TimeDelta::hours(HOURS));
    let old = format!("{all} AND (started_at IS NULL OR started_at < '{since}')");
    let counts =
        (number(conn, &format!("SELECT count(*) AS n {all}"))?, number(conn, &format!("SELECT count(*) AS n {old}"))?);
    let lines = texts(
        conn,
        &format!(
            "SELECT 'job ' || coalesce(id, 'without id, rowid ' || rowid) || ' of ' || command_type || ', started ' \
             || coalesce(started_at, 'at an unknown time') AS text {old} LIMIT {MOST_ROWS_NAMED}"
        ),
    )?;
    Ok((counts.0, counts.1, lines))
}
