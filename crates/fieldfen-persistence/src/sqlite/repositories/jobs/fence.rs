//! Applies the outcomes that a claim holder reports. A statement changes a job only if the claim's token is current.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{ClaimRef, FailOutcome, FailureReport, FencedResult, HeartbeatOutcome, Retry};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{MAX_TIMESTAMP, MIN_TIMESTAMP, RawJson, Timestamp, cut_reason, later};

use crate::rules::job_fence::{LastClaim, why_refused};
use crate::sqlite::CommitNotice;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{IdFormats, RowRef, SqlTime, StoredNumber, StoredText, StoredTime};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

statement! {
    /// Completes a job.
    Complete<'a> {
        result: Option<&'a str> as Nullable<Text>,
        at: SqlTime as SqlTimestamp,
        id: &'a str as Text,
        token: &'a str as Text,
    } = "UPDATE jobs SET status = 'completed', result_json = ?, completed_at = ?, lease_expires_at = NULL \
         WHERE id = ? AND lease_token = ? AND status = 'running'"
}
statement! {
    /// Makes a job pending for its next attempt. The statement skips a job without retries left and a job whose
    /// cancellation was requested.
    Fail<'a> {
        error: &'a str as Text,
        run_at: SqlTime as SqlTimestamp,
        at: SqlTime as SqlTimestamp,
        id: &'a str as Text,
        token: &'a str as Text,
    } -> (Nullable<BigInt>,) =
        "UPDATE jobs SET status = 'pending', last_error = ?, run_at = ?, waiting_since = ?, \
         attempts = min(coalesce(attempts, 0) + 1, 4294967295), throttled = 0, lease_token = NULL, \
         lease_expires_at = NULL, worker = NULL, started_at = NULL, \
         declined_since = NULL \
         WHERE id = ? AND lease_token = ? AND status = 'running' AND coalesce(attempts, 0) < max_retries \
         AND cancel_requested_at IS NULL RETURNING attempts"
}
statement! {
    /// Fails a job.
    FailForGood<'a> {
        error: &'a str as Text,
        at: SqlTime as SqlTimestamp,
        id: &'a str as Text,
        token: &'a str as Text,
    } = "UPDATE jobs SET status = 'failed', last_error = ?, completed_at = ?, lease_expires_at = NULL, parked_for = NULL \
         WHERE id = ? AND lease_token = ? AND status = 'running'"
}
statement! {
    /// Parks a job, unless its cancellation was requested.
    Park<'a> {
        reason: &'a str as Text,
        at: SqlTime as SqlTimestamp,
        parked_for: &'a str as Text,
        id: &'a str as Text,
        token: &'a str as Text,
    } = "UPDATE jobs SET status = 'failed', last_error = ?, completed_at = ?, parked_for = ?, lease_expires_at = NULL \
         WHERE id = ? AND lease_token = ? AND status = 'running' AND cancel_requested_at IS NULL"
}
statement! {
    /// Makes a job pending that its worker cannot run. The first decline keeps its time, unless that time is in the
    /// future.
    Decline<'a> {
        error: &'a str as Text,
        run_at: SqlTime as SqlTimestamp,
        waiting_since: SqlTime as SqlTimestamp,
        first: SqlTime as SqlTimestamp,
        at: SqlTime as SqlTimestamp,
        id: &'a str as Text,
        token: &'a str as Text,
    } = "UPDATE jobs SET status = 'pending', last_error = ?, run_at = ?, waiting_since = ?, \
         declined_since = min(coalesce(declined_since, ?), ?), lease_token = NULL, lease_expires_at = NULL, \
         worker = NULL, started_at = NULL WHERE id = ? AND lease_token = ? AND status = 'running'"
}
statement! {
    /// Releases a job: it is pending again, with unchanged attempts.
    ReleaseJob<'a> {
        run_at: SqlTime as SqlTimestamp,
        at: SqlTime as SqlTimestamp,
        throttles: i64 as BigInt,
        id: &'a str as Text,
        token: &'a str as Text,
    } = "UPDATE jobs SET status = 'pending', run_at = ?, waiting_since = ?, \
         throttled = min(throttled + ?, 4294967295), \
         lease_token = NULL, lease_expires_at = NULL, worker = NULL, started_at = NULL, declined_since = NULL \
         WHERE id = ? AND lease_token = ? AND status = 'running'"
}
statement! {
    /// Records that the holder runs no other job beside this one.
    RunAlone<'a> { id: &'a str as Text, token: &'a str as Text } =
        "UPDATE jobs SET alone = 1 WHERE id = ? AND lease_token = ? AND status = 'running'"
}
statement! {
    /// Extends the lease of a job and records its progress.
    Extend<'a> {
        expires_at: SqlTime as SqlTimestamp,
        progress: Option<&'a str> as Nullable<Text>,
        id: &'a str as Text,
        token: &'a str as Text,
    } -> (Nullable<SqlTimestamp>,) =
        "UPDATE jobs SET lease_expires_at = ?, progress_json = coalesce(?, progress_json) \
         WHERE id = ? AND lease_token = ? AND status = 'running' RETURNING cancel_requested_at"
}
statement! {
    /// Extends the lease of a killed job's handler. A job that was retried waits until that lease ends. If
    /// `waiting_since` is later than now, it is kept: a clock was ahead, and the later time shows it.
    ExtendKilled<'a> {
        expires_at: SqlTime as SqlTimestamp,
        not_before: SqlTime as SqlTimestamp,
        now: SqlTime as SqlTimestamp,
        id: &'a str as Text,
        token: &'a str as Text,
    } = "UPDATE jobs SET lease_expires_at = ?, run_at = iif(status = 'pending', max(run_at, ?), run_at), \
         waiting_since = iif(status = 'pending', max(coalesce(waiting_since, ''), ?), waiting_since) \
         WHERE id = ? AND lease_token = ? AND status IN ('failed', 'pending') AND lease_expires_at IS NOT NULL"
}
statement! {
    /// Ends the lease of a killed job whose handler has ended. A job that was retried no longer waits for it.
    EndKilled<'a> { not_after: SqlTime as SqlTimestamp, id: &'a str as Text, token: &'a str as Text } =
        "UPDATE jobs SET lease_token = NULL, lease_expires_at = NULL, \
         run_at = iif(status = 'pending', min(run_at, ?), run_at) \
         WHERE id = ? AND lease_token = ? AND status IN ('failed', 'pending') AND lease_expires_at IS NOT NULL"
}
statement! {
    /// The state of a job whose token was refused.
    WhoHolds<'a> { id: &'a str as Text } -> (Text, Nullable<Text>, Nullable<SqlTimestamp>, BigInt) =
        "SELECT status, lease_token, completed_at, status = 'failed' AND lease_expires_at IS NOT NULL FROM jobs \
         WHERE id = ?"
}

