//! What an operator's action on a job leads to, and which ended jobs are pruned.

use super::JobStatus;
use crate::ids::JobId;
use crate::time::Timestamp;

/// What came of an operator's retry or cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "it may have been refused"]
pub enum JobActionOutcome {
    /// The action took effect.
    Done,
    /// The job runs; it has been asked to stop and will see so at its next heartbeat.
    CancelRequested,
    /// The job is in a status in which that cannot be done; nothing was changed.
    Refused {
        /// The status that the job has.
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
