//! The data that is lost when migrations are reverted.

use std::fmt;

use diesel::sqlite::SqliteConnection;

use super::declarations::{DeclaredChange, declared_changes};
use super::embedded::EMBEDDED;
use super::expected_schema::ExpectedSchema;
use super::guarded_schema::{columns, key, tables};
use super::ledger::number;
use super::migration_file::MigrationFile;
use super::migration_run::own_versions;
use super::migration_set::FIELDFEN;
use super::migration_state::MigrationStatus;
use super::step::{Direction, Permission, Step};
use super::table_digest::quoted;
use super::{MigrationError, has};

/// Whether migrations may be reverted although data is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataLoss {
    /// Refuses the reversal if there is a [`Loss`].
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
    pub consequence: String,
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

/// The consequence of a loss that nobody here knows.
const FORGOTTEN: &str = "this is forgotten";

/// The consequence of losing a column or a table.
const CONSEQUENCES: [(&str, &str); 32] = [
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
    (
        "publications",
        "products and posts would be listed twice, since only listings and social_posts tell what is out there",
    ),
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

/// An error if data is lost by these steps.
pub(super) fn refuse(
    conn: &mut SqliteConnection,
    status: &[MigrationStatus],
    steps: &[Step],
) -> Result<(), MigrationError> {
    let losses = of_steps(conn, status, steps)?;
    if losses.is_empty() { Ok(()) } else { Err(MigrationError::DataLoss(losses)) }
}

/// The losses by these steps, as far as they follow from the statements that change the schema.
pub(super) fn of_steps(
    conn: &mut SqliteConnection,
    status: &[MigrationStatus],
    steps: &[Step],
) -> Result<Vec<Loss>, MigrationError> {
    let (own, others): (Vec<_>, Vec<_>) =
        steps.iter().filter(|step| step.direction == Direction::Down).partition(|step| step.program == FIELDFEN);
    let mut losses = Losses(conn, Vec::new());
    if !own.is_empty() {
        let applied = own_versions(status);
        let applied: Vec<_> = EMBEDDED.iter().filter(|file| has(&applied, file.version())).cloned().collect();
        losses.of_own(&applied, applied.len().saturating_sub(own.len()))?;
    }
    for step in others {
        losses.of_other(step)?;
    }
    Ok(losses.1)
}

/// The database, and the losses that were found in it.
struct Losses<'c>(&'c mut SqliteConnection, Vec<Loss>);

