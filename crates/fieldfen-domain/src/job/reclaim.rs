//! Taking jobs back whose leases have expired.

use super::{Job, UnreadableJob};
use crate::time::{MAX_TIMESTAMP, Timestamp};

/// A reclaim of jobs whose holders have died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReclaimRequest {
    /// The current time, from which backoffs are counted.
    pub now: Timestamp,
    /// Leases that end then or before have expired: a time before which every holder that lives has extended its own.
    pub expired_at: Timestamp,
    /// A lease that ends later than this has expired too: a clock that was wrong has written it. No lease of a holder that
    /// lives may end later. [`MAX_TIMESTAMP`](crate::MAX_TIMESTAMP) lets every lease last for as long as it says.
    pub latest: Timestamp,
    /// How many jobs at the most.
    pub limit: u32,
}

impl ReclaimRequest {
    /// A reclaim of at most `limit` jobs whose leases end now or before.
    #[must_use]
    pub const fn new(now: Timestamp, limit: u32) -> Self {
        Self { now, expired_at: now, latest: MAX_TIMESTAMP, limit }
    }

    /// The same reclaim, for leases that end at this time or before.
    #[must_use]
    pub const fn expired_at(mut self, expired_at: Timestamp) -> Self {
        self.expired_at = expired_at;
        self
    }

    /// The same reclaim, also for leases that end later than this.
    #[must_use]
    pub const fn latest(mut self, latest: Timestamp) -> Self {
        self.latest = latest;
        self
    }
}

/// What a reclaim took back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReclaimReport {
    /// The jobs whose leases had run out, the longest first.
    pub jobs: Vec<ReclaimedJob>,
    /// Rows that came up but hold something that no job can hold, and pending ones that no claim would ever find. They
    /// are in status failed now, with the reason.
    pub unreadable: Vec<UnreadableJob>,
    /// How many rows of other programs had a due time, or an end of their lease, in a form by which times do not compare,
    /// and have it in the usual form now.
    pub rewritten: u64,
    /// How many waits a clock that was ahead had set. They begin now, and are as long as they were.
    pub shortened: u64,
}

/// A job whose lease had run out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReclaimedJob {
    /// The job, in its new state: pending again, or failed.
    pub job: Job,
    /// Who had let it go.
    pub worker: Option<String>,
}

impl ReclaimedJob {
    /// This job in its new state, which this worker had let go.
    #[must_use]
    pub const fn new(job: Job, worker: Option<String>) -> Self {
        Self { job, worker }
    }
}
