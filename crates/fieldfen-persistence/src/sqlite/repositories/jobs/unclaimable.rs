//! Repairs rows of other programs that neither a claim nor a reclaim finds in its index: the form of a time does not
//! sort like times, or the priority or kind is invalid.
//!
//! A partial index holds only these rows, so that the search costs nothing while there are none.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::Timestamp;
use fieldfen_domain::job::ReclaimReport;
use fieldfen_domain::store::StoreError;

use super::row::{JobColumns, JobRow, job_columns};
use crate::sqlite::CommitNotice;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{ForeignTime, SqlTime, StoredText, regular_time};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

/// The condition of `idx_jobs_irregular`. The planner needs exactly this text.
macro_rules! irregular {
    () => {
        concat!(
            "((status = 'pending' AND ((priority <> 0 AND priority <> 1 AND priority <> 2 AND priority <> 3) OR typeof(command_type) <> 'text' \
             OR typeof(run_at) <> 'text' OR run_at NOT GLOB ",
            regular_time!(),
            ")) OR (status = 'running' AND lease_expires_at NOT GLOB ",
            regular_time!(),
            "))"
        )
    };
}

statement! {
    /// The rows that neither a claim nor a reclaim finds. The last column says whether the due time does not sort like
    /// times.
    Irregular { limit: i64 as BigInt } -> (BigInt, Text, SqlTimestamp, Nullable<SqlTimestamp>, Bool) = concat!(
        "SELECT rowid, status, run_at, lease_expires_at, typeof(run_at) <> 'text' OR run_at NOT GLOB ", regular_time!(),
        " FROM jobs INDEXED BY idx_jobs_irregular WHERE status IN ('pending', 'running') AND ", irregular!(), " LIMIT ?"
    )
}
statement! {
    /// The due time of a row as text and as time.
    RunAt { rowid: i64 as BigInt } -> (Text, SqlTimestamp) = "SELECT run_at, run_at FROM jobs WHERE rowid = ?"
}
statement! {
    /// Rewrites the due time of a pending or just claimed job, and makes the job pending.
    WriteRunAt { run_at: SqlTime as SqlTimestamp, rowid: i64 as BigInt } =
        "UPDATE jobs SET status = 'pending', run_at = ?, lease_token = NULL, lease_expires_at = NULL, worker = NULL, \
         started_at = NULL, waits_for = '' WHERE rowid = ?"
}
statement! {
    /// Rewrites the end of a lease.
    WriteExpiry { expires_at: SqlTime as SqlTimestamp, rowid: i64 as BigInt } =
        "UPDATE jobs SET lease_expires_at = ? WHERE rowid = ?"
}
statement! {
    ByRowid { rowid: i64 as BigInt } -> JobColumns = concat!("SELECT ", job_columns!(), " FROM jobs WHERE rowid = ?")
}

impl SqliteSession<'_> {
    /// Rewrites the times that do not sort like times, and fails the pending jobs that no claim can find. Returns the
    /// running jobs whose lease has no valid end.
    pub(super) fn rewrite_irregular_rows(
        &mut self,
        now: Timestamp,
        limit: i64,
        taken: &mut ReclaimReport,
    ) -> Result<Vec<JobRow>, StoreError> {
        type Found = (i64, String, ForeignTime, Option<ForeignTime>, bool);
        let mut without_end = Vec::new();
        let found: Vec<Found> = Irregular { limit }.load(self.conn).store()?;
        for (rowid, status, run_at, expires_at, is_irregular) in found {
            self.note(CommitNotice::JobDue);
            match (status.as_str(), run_at, expires_at) {
                ("running", _, Some(ForeignTime(Some(expires_at)))) => {
                    WriteExpiry { expires_at: SqlTime(expires_at), rowid }.execute(self.conn).store()?;
                    taken.rewritten += 1;
                }
                ("running", ..) => without_end.push(ByRowid { rowid }.get_result(self.conn).store()?),
                (_, ForeignTime(Some(run_at)), _) if is_irregular => {
                    self.write_due_time(rowid, SqlTime(run_at))?;
                    taken.rewritten += 1;
                }
                _ => self.fail_unclaimable(rowid, now, taken)?,
            }
        }
        Ok(without_end)
    }

    /// Fails a pending job that no claim can find: its priority is not 0 to 3, its kind is not a text, or its due time
    /// is not a time.
    fn fail_unclaimable(&mut self, rowid: i64, now: Timestamp, taken: &mut ReclaimReport) -> Result<(), StoreError> {
        let row: JobRow = ByRowid { rowid }.get_result(self.conn).store()?;
        let error = match row.read() {
            Err(error) => error,
            Ok(job) => StoreError::BadRow {
                table: "jobs",
                row: job.id.to_string(),
                column: "run_at",
                value: job.run_at.to_string(),
                rule: "no claim finds it".to_owned(),
            },
        };
        taken.unreadable.extend(self.fail_row(rowid, &error, now)?);
        Ok(())
    }

    /// Rewrites the due time of a job that a claim found too early or could not read, if the form of the due time is
    /// the cause. Returns whether it was.
    pub(super) fn rewrite_due_time(&mut self, rowid: i64) -> Result<bool, StoreError> {
        let run_at = RunAt { rowid }.get_result::<(StoredText, ForeignTime)>(self.conn).optional().store()?;
        let Some((spelled, ForeignTime(Some(run_at)))) = run_at else { return Ok(false) };
        let run_at = SqlTime(run_at);
        if run_at.text().as_deref() == spelled.as_str() {
            return Ok(false);
        }
        self.write_due_time(rowid, run_at)?;
        self.note(CommitNotice::JobDue);
        Ok(true)
    }

    /// Rewrites a due time. The job may be due later than it seemed, so that its place is free.
    fn write_due_time(&mut self, rowid: i64, run_at: SqlTime) -> Result<(), StoreError> {
        let left = self.partition_of_row(rowid)?;
        WriteRunAt { run_at, rowid }.execute(self.conn).store()?;
        self.admit_after(left)
    }
}

#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![
        ("Irregular", Irregular::SQL),
        ("RunAt", RunAt::SQL),
        ("WriteRunAt", WriteRunAt::SQL),
        ("WriteExpiry", WriteExpiry::SQL),
        ("ByRowid", ByRowid::SQL),
    ]
}
