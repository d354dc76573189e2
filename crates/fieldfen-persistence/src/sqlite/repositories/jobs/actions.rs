//! Operators' actions on jobs.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{AttemptOutcome, JobActionOutcome, JobStatus, Priority, PruneRequest};
use fieldfen_domain::store::{JobActions, JobReads, StoreError};
use fieldfen_domain::{JobId, Timestamp};

use super::enqueue::live_id;
use super::error_text::ErrorText;
use crate::rules::operator_retry::retry_times;
use crate::sqlite::CommitNotice;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{IdFormats, RowRef, SqlTime, StoredText, StoredTime, least_text};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

statement! {
    /// The live job with the same dedup key as a failed job.
    LiveLike<'a> { id: &'a str as Text, other: &'a str as Text } -> (BigInt, Nullable<Text>) =
        "SELECT live.rowid, live.id FROM jobs AS failed CROSS JOIN jobs AS live INDEXED BY idx_jobs_dedup_key \
         WHERE failed.id IN (?, ?) AND failed.status = 'failed' AND live.dedup_key = failed.dedup_key \
         AND live.dedup_key IS NOT NULL AND live.status IN ('pending', 'running') LIMIT 1"
}
statement! {
    /// The end of the lease that a killed job had.
    KilledUntil<'a> { id: &'a str as Text } -> (Nullable<SqlTimestamp>,) =
        "SELECT lease_expires_at FROM jobs WHERE id = ? AND status = 'failed'"
}
statement! {
    /// Makes a failed job pending. If the handler of a killed job may still run, the job keeps that handler's lease.
    RetryFailed<'a> {
        run_at: SqlTime as SqlTimestamp,
        at: SqlTime as SqlTimestamp,
        killed_until: Option<SqlTime> as Nullable<SqlTimestamp>,
        token_until: Option<SqlTime> as Nullable<SqlTimestamp>,
        id: &'a str as Text,
    } = "UPDATE jobs SET status = 'pending', attempts = 0, throttled = 0, run_at = ?, waiting_since = ?, \
         completed_at = NULL, started_at = NULL, alone = 0, cancel_requested_at = NULL, declined_since = NULL, \
         parked_for = NULL, waits_for = '', lease_expires_at = ?, \
         lease_token = iif(? IS NULL, NULL, lease_token), worker = NULL WHERE id = ? AND status = 'failed'"
}
statement! {
    /// Fails a pending job.
    CancelPending<'a> {
        reason: &'a str as Text,
        fingerprint: Option<&'a str> as Nullable<Text>,
        at: SqlTime as SqlTimestamp,
        id: &'a str as Text,
    } =
        "UPDATE jobs SET status = 'failed', last_error = ?, error_fingerprint = ?, completed_at = ?, parked_for = NULL, waits_for = '' \
         WHERE id = ? AND status = 'pending'"
}
statement! {
    /// Turns a parked job into a dead letter.
    CancelParked<'a> {
        reason: &'a str as Text,
        fingerprint: Option<&'a str> as Nullable<Text>,
        at: SqlTime as SqlTimestamp,
        id: &'a str as Text,
    } =
        "UPDATE jobs SET last_error = ?, error_fingerprint = ?, completed_at = ?, parked_for = NULL \
         WHERE id = ? AND status = 'failed' AND parked_for IS NOT NULL"
}
statement! {
    /// Requests the cancellation of a running job. An earlier request is kept.
    CancelRunning<'a> {
        at: SqlTime as SqlTimestamp,
        reason: &'a str as Text,
        fingerprint: Option<&'a str> as Nullable<Text>,
        id: &'a str as Text,
    } =
        "UPDATE jobs SET cancel_requested_at = coalesce(cancel_requested_at, ?), last_error = ?, \
         error_fingerprint = ? \
         WHERE id = ? AND status = 'running'"
}
statement! {
    /// Fails a running job. The lease is kept: it says until when the handler may still run.
    KillRunning<'a> {
        reason: &'a str as Text,
        fingerprint: Option<&'a str> as Nullable<Text>,
        at: SqlTime as SqlTimestamp,
        id: &'a str as Text,
    } =
        "UPDATE jobs SET status = 'failed', last_error = ?, error_fingerprint = ?, completed_at = ?, parked_for = NULL \
         WHERE id = ? AND status = 'running'"
}
statement! {
    /// Deletes a job that is not running.
    DeleteIdle<'a> { id: &'a str as Text } = "DELETE FROM jobs WHERE id = ? AND status <> 'running'"
}

