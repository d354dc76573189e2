//! Completes jobs under the fence: one job, or many with one statement.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{ClaimRef, FencedResult};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{RawJson, Timestamp};

use super::fence::{Held, given_claims, of_given_claims, of_given_claims_without_limit};
use crate::sqlite::CommitNotice;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::SqlTime;
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

statement! {
    /// Completes a job.
    Complete<'a> {
        result: Option<&'a str> as Nullable<Text>,
        at: SqlTime as SqlTimestamp,
        id: &'a str as Text,
        token: &'a str as Text,
        partition_key: Option<&'a str> as Nullable<Text>,
    } = "UPDATE jobs SET status = 'completed', result_json = ?, completed_at = ?, lease_expires_at = NULL \
         WHERE id = ? AND lease_token = ? AND status = 'running' AND partition_key IS ?"
}
macro_rules! complete_given {
    () => {
        "UPDATE jobs SET status = 'completed', result_json = given.json, completed_at = ?, lease_expires_at = NULL "
    };
}

statement! {
    /// Completes jobs that no limit counts. With `RETURNING`, SQLite would read all old columns and keep each row in a
    /// temporary table.
    CompleteMany<'a> { at: SqlTime as SqlTimestamp, given: &'a str as Text } =
        concat!(complete_given!(), of_given_claims_without_limit!())
}
statement! {
    /// Completes jobs, also those that a limit counts.
    CompleteManyCounted<'a> { at: SqlTime as SqlTimestamp, given: &'a str as Text } =
        concat!(complete_given!(), of_given_claims!())
}

impl SqliteSession<'_> {
    pub(super) fn complete_job(
        &mut self,
        claim: &ClaimRef,
        result: Option<&RawJson>,
        at: Timestamp,
    ) -> Result<FencedResult<()>, StoreError> {
        let (result, kept_at) = (result.map(RawJson::as_str), SqlTime(at));
        let completed = self.end_claim(claim, |s, Held { id, token, partition_key }| {
            let complete = Complete { result, at: kept_at, id, token, partition_key };
            Ok((complete.execute(s.conn).store()? == 1).then_some(()))
        })?;
        if completed.is_some() {
            self.note(CommitNotice::JobEnded);
            return Ok(FencedResult::Done(()));
        }
        self.end_killed(claim, at)?;
        self.why_refused(claim)
    }

    pub(super) fn complete_jobs(
        &mut self,
        completions: &[(ClaimRef, Option<RawJson>)],
        at: Timestamp,
    ) -> Result<Vec<FencedResult<()>>, StoreError> {
        if let Some(given) = given_claims(completions.iter().map(|(claim, result)| (claim, result.as_ref()))) {
            let (kept_at, given) = (SqlTime(at), &*given);
            let completed = self.end_claims(
                given,
                completions.len(),
                |s| CompleteMany { at: kept_at, given }.execute(s.conn).store(),
                |s| CompleteManyCounted { at: kept_at, given }.execute(s.conn).store(),
            )?;
            if completed {
                self.note(CommitNotice::JobEnded);
                return Ok(vec![FencedResult::Done(()); completions.len()]);
            }
        }
        completions.iter().map(|(claim, result)| self.complete_job(claim, result.as_ref(), at)).collect()
    }
}

#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![
        ("Complete", Complete::SQL),
        ("CompleteMany", CompleteMany::SQL),
        ("CompleteManyCounted", CompleteManyCounted::SQL),
    ]
}
