//! Reclaims jobs whose lease has expired.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{
    AttemptOutcome, Job, OnWorkerDeath, ParkedFor, ReclaimReport, ReclaimRequest, ReclaimedJob,
};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{Timestamp, later};

use super::error_text::ErrorText;
use super::row::{JobColumns, JobRow, job_columns};
use crate::rules::expired_lease;
use crate::sqlite::CommitNotice;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::SqlTime;
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

statement! {
    /// The jobs with an expired lease, the longest expired first.
    Expired { now: SqlTime as SqlTimestamp, limit: i64 as BigInt } -> JobColumns = concat!(
        "SELECT ", job_columns!(), " FROM jobs INDEXED BY idx_jobs_lease \
         WHERE status = 'running' AND lease_expires_at IS NOT NULL AND lease_expires_at <= ? \
         ORDER BY lease_expires_at, rowid LIMIT ?"
    )
}
statement! {
    /// The jobs whose lease ends later than a living worker could have set it.
    ExpiresTooLate { latest: SqlTime as SqlTimestamp, limit: i64 as BigInt } -> JobColumns = concat!(
        "SELECT ", job_columns!(), " FROM jobs INDEXED BY idx_jobs_lease \
         WHERE status = 'running' AND lease_expires_at IS NOT NULL AND lease_expires_at > ? \
         ORDER BY lease_expires_at, rowid LIMIT ?"
    )
}
statement! {
    /// Gives an expired job another attempt. The statement skips a job without one: a job without retries, a job that
    /// has spent its retries and ran alone, and a job whose cancellation was requested.
    ReclaimForRetry<'a> {
        last_error: &'a str as Text,
        fingerprint: Option<&'a str> as Nullable<Text>,
        run_at: SqlTime as SqlTimestamp,
        at: SqlTime as SqlTimestamp,
        rowid: i64 as BigInt,
    } -> JobColumns = concat!(
        "UPDATE jobs SET status = 'pending', last_error = ?, error_fingerprint = ?, run_at = ?, waiting_since = ?, \
         attempts = min(coalesce(attempts, 0) + 1, 4294967295), lost_leases = min(lost_leases + 1, 4294967295), \
         lease_token = NULL, lease_expires_at = NULL, worker = NULL, started_at = NULL \
         WHERE rowid = ? AND status = 'running' AND cancel_requested_at IS NULL AND max_retries > 0 \
         AND (coalesce(attempts, 0) < max_retries OR alone = 0) RETURNING ", job_columns!()
    )
}
statement! {
    /// Fails an expired job, or parks it. The statement removes the lease token, so that a late outcome of the worker is
    /// refused.
    ReclaimAsFailed<'a> {
        last_error: &'a str as Text,
        fingerprint: Option<&'a str> as Nullable<Text>,
        at: SqlTime as SqlTimestamp,
        parked_for: Option<&'a str> as Nullable<Text>,
        rowid: i64 as BigInt,
    } -> JobColumns = concat!(
        "UPDATE jobs SET status = 'failed', last_error = ?, error_fingerprint = ?, completed_at = ?, \
         lost_leases = min(lost_leases + 1, 4294967295), lease_token = NULL, lease_expires_at = NULL, \
         parked_for = ? WHERE rowid = ? AND status = 'running' RETURNING ", job_columns!()
    )
}

impl SqliteSession<'_> {
    pub(super) fn reclaim_jobs(
        &mut self,
        request: &ReclaimRequest,
        backoff: &dyn Fn(&Job) -> Duration,
    ) -> Result<ReclaimReport, StoreError> {
        let ReclaimRequest { now, expired_at, latest, limit, .. } = *request;
        let limit = i64::from(limit);
        let mut taken = ReclaimReport::default();
        let left = |taken: &ReclaimReport| limit.saturating_sub(i64::try_from(taken.jobs.len()).unwrap_or(i64::MAX));
        let without_end = self.rewrite_irregular_rows(now, limit, &mut taken)?;
        self.reclaim_rows(without_end, now, backoff, &mut taken)?;
        let expired = Expired { now: SqlTime(expired_at), limit: left(&taken) }.load(self.conn).store()?;
        self.reclaim_rows(expired, now, backoff, &mut taken)?;
        let beyond = ExpiresTooLate { latest: SqlTime(latest), limit: left(&taken) }.load(self.conn).store()?;
        self.reclaim_rows(beyond, now, backoff, &mut taken)?;
        taken.shortened = self.restart_future_waits(now, limit)?;
        self.check_waiting_jobs(now)?;
        Ok(taken)
    }

    fn reclaim_rows(
        &mut self,
        rows: Vec<JobRow>,
        now: Timestamp,
        backoff: &dyn Fn(&Job) -> Duration,
        taken: &mut ReclaimReport,
    ) -> Result<(), StoreError> {
        for row in rows {
            self.note(CommitNotice::JobDue);
            self.reclaim_row(row, now, backoff, taken)?;
        }
        Ok(())
    }

    fn reclaim_row(
        &mut self,
        mut row: JobRow,
        now: Timestamp,
        backoff: &dyn Fn(&Job) -> Duration,
        taken: &mut ReclaimReport,
    ) -> Result<(), StoreError> {
        let (rowid, id, worker) = (row.rowid, row.id_text(), row.worker());
        let expires_at = row.take_expiry();
        let job = match row.read() {
            Ok(job) => job,
            Err(error) => {
                // An unchanged row would be selected at every reclaim and would take the place of other jobs.
                taken.unreadable.extend(self.fail_row(rowid, &error, now)?);
                return Ok(());
            }
        };
        let consequence = match self.on_worker_death_of(rowid, &id) {
            Ok(consequence) => consequence,
            Err(error) => {
                taken.unreadable.extend(self.fail_row(rowid, &error, now)?);
                return Ok(());
            }
        };
        let reason = expired_lease::reason(&job, worker.as_deref(), expires_at, consequence, now);
        let reason = ErrorText::new(&reason);
        let (last_error, fingerprint) = (reason.text(), reason.fingerprint());
        let run_at = later(now, backoff(&job));
        let left = self.partition_of_row(rowid)?;
        self.record_loss(&id, AttemptOutcome::LeaseLost, last_error, now)?;
        let at = SqlTime(now);
        let back = match consequence {
            OnWorkerDeath::Retry => {
                let back = ReclaimForRetry { last_error, fingerprint, run_at: SqlTime(run_at), at, rowid };
                back.get_result::<JobRow>(self.conn).optional().store()?
            }
            OnWorkerDeath::Hold | OnWorkerDeath::Fail => None,
        };
        let row = match back {
            Some(row) => row,
            None => {
                let held = consequence == OnWorkerDeath::Hold && job.cancel_requested_at.is_none();
                let parked_for = held.then(|| ParkedFor::Person.as_str());
                ReclaimAsFailed { last_error, fingerprint, at, parked_for, rowid }.get_result(self.conn).store()?
            }
        };
        self.admit_after(left)?;
        taken.jobs.push(ReclaimedJob::new(row.read()?, worker));
        Ok(())
    }
}

#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![
        ("Expired", Expired::SQL),
        ("ExpiresTooLate", ExpiresTooLate::SQL),
        ("ReclaimForRetry", ReclaimForRetry::SQL),
        ("ReclaimAsFailed", ReclaimAsFailed::SQL),
    ]
}
