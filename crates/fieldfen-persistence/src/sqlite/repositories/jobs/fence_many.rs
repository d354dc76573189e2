//! Applies the outcomes of many claims at once: one statement for all claims that are current.
//!
//! The statement gets the claims as a JSON array, each with its text. A claim whose job the statement did not change is
//! then applied by itself: its row may hold the id in the other format, or the lease is lost.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{ClaimRef, FencedResult, HeartbeatOutcome};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{MAX_TIMESTAMP, MIN_TIMESTAMP, RawJson, Timestamp, later, truncate_to_micros};

use crate::sqlite::CommitNotice;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{SqlTime, StoredText, StoredTime};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

/// The claims of the JSON array. The unary plus keeps the planner from using the indexes of the other columns.
macro_rules! of_given {
    () => {
        "FROM (SELECT value ->> 0 AS id, value ->> 1 AS token, value ->> 2 AS json FROM json_each(?)) AS given \
         WHERE jobs.id = given.id AND +jobs.lease_token = given.token AND +jobs.status = 'running'"
    };
}

statement! {
    /// Completes jobs.
    CompleteMany<'a> { at: SqlTime as SqlTimestamp, given: &'a str as Text } -> (Text,) = concat!(
        "UPDATE jobs SET status = 'completed', result_json = given.json, completed_at = ?, lease_expires_at = NULL ",
        of_given!(), " RETURNING id"
    )
}
statement! {
    /// Releases jobs: they are pending again, with unchanged attempts.
    ReleaseMany<'a> {
        run_at: SqlTime as SqlTimestamp,
        at: SqlTime as SqlTimestamp,
        given: &'a str as Text,
    } -> (Text,) = concat!(
        "UPDATE jobs SET status = 'pending', run_at = ?, waiting_since = ?, lease_token = NULL, \
         lease_expires_at = NULL, worker = NULL, started_at = NULL, declined_since = NULL ",
        of_given!(), " RETURNING id"
    )
}
statement! {
    /// Extends the leases of jobs.
    ExtendMany<'a> { expires_at: SqlTime as SqlTimestamp, given: &'a str as Text } -> (Text, Nullable<SqlTimestamp>) =
        concat!(
            "UPDATE jobs SET lease_expires_at = ?, progress_json = coalesce(given.json, progress_json) ",
            of_given!(), " RETURNING id, cancel_requested_at"
        )
}

/// A claim with its JSON document.
type WithJson = (ClaimRef, Option<RawJson>);

impl SqliteSession<'_> {
    pub(super) fn complete_jobs(
        &mut self,
        completions: &[WithJson],
        at: Timestamp,
    ) -> Result<Vec<FencedResult<()>>, StoreError> {
        let mut completed = HashMap::new();
        if let Some(given) = given(completions.iter().map(|(claim, result)| (claim, result.as_ref()))) {
            let complete = CompleteMany { at: SqlTime(at), given: &given };
            completed = by_id(complete.load::<(StoredText,)>(self.conn).store()?.into_iter().map(|(id,)| (id, ())));
        }
        if !completed.is_empty() {
            self.note(CommitNotice::JobEnded);
        }
        let one = |(claim, result): &WithJson| match completed.remove(&claim.id.to_string()) {
            Some(()) => Ok(FencedResult::Done(())),
            None => self.complete_job(claim, result.as_ref(), at),
        };
        completions.iter().map(one).collect()
    }

    pub(super) fn release_jobs(
        &mut self,
        claims: &[ClaimRef],
        run_at: Timestamp,
        at: Timestamp,
    ) -> Result<Vec<FencedResult<()>>, StoreError> {
        let mut released = HashMap::new();
        if let Some(given) = given(claims.iter().map(|claim| (claim, None))) {
            let run_at = SqlTime(run_at.clamp(MIN_TIMESTAMP, MAX_TIMESTAMP));
            let release = ReleaseMany { run_at, at: SqlTime(at), given: &given };
            released = by_id(release.load::<(StoredText,)>(self.conn).store()?.into_iter().map(|(id,)| (id, ())));
        }
        if !released.is_empty() {
            self.note(CommitNotice::JobDue);
        }
        let one = |claim: &ClaimRef| match released.remove(&claim.id.to_string()) {
            Some(()) => Ok(FencedResult::Done(())),
            None => self.release_job(claim, run_at, at, 0),
        };
        claims.iter().map(one).collect()
    }

    pub(super) fn extend_leases(
        &mut self,
        claims: &[WithJson],
        now: Timestamp,
        lease: Duration,
    ) -> Result<Vec<FencedResult<HeartbeatOutcome>>, StoreError> {
        let expires_at = later(now, lease);
        let mut extended = HashMap::new();
        if let Some(given) = given(claims.iter().map(|(claim, progress)| (claim, progress.as_ref()))) {
            let extend = ExtendMany { expires_at: SqlTime(expires_at), given: &given };
            extended = by_id(extend.load::<(StoredText, Option<StoredTime>)>(self.conn).store()?.into_iter());
        }
        let one = |(claim, progress): &WithJson| match extended.remove(&claim.id.to_string()) {
            Some(cancel) => {
                let expires_at = truncate_to_micros(expires_at);
                Ok(FencedResult::Done(HeartbeatOutcome::new(expires_at, cancel.is_some())))
            }
            None => self.extend_lease(claim, progress.as_ref(), now, lease),
        };
        claims.iter().map(one).collect()
    }
}

/// The claims as a JSON array. `None` if one statement is no advantage: there is at most one claim, or two claims are
/// about the same job and must be applied in order.
fn given<'c>(claims: impl Iterator<Item = (&'c ClaimRef, Option<&'c RawJson>)>) -> Option<String> {
    let claims: Vec<(String, String, Option<&str>)> = claims
        .map(|(claim, json)| (claim.id.to_string(), claim.token.to_string(), json.map(RawJson::as_str)))
        .collect();
    let ids: HashSet<&str> = claims.iter().map(|(id, ..)| id.as_str()).collect();
    if claims.len() < 2 || ids.len() < claims.len() {
        return None;
    }
    serde_json::to_string(&claims).ok()
}

/// The rows that the statement returned, by job id.
fn by_id<T>(rows: impl Iterator<Item = (StoredText, T)>) -> HashMap<String, T> {
    rows.filter_map(|(id, rest)| Some((id.as_str()?.to_owned(), rest))).collect()
}

#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![("CompleteMany", CompleteMany::SQL), ("ReleaseMany", ReleaseMany::SQL), ("ExtendMany", ExtendMany::SQL)]
}
