//! Requests to claim jobs, and their answers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use super::Job;
use super::kind::JobKind;
use super::on_worker_death::OnWorkerDeath;
use crate::ids::{FenceToken, FileId};
use crate::time::Timestamp;

/// The name of a worker, for people to read: for example host, process and thread.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WorkerName(String);

impl WorkerName {
    /// A name made of the first 255 characters of this text.
    #[must_use]
    pub fn new(name: impl AsRef<str>) -> Self {
        Self(name.as_ref().chars().take(255).collect())
    }

    /// The text of the name, at most 255 characters.
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
    /// The kinds that this worker handles. If the set is empty, nothing is claimed.
    pub kinds: BTreeSet<JobKind>,
    /// The most jobs that the claim takes.
    pub limit: u32,
    /// The most jobs of single kinds. A kind that is not in the map is limited by `limit` only.
    pub limits: BTreeMap<JobKind, u32>,
    /// A new random token for all jobs of the claim. No job may have had it before.
    pub token: FenceToken,
    /// The current time. Jobs that are due at this time or before are claimed.
    pub now: Timestamp,
    /// The time for which each lease lasts without a heartbeat.
    pub lease: Duration,
    /// The worker that claims. Lists and logs show its name.
    pub worker: WorkerName,
    /// Whether the worker runs no other job. If so, a claimed job that [must run alone](Job::must_run_alone) counts as
    /// running alone from this claim on, otherwise from [`run_alone`](crate::store::JobQueue::run_alone) on.
    pub alone: bool,
    /// The consequence of the worker's death for jobs of single kinds. The claim stores it with each job that has
    /// none, so that a worker without a handler of the kind can reclaim the job.
    pub on_worker_death: BTreeMap<JobKind, OnWorkerDeath>,
}

impl ClaimRequest {
    /// A claim of at most `limit` jobs of these kinds, whose leases last for `lease`. The kinds have no limits of their
    /// own, `alone` is false, and no kind has a consequence of the worker's death.
    #[must_use]
    pub const fn new(
        kinds: BTreeSet<JobKind>,
        limit: u32,
        token: FenceToken,
        now: Timestamp,
        lease: Duration,
        worker: WorkerName,
    ) -> Self {
        Self {
            kinds,
            limit,
            limits: BTreeMap::new(),
            token,
            now,
            lease,
            worker,
            alone: false,
            on_worker_death: BTreeMap::new(),
        }
    }

    /// Sets the kinds.
    #[must_use]
    pub fn kinds(mut self, kinds: BTreeSet<JobKind>) -> Self {
        self.kinds = kinds;
        self
    }

    /// Sets the limits of single kinds.
    #[must_use]
    pub fn limits(mut self, limits: BTreeMap<JobKind, u32>) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the length of the leases.
    #[must_use]
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Sets whether the worker runs no other job.
    #[must_use]
    pub const fn alone(mut self, alone: bool) -> Self {
        self.alone = alone;
        self
    }

    /// Sets the consequences of the worker's death.
    #[must_use]
    pub fn on_worker_death(mut self, by_kind: BTreeMap<JobKind, OnWorkerDeath>) -> Self {
        self.on_worker_death = by_kind;
        self
    }

    /// The largest number of jobs of this kind that the claim takes.
    #[must_use]
    pub fn limit_of(&self, kind: &JobKind) -> u32 {
        self.limits.get(kind).map_or(self.limit, |limit| self.limit.min(*limit))
    }
}

/// The jobs that a claim took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClaimOutcome {
    /// The claimed jobs in the order of priority, due time and insertion, each with its lease. A job that [must run
    /// alone](Job::must_run_alone) is the only one.
    pub jobs: Vec<Job>,
    /// Unreadable rows that the claim found. The store has failed them with the reason, so that later claims do not
    /// find them.
    pub unreadable: Vec<UnreadableJob>,
    /// The number of due jobs that the claim has set aside, because their partition was full or their account paused.
    /// If it is not 0, another claim may find more jobs at once.
    pub set_aside: u32,
}

/// A row of `jobs` that is due and could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnreadableJob {
    /// The text in `jobs.id`.
    pub id: String,
    /// The kind; `None` if it is unreadable.
    pub kind: Option<JobKind>,
    /// The file of the job; `None` if it has none or the id is unreadable.
    pub file_id: Option<FileId>,
    /// The column, its value and the rule that the value breaks.
    pub reason: String,
}

impl UnreadableJob {
    /// A row with these columns that is unreadable for this reason.
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
