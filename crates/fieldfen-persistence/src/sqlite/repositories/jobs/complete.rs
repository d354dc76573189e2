//! Completes jobs under the fence: one job, or many with one statement.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{ClaimRef, FencedResult};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{RawJson, Timestamp};

use super::fence::{given_claims, id_formats, of_given_claims};
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
    } = "UPDATE jobs SET status = 'completed', result_json = ?, completed_at = ?, lease_expires_at = NULL \
         WHERE id = ? AND lease_token = ? AND status = 'running'"
}
statement! {
    /// Completes jobs. With `RETURNING`, SQLite would read all old columns and keep each row in a temporary table.
    CompleteMany<'a> { at: SqlTime as SqlTimestamp, given: &'a str as Text } = concat!(
        "UPDATE jobs SET status = 'completed', result_json = given.json, completed_at = ?, lease_expires_at = NULL ",
        of_given_claims!()
    )
}
statement! {
    /// Opens the part of the transaction that is undone if [`CompleteMany`] has not completed all jobs.
    BeginCompletions {} = "SAVEPOINT completions"
}
statement! {
    /// Undoes the completions.
    UndoCompletions {} = "ROLLBACK TO completions"
}
statement! {
    /// Ends the part of the transaction.
    EndCompletions {} = "RELEASE completions"
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
        if let Some(given) = given_claims(completions.iter().map(|(claim, result)| (claim, result.as_ref())))
            && self.complete_together(&given, completions.len(), at)?
        {
            self.note(CommitNotice::JobEnded);
            return Ok(vec![FencedResult::Done(()); completions.len()]);
        }
        completions.iter().map(|(claim, result)| self.complete_job(claim, result.as_ref(), at)).collect()
    }

    /// Completes all of these jobs or none, and says whether it has completed them. It completes none if a lease is lost or
    /// a row holds the id in the other format.
    fn complete_together(&mut self, given: &str, jobs: usize, at: Timestamp) -> Result<bool, StoreError> {
        BeginCompletions {}.execute(self.conn).store()?;
        let completed = CompleteMany { at: SqlTime(at), given }.execute(self.conn).store()? == jobs;
        if !completed {
            UndoCompletions {}.execute(self.conn).store()?;
        }
        EndCompletions {}.execute(self.conn).store()?;
        Ok(completed)
    }
}

#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![("Complete", Complete::SQL), ("CompleteMany", CompleteMany::SQL)]
}