impl SqliteSession<'_> {
    pub(super) fn complete_job(
        &mut self,
        claim: &ClaimRef,
        result: Option<&RawJson>,
        at: Timestamp,
    ) -> Result<FencedResult<()>, StoreError> {
        let token = claim.token.to_string();
        for id in id_formats(claim) {
            let complete = Complete { result: result.map(RawJson::as_str), at: SqlTime(at), id: &id, token: &token };
            if complete.execute(self.conn).store()? == 1 {
                self.note(CommitNotice::JobEnded);
                return Ok(FencedResult::Done(()));
            }
        }
        self.end_killed(claim, &token, at)?;
        self.why_refused(claim)
    }

    pub(super) fn fail_job(
        &mut self,
        claim: &ClaimRef,
        report: &FailureReport,
    ) -> Result<FencedResult<FailOutcome>, StoreError> {
        let (token, error) = (claim.token.to_string(), cut_reason(&report.error));
        for id in id_formats(claim) {
            if let Retry::At(run_at) = report.retry {
                let run_at = run_at.clamp(MIN_TIMESTAMP, MAX_TIMESTAMP);
                let (run_at_kept, at) = (SqlTime(run_at), SqlTime(report.at));
                let fail = Fail { error: &error, run_at: run_at_kept, at, id: &id, token: &token };
                let attempts = fail.get_result::<(Option<StoredNumber>,)>(self.conn).optional().store()?;
                if let Some((Some(attempts),)) = attempts {
                    let row = RowRef::known("jobs", &id);
                    let attempts = row.count("attempts", row.number("attempts", attempts)?)?;
                    self.note(CommitNotice::JobDue);
                    return Ok(FencedResult::Done(FailOutcome::Retrying {
                        run_at: fieldfen_domain::truncate_to_micros(run_at),
                        attempts,
                    }));
                }
            }
            if let Retry::Parked(parked_for) = report.retry {
                let (at, parked_for) = (SqlTime(report.at), parked_for.as_str());
                let park = Park { reason: &error, at, parked_for, id: &id, token: &token };
                if park.execute(self.conn).store()? == 1 {
                    self.note(CommitNotice::JobEnded);
                    return Ok(FencedResult::Done(FailOutcome::Parked));
                }
            }
            let fail = FailForGood { error: &error, at: SqlTime(report.at), id: &id, token: &token };
            if fail.execute(self.conn).store()? == 1 {
                self.note(CommitNotice::JobEnded);
                return Ok(FencedResult::Done(FailOutcome::DeadLetter));
            }
        }
        self.end_killed(claim, &token, report.at)?;
        self.why_refused(claim)
    }

    /// Releases a job and adds this number to its count of throttles.
    pub(super) fn release_job(
        &mut self,
        claim: &ClaimRef,
        run_at: Timestamp,
        at: Timestamp,
        throttles: i64,
    ) -> Result<FencedResult<()>, StoreError> {
        let (token, run_at) = (claim.token.to_string(), run_at.clamp(MIN_TIMESTAMP, MAX_TIMESTAMP));
        for id in id_formats(claim) {
            let release = ReleaseJob { run_at: SqlTime(run_at), at: SqlTime(at), throttles, id: &id, token: &token };
            if release.execute(self.conn).store()? == 1 {
                self.note(CommitNotice::JobDue);
                return Ok(FencedResult::Done(()));
            }
        }
        self.end_killed(claim, &token, run_at)?;
        self.why_refused(claim)
    }

    pub(super) fn mark_alone(&mut self, claim: &ClaimRef) -> Result<FencedResult<()>, StoreError> {
        let token = claim.token.to_string();
        for id in id_formats(claim) {
            if (RunAlone { id: &id, token: &token }).execute(self.conn).store()? == 1 {
                return Ok(FencedResult::Done(()));
            }
        }
        self.why_refused(claim)
    }

    pub(super) fn decline_job(
        &mut self,
        claim: &ClaimRef,
        error: &str,
        run_at: Timestamp,
        at: Timestamp,
    ) -> Result<FencedResult<()>, StoreError> {
        let (token, error) = (claim.token.to_string(), cut_reason(error));
        let run_at = SqlTime(run_at.clamp(MIN_TIMESTAMP, MAX_TIMESTAMP));
        for id in id_formats(claim) {
            let (now, id) = (SqlTime(at), &*id);
            let decline = Decline { error: &error, run_at, waiting_since: now, first: now, at: now, id, token: &token };
            if decline.execute(self.conn).store()? == 1 {
                self.note(CommitNotice::JobDue);
                return Ok(FencedResult::Done(()));
            }
        }
        self.end_killed(claim, &token, at)?;
        self.why_refused(claim)
    }

    pub(super) fn extend_lease(
        &mut self,
        claim: &ClaimRef,
        progress: Option<&RawJson>,
        now: Timestamp,
        lease: Duration,
    ) -> Result<FencedResult<HeartbeatOutcome>, StoreError> {
        let (token, expires_at) = (claim.token.to_string(), later(now, lease));
        for id in id_formats(claim) {
            let extend = Extend {
                expires_at: SqlTime(expires_at),
                progress: progress.map(RawJson::as_str),
                id: &id,
                token: &token,
            };
            let held = extend.get_result::<(Option<StoredTime>,)>(self.conn).optional().store()?;
            if let Some((cancel,)) = held {
                let expires_at = fieldfen_domain::truncate_to_micros(expires_at);
                return Ok(FencedResult::Done(HeartbeatOutcome::new(expires_at, cancel.is_some())));
            }
        }
        for id in id_formats(claim) {
            let (expires_at, now) = (SqlTime(expires_at), SqlTime(now));
            let extend = ExtendKilled { expires_at, not_before: expires_at, now, id: &id, token: &token };
            extend.execute(self.conn).store()?;
        }
        self.why_refused(claim)
    }

    /// Records that the handler of a killed job has ended. An operator's retry then does not wait for the end of the
    /// lease, whether the retry came before or comes later.
    fn end_killed(&mut self, claim: &ClaimRef, token: &str, not_after: Timestamp) -> Result<(), StoreError> {
        for id in id_formats(claim) {
            let ended = EndKilled { not_after: SqlTime(not_after), id: &id, token }.execute(self.conn).store()?;
            if ended > 0 {
                self.note(CommitNotice::JobDue);
            }
        }
        Ok(())
    }

    /// The reason why a statement changed no row for this claim.
    fn why_refused<T>(&mut self, claim: &ClaimRef) -> Result<FencedResult<T>, StoreError> {
        for id in id_formats(claim) {
            let found = WhoHolds { id: &id }
                .get_result::<(StoredText, Option<StoredText>, Option<StoredTime>, i64)>(self.conn)
                .optional()
                .store()?;
            let Some((status, token, ended_at, killed)) = found else { continue };
            let row = RowRef::known("jobs", &id);
            let last = LastClaim {
                status: status.as_str().and_then(|status| status.parse().ok()),
                token: token.and_then(|token| token.as_str()?.parse().ok()),
                ended_at: row.nullable_time("completed_at", ended_at).unwrap_or(None),
                killed: killed != 0,
            };
            return Ok(why_refused(&last, claim.token));
        }
        Ok(FencedResult::NotFound)
    }
}

