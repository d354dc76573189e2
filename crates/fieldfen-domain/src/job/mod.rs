//! Jobs: their kinds, payloads and states, and the requests and answers of the job queue.

mod actions;
mod api_account;
mod attempt;
mod bulk_action;
mod claim;
mod claim_place;
mod concurrency_limit;
mod dead_letter_group;
mod error_fingerprint;
mod failure;
mod fence;
mod filter;
mod filter_json;
mod job_action;
mod kind;
mod kind_flow;
mod new_job;
mod on_worker_death;
mod parked;
mod pause;
mod payload;
mod reclaim;
mod retry;
mod specified_builders;
mod specified_payloads;
mod status;
mod summary;
mod why;

pub use actions::{JobActionOutcome, PruneRequest};
pub use api_account::{ApiAccount, InvalidApiAccount};
pub use attempt::{AttemptOutcome, FIRST_ATTEMPTS, JobAttempt, MAX_ATTEMPTS_KEPT};
pub use bulk_action::{BulkAction, BulkProgress, NewBulkAction};
pub use claim::{ClaimOutcome, ClaimRequest, UnreadableJob, WorkerName};
pub use claim_place::{ClaimPlace, MOST_BEFORE, MOST_NAMED};
pub use concurrency_limit::{ConcurrencyLimit, InvalidConcurrencyLimit, Partition};
pub use dead_letter_group::{DeadLetterGroup, MAX_DEAD_LETTERS_COUNTED};
pub use error_fingerprint::{MAX_FINGERPRINT_BYTES, error_fingerprint};
pub use failure::{FailOutcome, FailureReport, Retry};
pub use fence::{ClaimRef, FencedResult, HeartbeatOutcome, LONGEST_LEASE, lease_holds};
pub use filter::{FailedJobs, FingerprintFilter, JobCount, JobFilter};
pub use job_action::{InvalidJobAction, JobAction};
pub use kind::{CustomKind, InvalidKind, JobKind};
pub use kind_flow::{KindFlow, StoppedJobs};
pub use new_job::{DedupKey, EnqueueOutcome, InvalidJob, NewJob};
pub use on_worker_death::OnWorkerDeath;
pub use parked::ParkedFor;
pub use pause::{Pause, PauseScope, PauseScopeKind};
pub use payload::{InvalidPayload, Payload};
pub use reclaim::{ReclaimReport, ReclaimRequest, ReclaimedJob};
pub use retry::{Backoff, DEFAULT_MAX_RETRIES, RetryPolicy};
pub use specified_payloads::{
    CreateFileRecord, CreateListing, DeleteFile, GenerateMetadata, MAX_SCALE_FACTOR, PublishSocial, UpdateImage,
    UpdateListing, UpscaleImage,
};
pub use status::{IllegalJobTransition, JobEvent, JobState, JobStatus, Lease};
pub use summary::{JobSummary, SUMMARY_ERROR_CHARS};
pub use why::Why;

use crate::ids::{FileId, JobId};
use crate::json::RawJson;
use crate::time::Timestamp;

/// The priority of a job. Jobs with the lowest number are claimed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum Priority {
    /// Before all other jobs that are due.
    Urgent = 0,
    /// Before jobs of normal priority.
    High = 1,
    /// The default priority.
    #[default]
    Normal = 2,
    /// After all other jobs that are due.
    Low = 3,
}

impl Priority {
    /// All levels, the most urgent first.
    pub const ALL: [Self; 4] = [Self::Urgent, Self::High, Self::Normal, Self::Low];

    /// The level with this number, 0 to 3; `None` for another number.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|level| i64::from(level.number()) == number)
    }

    /// The number of the level in `jobs.priority`.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// A row of `jobs`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Job {
    /// Primary key of the row.
    pub id: JobId,
    /// The file of the job; `None` if it has none. The job is deleted with it.
    pub file_id: Option<FileId>,
    /// The service or account that the job uses. Its pauses and [concurrency limits](ConcurrencyLimit) apply to the job.
    pub account: Option<ApiAccount>,
    /// The kind, which decides the handler.
    pub kind: JobKind,
    /// The status, with the data of that status.
    pub state: JobState,
    /// The number of retries that it has used. Each return to pending after a failed attempt or a lost lease uses one.
    pub attempts: u32,
    /// The number of retries before the job fails for good. A job that loses its lease while other jobs run beside it
    /// is retried even if none is left, see [`must_run_alone`](Self::must_run_alone).
    pub max_retries: u32,
    /// The number of leases that it has lost, because its worker died or did not extend the lease in time.
    pub lost_leases: u32,
    /// The number of times that a rate limit has delayed it since it was enqueued, last failed or was retried.
    pub throttled: u32,
    /// Of the due jobs, those with the lowest number are claimed first.
    pub priority: Priority,
    /// No claim takes the job before this time.
    pub run_at: Timestamp,
    /// The key that no other live job may have; `None` if it has none.
    pub dedup_key: Option<DedupKey>,
    /// The arguments of the handler; read them with [`Payload::from_json`].
    pub payload: Option<RawJson>,
    /// The handler's result. `None` if the job has not completed or its handler returned no result.
    pub result: Option<RawJson>,
    /// The last progress that its handler has reported, in a form of the handler's choice.
    pub progress: Option<RawJson>,
    /// The message of its last failure, or the reason of its cancellation; `None` if it has never failed.
    pub last_error: Option<String>,
    /// The time at which an operator requested its cancellation while it ran; `None` if nobody did.
    pub cancel_requested_at: Option<Timestamp>,
    /// The time since which workers have declined it, see [`decline`](crate::store::JobQueue::decline); `None` if the
    /// last worker that claimed it could run it.
    pub declined_since: Option<Timestamp>,
    /// The time at which it was enqueued; `None` if a program that knows only the specification has left it out.
    pub created_at: Option<Timestamp>,
}

impl Job {
    /// A row with the defaults of a new job: no file, no payload, no attempts, normal priority and
    /// [`DEFAULT_MAX_RETRIES`]. A store sets the other columns.
    #[must_use]
    pub const fn new(id: JobId, kind: JobKind, state: JobState, run_at: Timestamp) -> Self {
        Self {
            id,
            file_id: None,
            account: None,
            kind,
            state,
            attempts: 0,
            max_retries: DEFAULT_MAX_RETRIES,
            lost_leases: 0,
            throttled: 0,
            priority: Priority::Normal,
            run_at,
            dedup_key: None,
            payload: None,
            result: None,
            progress: None,
            last_error: None,
            cancel_requested_at: None,
            declined_since: None,
            created_at: None,
        }
    }

    /// Returns whether no other job may run beside this one in its worker. The job has lost two leases, or one with no
    /// retry left, so it may be the job that kills its workers.
    ///
    /// Such a job is claimed alone. A lost lease fails a job for good only if the job ran alone, so that other jobs do
    /// not fail because of it.
    #[must_use]
    pub const fn must_run_alone(&self) -> bool {
        self.lost_leases >= 2 || (self.lost_leases > 0 && self.attempts > self.max_retries)
    }
}
