//! A row of `jobs`, and what it means.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{Job, JobState, JobStatus, Lease, Priority, UnreadableJob};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{RawJson, Timestamp};

use crate::rows::{RowRef, StoredNumber, StoredTime};

/// The columns that [`JobRow`] reads, in its order.
macro_rules! job_columns {
    () => {
        "rowid, id, file_id, command_type, status, attempts, max_retries, lost_leases, priority, run_at, dedup_key, payload_json, \
         result_json, progress_json, last_error, cancel_requested_at, created_at, started_at, completed_at, lease_token, \
         lease_expires_at, worker, declined_since"
    };
}

/// The same columns for a page, which leaves out what may be large; 500 is
/// [`SUMMARY_ERROR_CHARS`](fieldfen_domain::job::SUMMARY_ERROR_CHARS).
macro_rules! job_summary_columns {
    () => {
        "rowid, id, file_id, command_type, status, attempts, max_retries, lost_leases, priority, run_at, dedup_key, NULL, NULL, NULL, \
         substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, \
         lease_expires_at, worker, declined_since"
    };
}

pub(in crate::sqlite) use {job_columns, job_summary_columns};

/// The SQL types of [`job_columns`] and [`job_summary_columns`].
pub(in crate::sqlite) type JobColumns = (
    BigInt,
    Nullable<Text>,
    Nullable<Text>,
    Text,
    Text,
    Nullable<BigInt>,
    BigInt,
    BigInt,
    BigInt,
    SqlTimestamp,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<SqlTimestamp>,
    Nullable<SqlTimestamp>,
    Nullable<SqlTimestamp>,
    Nullable<SqlTimestamp>,
    Nullable<Text>,
    Nullable<SqlTimestamp>,
    Nullable<Text>,
    Nullable<SqlTimestamp>,
);

#[derive(Debug, Queryable)]
pub(in crate::sqlite) struct JobRow {
    pub(in crate::sqlite) rowid: i64,
    pub(in crate::sqlite) id: Option<String>,
    file_id: Option<String>,
    command_type: String,
    status: String,
    attempts: Option<StoredNumber>,
    max_retries: StoredNumber,
    lost_leases: StoredNumber,
    priority: StoredNumber,
    run_at: StoredTime,
    dedup_key: Option<String>,
    payload_json: Option<String>,
    result_json: Option<String>,
    progress_json: Option<String>,
    last_error: Option<String>,
    cancel_requested_at: Option<StoredTime>,
    created_at: Option<StoredTime>,
    started_at: Option<StoredTime>,
    completed_at: Option<StoredTime>,
    lease_token: Option<String>,
    lease_expires_at: Option<StoredTime>,
    pub(in crate::sqlite) worker: Option<String>,
    declined_since: Option<StoredTime>,
}

impl JobRow {
    /// The row's id for people: other programs may have left it out.
    pub(in crate::sqlite) fn name(&self) -> String {
        self.id.clone().unwrap_or_else(|| format!("without id (rowid {})", self.rowid))
    }

    /// What can be said of a row that no job can be read from.
    pub(in crate::sqlite) fn unreadable(&self, reason: String) -> UnreadableJob {
        UnreadableJob {
            id: self.name(),
            kind: self.command_type.parse().ok(),
            file_id: self.file_id.as_ref().and_then(|id| id.parse().ok()),
            reason,
        }
    }

    /// Reads the row as a job.
    pub(in crate::sqlite) fn read(self) -> Result<Job, StoreError> {
        let name = self.name();
        let row = RowRef { table: "jobs", key: &name };
        let id = self.id.as_deref().ok_or_else(|| row.bad("id", "NULL", "every job needs an id"))?;
        let priority = row.number("priority", self.priority)?;
        let started_at = row.nullable_time("started_at", self.started_at)?;
        let ended_at = row.nullable_time("completed_at", self.completed_at)?;
        let state = match row.parse("status", &self.status)? {
            JobStatus::Pending => JobState::Pending,
            JobStatus::Running => {
                let expires_at = row.nullable_time("lease_expires_at", self.lease_expires_at)?;
                JobState::Running { started_at, lease: lease(row, self.lease_token, expires_at, self.worker)? }
            }
            JobStatus::Completed => JobState::Completed { at: ended_at },
            JobStatus::Failed => JobState::Failed { at: ended_at },
        };
        Ok(Job {
            id: row.parse("id", id)?,
            file_id: row.parse_nullable("file_id", self.file_id.as_deref())?,
            kind: row.parse("command_type", &self.command_type)?,
            state,
            attempts: match self.attempts {
                Some(number) => row.count("attempts", row.number("attempts", number)?)?,
                None => 0,
            },
            max_retries: row.count("max_retries", row.number("max_retries", self.max_retries)?)?,
            lost_leases: row.count("lost_leases", row.number("lost_leases", self.lost_leases)?)?,
            priority: Priority::from_number(priority)
                .ok_or_else(|| row.bad("priority", priority, "it must be 0, 1, 2 or 3"))?,
            run_at: row.time("run_at", self.run_at)?,
            dedup_key: self
                .dedup_key
                .map(|key| fieldfen_domain::job::DedupKey::new(key.clone()).map_err(|e| row.bad("dedup_key", key, e)))
                .transpose()?,
            payload: self.payload_json.map(RawJson::unchecked),
            result: self.result_json.map(RawJson::unchecked),
            progress: self.progress_json.map(RawJson::unchecked),
            last_error: self.last_error,
            cancel_requested_at: row.nullable_time("cancel_requested_at", self.cancel_requested_at)?,
            declined_since: row.nullable_time("declined_since", self.declined_since)?,
            created_at: row.nullable_time("created_at", self.created_at)?,
        })
    }
}

/// The lease of a running job; `None` when a program that knows only the specification runs it.
fn lease(
    row: RowRef<'_>,
    token: Option<String>,
    expires_at: Option<Timestamp>,
    worker: Option<String>,
) -> Result<Option<Lease>, StoreError> {
    match (token, expires_at) {
        (Some(token), Some(expires_at)) => {
            Ok(Some(Lease { token: row.parse("lease_token", &token)?, expires_at, worker: worker.unwrap_or_default() }))
        }
        // A token alone is what an earlier claim has left: the baseline program that runs the job now knows no leases.
        (_, None) => Ok(None),
        (None, Some(_)) => Err(row.bad("lease_token", "NULL", "a lease that expires needs a token")),
    }
}