/// The two texts that the job's row may hold for its id. The second text is created only if the first one matched no
/// row.
fn id_formats(claim: &ClaimRef) -> impl Iterator<Item = String> + use<> {
    let id = claim.id;
    std::iter::once_with(move || id.to_string()).chain(std::iter::once_with(move || {
        let [_, other] = id.formats();
        other
    }))
}

#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![
        ("Complete", Complete::SQL),
        ("Fail", Fail::SQL),
        ("FailForGood", FailForGood::SQL),
        ("Park", Park::SQL),
        ("Decline", Decline::SQL),
        ("ReleaseJob", ReleaseJob::SQL),
        ("RunAlone", RunAlone::SQL),
        ("Extend", Extend::SQL),
        ("ExtendKilled", ExtendKilled::SQL),
        ("EndKilled", EndKilled::SQL),
        ("WhoHolds", WhoHolds::SQL),
    ]
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;
    use fieldfen_domain::store::JobQueue;
    use fieldfen_testkit::fixtures::{at, claim_ref, claim_request, failure, job};

    use super::*;
    use crate::sqlite::columns::test_database::{database, session};

    #[test]
    fn a_claim_is_answered_whatever_others_have_written_into_its_row() {
        let lease = Duration::from_secs(60);
        for (set, expected) in [
            (
                "status = 'completed', completed_at = '2026-01-01T00:00:00+00:00:00'",
                FencedResult::AlreadyDone { at: None },
            ),
            (
                "status = 'failed', completed_at = 'just now', lease_expires_at = NULL",
                FencedResult::AlreadyDone { at: None },
            ),
            // The job counts as killed: its handler may still run.
            ("status = 'failed', completed_at = 'just now'", FencedResult::LeaseLost),
            ("status = 'finished'", FencedResult::LeaseLost),
        ] {
            let mut conn = database();
            session(&mut conn).enqueue(&job(1)).unwrap();
            session(&mut conn).claim(&claim_request(1, 1, at(0))).unwrap();
            conn.batch_execute(&format!("UPDATE jobs SET {set}")).unwrap();
            let mut s = session(&mut conn);
            let claim = claim_ref(1, 1);
            assert_eq!(s.complete_job(&claim, None, at(1)).unwrap(), expected, "{set}");
            assert_eq!(s.release_job(&claim, at(1), at(1), 0).unwrap(), expected, "{set}");
            assert_eq!(s.decline_job(&claim, "no", at(1), at(1)).unwrap(), expected, "{set}");
            assert!(!s.extend_lease(&claim, None, at(1), lease).unwrap().is_done(), "{set}");
            assert!(!s.fail_job(&claim, &failure("no", Retry::Never, at(1))).unwrap().is_done(), "{set}");
            let two = [(claim, None), (claim_ref(2, 1), None)];
            assert_eq!(s.complete_many(&two, at(1)).unwrap(), [expected, FencedResult::NotFound], "{set}");
        }
    }
}
