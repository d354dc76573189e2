//! Extends the leases of jobs under the fence, and records that a job runs alone.

use std::collections::HashMap;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{ClaimRef, FencedResult, HeartbeatOutcome};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{RawJson, Timestamp, later, truncate_to_micros};

use super::fence::{by_job_id, given_claims, id_formats, of_given_claims};
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{SqlTime, StoredText, StoredTime};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

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
    /// Extends the leases of jobs.
    ExtendMany<'a> { expires_at: SqlTime as SqlTimestamp, given: &'a str as Text } -> (Text, Nullable<SqlTimestamp>) =
        concat!(
            "UPDATE jobs SET lease_expires_at = ?, progress_json = coalesce(given.json, progress_json) ",
            of_given_claims!(), " RETURNING id, cancel_requested_at"
        )
}
statement! {
    /// Extends the lease of a killed job's handler. A job that was retried waits until that lease ends. If
    /// `waiting_since` is later than now, it is kept: a clock was ahead, and the later time shows it. If it is NULL, an operator
    /// has chosen the due time.
    ExtendKilled<'a> {
        expires_at: SqlTime as SqlTimestamp,
        not_before: SqlTime as SqlTimestamp,
        now: SqlTime as SqlTimestamp,
        id: &'a str as Text,
        token: &'a str as Text,
    } = "UPDATE jobs SET lease_expires_at = ?, run_at = iif(status = 'pending', max(run_at, ?), run_at), \
         waiting_since = iif(status = 'pending', max(waiting_since, ?), waiting_since), waits_for = '' \
         WHERE id = ? AND lease_token = ? AND status IN ('failed', 'pending') AND lease_expires_at IS NOT NULL"
}
statement! {
    /// Records that the holder runs no other job beside this one.
    RunAlone<'a> { id: &'a str as Text, token: &'a str as Text } =
        "UPDATE jobs SET alone = 1 WHERE id = ? AND lease_token = ? AND status = 'running'"
}

impl SqliteSession<'_> {
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
                let expires_at = truncate_to_micros(expires_at);
                return Ok(FencedResult::Done(HeartbeatOutcome::new(expires_at, cancel.is_some())));
            }
        }
        for id in id_formats(claim) {
            let (expires_at, now) = (SqlTime(expires_at), SqlTime(now));
            let extend = ExtendKilled { expires_at, not_before: expires_at, now, id: &id, token: &token };
            let left = self.partition_of_job(&id)?;
            if extend.execute(self.conn).store()? > 0 {
                self.admit_after(left)?;
            }
        }
        self.why_refused(claim)
    }

    pub(super) fn extend_leases(
        &mut self,
        claims: &[(ClaimRef, Option<RawJson>)],
        now: Timestamp,
        lease: Duration,
    ) -> Result<Vec<FencedResult<HeartbeatOutcome>>, StoreError> {
        let expires_at = later(now, lease);
        let mut extended = HashMap::new();
        if let Some(given) = given_claims(claims.iter().map(|(claim, progress)| (claim, progress.as_ref()))) {
            let extend = ExtendMany { expires_at: SqlTime(expires_at), given: &given };
            extended = by_job_id(extend.load::<(StoredText, Option<StoredTime>)>(self.conn).store()?.into_iter());
        }
        let one = |(claim, progress): &(ClaimRef, Option<RawJson>)| match extended.remove(&claim.id.to_string()) {
            Some(cancel) => {
                let expires_at = truncate_to_micros(expires_at);
                Ok(FencedResult::Done(HeartbeatOutcome::new(expires_at, cancel.is_some())))
            }
            None => self.extend_lease(claim, progress.as_ref(), now, lease),
        };
        claims.iter().map(one).collect()
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
}

#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![
        ("Extend", Extend::SQL),
        ("ExtendMany", ExtendMany::SQL),
        ("ExtendKilled", ExtendKilled::SQL),
        ("RunAlone", RunAlone::SQL),
    ]
}
