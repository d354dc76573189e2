//! Operators' actions that keep a job in the queue: another due time or priority, and the release of a running job.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{AttemptOutcome, JobActionOutcome, Priority};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{JobId, MAX_TIMESTAMP, MIN_TIMESTAMP, Timestamp};

use super::error_text::ErrorText;
use crate::rules::operator_retry::{RetryTimes, reschedule_times, retry_times};
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{IdFormats, RowRef, SqlTime, StoredTime};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

statement! {
    /// The end of the lease of a job.
    LeaseEnd<'a> { id: &'a str as Text } -> (Nullable<SqlTimestamp>,) =
        "SELECT lease_expires_at FROM jobs WHERE id = ? AND status IN ('pending', 'running')"
}
statement! {
    /// Sets the due time of a pending job. The next claim decides again whether the job waits for a place.
    Reschedule<'a> {
        run_at: SqlTime as SqlTimestamp,
        waiting_since: Option<SqlTime> as Nullable<SqlTimestamp>,
        id: &'a str as Text,
    } = "UPDATE jobs SET run_at = ?, waiting_since = ?, waits_for = '' WHERE id = ? AND status = 'pending'"
}
statement! {
    /// Gives a running job back to the queue. If its handler may still run, the job keeps that handler's lease.
    ReleaseRunning<'a> {
        run_at: SqlTime as SqlTimestamp,
        at: SqlTime as SqlTimestamp,
        held_until: Option<SqlTime> as Nullable<SqlTimestamp>,
        token_until: Option<SqlTime> as Nullable<SqlTimestamp>,
        id: &'a str as Text,
    } = "UPDATE jobs SET status = 'pending', run_at = ?, waiting_since = ?, started_at = NULL, worker = NULL, alone = 0, \
         declined_since = NULL, waits_for = '', lease_expires_at = ?, \
         lease_token = iif(? IS NULL, NULL, lease_token) WHERE id = ? AND status = 'running'"
}
statement! {
    /// Sets the priority of a pending job. The next claim decides again whether the job waits for a place.
    PrioritizePending<'a> { priority: i64 as BigInt, id: &'a str as Text } =
        "UPDATE jobs SET priority = ?, waits_for = '' WHERE id = ? AND status = 'pending'"
}
statement! {
    /// Sets the priority of a job that does not wait in the queue.
    PrioritizeOther<'a> { priority: i64 as BigInt, id: &'a str as Text } =
        "UPDATE jobs SET priority = ? WHERE id = ? AND status IN ('running', 'failed')"
}

impl SqliteSession<'_> {
    pub(super) fn release_running_job(
        &mut self,
        id: &JobId,
        reason: &str,
        at: Timestamp,
    ) -> Result<JobActionOutcome, StoreError> {
        let error = ErrorText::new(reason);
        let mut rows = 0;
        for id in id.formats() {
            let left = self.partition_of_job(&id)?;
            let RetryTimes { run_at, killed_until } = retry_times(self.lease_end(&id)?, at);
            self.record_loss(&id, AttemptOutcome::Released, error.text(), at)?;
            let held_until = killed_until.map(SqlTime);
            let (run_at, at) = (SqlTime(run_at), SqlTime(at));
            let release = ReleaseRunning { run_at, at, held_until, token_until: held_until, id: &id };
            if release.execute(self.conn).store()? > 0 {
                rows += 1;
                self.admit_after(left)?;
            }
        }
        self.answer_for(id, rows, JobActionOutcome::Done)
    }

    pub(super) fn reschedule_job(
        &mut self,
        id: &JobId,
        run_at: Timestamp,
        at: Timestamp,
    ) -> Result<JobActionOutcome, StoreError> {
        let run_at = run_at.clamp(MIN_TIMESTAMP, MAX_TIMESTAMP);
        let mut rows = 0;
        for id in id.formats() {
            let left = self.partition_of_job(&id)?;
            let (run_at, waiting_since) = reschedule_times(self.lease_end(&id)?, run_at, at);
            let waiting_since = waiting_since.map(SqlTime);
            if (Reschedule { run_at: SqlTime(run_at), waiting_since, id: &id }).execute(self.conn).store()? > 0 {
                rows += 1;
                self.admit_after(left)?;
            }
        }
        self.answer_for(id, rows, JobActionOutcome::Done)
    }

    pub(super) fn prioritize_job(&mut self, id: &JobId, priority: Priority) -> Result<JobActionOutcome, StoreError> {
        let priority = i64::from(priority.number());
        let mut rows = 0;
        for id in id.formats() {
            let left = self.partition_of_job(&id)?;
            if (PrioritizePending { priority, id: &id }).execute(self.conn).store()? > 0 {
                rows += 1;
                self.admit_after(left)?;
            }
            rows += PrioritizeOther { priority, id: &id }.execute(self.conn).store()?;
        }
        self.answer_for(id, rows, JobActionOutcome::Done)
    }

    /// The end of the lease of a pending or running job. A lease whose end cannot be read delays nothing.
    fn lease_end(&mut self, id: &str) -> Result<Option<Timestamp>, StoreError> {
        let found = LeaseEnd { id }.get_result::<(Option<StoredTime>,)>(self.conn).optional().store()?;
        let row = RowRef::known("jobs", id);
        Ok(found.and_then(|(end,)| row.nullable_time("lease_expires_at", end).unwrap_or(None)))
    }
}

#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![
        ("LeaseEnd", LeaseEnd::SQL),
        ("Reschedule", Reschedule::SQL),
        ("ReleaseRunning", ReleaseRunning::SQL),
        ("PrioritizePending", PrioritizePending::SQL),
        ("PrioritizeOther", PrioritizeOther::SQL),
    ]
}
