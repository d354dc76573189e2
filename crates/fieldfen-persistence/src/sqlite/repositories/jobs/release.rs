//! Releases, throttles and declines jobs under the fence. The jobs are pending again, with unchanged attempts.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{AttemptOutcome, ClaimRef, FencedResult};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{MAX_TIMESTAMP, MIN_TIMESTAMP, Timestamp};

use super::error_text::ErrorText;
use super::fence::{Held, given_claims, of_given_claims, of_given_claims_without_limit};
use crate::sqlite::CommitNotice;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::SqlTime;
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

statement! {
    /// Releases a job: it is pending again, with unchanged attempts.
    Release<'a> {
        run_at: SqlTime as SqlTimestamp,
        at: SqlTime as SqlTimestamp,
        throttles: i64 as BigInt,
        id: &'a str as Text,
        token: &'a str as Text,
        partition_key: Option<&'a str> as Nullable<Text>,
    } = "UPDATE jobs SET status = 'pending', run_at = ?, waiting_since = ?, \
         throttled = min(throttled + ?, 4294967295), \
         lease_token = NULL, lease_expires_at = NULL, worker = NULL, started_at = NULL, declined_since = NULL \
         WHERE id = ? AND lease_token = ? AND status = 'running' AND partition_key IS ?"
}
macro_rules! release_given {
    () => {
        "UPDATE jobs SET status = 'pending', run_at = ?, waiting_since = ?, lease_token = NULL, \
         lease_expires_at = NULL, worker = NULL, started_at = NULL, declined_since = NULL "
    };
}

statement! {
    /// Releases jobs that no limit counts.
    ReleaseMany<'a> { run_at: SqlTime as SqlTimestamp, at: SqlTime as SqlTimestamp, given: &'a str as Text } =
        concat!(release_given!(), of_given_claims_without_limit!())
}
statement! {
    /// Releases jobs, also those that a limit counts.
    ReleaseManyCounted<'a> { run_at: SqlTime as SqlTimestamp, at: SqlTime as SqlTimestamp, given: &'a str as Text } =
        concat!(release_given!(), of_given_claims!())
}
statement! {
    /// Makes a job pending that its worker cannot run. The first decline keeps its time, unless that time is in the
    /// future.
    Decline<'a> {
        error: &'a str as Text,
        fingerprint: Option<&'a str> as Nullable<Text>,
        run_at: SqlTime as SqlTimestamp,
        waiting_since: SqlTime as SqlTimestamp,
        first: SqlTime as SqlTimestamp,
        at: SqlTime as SqlTimestamp,
        id: &'a str as Text,
        token: &'a str as Text,
        partition_key: Option<&'a str> as Nullable<Text>,
    } = "UPDATE jobs SET status = 'pending', last_error = ?, error_fingerprint = ?, run_at = ?, waiting_since = ?, \
         declined_since = min(coalesce(declined_since, ?), ?), lease_token = NULL, lease_expires_at = NULL, \
         worker = NULL, started_at = NULL WHERE id = ? AND lease_token = ? AND status = 'running' AND partition_key IS ?"
}

impl SqliteSession<'_> {
    /// Releases a job and adds this number to its count of throttles. The attempt of a throttled job is recorded.
    pub(super) fn release_job(
        &mut self,
        claim: &ClaimRef,
        run_at: Timestamp,
        at: Timestamp,
        throttles: i64,
    ) -> Result<FencedResult<()>, StoreError> {
        let run_at = run_at.clamp(MIN_TIMESTAMP, MAX_TIMESTAMP);
        let released = self.end_claim(claim, |s, held| {
            if throttles > 0 && !s.record_return(held, AttemptOutcome::Throttled, None, at)? {
                return Ok(None);
            }
            let Held { id, token, partition_key } = held;
            let (run_at, at) = (SqlTime(run_at), SqlTime(at));
            let release = Release { run_at, at, throttles, id, token, partition_key };
            Ok((release.execute(s.conn).store()? == 1).then_some(()))
        })?;
        if released.is_some() {
            self.note(CommitNotice::JobDue);
            return Ok(FencedResult::Done(()));
        }
        self.end_killed(claim, run_at)?;
        self.why_refused(claim)
    }

    pub(super) fn release_jobs(
        &mut self,
        claims: &[ClaimRef],
        run_at: Timestamp,
        at: Timestamp,
    ) -> Result<Vec<FencedResult<()>>, StoreError> {
        if let Some(given) = given_claims(claims.iter().map(|claim| (claim, None))) {
            let (due, now, given) = (SqlTime(run_at.clamp(MIN_TIMESTAMP, MAX_TIMESTAMP)), SqlTime(at), &*given);
            let released = self.end_claims(
                given,
                claims.len(),
                |s| ReleaseMany { run_at: due, at: now, given }.execute(s.conn).store(),
                |s| ReleaseManyCounted { run_at: due, at: now, given }.execute(s.conn).store(),
            )?;
            if released {
                self.note(CommitNotice::JobDue);
                return Ok(vec![FencedResult::Done(()); claims.len()]);
            }
        }
        claims.iter().map(|claim| self.release_job(claim, run_at, at, 0)).collect()
    }

    pub(super) fn decline_job(
        &mut self,
        claim: &ClaimRef,
        error: &str,
        run_at: Timestamp,
        at: Timestamp,
    ) -> Result<FencedResult<()>, StoreError> {
        let error = ErrorText::new(error);
        let run_at = SqlTime(run_at.clamp(MIN_TIMESTAMP, MAX_TIMESTAMP));
        let declined = self.end_claim(claim, |s, held| {
            let (fingerprint, error) = (error.fingerprint(), error.text());
            if !s.record_return(held, AttemptOutcome::Declined, Some(error), at)? {
                return Ok(None);
            }
            let (Held { id, token, partition_key }, now) = (held, SqlTime(at));
            let decline = Decline {
                error,
                fingerprint,
                run_at,
                waiting_since: now,
                first: now,
                at: now,
                id,
                token,
                partition_key,
            };
            Ok((decline.execute(s.conn).store()? == 1).then_some(()))
        })?;
        if declined.is_some() {
            self.note(CommitNotice::JobDue);
            return Ok(FencedResult::Done(()));
        }
        self.end_killed(claim, at)?;
        self.why_refused(claim)
    }
}

#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![
        ("Release", Release::SQL),
        ("ReleaseMany", ReleaseMany::SQL),
        ("ReleaseManyCounted", ReleaseManyCounted::SQL),
        ("Decline", Decline::SQL),
    ]
}
