//! Claiming jobs, and the answers of everything that needs the claim's token.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use super::kind::JobKind;
use super::{Job, ParkedFor};
use crate::ids::{FenceToken, FileId, JobId};
use crate::time::{MAX_TIMESTAMP, Timestamp};

/// The longest lease. A lease that seems to end later than this from now was written by a clock that was wrong.
pub const LONGEST_LEASE: Duration = Duration::from_secs(24 * 3600);

/// Whether a lease that ends at `expires_at` still holds: not when its end is further away than [`LONGEST_LEASE`].
#[must_use]
pub fn lease_holds(expires_at: Timestamp, now: Timestamp) -> bool {
    expires_at.signed_duration_since(now).to_std().is_ok_and(|left| !left.is_zero() && left <= LONGEST_LEASE)
}

/// Who claims, for people to read: host, process and thread, for example.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WorkerName(String);

impl WorkerName {
    /// Takes a name; what is beyond 255 characters is cut off.
    #[must_use]
    pub fn new(name: impl AsRef<str>) -> Self {
        Self(name.as_ref().chars().take(255).collect())
    }

    /// The name.
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
    /// The time now.
    pub now: Timestamp,
    /// How long the claim holds without a heartbeat.
    pub lease: Duration,
    /// Who claims.
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

/// The answer to an operation that needs the current token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the operation may not have taken effect: the job may belong to somebody else by now"]
pub enum FencedResult<T> {
    /// It was done.
    Done(T),
    /// This very claim had ended the job before: the answer had been lost on its way. Nothing was changed.
    AlreadyDone {
        /// When the job ended.
        at: Option<Timestamp>,
    },
    /// The job has been taken over, cancelled or given back. Nothing was changed.
    LeaseLost,
    /// There is no such job any more. Nothing was changed.
    NotFound,
}

impl<T> FencedResult<T> {
    /// Whether the operation took effect now.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

/// The report of a failed try.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailureReport {
    /// What went wrong, for people.
    pub error: String,
    /// Whether and when to try again.
    pub retry: Retry,
    /// The time now.
    pub at: Timestamp,
}

impl FailureReport {
    /// A report of this error.
    #[must_use]
    pub fn new(error: impl Into<String>, retry: Retry, at: Timestamp) -> Self {
        Self { error: error.into(), retry, at }
    }
}

/// Whether a failed job is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Try again at this time, if a retry is left.
    At(Timestamp),
    /// It would fail again: no more tries.
    Never,
    /// Nobody knows when: the job is [parked](super::JobState::Parked), unless somebody asked for it to stop.
    Parked(ParkedFor),
}

/// What became of a job whose try failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the job may have failed for good"]
pub enum FailOutcome {
    /// It waits for its next try.
    Retrying {
        /// When that is due.
        run_at: Timestamp,
        /// How many retries it has used, this one included.
        attempts: u32,
    },
    /// It has failed for good.
    DeadLetter,
    /// It is parked.
    Parked,
}

/// The answer to a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Heartbeat {
    /// The lease holds until then.
    pub expires_at: Timestamp,
    /// Somebody asked for the job to stop.
    pub cancel_requested: bool,
}

impl Heartbeat {
    /// A lease that holds until then, of a job that is asked to stop or not.
    #[must_use]
    pub const fn new(expires_at: Timestamp, cancel_requested: bool) -> Self {
        Self { expires_at, cancel_requested }
    }
}

/// A reclaim of jobs whose holders have died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReclaimRequest {
    /// The time now.
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

/// Names one claim of one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimRef {
    /// The job.
    pub id: JobId,
    /// The token of the claim.
    pub token: FenceToken,
}
