//! The data that is lost when migrations are reverted.

use std::fmt;

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::SqliteConnection;

use super::embedded::EMBEDDED;
use super::expected_schema::ExpectedSchema;
use super::guarded_schema::{columns, key, tables};
use super::migration_file::MigrationFile;
use super::migration_run::own_versions;
use super::migration_set::FIELDFEN;
use super::migration_state::MigrationStatus;
use super::step::{Direction, Permission, Step};
use super::table_digest::quoted;
use super::{MigrationError, has};
use crate::sqlite::error::Classify as _;

/// Whether migrations whose data is still needed may be reverted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataLoss {
    /// Refuses the reversal if a [`Loss`] needs permission.
    Refuse,
    /// Reverts the migrations and accepts every loss.
    Allow,
}

/// Data that is lost when migrations are reverted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loss {
    /// The data, for example `running jobs` or `rows with files.failure`.
    pub what: String,
    /// The number of rows that would be lost.
    pub rows: u64,
    /// The consequence of the loss, in a few words.
    pub consequence: &'static str,
    /// Whether [`DataLoss::Refuse`] refuses this loss.
    pub needs_permission: bool,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.what, self.rows, self.consequence)
    }
}

/// All losses as one text.
pub(super) fn listed<'a>(losses: impl IntoIterator<Item = &'a Loss>) -> String {
    losses.into_iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The jobs that `0002_job_queue/down.sql` keeps as failed. The condition uses the same clock as that script.
const NOT_DUE: &str = "status = 'pending' AND run_at > strftime('%Y-%m-%d %H:%M:%f', 'now')";

/// The consequence of losing a column or a table.
const CONSEQUENCES: [(&str, &str); 33] = [
    ("jobs.priority", "they run in the order of their insertion"),
    ("jobs.max_retries", "they get the usual number of retries"),
    ("jobs.dedup_key", "a job with the same key can be enqueued a second time"),
    ("jobs.cancel_requested_at", "they are not asked to stop any more"),
    ("jobs.parked_for", "they are failed jobs, which no approval and no person's word lets run again"),
    ("jobs.account", "no pause and no limit of an account finds them any more"),
    ("jobs.on_worker_death", "they run again after the death of a worker, although they should be held or fail"),
    ("jobs.error_fingerprint", "they are not grouped by their errors any more"),
    ("bulk_actions", "nobody can resume them any more, and who ordered them is only in operator_actions"),
    ("job_attempts", "nobody can tell any more how the earlier attempts of the jobs ended"),
    ("concurrency_limits", "their jobs run without a limit"),
    ("pauses", "their jobs run again"),
    ("files.failed_from", "they cannot be taken up where they failed"),
    ("files.failure", "nobody can tell any more why they failed"),
    ("files.content_hash", "the same pictures are not recognised when they arrive again"),
    ("file_history", "nobody can tell any more what became of the files, and when"),
    ("file_drive_ids", "arrivals with these Drive ids are not recognised any more"),
    ("publications", "nobody can tell any more which calls were made to which platform"),
    ("listings.status_event_at", "older news of a platform can overwrite newer news"),
    ("processed_hashes.source", "nobody can tell any more who sent them"),
    ("processed_hashes.expires_at", "repetitions are recognised for 24 hours only"),
    ("recurring_jobs", "recurring work ends until a program defines it again"),
    ("recurring_jobs.time_zone", "the schedules are in UTC"),
    ("recurring_jobs.account", "no pause of an account holds their jobs back"),
    ("recurring_jobs.defined_in", "nobody is told when a file no longer defines them"),
    ("recurring_runs", "nobody can tell any more which jobs the schedules have enqueued"),
    ("rate_limits", "what is used of a limit is not known until the service says it or a window has passed"),
    ("operator_actions", "nobody can tell any more who did what, and why"),
    ("api_usage.outcome", "nobody can tell any more which calls failed"),
    ("api_usage.error", "nobody can tell any more why the calls failed"),
    ("api_usage_daily", "nobody can tell any more how many calls were made in the days whose rows were pruned"),
    ("api_costs", "nobody can tell any more what the calls cost, and budgets begin anew"),
    ("", "this is forgotten"),
];

/// Tables and columns that are no loss of their own: applying the migration again restores their values, a due job does
/// not need them, or they are sums of a table that is listed.
const NOT_LOST: [&str; 13] = [
    "jobs.partition_key",
    "jobs.run_at",
    "jobs.waiting_since",
    "jobs.waits_for",
    "publication_gap",
    "workers",
    "api_usage_monthly",
    "api_usage_rollup",
    "rate_limit_usage",
    "api_permits",
    "api_permit_limits",
    "api_cost_daily",
    "api_cost_monthly",
];

/// The rows of `file_drive_ids` that the migration cannot restore from `files`.
const NOT_OF_FILES: &str = "NOT EXISTS (SELECT 1 FROM files WHERE files.id = file_drive_ids.file_id \
                            AND files.drive_file_id = file_drive_ids.drive_file_id)";

/// An error if a loss by these steps needs permission.
pub(super) fn refuse(
    conn: &mut SqliteConnection,
    status: &[MigrationStatus],
    steps: &[Step],
) -> Result<(), MigrationError> {
    let mut losses = of_steps(conn, status, steps)?;
    losses.retain(|loss| loss.needs_permission);
    if losses.is_empty() { Ok(()) } else { Err(MigrationError::StillNeeded(losses)) }
}

/// The losses by these steps. Those of an importing program's migrations all need permission, since nobody here knows
/// what the data is for.
pub(super) fn of_steps(
    conn: &mut SqliteConnection,
    status: &[MigrationStatus],
    steps: &[Step],
) -> Result<Vec<Loss>, MigrationError> {
    let (own, others): (Vec<_>, Vec<_>) =
        steps.iter().filter(|step| step.direction == Direction::Down).partition(|step| step.program == FIELDFEN);
    let mut losses = Vec::new();
    if !own.is_empty() {
        let applied = own_versions(status);
        let applied: Vec<_> = EMBEDDED.iter().filter(|file| has(&applied, file.version())).cloned().collect();
        losses = self::losses(conn, &applied, applied.len().saturating_sub(own.len()))?;
    }
    for step in others {
        for (table, column) in Permission::of(step).removed() {
            let Some(name) = tables(conn)?.remove(&table) else { continue };
            let (what, from) = match column {
                None => (format!("rows of {name}"), quoted(&name)),
                Some(column) => {
                    let has = columns(conn, &name)?.all.iter().any(|one| key(one) == column);
                    if !has {
                        continue;
                    }
                    let condition = format!("{} WHERE {} IS NOT NULL", quoted(&name), quoted(&column));
                    (format!("rows with {name}.{column}"), condition)
                }
            };
            let rows = rows(conn, &from)?;
            if rows > 0 {
                losses.push(Loss { what, rows, consequence: "this is forgotten", needs_permission: true });
            }
        }
    }
    Ok(losses)
}

/// Lists the data that the database would lose if only this number of its migrations remained. The function changes
/// nothing.
pub(super) fn losses(
    conn: &mut SqliteConnection,
    applied: &[MigrationFile],
    remain: usize,
) -> Result<Vec<Loss>, MigrationError> {
    let (before, after) = (ExpectedSchema::after(applied)?, ExpectedSchema::after(&applied[..remain])?);
    let specified = ExpectedSchema::after(&applied[..applied.len().min(1)])?;
    let is_reverted = |version: &str| applied[remain..].iter().any(|migration| migration.version() == version);
    let mut losses = Vec::new();
    let mut count = |what: String, consequence, needs_permission, from: &str| -> Result<(), MigrationError> {
        let rows = rows(conn, from)?;
        if rows > 0 {
            losses.push(Loss { what, rows, consequence, needs_permission });
        }
        Ok(())
    };
    if applied.iter().any(|migration| migration.version() == "0002") && remain < applied.len() {
        let follows = if is_reverted("0002") {
            "they become failed jobs, which a person must look at: stop the workers first"
        } else {
            "their workers need the schema that is reverted: stop the workers first"
        };
        count("running jobs".into(), follows, true, "jobs WHERE status = 'running' AND lease_expires_at IS NOT NULL")?;
    }
    if is_reverted("0002") {
        let follows = "they are failed jobs until migration 0002 is applied again, so that nobody runs them too early";
        count("jobs that are not due yet".into(), follows, false, &format!("jobs WHERE {NOT_DUE}"))?;
    }
    if is_reverted("0004") {
        const AGAIN: &str =
            "what a platform has been asked for may be published a second time, where it cannot be looked up";
        const LISTED: &str = "only listings and social_posts tell that they are out there, without account and variant";
        for (state, follows) in [("reserved", AGAIN), ("unknown", AGAIN), ("confirmed", LISTED)] {
            let from = format!("publications WHERE state = '{state}'");
            count(format!("{state} publications"), follows, true, &from)?;
        }
    }
    let lost =
        |name: &str| CONSEQUENCES.iter().find(|(lost, _)| [name, ""].contains(lost)).map_or("", |(_, said)| said);
    for (table, columns) in before.tables() {
        if NOT_LOST.contains(&table) {
            continue;
        }
        let Some(remaining) = after.table(table) else {
            let is_specified = specified.table(table).is_some();
            let follows = if is_specified { "other programs lose them too" } else { lost(table) };
            let from = format!("\"{table}\" WHERE {}", if table == "file_drive_ids" { NOT_OF_FILES } else { "1" });
            count(format!("rows of {table}"), follows, is_specified, &from)?;
            continue;
        };
        for (column, definition) in columns.iter().filter(|(column, _)| !remaining.contains_key(*column)) {
            let name = format!("{table}.{column}");
            if NOT_LOST.contains(&name.as_str()) {
                continue;
            }
            let default = definition.default.as_deref().unwrap_or("NULL");
            let kept = if table == "jobs" && is_reverted("0002") { NOT_DUE } else { "0" };
            let from = format!("\"{table}\" WHERE \"{column}\" IS NOT {default} AND NOT ({kept})");
            count(format!("rows with {name}"), lost(&name), false, &from)?;
        }
    }
    Ok(losses)
}

fn rows(conn: &mut SqliteConnection, from: &str) -> Result<u64, MigrationError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        n: i64,
    }
    let row: Row = diesel::sql_query(format!("SELECT count(*) AS n FROM {from}")).get_result(conn).store()?;
    Ok(row.n.unsigned_abs())
}
