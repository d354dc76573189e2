//! Jobs: enqueueing, and the repository traits over what the other files do.

mod admin;
mod claim;
mod fence;
#[cfg(test)]
mod foreign_test;
mod irregular;
mod read;
mod reclaim;
mod row;
mod waiting;

use std::time::Duration;

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{
    ClaimRef, ClaimRequest, Claimed, DedupKey, Enqueued, FailureReport, Fenced, Finished, Heartbeat, Job, NewJob,
    ReclaimRequest, TakenBack,
};
use fieldfen_domain::store::{JobQueue, StoreError};
use fieldfen_domain::{JobId, RawJson, Timestamp};

use super::error::Classify;
use super::session::SqliteSession;
use super::statement::statement;
use crate::rows::{RowRef, Spellings, SqlTime, StoredText};

statement! {
    /// Adds a job.
    Insert<'a> {
        id: &'a str as Text,
        file_id: Option<&'a str> as Nullable<Text>,
        kind: &'a str as Text,
        payload: Option<&'a str> as Nullable<Text>,
        priority: i64 as BigInt,
        run_at: SqlTime as SqlTimestamp,
        max_retries: i64 as BigInt,
        dedup_key: Option<&'a str> as Nullable<Text>,
        created_at: SqlTime as SqlTimestamp,
        waiting_since: Option<SqlTime> as Nullable<SqlTimestamp>,
    } = "INSERT INTO jobs (id, file_id, command_type, status, attempts, payload_json, priority, run_at, max_retries, \
         dedup_key, created_at, waiting_since) VALUES (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?)"
}
statement! {
    /// The first live job with this dedup key. There are several where another program has set the status of one.
    LiveByKey<'a> { key: &'a str as Text } -> (BigInt, Nullable<Text>) =
        "SELECT rowid, id FROM jobs INDEXED BY idx_jobs_dedup_key \
         WHERE dedup_key = ? AND dedup_key IS NOT NULL AND status IN ('pending', 'running') ORDER BY rowid LIMIT 1"
}

impl SqliteSession<'_> {
    /// The live job with this dedup key.
    fn live_job(&mut self, key: &DedupKey) -> Result<Option<JobId>, StoreError> {
        let found =
            LiveByKey { key: key.as_str() }.get_result::<(i64, Option<StoredText>)>(self.conn).optional().store()?;
        found.map(live_id).transpose()
    }
}

/// The id of a live job that stands in the way of another one.
fn live_id((rowid, id): (i64, Option<StoredText>)) -> Result<JobId, StoreError> {
    RowRef::stored("jobs", id.as_ref(), rowid).key("id", id.as_ref())
}

impl JobQueue for SqliteSession<'_> {
    fn enqueue(&mut self, job: &NewJob) -> Result<Enqueued, StoreError> {
        StoreError::check_json("payload of a job", job.payload.as_ref())?;
        // The write lock is held: nobody enqueues a job between this look and the insert.
        let live = job.dedup_key.as_ref().map(|key| self.live_job(key)).transpose()?.flatten();
        if let Some(live) = live {
            return Ok(Enqueued::Met(live));
        }
        let id = job.id.to_string();
        let [file_id, other_spelling] = job.file_id.map_or_else(Default::default, |id| id.spellings().map(Some));
        let mut insert = Insert {
            id: &id,
            file_id: file_id.as_deref(),
            kind: job.kind.as_str(),
            payload: job.payload.as_ref().map(RawJson::as_str),
            priority: job.priority.number().into(),
            run_at: SqlTime(job.run_at),
            max_retries: job.max_retries.into(),
            dedup_key: job.dedup_key.as_ref().map(DedupKey::as_str),
            created_at: SqlTime(job.created_at),
            waiting_since: job.waiting_since().map(SqlTime),
        };
        let mut result = insert.execute(self.conn);
        if let Err(Error::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _)) = result {
            // The file's row may spell its id the other way, and foreign keys compare texts.
            insert.file_id = other_spelling.as_deref();
            result = insert.execute(self.conn);
        }
        result.writing(|| match &job.file_id {
            Some(file_id) => format!("job {id} about file {file_id}"),
            None => format!("job {id}"),
        })?;
        self.announces = true;
        Ok(Enqueued::Created(job.id))
    }

    fn claim(&mut self, request: &ClaimRequest) -> Result<Claimed, StoreError> {
        self.claim_jobs(request)
    }

    fn complete(
        &mut self,
        claim: &ClaimRef,
        result: Option<&RawJson>,
        at: Timestamp,
    ) -> Result<Fenced<()>, StoreError> {
        StoreError::check_json("result of a job", result)?;
        self.complete_job(claim, result, at)
    }

    fn fail(&mut self, claim: &ClaimRef, report: &FailureReport) -> Result<Fenced<Finished>, StoreError> {
        self.fail_job(claim, report)
    }

    fn release(&mut self, claim: &ClaimRef, run_at: Timestamp, at: Timestamp) -> Result<Fenced<()>, StoreError> {
        self.release_job(claim, run_at, at, 0)
    }

    fn throttle(&mut self, claim: &ClaimRef, run_at: Timestamp, at: Timestamp) -> Result<Fenced<()>, StoreError> {
        self.release_job(claim, run_at, at, 1)
    }

    fn decline(
        &mut self,
        claim: &ClaimRef,
        error: &str,
        run_at: Timestamp,
        at: Timestamp,
    ) -> Result<Fenced<()>, StoreError> {
        self.decline_job(claim, error, run_at, at)
    }

    fn heartbeat(
        &mut self,
        claim: &ClaimRef,
        progress: Option<&RawJson>,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Fenced<Heartbeat>, StoreError> {
        StoreError::check_json("progress of a job", progress)?;
        self.extend_lease(claim, progress, now, lease)
    }

    fn run_alone(&mut self, claim: &ClaimRef) -> Result<Fenced<()>, StoreError> {
        self.mark_alone(claim)
    }

    fn reclaim(
        &mut self,
        request: &ReclaimRequest,
        backoff: &dyn Fn(&Job) -> Duration,
    ) -> Result<TakenBack, StoreError> {
        self.reclaim_jobs(request, backoff)
    }
}

/// Every statement of the queue with its name, for the tests of their plans.
#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, String)> {
    let constant = [
        vec![("LiveByKey", LiveByKey::SQL)],
        claim::statements(),
        fence::statements(),
        reclaim::statements(),
        irregular::statements(),
        waiting::statements(),
        admin::statements(),
    ]
    .concat();
    let constant = constant.into_iter().map(|(name, sql)| (name, sql.to_owned()));
    constant.chain(read::statements()).collect()
}
