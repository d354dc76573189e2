//! Claiming jobs: the request, and what it takes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use super::Job;
use super::kind::JobKind;
use crate::ids::{FenceToken, FileId};
use crate::time::Timestamp;

/// Who claims, for people to read: host, process and thread, for example.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WorkerName(String);

impl WorkerName {
    /// Takes a name; what is beyond 255 characters is cut off.
    #[must_use]
    pub fn new(name: impl AsRef<str>) -> Self {
        Self(name.as_ref().chars().take(255).collect())
    }

    /// The name: at most 255 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WorkerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A claim of due jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClaimRequest {
    /// The kinds this worker can do. None means nothing is claimed.
    pub kinds: BTreeSet<JobKind>,
    /// How many jobs at the most.
    pub limit: u32,
    /// Of these kinds, how many at the most; the others have only the limit of all.
    pub limits: BTreeMap<JobKind, u32>,
    /// A new random token. All jobs of one claim get it; each of them has never had it before.
    pub token: FenceToken,
    /// The current time. Jobs that are due at this time or before are claimed.
    pub now: Timestamp,
    /// How long the claim holds without a heartbeat.
    pub lease: Duration,
    /// The worker that claims; lists and logs show the name.
    pub worker: WorkerName,
    /// Whether a job that [must run alone](Job::must_run_alone) counts as running alone from this claim on. Otherwise it
    /// does from [`run_alone`](crate::store::JobQueue::run_alone) on.
    pub alone: bool,
}

impl ClaimRequest {
    /// A claim of at most `limit` jobs of these kinds, which holds for `lease` from now. The kinds have no limits of their own,
    /// and nothing is said of a job that must run alone.
    #[must_use]
    pub const fn new(
        kinds: BTreeSet<JobKind>,
        limit: u32,
        token: FenceToken,
        now: Timestamp,
        lease: Duration,
        worker: WorkerName,
    ) -> Self {
        Self { kinds, limit, limits: BTreeMap::new(), token, now, lease, worker, alone: false }
    }

    /// The same claim of other kinds.
    #[must_use]
    pub fn kinds(mut self, kinds: BTreeSet<JobKind>) -> Self {
        self.kinds = kinds;
        self
    }

    /// The same claim with these limits of single kinds.
    #[must_use]
    pub fn limits(mut self, limits: BTreeMap<JobKind, u32>) -> Self {
        self.limits = limits;
        self
    }

    /// The same claim for this long.
    #[must_use]
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// The same claim by a worker that has nothing else in hand, or has.
    #[must_use]
    pub const fn alone(mut self, alone: bool) -> Self {
        self.alone = alone;
        self
    }

    /// How many jobs of this kind may be taken at the most.
    #[must_use]
    pub fn limit_of(&self, kind: &JobKind) -> u32 {
        self.limits.get(kind).map_or(self.limit, |limit| self.limit.min(*limit))
    }
}

/// What a claim took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClaimOutcome {
    /// The jobs, by priority, due time and insertion. All of them carry a lease. One that
    /// [must run alone](Job::must_run_alone) is the only one.
    pub jobs: Vec<Job>,
    /// Rows that came up but hold something that no job can hold. They are in status failed now, with the reason, so
    /// that they do not stand in the way of every later claim.
    pub unreadable: Vec<UnreadableJob>,
}

/// A row of `jobs` that came up but could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnreadableJob {
    /// Its id as it stands in the row.
    pub id: String,
    /// Its kind, where that can be read.
    pub kind: Option<JobKind>,
    /// The file it is about, where there is one and it can be read.
    pub file_id: Option<FileId>,
    /// What is wrong with it.
    pub reason: String,
}

impl UnreadableJob {
    /// The row with this id and kind, about this file, which is unreadable for this reason.
    #[must_use]
    pub fn new(
        id: impl Into<String>,
        kind: Option<JobKind>,
        file_id: Option<FileId>,
        reason: impl Into<String>,
    ) -> Self {
        Self { id: id.into(), kind, file_id, reason: reason.into() }
    }
}
