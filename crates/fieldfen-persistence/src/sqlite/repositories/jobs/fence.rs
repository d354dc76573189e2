//! The fence: a statement changes a job only if the claim's token is current. This module says why a claim was refused, and
//! passes many claims to one statement.
//!
//! A statement for many claims gets them as a JSON object, each with its text. A claim whose job the statement did not
//! change is then applied by itself: its row may hold the id in the other format, or the lease is lost.
//!
//! A statement that ends a claim also compares the partition key with NULL, so that the key of a job of an unlimited kind is
//! not read. For a job of a limited kind, the key is looked up, the statement compares with this key, and the next job of
//! the partition is admitted.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{ClaimRef, FencedResult};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{JobId, RawJson, Timestamp};

use crate::rules::job_fence::{LastClaim, why_refused};
use crate::sqlite::CommitNotice;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{IdFormats, RowRef, SqlTime, StoredText, StoredTime};
use crate::sqlite::error::Classify;
use crate::sqlite::session::SqliteSession;

statement! {
    /// Ends the lease of a killed job whose handler has ended. A job that was retried or given
    /// back no longer waits for it. A due time that an operator has chosen meanwhile is kept.
    EndKilled<'a> { not_after: SqlTime as SqlTimestamp, id: &'a str as Text, token: &'a str as Text } =
        "UPDATE jobs SET lease_token = NULL, lease_expires_at = NULL, \
         run_at = iif(status = 'pending' AND waiting_since IS NOT NULL, min(run_at, ?), run_at), waits_for = '' \
         WHERE id = ? AND lease_token = ? AND status IN ('failed', 'pending') AND lease_expires_at IS NOT NULL"
}
statement! {
    /// The state of a job whose token was refused.
    WhoHolds<'a> { id: &'a str as Text } -> (Text, Nullable<Text>, Nullable<SqlTimestamp>, BigInt) =
        "SELECT status, lease_token, completed_at, status = 'failed' AND lease_expires_at IS NOT NULL FROM jobs \
         WHERE id = ?"
}

statement! {
    /// Opens the part of the transaction that is undone if not all claims end.
    BeginEnds {} = "SAVEPOINT ended_claims"
}
statement! {
    /// Undoes the part of the transaction.
    UndoEnds {} = "ROLLBACK TO ended_claims"
}
statement! {
    /// Closes the part of the transaction.
    KeepEnds {} = "RELEASE ended_claims"
}

/// A claim of a job, as the job's row has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held<'a> {
    pub(super) id: &'a str,
    pub(super) token: &'a str,
    /// `None` if no limit counts the job.
    pub(super) partition_key: Option<&'a str>,
}

