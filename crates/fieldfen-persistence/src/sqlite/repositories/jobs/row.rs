//! Reads a row of `jobs` as a job.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::job::{ApiAccount, Job, JobState, JobStatus, Lease, Priority, UnreadableJob};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{FileId, Timestamp};

use crate::sqlite::columns::{RowRef, StoredNumber, StoredText, StoredTime};

/// The columns of [`JobRow`], in its order.
macro_rules! job_columns {
    () => {
        "rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, \
         dedup_key, payload_json, result_json, progress_json, last_error, cancel_requested_at, created_at, started_at, \
         completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for"
    };
}

/// The columns for a page, which omits large values. 500 is
/// [`SUMMARY_ERROR_CHARS`](fieldfen_domain::job::SUMMARY_ERROR_CHARS).
macro_rules! job_summary_columns {
    () => {
        "rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, \
         dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, \
         completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for"
    };
}

/// The columns of a pending job, without those that a claim overwrites.
macro_rules! pending_job_columns {
    () => {
        "rowid, id, file_id, account, command_type, 'pending', attempts, max_retries, lost_leases, throttled, priority, run_at, \
         dedup_key, payload_json, result_json, progress_json, last_error, cancel_requested_at, created_at, NULL, \
         completed_at, NULL, NULL, NULL, declined_since, NULL"
    };
}

pub(in crate::sqlite) use {job_columns, job_summary_columns, pending_job_columns};

/// The SQL types of [`job_columns`], [`job_summary_columns`] and [`pending_job_columns`].
pub(in crate::sqlite) type JobColumns = (
    BigInt,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Text,
    Text,
    Nullable<BigInt>,
    BigInt,
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
    Nullable<Text>,
);

#[derive(Debug, Queryable)]
pub(in crate::sqlite) struct JobRow {
    pub(in crate::sqlite) rowid: i64,
    id: Option<StoredText>,
    file_id: Option<StoredText>,
    account: Option<StoredText>,
    command_type: StoredText,
    status: StoredText,
    attempts: Option<StoredNumber>,
    max_retries: StoredNumber,
    lost_leases: StoredNumber,
    throttled: StoredNumber,
    priority: StoredNumber,
    run_at: StoredTime,
    dedup_key: Option<StoredText>,
    payload_json: Option<StoredText>,
    result_json: Option<StoredText>,
    progress_json: Option<StoredText>,
    last_error: Option<StoredText>,
    cancel_requested_at: Option<StoredTime>,
    created_at: Option<StoredTime>,
    started_at: Option<StoredTime>,
    completed_at: Option<StoredTime>,
    lease_token: Option<StoredText>,
    lease_expires_at: Option<StoredTime>,
    worker: Option<StoredText>,
    declined_since: Option<StoredTime>,
    parked_for: Option<StoredText>,
}

impl JobRow {
    /// The name of the row in messages.
    fn named(&self) -> RowRef<'_> {
        RowRef::stored("jobs", self.id.as_ref(), self.rowid)
    }

    /// The file of the job. A job whose file id cannot be read fails when it is claimed.
    pub(super) fn file_id(&self) -> Option<FileId> {
        self.file_id.as_ref()?.as_str()?.parse().ok()
    }

    /// The account of the job. A job whose account cannot be read fails when it is claimed.
    pub(super) fn account(&self) -> Option<ApiAccount> {
        self.account.as_ref()?.as_str()?.parse().ok()
    }

    /// The id as the row holds it; empty if it is no text.
    pub(super) fn id_text(&self) -> String {
        self.id.as_ref().and_then(StoredText::as_str).unwrap_or_default().to_owned()
    }

    /// The worker that holds or held the job.
    pub(in crate::sqlite) fn worker(&self) -> Option<String> {
        self.worker.clone().map(StoredText::into_prose)
    }

    /// The description of a row that cannot be read as a job.
    pub(in crate::sqlite) fn unreadable(&self, reason: String) -> UnreadableJob {
        UnreadableJob::new(
            self.named().name(),
            self.command_type.as_str().and_then(|kind| kind.parse().ok()),
            self.file_id.as_ref().and_then(|id| id.as_str()?.parse().ok()),
            reason,
        )
    }

    /// Removes the lease from the row and returns its end. The row can then be read as a job even if the lease was
    /// invalid.
    pub(in crate::sqlite) fn take_expiry(&mut self) -> Result<Option<Timestamp>, StoreError> {
        self.lease_token = None;
        let expires_at = self.lease_expires_at.take();
        self.named().nullable_time("lease_expires_at", expires_at)
    }

    /// Reads the row as a job. An unreadable worker name or last error is no error: both are only shown to people.
    pub(in crate::sqlite) fn read(self) -> Result<Job, StoreError> {
        let row = RowRef::stored("jobs", self.id.as_ref(), self.rowid);
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
            // In another status, the column has no meaning: another program has changed the status.
            JobStatus::Failed => match row.parse_nullable("parked_for", self.parked_for.as_ref())? {
                Some(parked_for) => JobState::Parked { at: ended_at, parked_for },
                None => JobState::Failed { at: ended_at },
            },
        };
        let mut job = Job::new(
            row.key("id", self.id.as_ref())?,
            row.parse("command_type", &self.command_type)?,
            state,
            row.time("run_at", self.run_at)?,
        );
        job.file_id = row.parse_nullable("file_id", self.file_id.as_ref())?;
        job.account = row.parse_nullable("account", self.account.as_ref())?;
        job.attempts = match self.attempts {
            Some(number) => row.count("attempts", row.number("attempts", number)?)?,
            None => 0,
        };
        job.max_retries = row.count("max_retries", row.number("max_retries", self.max_retries)?)?;
        job.lost_leases = row.count("lost_leases", row.number("lost_leases", self.lost_leases)?)?;
        job.throttled = row.count("throttled", row.number("throttled", self.throttled)?)?;
        job.priority =
            Priority::from_number(priority).ok_or_else(|| row.bad("priority", priority, "it must be 0, 1, 2 or 3"))?;
        job.dedup_key = row.parse_nullable("dedup_key", self.dedup_key.as_ref())?;
        job.payload = row.json("payload_json", self.payload_json)?;
        job.result = row.json("result_json", self.result_json)?;
        job.progress = row.json("progress_json", self.progress_json)?;
        job.last_error = self.last_error.map(StoredText::into_prose);
        job.cancel_requested_at = row.nullable_time("cancel_requested_at", self.cancel_requested_at)?;
        job.declined_since = row.nullable_time("declined_since", self.declined_since)?;
        job.created_at = row.nullable_time("created_at", self.created_at)?;
        Ok(job)
    }
}

/// The lease of a running job; `None` if a program that knows only the specification runs it.
fn lease(
    row: RowRef<'_>,
    token: Option<StoredText>,
    expires_at: Option<Timestamp>,
    worker: Option<StoredText>,
) -> Result<Option<Lease>, StoreError> {
    match (token, expires_at) {
        (Some(token), Some(expires_at)) => {
            let worker = worker.map(StoredText::into_prose).unwrap_or_default();
            Ok(Some(Lease::new(row.parse("lease_token", &token)?, expires_at, worker)))
        }
        // A token without an end is left from an earlier claim: the program that runs the job now knows no leases.
        (_, None) => Ok(None),
        (None, Some(_)) => Err(row.bad("lease_token", "NULL", "a lease that expires needs a token")),
    }
}
