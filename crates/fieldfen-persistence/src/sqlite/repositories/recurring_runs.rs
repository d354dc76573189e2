//! The last runs of recurring work.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::UnreadableRow;
use fieldfen_domain::recurring::{MAX_RUNS, RecurringName, RecurringRun};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::store::rows::split_bad_row;

use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{RowRef, SqlTime, StoredText, StoredTime};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

statement! {
    /// Adds a run, unless the work has been removed.
    AddRun<'a> {
        run_at: SqlTime as SqlTimestamp,
        job_id: &'a str as Text,
        due_at: Option<SqlTime> as Nullable<SqlTimestamp>,
        name: &'a str as Text,
    } = "INSERT OR IGNORE INTO recurring_runs (name, run_at, job_id, due_at) \
         SELECT name, ?, ?, ? FROM recurring_jobs WHERE name = ?"
}
statement! {
    /// Deletes the runs of some work up to the latest one that is not kept.
    ForgetRuns<'a> { name: &'a str as Text, of: &'a str as Text, kept: i64 as BigInt } =
        "DELETE FROM recurring_runs WHERE name = ? AND (run_at, job_id) <= (SELECT run_at, job_id FROM recurring_runs \
         WHERE name = ? ORDER BY run_at DESC, job_id DESC LIMIT 1 OFFSET ?)"
}
statement! {
    RunsOf<'a> { name: &'a str as Text, limit: i64 as BigInt } -> (Text, SqlTimestamp, Text, Nullable<SqlTimestamp>) =
        "SELECT name, run_at, job_id, due_at FROM recurring_runs \
         WHERE name = ? ORDER BY run_at DESC, job_id DESC LIMIT ?"
}

/// The columns of a run.
type RunRow = (StoredText, StoredTime, StoredText, Option<StoredTime>);

impl SqliteSession<'_> {
    pub(super) fn recorded_runs(
        &mut self,
        name: &RecurringName,
    ) -> Result<Vec<Result<RecurringRun, UnreadableRow>>, StoreError> {
        let rows: Vec<RunRow> = RunsOf { name: name.as_str(), limit: MAX_RUNS.into() }.load(self.conn).store()?;
        rows.into_iter().map(|row| split_bad_row(read(row))).collect()
    }

    pub(super) fn add_run(&mut self, run: &RecurringRun) -> Result<(), StoreError> {
        let name = run.name.as_str();
        let add = AddRun { run_at: SqlTime(run.at), job_id: &run.job.to_string(), due_at: run.due.map(SqlTime), name };
        add.execute(self.conn).store()?;
        ForgetRuns { name, of: name, kept: MAX_RUNS.into() }.execute(self.conn).store()?;
        Ok(())
    }
}

fn read((name, run_at, job_id, due_at): RunRow) -> Result<RecurringRun, StoreError> {
    let key = format!("{}, {}", name.name(), job_id.name());
    let row = RowRef::known("recurring_runs", &key);
    Ok(RecurringRun::new(
        row.parse("name", &name)?,
        row.time("run_at", run_at)?,
        row.parse("job_id", &job_id)?,
        row.nullable_time("due_at", due_at)?,
    ))
}

/// Every statement with its name.
#[cfg(test)]
pub(in crate::sqlite) fn statements() -> Vec<(&'static str, String)> {
    [("AddRun", AddRun::SQL), ("ForgetRuns", ForgetRuns::SQL), ("RunsOf", RunsOf::SQL)]
        .map(|(name, sql)| (name, sql.to_owned()))
        .to_vec()
}