impl SqliteSession<'_> {
    /// Ends a claim with a statement, which returns `None` if it has changed no row. If a limit counts the job, the next
    /// job of its partition is admitted.
    pub(super) fn end_claim<T>(
        &mut self,
        claim: &ClaimRef,
        mut end: impl FnMut(&mut Self, Held<'_>) -> Result<Option<T>, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let token = &*claim.token.to_string();
        for id in id_formats(claim) {
            let (id, looked_up) = (&*id, self.expects_limits);
            let mut partition = if looked_up { self.partition_of_claim(id, token)? } else { None };
            if partition.is_none() {
                if let Some(ended) = end(self, Held { id, token, partition_key: None })? {
                    self.expects_limits = false;
                    return Ok(Some(ended));
                }
                partition = if looked_up { None } else { self.partition_of_claim(id, token)? };
            }
            let Some(partition) = partition else { continue };
            let partition_key = partition.key.as_str();
            if let Some(ended) = end(self, Held { id, token, partition_key })? {
                self.expects_limits = true;
                self.admit_after([partition])?;
                return Ok(Some(ended));
            }
        }
        Ok(None)
    }

    /// Ends all of these claims or none, and says whether it has ended them. It ends none if a lease is lost or a row holds
    /// the id in the other format. The first statement is for jobs that no limit counts, the second one for all jobs; each
    /// returns the number of rows that it has changed.
    pub(super) fn end_claims(
        &mut self,
        given: &str,
        jobs: usize,
        end: impl FnOnce(&mut Self) -> Result<usize, StoreError>,
        end_counted: impl FnOnce(&mut Self) -> Result<usize, StoreError>,
    ) -> Result<bool, StoreError> {
        if !self.expects_limits && self.all_or_none(jobs, end)? {
            return Ok(true);
        }
        let partitions = self.partitions_of_claims(given)?;
        self.expects_limits = !partitions.is_empty();
        let ended = self.all_or_none(jobs, end_counted)?;
        if ended {
            self.admit_after(partitions)?;
        }
        Ok(ended)
    }

    /// Runs a statement and undoes it unless it has changed this number of rows.
    fn all_or_none(
        &mut self,
        jobs: usize,
        end: impl FnOnce(&mut Self) -> Result<usize, StoreError>,
    ) -> Result<bool, StoreError> {
        BeginEnds {}.execute(self.conn).store()?;
        let ended = end(self)? == jobs;
        if !ended {
            UndoEnds {}.execute(self.conn).store()?;
        }
        KeepEnds {}.execute(self.conn).store()?;
        Ok(ended)
    }

    /// Records that the handler of a killed job has ended. An operator's retry then does not wait for the end of the
    /// lease, whether the retry came before or comes later.
    pub(super) fn end_killed(&mut self, claim: &ClaimRef, not_after: Timestamp) -> Result<(), StoreError> {
        let token = &*claim.token.to_string();
        for id in id_formats(claim) {
            let ended = EndKilled { not_after: SqlTime(not_after), id: &id, token }.execute(self.conn).store()?;
            if ended > 0 {
                self.note(CommitNotice::JobDue);
            }
        }
        Ok(())
    }

    /// The reason why a statement changed no row for this claim.
    pub(super) fn why_refused<T>(&mut self, claim: &ClaimRef) -> Result<FencedResult<T>, StoreError> {
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
pub(super) fn id_formats(claim: &ClaimRef) -> impl Iterator<Item = String> + use<> {
    let id = claim.id;
    std::iter::once_with(move || id.to_string()).chain(std::iter::once_with(move || {
        let [_, other] = id.formats();
        other
    }))
}

/// The claims of the JSON object. 36 is the length of a token. The unary plus keeps the planner from using the indexes of
/// the other columns.
macro_rules! of_given_claims {
    () => {
        "FROM (SELECT key AS id, substr(value, 1, 36) AS token, nullif(substr(value, 37), '') AS json FROM json_each(?)) \
         AS given WHERE jobs.id = given.id AND +jobs.lease_token = given.token AND +jobs.status = 'running'"
    };
}
/// The same without the jobs that a limit counts, because each of these admits another job.
macro_rules! of_given_claims_without_limit {
    () => {
        concat!(of_given_claims!(), " AND +jobs.partition_key IS NULL")
    };
}
pub(super) use {of_given_claims, of_given_claims_without_limit};

/// The claims as a JSON object: the token of each job id, followed by the claim's JSON text if it has one. SQLite reads the
/// members of an object faster than arrays in an array.
///
/// `None` if one statement is no advantage: there is at most one claim, or two claims are about the same job and must be
/// applied in order.
pub(super) fn given_claims<'c>(
    claims: impl ExactSizeIterator<Item = (&'c ClaimRef, Option<&'c RawJson>)>,
) -> Option<String> {
    let number = claims.len();
    let given: BTreeMap<JobId, String> = claims
        .map(|(claim, json)| (claim.id, format!("{}{}", claim.token, json.map_or("", RawJson::as_str))))
        .collect();
    if given.len() < 2 || given.len() < number {
        return None;
    }
    serde_json::to_string(&given).ok()
}

/// The rows that the statement returned, by job id.
pub(super) fn by_job_id<T>(rows: impl Iterator<Item = (StoredText, T)>) -> HashMap<String, T> {
    rows.filter_map(|(id, rest)| Some((id.as_str()?.to_owned(), rest))).collect()
}

#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    vec![("EndKilled", EndKilled::SQL), ("WhoHolds", WhoHolds::SQL)]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use diesel::connection::SimpleConnection;
    use fieldfen_domain::job::Retry;
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
