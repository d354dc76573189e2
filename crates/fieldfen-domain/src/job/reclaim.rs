//! Reclaims jobs whose leases have expired.

use super::{Job, UnreadableJob};
use crate::time::{MAX_TIMESTAMP, Timestamp};

/// A reclaim of jobs whose workers have died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReclaimRequest {
    /// The current time, from which backoffs are counted.
    pub now: Timestamp,
    /// A lease that ends at this time or before has expired. Pass a time at which every living worker had extended
    /// its leases.
    pub expired_at: Timestamp,
    /// A lease that ends later than this counts as expired, because a wrong clock has written it. No lease of a
    /// living worker may end later. With [`MAX_TIMESTAMP`] no lease is too late.
    pub latest: Timestamp,
    /// The largest number of jobs that are reclaimed.
    pub limit: u32,
}

impl ReclaimRequest {
    /// A reclaim of at most `limit` jobs whose leases end now or before.
    #[must_use]
    pub const fn new(now: Timestamp, limit: u32) -> Self {
        Self { now, expired_at: now, latest: MAX_TIMESTAMP, limit }
    }

    /// Sets the time at or before which a lease must end.
    #[must_use]
    pub const fn expired_at(mut self, expired_at: Timestamp) -> Self {
        self.expired_at = expired_at;
        self
    }

    /// Sets the time after which an end of a lease counts as expired too.
    #[must_use]
    pub const fn latest(mut self, latest: Timestamp) -> Self {
        self.latest = latest;
        self
    }
}

/// The result of a reclaim.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReclaimReport {
    /// The jobs whose leases had expired, those with the earliest end first.
    pub jobs: Vec<ReclaimedJob>,
    /// Unreadable rows that the reclaim found, and pending rows that no claim can find. The store has failed them with
    /// the reason.
    pub unreadable: Vec<UnreadableJob>,
    /// The number of rows of other programs whose due time or lease end does not compare as text, and was rewritten in
    /// the usual form.
    pub rewritten: u64,
    /// The number of waits that a clock that was ahead had started, and that start now.
    pub shortened: u64,
}

/// A job whose lease had expired.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReclaimedJob {
    /// The job in its new state, pending or failed.
    pub job: Job,
    /// The name of the worker that lost the lease; `None` if the row had none.
    pub worker: Option<String>,
}

impl ReclaimedJob {
    /// A reclaimed job in its new state, and the name of the worker that lost its lease.
    #[must_use]
    pub const fn new(job: Job, worker: Option<String>) -> Self {
        Self { job, worker }
    }
}
