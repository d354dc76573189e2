//! Records the attempts of jobs that end without completing them.
//!
//! An attempt is recorded before the statement that ends the claim, because that statement clears the columns of the
//! worker and of the claim's time. Both have the same condition, so that both change the row or none.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{AttemptOutcome, FIRST_ATTEMPTS, FailureReport, JobAttempt, MAX_ATTEMPTS_KEPT};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{JobId, Timestamp, UnreadableRow};

use super::fence::Held;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{IdFormats, RowRef, SqlTime, StoredNumber, StoredText, StoredTime};
use crate::sqlite::error::Classify;
use crate::sqlite::keyset_page::unreadable;
use crate::sqlite::session::SqliteSession;

/// The beginning of a statement that records the attempt of a running job, up to its condition. `OR REPLACE` and `min`
/// matter only if another program has written a number of its own: the end of a claim must not fail because of it.
macro_rules! record_attempt {
    () => {
        "INSERT OR REPLACE INTO job_attempts (job_id, attempt, claimed_at, ended_at, worker, outcome, error) \
         SELECT id, (SELECT min(coalesce(max(attempt), 0) + 1, 4294967295) FROM job_attempts WHERE job_id = jobs.id), \
         started_at, ?, worker, iif(cancel_requested_at IS NULL, ?, ?), ? FROM jobs"
    };
}

statement! {
    /// Records the attempt of a claim.
    RecordOfClaim<'a> {
        at: SqlTime as SqlTimestamp,
        outcome: &'a str as Text,
        outcome_if_cancelled: &'a str as Text,
        error: Option<&'a str> as Nullable<Text>,
        id: &'a str as Text,
        token: &'a str as Text,
        partition_key: Option<&'a str> as Nullable<Text>,
    } -> (Text, BigInt) = concat!(
        record_attempt!(),
        " WHERE id = ? AND lease_token = ? AND status = 'running' AND partition_key IS ? RETURNING job_id, attempt"
    )
}
statement! {
    /// Records the attempt of a running job without a check of its claim.
    RecordOfJob<'a> {
        at: SqlTime as SqlTimestamp,
        outcome: &'a str as Text,
        outcome_if_cancelled: &'a str as Text,
        error: Option<&'a str> as Nullable<Text>,
        id: &'a str as Text,
    } -> (Text, BigInt) =
        concat!(record_attempt!(), " WHERE id = ? AND status = 'running' RETURNING job_id, attempt")
}
statement! {
    /// Deletes the attempts that are neither among the first nor among the latest.
    DeleteBetween<'a> { id: &'a str as Text, first: i64 as BigInt, up_to: i64 as BigInt } =
        "DELETE FROM job_attempts WHERE job_id = ? AND attempt > ? AND attempt <= ?"
}
statement! {
    /// The attempts of a job, the first one first.
    AttemptsOf<'a> { id: &'a str as Text } -> AttemptColumns =
        "SELECT attempt, claimed_at, ended_at, worker, outcome, error FROM job_attempts WHERE job_id = ? ORDER BY attempt"
}

statement! {
    /// The attempts of all jobs.
    AllAttempts {} -> (Text, AttemptColumns) =
        "SELECT job_id, attempt, claimed_at, ended_at, worker, outcome, error FROM job_attempts"
}

type AttemptColumns = (BigInt, Nullable<SqlTimestamp>, SqlTimestamp, Nullable<Text>, Text, Nullable<Text>);

#[derive(Debug, Queryable)]
struct AttemptRow {
    attempt: StoredNumber,
    claimed_at: Option<StoredTime>,
    ended_at: StoredTime,
    worker: Option<StoredText>,
    outcome: StoredText,
    error: Option<StoredText>,
}

impl AttemptRow {
    /// Reads the row. The time of the claim is a copy of `jobs.started_at`, in which another program may have written
    /// any value.
    fn read(self, job_id: &str) -> Result<JobAttempt, StoreError> {
        let row = RowRef::known("job_attempts", job_id);
        let number = row.count("attempt", row.number("attempt", self.attempt)?)?;
        let outcome = row.parse("outcome", &self.outcome)?;
        let mut attempt = JobAttempt::new(number, outcome, row.time("ended_at", self.ended_at)?);
        attempt.claimed_at = row.nullable_time("claimed_at", self.claimed_at).unwrap_or(None);
        attempt.worker = self.worker.map(StoredText::into_prose);
        attempt.error = self.error.map(StoredText::into_prose);
        Ok(attempt)
    }
}

