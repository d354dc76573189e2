//! Jobs: what is to be done, by whom it is being done, and what came of it.

mod claim;
mod kind;
mod new_job;
mod new_payload;
mod parked;
mod payload;
mod retry;
mod status;
mod summary;

pub use claim::{
    ClaimOutcome, ClaimRef, ClaimRequest, FailOutcome, FailureReport, FencedResult, Heartbeat, LONGEST_LEASE,
    ReclaimReport, ReclaimRequest, ReclaimedJob, Retry, UnreadableJob, WorkerName, lease_holds,
};
pub use kind::{CustomKind, InvalidKind, JobKind};
pub use new_job::{DedupKey, EnqueueOutcome, InvalidJob, NewJob};
pub use parked::{FailedJobs, ParkedFor};
pub use payload::{
    CreateFileRecord, CreateListing, DeleteFile, GenerateMetadata, InvalidPayload, MAX_SCALE_FACTOR, Payload,
    PublishSocial, UpdateImage, UpdateListing, UpscaleImage,
};
pub use retry::{Backoff, DEFAULT_MAX_RETRIES, RetryPolicy};
pub use status::{IllegalJobTransition, JobEvent, JobState, JobStatus, Lease};
pub use summary::{JobSummary, SUMMARY_ERROR_CHARS};

use crate::ids::{FileId, JobId};
use crate::json::RawJson;
use crate::time::Timestamp;

/// How urgent a job is; the lowest number runs first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum Priority {
    /// Before everything else.
    Urgent = 0,
    /// Before the usual.
    High = 1,
    /// The usual.
    #[default]
    Normal = 2,
    /// When nothing else is due.
    Low = 3,
}

impl Priority {
    /// All levels, the most urgent first.
    pub const ALL: [Self; 4] = [Self::Urgent, Self::High, Self::Normal, Self::Low];

    /// The level with this number, 0 to 3.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|level| i64::from(level.number()) == number)
    }

    /// The number that stands in `jobs.priority`.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// A row of `jobs`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Job {
    /// The id.
    pub id: JobId,
    /// The file it is about; the job is deleted with it.
    pub file_id: Option<FileId>,
    /// What it does.
    pub kind: JobKind,
    /// Where it stands.
    pub state: JobState,
    /// How often it has gone back for another try.
    pub attempts: u32,
    /// How often it may go back before it has failed for good. A job that loses its lease beside others goes back even
    /// when this is spent, see [`must_run_alone`](Self::must_run_alone).
    pub max_retries: u32,
    /// How many leases it has lost: how often its worker died, or did not extend the lease in time.
    pub lost_leases: u32,
    /// How often it was throttled since it was enqueued, or last failed or was retried.
    pub throttled: u32,
    /// How urgent it is.
    pub priority: Priority,
    /// When it is due.
    pub run_at: Timestamp,
    /// The queue adds no job while a live one has its key.
    pub dedup_key: Option<DedupKey>,
    /// What it is about; read it with [`Payload::from_json`].
    pub payload: Option<RawJson>,
    /// What came of it.
    pub result: Option<RawJson>,
    /// How far it is, in its handler's own words.
    pub progress: Option<RawJson>,
    /// The message of its last failure.
    pub last_error: Option<String>,
    /// When somebody asked for it to stop while it ran.
    pub cancel_requested_at: Option<Timestamp>,
    /// Since when workers have declined it, see [`decline`](crate::store::JobQueue::decline); `None` when the last one that
    /// claimed it could do it.
    pub declined_since: Option<Timestamp>,
    /// When it was enqueued; a program that knows only the specification may have left it out.
    pub created_at: Option<Timestamp>,
}

impl Job {
    /// The row of a job that is about no file, was never tried and holds nothing: of the usual urgency and with
    /// [`DEFAULT_MAX_RETRIES`]. A store sets what is otherwise.
    #[must_use]
    pub const fn new(id: JobId, kind: JobKind, state: JobState, run_at: Timestamp) -> Self {
        Self {
            id,
            file_id: None,
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

    /// Whether nothing else may run beside this job in its worker's process: it has lost two leases, or has lost one
    /// with no retry left, and may be the job that kills its workers.
    ///
    /// Such a job is claimed alone. A lost lease fails a job for good only if the job ran alone, so that a job that kills
    /// its workers takes no other job along.
    #[must_use]
    pub const fn must_run_alone(&self) -> bool {
        self.lost_leases >= 2 || (self.lost_leases > 0 && self.attempts > self.max_retries)
    }
}

/// Which jobs are wanted; everything given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobFilter {
    /// Only jobs of this status.
    pub status: Option<JobStatus>,
    /// Only jobs of this kind.
    pub kind: Option<JobKind>,
    /// Only jobs about this file.
    pub file_id: Option<FileId>,
    /// Only these of the failed jobs.
    pub failed: Option<FailedJobs>,
}

impl JobFilter {
    /// All jobs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only jobs of this status; `None` for any.
    #[must_use]
    pub fn status(mut self, status: impl Into<Option<JobStatus>>) -> Self {
        self.status = status.into();
        self
    }