/// Ended jobs without an end time, in the order of their creation. A job whose creation time is not a text is left out.
macro_rules! unknown_ends {
    () => {
        "FROM jobs INDEXED BY idx_jobs_unknown_ends WHERE status = ? AND status IN ('completed', 'failed') \
         AND completed_at IS NULL AND parked_for IS NULL AND created_at > ''"
    };
}
/// The jobs that ended first. SQLite reads both indexes in order and merges them without sorting, which an order among
/// jobs that ended at the same time would need.
macro_rules! first_ended {
    ($($before:literal)?) => {
        concat!(
            "SELECT rowid FROM (SELECT completed_at AS ended_at, rowid FROM jobs INDEXED BY idx_jobs_ended \
             WHERE status = ? AND parked_for IS NULL AND completed_at IS NOT NULL", $(" AND completed_at ", $before,)?
            " UNION ALL SELECT created_at, rowid ", unknown_ends!(), $(" AND created_at ", $before,)?
            " ORDER BY ended_at LIMIT ?)"
        )
    };
}

statement! {
    /// Deletes the ended jobs from before a time, the oldest first.
    PruneOlder<'a> {
        status: &'a str as Text,
        before: &'a str as Text,
        same_status: &'a str as Text,
        same_before: &'a str as Text,
        limit: i64 as BigInt,
    } = concat!("DELETE FROM jobs WHERE rowid IN (", first_ended!("< ?"), ")")
}
statement! {
    /// Deletes the oldest ended jobs.
    PruneOldest<'a> { status: &'a str as Text, same_status: &'a str as Text, limit: i64 as BigInt } =
        concat!("DELETE FROM jobs WHERE rowid IN (", first_ended!(), ")")
}
statement! {
    /// Clears `parked_for` of completed jobs. Programs that do not know the column have retried and completed such
    /// jobs.
    ForgetParked { limit: i64 as BigInt } =
        "UPDATE jobs SET parked_for = NULL WHERE rowid IN (SELECT rowid FROM jobs INDEXED BY idx_jobs_parked \
         WHERE status = 'completed' AND parked_for IS NOT NULL LIMIT ?)"
}
statement! {
    /// The number of ended jobs with an end time.
    CountEnded<'a> { status: &'a str as Text } -> (BigInt,) =
        "SELECT count(*) FROM jobs INDEXED BY idx_jobs_ended WHERE status = ? AND parked_for IS NULL \
         AND completed_at IS NOT NULL"
}
statement! {
    /// The number of ended jobs whose creation time counts as their end time.
    CountUnknownEnds<'a> { status: &'a str as Text } -> (BigInt,) = concat!("SELECT count(*) ", unknown_ends!())
}

impl SqliteSession<'_> {
    pub(super) fn count_ended_jobs(&mut self, status: JobStatus) -> Result<u64, StoreError> {
        let status = ended(status)?;
        let (known,) = CountEnded { status }.get_result::<(i64,)>(self.conn).store()?;
        let (unknown,) = CountUnknownEnds { status }.get_result::<(i64,)>(self.conn).store()?;
        Ok(u64::try_from(known.saturating_add(unknown)).unwrap_or_default())
    }

    /// The outcome of an action whose statement changed no row.
    fn refused(&mut self, id: &JobId) -> Result<JobActionOutcome, StoreError> {
        Ok(match self.find(id)? {
            Some(job) => JobActionOutcome::Refused { status: job.state.status() },
            None => JobActionOutcome::NotFound,
        })
    }

    /// The outcome of an action, by the number of changed rows.
    pub(super) fn answer_for(
        &mut self,
        id: &JobId,
        rows: usize,
        answer: JobActionOutcome,
    ) -> Result<JobActionOutcome, StoreError> {
        if rows == 0 {
            return self.refused(id);
        }
        self.note(CommitNotice::JobDue);
        Ok(answer)
    }
}

