//! Completes jobs under the fence: one job, or many with one statement.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{ClaimRef, FencedResult};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{RawJson, Timestamp};

use super::fence::{by_job_id, given_claims, id_formats, of_given_claims};
use crate::sqlite::CommitNotice;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{SqlTime, StoredText};
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
    /// Completes jobs.
    CompleteMany<'a> { at: SqlTime as SqlTimestamp, given: &'a str as Text } -> (Text,) = concat!(
        "UPDATE jobs SET status = 'completed', result_json = given.json, completed_at = ?, lease_expires_at = NULL ",
        of_given_claims!(), " RETURNING id"
    )
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

    pub(super) fn complete_jobs(
        &mut self,
        completions: &[(ClaimRef, Option<RawJson>)],
        at: Timestamp,
    ) -> Result<Vec<FencedResult<()>>, StoreError> {
        let mut completed = HashMap::new();
        if let Some(given) = given_claims(completions.iter().map(|(claim, result)| (claim, result.as_ref()))) {
            let complete = CompleteMany { at: SqlTime(at), given: &given };
            completed = by_job_id(complete.load::<(StoredText,)>(self.conn).store()?.into_iter().map(|(id,)| (id, ())));
        }
        if !completed.is_empty() {
            self.note(CommitNotice::JobEnded);
        }
        let one = |(claim, result): &(ClaimRef, Option<RawJson>)| match completed.remove(&claim.id.to_string()) {
            Some(()) => Ok(FencedResult::Done(())),
            None => self.complete_job(claim, result.as_ref(), at),
        };
        completions.iter().map(one).collect()
    }
}

#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![("Complete", Complete::SQL), ("CompleteMany", CompleteMany::SQL)]
}