    /// Only jobs of this kind; `None` for any.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<Option<JobKind>>) -> Self {
        self.kind = kind.into();
        self
    }

    /// Only jobs about this file; `None` for any.
    #[must_use]
    pub fn file_id(mut self, file_id: impl Into<Option<FileId>>) -> Self {
        self.file_id = file_id.into();
        self
    }

    /// Only these of the failed jobs; `None` for all jobs.
    #[must_use]
    pub fn failed(mut self, failed: impl Into<Option<FailedJobs>>) -> Self {
        self.failed = failed.into();
        self
    }

    /// The same filter, for dead letters only: failed jobs that are not parked.
    #[must_use]
    pub const fn dead_letters(mut self) -> Self {
        self.failed = Some(FailedJobs::DeadLetters);
        self
    }

    /// The same filter, for parked jobs only.
    #[must_use]
    pub const fn parked(mut self) -> Self {
        self.failed = Some(FailedJobs::Parked);
        self
    }

    /// The same filter, for jobs only that are parked for this.
    #[must_use]
    pub const fn parked_for(mut self, parked_for: ParkedFor) -> Self {
        self.failed = Some(FailedJobs::ParkedFor(parked_for));
        self
    }
}

/// How many jobs of one kind are in one status, and parked for one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobCount {
    /// The kind, as it stands in the row: other programs may have written any text.
    pub kind: String,
    /// The status.
    pub status: JobStatus,
    /// The word in `parked_for` of the failed jobs that are counted here. Failed jobs without a word are dead letters.
    pub parked_for: Option<String>,
    /// How many.
    pub jobs: u64,
}

impl JobCount {
    /// So many jobs of this kind in this status, and parked for this.
    #[must_use]
    pub fn new(kind: impl Into<String>, status: JobStatus, parked_for: Option<String>, jobs: u64) -> Self {
        Self { kind: kind.into(), status, parked_for, jobs }
    }
}

/// What came of an operator's retry or cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "it may have been refused"]
pub enum JobActionOutcome {
    /// It was done.
    Done,
    /// The job runs; it has been asked to stop and will see so at its next heartbeat.
    CancelRequested,
    /// The job is in a status in which that cannot be done; nothing was changed.
    Refused {
        /// That status.
        status: JobStatus,
    },
    /// A live job has the dedup key that this one would take back; nothing was changed.
    Duplicate(JobId),
    /// There is no such job.
    NotFound,
}

/// Which ended jobs [`prune`](crate::store::JobActions::prune) removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PruneRequest {
    /// `Completed` or `Failed`.
    pub status: JobStatus,
    /// Those that ended before this time.
    pub ended_before: Timestamp,
    /// Of the others, so many that ended first.
    pub also_oldest: u32,
    /// How many at the most.
    pub limit: u32,
}

impl PruneRequest {
    /// At most `limit` jobs of this status that ended before this time.
    #[must_use]
    pub const fn new(status: JobStatus, ended_before: Timestamp, limit: u32) -> Self {
        Self { status, ended_before, also_oldest: 0, limit }
    }

    /// The same request for another status.
    #[must_use]
    pub const fn status(mut self, status: JobStatus) -> Self {
        self.status = status;
        self
    }

    /// The same request for another time.
    #[must_use]
    pub const fn ended_before(mut self, ended_before: Timestamp) -> Self {
        self.ended_before = ended_before;
        self
    }

    /// The same request, which also deletes this many of the younger jobs, the first to end before the others.
    #[must_use]
    pub const fn also_oldest(mut self, jobs: u32) -> Self {
        self.also_oldest = jobs;
        self
    }

    /// The same request for at most so many jobs.
    #[must_use]
    pub const fn limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self
    }
}
