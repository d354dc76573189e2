//! The part of a job that a page of jobs shows.

use super::kind::JobKind;
use super::{ApiAccount, DedupKey, Job, JobState, Priority};
use crate::ids::{FileId, JobId};
use crate::time::Timestamp;

/// The largest number of characters of the last error in a summary.
pub const SUMMARY_ERROR_CHARS: usize = 500;

/// A job as a page shows it: without payload, result and progress, each of which may have a megabyte, and with the
/// beginning of its last error. [`find`](crate::store::JobReads::find) returns the whole job.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobSummary {
    /// Primary key of the row.
    pub id: JobId,
    /// The file of the job; `None` if it has none. The job is deleted with it.
    pub file_id: Option<FileId>,
    /// The service or account that the job uses.
    pub account: Option<ApiAccount>,
    /// The kind, which decides the handler.
    pub kind: JobKind,
    /// The status, with the data of that status.
    pub state: JobState,
    /// The number of retries that it has used.
    pub attempts: u32,
    /// The number of retries before the job fails for good.
    pub max_retries: u32,
    /// The number of leases that it has lost.
    pub lost_leases: u32,
    /// The number of times that it was throttled since it was enqueued, last failed or was retried.
    pub throttled: u32,
    /// Of the due jobs, those with the lowest number are claimed first.
    pub priority: Priority,
    /// No claim takes the job before this time.
    pub run_at: Timestamp,
    /// The key that no other live job may have; `None` if it has none.
    pub dedup_key: Option<DedupKey>,
    /// The beginning of the message of its last failure: at most [`SUMMARY_ERROR_CHARS`] characters.
    pub last_error: Option<String>,
    /// The time at which an operator requested its cancellation while it ran; `None` if nobody did.
    pub cancel_requested_at: Option<Timestamp>,
    /// The time since which workers have declined it; `None` if the last worker that claimed it could run it.
    pub declined_since: Option<Timestamp>,
    /// The time at which it was enqueued; `None` if a program that knows only the specification has left it out.
    pub created_at: Option<Timestamp>,
}

impl From<Job> for JobSummary {
    fn from(job: Job) -> Self {
        Self {
            id: job.id,
            file_id: job.file_id,
            account: job.account,
            kind: job.kind,
            state: job.state,
            attempts: job.attempts,
            max_retries: job.max_retries,
            lost_leases: job.lost_leases,
            throttled: job.throttled,
            priority: job.priority,
            run_at: job.run_at,
            dedup_key: job.dedup_key,
            last_error: job.last_error.map(|error| error.chars().take(SUMMARY_ERROR_CHARS).collect()),
            cancel_requested_at: job.cancel_requested_at,
            declined_since: job.declined_since,
            created_at: job.created_at,
        }
    }
}