impl SqliteSession<'_> {
    /// Records the attempt of a claim that fails or is parked. Returns whether the job is held by the claim.
    pub(super) fn record_failure(
        &mut self,
        held: Held<'_>,
        report: &FailureReport,
        error: &str,
    ) -> Result<bool, StoreError> {
        let outcomes = [report.attempt_outcome(false), report.attempt_outcome(true)];
        self.record_claim(held, outcomes, Some(error), report.at)
    }

    /// Records the attempt of a claim that gives the job back. Returns whether the job is held by the claim.
    pub(super) fn record_return(
        &mut self,
        held: Held<'_>,
        outcome: AttemptOutcome,
        error: Option<&str>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.record_claim(held, [outcome; 2], error, at)
    }

    /// `outcomes` are the outcome, and the outcome if the cancellation of the job was requested.
    fn record_claim(
        &mut self,
        Held { id, token, partition_key }: Held<'_>,
        [outcome, if_cancelled]: [AttemptOutcome; 2],
        error: Option<&str>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let (outcome, outcome_if_cancelled) = (outcome.as_str(), if_cancelled.as_str());
        let at = SqlTime(at);
        let record = RecordOfClaim { at, outcome, outcome_if_cancelled, error, id, token, partition_key };
        let recorded = record.get_result(self.conn).optional().store()?;
        self.keep_first_and_latest(recorded)
    }

    /// Records the attempt of a job that no longer runs although its worker has not ended it.
    pub(super) fn record_loss(
        &mut self,
        id: &str,
        outcome: AttemptOutcome,
        error: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let outcome = outcome.as_str();
        let at = SqlTime(at);
        let record = RecordOfJob { at, outcome, outcome_if_cancelled: outcome, error: Some(error), id };
        let recorded = record.get_result(self.conn).optional().store()?;
        self.keep_first_and_latest(recorded).map(drop)
    }

    /// Deletes an attempt between the first and the latest ones, if there are too many. Returns whether an attempt was
    /// recorded.
    fn keep_first_and_latest(&mut self, recorded: Option<(StoredText, i64)>) -> Result<bool, StoreError> {
        let Some((job_id, number)) = recorded else { return Ok(false) };
        if number > i64::from(MAX_ATTEMPTS_KEPT)
            && let Some(id) = job_id.as_str()
        {
            let (first, latest) = (i64::from(FIRST_ATTEMPTS), i64::from(MAX_ATTEMPTS_KEPT - FIRST_ATTEMPTS));
            DeleteBetween { id, first, up_to: number - latest }.execute(self.conn).store()?;
        }
        Ok(true)
    }

    /// The first rows that cannot be read as attempts, at most `most`.
    pub(in crate::sqlite) fn unreadable_attempts(&mut self, most: usize) -> Result<Vec<UnreadableRow>, StoreError> {
        let rows = AllAttempts {}.load_iter::<(StoredText, AttemptRow), _>(self.conn).store()?;
        unreadable(rows.map(|row| row.store().map(|(job_id, row)| row.read(&job_id.name()).map(drop))), most)
    }

    pub(super) fn attempts_of(&mut self, id: &JobId) -> Result<Vec<JobAttempt>, StoreError> {
        let mut attempts = Vec::new();
        for id in id.formats() {
            for row in (AttemptsOf { id: &id }).load::<AttemptRow>(self.conn).store()? {
                attempts.push(row.read(&id)?);
            }
        }
        Ok(attempts)
    }
}

#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![
        ("RecordOfClaim", RecordOfClaim::SQL),
        ("RecordOfJob", RecordOfJob::SQL),
        ("DeleteBetween", DeleteBetween::SQL),
        ("AttemptsOf", AttemptsOf::SQL),
    ]
}
