//! The outcomes of operators' actions on jobs, and the rule that selects ended jobs for pruning.

use super::JobStatus;
use crate::ids::JobId;
use crate::time::Timestamp;

/// The answer to an operator's action on a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the action may have been refused"]
pub enum JobActionOutcome {
    /// The action took effect.
    Done,
    /// The job is running. It has been asked to stop, and its worker learns that at the next heartbeat.
    CancelRequested,
    /// The action is not possible in the status of the job. Nothing was changed.
    Refused {
        /// The status of the job.
        status: JobStatus,
    },
    /// The action took effect: this new job was enqueued with the payload of the job.
    Requeued(JobId),
    /// The job cannot be retried or requeued, because this live job has its dedup key. Nothing was changed.
    Duplicate(JobId),
    /// The job does not exist.
    NotFound,
}

/// Selects the ended jobs that [`prune`](crate::store::JobActions::prune) deletes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PruneRequest {
    /// Delete jobs of this status, which must be completed or failed.
    pub status: JobStatus,
    /// Delete jobs that ended before this time.
    pub ended_before: Timestamp,
    /// In addition, delete up to this many of the oldest ended jobs, whatever their age.
    pub also_oldest: u32,
    /// Delete at most this many jobs in all.
    pub limit: u32,
}

impl PruneRequest {
    /// Deletes at most `limit` jobs of this status that ended before this time.
    #[must_use]
    pub const fn new(status: JobStatus, ended_before: Timestamp, limit: u32) -> Self {
        Self { status, ended_before, also_oldest: 0, limit }
    }

    /// Sets the status of the jobs.
    #[must_use]
    pub const fn status(mut self, status: JobStatus) -> Self {
        self.status = status;
        self
    }

    /// Sets the time before which the jobs must have ended.
    #[must_use]
    pub const fn ended_before(mut self, ended_before: Timestamp) -> Self {
        self.ended_before = ended_before;
        self
    }

    /// Sets the number of the oldest ended jobs that are also deleted, whatever their age.
    #[must_use]
    pub const fn also_oldest(mut self, jobs: u32) -> Self {
        self.also_oldest = jobs;
        self
    }

    /// Sets the largest number of jobs that are deleted.
    #[must_use]
    pub const fn limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self
    }
}