impl Losses<'_> {
    /// Adds the rows of a table or of a part of it, if there are any.
    fn count(&mut self, what: String, consequence: &str, from: &str) -> Result<(), MigrationError> {
        let count = format!("SELECT count(*) AS n FROM {from}");
        let rows = number(self.0, &count)?.unsigned_abs();
        if rows > 0 {
            self.1.push(Loss { what, rows, consequence: consequence.to_owned() });
        }
        Ok(())
    }

    /// Adds what the tables and columns hold that the migration of an importing program created.
    fn of_other(&mut self, step: &Step) -> Result<(), MigrationError> {
        for (table, column) in Permission::of(step).removed() {
            let Some(name) = tables(self.0)?.remove(&table) else { continue };
            match column {
                None => self.count(format!("rows of {name}"), FORGOTTEN, &quoted(&name))?,
                Some(column) if columns(self.0, &name)?.all.iter().any(|one| key(one) == column) => {
                    let condition = format!("{} WHERE {} IS NOT NULL", quoted(&name), quoted(&column));
                    self.count(format!("rows with {name}.{column}"), FORGOTTEN, &condition)?;
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Adds what is lost if only this number of fieldfen's applied migrations remains.
    fn of_own(&mut self, applied: &[MigrationFile], remain: usize) -> Result<(), MigrationError> {
        let (before, after) = (ExpectedSchema::after(applied)?, ExpectedSchema::after(&applied[..remain])?);
        let specified = ExpectedSchema::after(&applied[..applied.len().min(1)])?;
        let is_reverted = |version: &str| applied[remain..].iter().any(|migration| migration.version() == version);
        if applied.iter().any(|migration| migration.version() == "0002") && remain < applied.len() {
            let follows = if is_reverted("0002") {
                "they become failed jobs, which a person must look at: stop the workers first"
            } else {
                "their workers need the schema that is reverted: stop the workers first"
            };
            let running = "jobs WHERE status = 'running' AND lease_expires_at IS NOT NULL";
            self.count("running jobs".to_owned(), follows, running)?;
        }
        if is_reverted("0002") {
            let follows =
                "they are failed jobs until migration 0002 is applied again, so that nobody runs them too early";
            self.count("jobs that are not due yet".to_owned(), follows, &format!("jobs WHERE {NOT_DUE}"))?;
        }
        let follows = |name: &str| {
            CONSEQUENCES.iter().find(|(lost, _)| *lost == name).map_or(FORGOTTEN, |(_, consequence)| consequence)
        };
        for (table, columns) in before.tables().filter(|(table, _)| !NOT_LOST.contains(table)) {
            let Some(remaining) = after.table(table) else {
                let is_specified = specified.table(table).is_some();
                let follows = if is_specified { "other programs lose them too" } else { follows(table) };
                let from = format!("\"{table}\" WHERE {}", if table == "file_drive_ids" { NOT_OF_FILES } else { "1" });
                self.count(format!("rows of {table}"), follows, &from)?;
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
                self.count(format!("rows with {name}"), follows(&name), &from)?;
            }
        }
        Ok(())
    }
}

/// The tables that the `down.sql` of an importing program declares to change, before it runs. A declared table may lose
/// rows and, by a rebuild, columns, which only the run shows.
pub(super) struct DeclaredTables(Vec<(DeclaredChange, TableContents)>);

/// The number of rows of a table, and of those in which a column is not NULL.
struct TableContents {
    name: String,
    rows: u64,
    columns: Vec<(String, u64)>,
}

impl DeclaredTables {
    /// Reads the tables before the step runs. Those of fieldfen's own migrations are not read: their losses are listed.
    pub(super) fn before(conn: &mut SqliteConnection, step: &Step) -> Result<Self, MigrationError> {
        let mut read = Vec::new();
        if step.direction == Direction::Down && step.program != FIELDFEN {
            for change in declared_changes(step.sql()).unwrap_or_default() {
                if let Some(contents) = TableContents::read(conn, &change.table)? {
                    read.push((change, contents));
                }
            }
        }
        Ok(Self(read))
    }

    /// An error if a table has lost rows, or a column with values.
    pub(super) fn refuse_losses(self, conn: &mut SqliteConnection) -> Result<(), MigrationError> {
        let mut losses = Vec::new();
        for (change, before) in self.0 {
            let after = TableContents::read(conn, &change.table)?;
            let consequence = format!("its down.sql says: because {}", change.reason);
            let name = before.name;
            let rows = before.rows.saturating_sub(after.as_ref().map_or(0, |after| after.rows));
            if rows > 0 {
                losses.push(Loss { what: format!("rows of {name}"), rows, consequence: consequence.clone() });
            }
            let Some(after) = after else { continue };
            let is_gone = |column: &String| !after.columns.iter().any(|(kept, _)| key(kept) == key(column));
            for (column, rows) in before.columns.into_iter().filter(|(column, rows)| *rows > 0 && is_gone(column)) {
                losses.push(Loss {
                    what: format!("rows with {name}.{column}"),
                    rows,
                    consequence: consequence.clone(),
                });
            }
        }
        if losses.is_empty() { Ok(()) } else { Err(MigrationError::DataLoss(losses)) }
    }
}

impl TableContents {
    /// `None` if there is no such table.
    fn read(conn: &mut SqliteConnection, table: &str) -> Result<Option<Self>, MigrationError> {
        let Some(name) = tables(conn)?.remove(&key(table)) else { return Ok(None) };
        let mut contents = Self { rows: 0, columns: Vec::new(), name };
        let from = format!("FROM {}", quoted(&contents.name));
        contents.rows = number(conn, &format!("SELECT count(*) AS n {from}"))?.unsigned_abs();
        for column in columns(conn, &contents.name)?.all {
            let rows = number(conn, &format!("SELECT count({}) AS n {from}", quoted(&column)))?;
            contents.columns.push((column, rows.unsigned_abs()));
        }
        Ok(Some(contents))
    }
}
