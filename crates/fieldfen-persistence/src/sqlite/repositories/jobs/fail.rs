//! Fails and parks jobs under the fence. A failed job with retries left is pending again.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{ClaimRef, FailOutcome, FailureReport, FencedResult, Retry};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{MAX_TIMESTAMP, MIN_TIMESTAMP, truncate_to_micros};

use super::error_text::ErrorText;
use super::fence::Held;
use crate::sqlite::CommitNotice;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{RowRef, SqlTime, StoredNumber};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

statement! {
    /// Makes a job pending for its next attempt. The statement skips a job without retries left and a job whose
    /// cancellation was requested.
    Fail<'a> {
        error: &'a str as Text,
        fingerprint: Option<&'a str> as Nullable<Text>,
        run_at: SqlTime as SqlTimestamp,
        at: SqlTime as SqlTimestamp,
        id: &'a str as Text,
        token: &'a str as Text,
        partition_key: Option<&'a str> as Nullable<Text>,
    } -> (Nullable<BigInt>,) =
        "UPDATE jobs SET status = 'pending', last_error = ?, error_fingerprint = ?, run_at = ?, waiting_since = ?, \
         attempts = min(coalesce(attempts, 0) + 1, 4294967295), throttled = 0, lease_token = NULL, \
         lease_expires_at = NULL, worker = NULL, started_at = NULL, \
         declined_since = NULL \
         WHERE id = ? AND lease_token = ? AND status = 'running' AND partition_key IS ? AND coalesce(attempts, 0) < max_retries \
         AND cancel_requested_at IS NULL RETURNING attempts"
}
statement! {
    /// Fails a job.
    FailForGood<'a> {
        error: &'a str as Text,
        fingerprint: Option<&'a str> as Nullable<Text>,
        at: SqlTime as SqlTimestamp,
        id: &'a str as Text,
        token: &'a str as Text,
        partition_key: Option<&'a str> as Nullable<Text>,
    } = "UPDATE jobs SET status = 'failed', last_error = ?, error_fingerprint = ?, completed_at = ?, \
         lease_expires_at = NULL, parked_for = NULL \
         WHERE id = ? AND lease_token = ? AND status = 'running' AND partition_key IS ?"
}
statement! {
    /// Parks a job, unless its cancellation was requested.
    Park<'a> {
        reason: &'a str as Text,
        fingerprint: Option<&'a str> as Nullable<Text>,
        at: SqlTime as SqlTimestamp,
        parked_for: &'a str as Text,
        id: &'a str as Text,
        token: &'a str as Text,
        partition_key: Option<&'a str> as Nullable<Text>,
    } = "UPDATE jobs SET status = 'failed', last_error = ?, error_fingerprint = ?, completed_at = ?, parked_for = ?, \
         lease_expires_at = NULL \
         WHERE id = ? AND lease_token = ? AND status = 'running' AND partition_key IS ? AND cancel_requested_at IS NULL"
}

impl SqliteSession<'_> {
    pub(super) fn fail_job(
        &mut self,
        claim: &ClaimRef,
        report: &FailureReport,
    ) -> Result<FencedResult<FailOutcome>, StoreError> {
        let error = ErrorText::new(&report.error);
        let failed = self.end_claim(claim, |s, held| s.fail_held(held, report, &error))?;
        if let Some(outcome) = failed {
            let is_pending = matches!(outcome, FailOutcome::Retrying { .. });
            self.note(if is_pending { CommitNotice::JobDue } else { CommitNotice::JobEnded });
            return Ok(FencedResult::Done(outcome));
        }
        self.end_killed(claim, report.at)?;
        self.why_refused(claim)
    }

    fn fail_held(
        &mut self,
        held: Held<'_>,
        report: &FailureReport,
        error: &ErrorText<'_>,
    ) -> Result<Option<FailOutcome>, StoreError> {
        let (at, fingerprint, error) = (SqlTime(report.at), error.fingerprint(), error.text());
        if !self.record_failure(held, report, error)? {
            return Ok(None);
        }
        let Held { id, token, partition_key } = held;
        if let Retry::At(run_at) = report.retry {
            let run_at = run_at.clamp(MIN_TIMESTAMP, MAX_TIMESTAMP);
            let fail = Fail { error, fingerprint, run_at: SqlTime(run_at), at, id, token, partition_key };
            let attempts = fail.get_result::<(Option<StoredNumber>,)>(self.conn).optional().store()?;
            if let Some((Some(attempts),)) = attempts {
                let row = RowRef::known("jobs", id);
                let attempts = row.count("attempts", row.number("attempts", attempts)?)?;
                return Ok(Some(FailOutcome::Retrying { run_at: truncate_to_micros(run_at), attempts }));
            }
        }
        if let Retry::Parked(parked_for) = report.retry {
            let parked_for = parked_for.as_str();
            let park = Park { reason: error, fingerprint, at, parked_for, id, token, partition_key };
            if park.execute(self.conn).store()? == 1 {
                return Ok(Some(FailOutcome::Parked));
            }
        }
        let fail = FailForGood { error, fingerprint, at, id, token, partition_key };
        Ok((fail.execute(self.conn).store()? == 1).then_some(FailOutcome::DeadLetter))
    }
}

#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![("Fail", Fail::SQL), ("FailForGood", FailForGood::SQL), ("Park", Park::SQL)]
}