impl JobActions for SqliteSession<'_> {
    fn retry(&mut self, id: &JobId, at: Timestamp) -> Result<JobActionOutcome, StoreError> {
        let [one, other] = id.formats();
        let live = LiveLike { id: &one, other: &other }.get_result::<(i64, Option<StoredText>)>(self.conn);
        if let Some(live) = live.optional().store()? {
            return live_id(live).map(JobActionOutcome::Duplicate);
        }
        let mut rows = 0;
        for id in [one, other] {
            let lease = KilledUntil { id: &id }.get_result::<(Option<StoredTime>,)>(self.conn).optional().store()?;
            let row = RowRef::known("jobs", &id);
            let lease_end = lease.and_then(|(time,)| row.nullable_time("lease_expires_at", time).unwrap_or(None));
            let times = retry_times(lease_end, at);
            let retry = RetryFailed {
                run_at: SqlTime(times.run_at),
                at: SqlTime(at),
                killed_until: times.killed_until.map(SqlTime),
                token_until: times.killed_until.map(SqlTime),
                id: &id,
            };
            rows += retry.execute(self.conn).store()?;
        }
        self.answer_for(id, rows, JobActionOutcome::Done)
    }

    fn cancel(&mut self, id: &JobId, reason: &str, at: Timestamp) -> Result<JobActionOutcome, StoreError> {
        let (at, error) = (SqlTime(at), ErrorText::new(reason));
        let (reason, fingerprint) = (error.text(), error.fingerprint());
        let (mut ended, mut asked) = (0, 0);
        for id in id.formats() {
            let left = self.partition_of_job(&id)?;
            ended += CancelPending { reason, fingerprint, at, id: &id }.execute(self.conn).store()?;
            ended += CancelParked { reason, fingerprint, at, id: &id }.execute(self.conn).store()?;
            if ended > 0 {
                self.admit_after(left)?;
            }
            asked += CancelRunning { at, reason, fingerprint, id: &id }.execute(self.conn).store()?;
        }
        let answer = if ended > 0 { JobActionOutcome::Done } else { JobActionOutcome::CancelRequested };
        self.answer_for(id, ended + asked, answer)
    }

    fn kill(&mut self, id: &JobId, reason: &str, at: Timestamp) -> Result<JobActionOutcome, StoreError> {
        let error = ErrorText::new(reason);
        let (reason, fingerprint) = (error.text(), error.fingerprint());
        let mut rows = 0;
        for id in id.formats() {
            let left = self.partition_of_job(&id)?;
            self.record_loss(&id, AttemptOutcome::Killed, reason, at)?;
            rows += KillRunning { reason, fingerprint, at: SqlTime(at), id: &id }.execute(self.conn).store()?;
            if rows > 0 {
                self.admit_after(left)?;
            }
        }
        self.answer_for(id, rows, JobActionOutcome::Done)
    }

    fn release_running(&mut self, id: &JobId, reason: &str, at: Timestamp) -> Result<JobActionOutcome, StoreError> {
        self.release_running_job(id, reason, at)
    }

    fn reschedule(&mut self, id: &JobId, run_at: Timestamp, at: Timestamp) -> Result<JobActionOutcome, StoreError> {
        self.reschedule_job(id, run_at, at)
    }

    fn set_priority(&mut self, id: &JobId, priority: Priority) -> Result<JobActionOutcome, StoreError> {
        self.prioritize_job(id, priority)
    }

    fn delete(&mut self, id: &JobId) -> Result<JobActionOutcome, StoreError> {
        let mut rows = 0;
        for id in id.formats() {
            let left = self.partition_of_job(&id)?;
            rows += DeleteIdle { id: &id }.execute(self.conn).store()?;
            if rows > 0 {
                self.admit_after(left)?;
            }
        }
        self.answer_for(id, rows, JobActionOutcome::Done)
    }

    fn prune(&mut self, request: &PruneRequest) -> Result<u64, StoreError> {
        let status = ended(request.status)?;
        let most = i64::from(request.limit);
        let before = least_text(request.ended_before);
        if request.status == JobStatus::Completed {
            ForgetParked { limit: most }.execute(self.conn).store()?;
        }
        let older = PruneOlder { status, before: &before, same_status: status, same_before: &before, limit: most };
        let mut pruned = i64::try_from(older.execute(self.conn).store()?).unwrap_or(i64::MAX);
        let surplus = i64::from(request.also_oldest).min(most - pruned);
        if surplus > 0 {
            let oldest = PruneOldest { status, same_status: status, limit: surplus }.execute(self.conn).store()?;
            pruned = pruned.saturating_add(i64::try_from(oldest).unwrap_or(i64::MAX));
        }
        Ok(u64::try_from(pruned).unwrap_or_default())
    }
}

/// The text of a status whose jobs can be pruned.
fn ended(status: JobStatus) -> Result<&'static str, StoreError> {
    if status.is_final() {
        return Ok(status.as_str());
    }
    let value = status.to_string();
    Err(StoreError::Invalid { what: "status to prune", value, rule: "must be completed or failed" })
}

#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![
        ("LiveLike", LiveLike::SQL),
        ("KilledUntil", KilledUntil::SQL),
        ("RetryFailed", RetryFailed::SQL),
        ("CancelPending", CancelPending::SQL),
        ("CancelParked", CancelParked::SQL),
        ("CancelRunning", CancelRunning::SQL),
        ("KillRunning", KillRunning::SQL),
        ("DeleteIdle", DeleteIdle::SQL),
        ("PruneOlder", PruneOlder::SQL),
        ("PruneOldest", PruneOldest::SQL),
        ("ForgetParked", ForgetParked::SQL),
        ("CountEnded", CountEnded::SQL),
        ("CountUnknownEnds", CountUnknownEnds::SQL),
    ]
}
