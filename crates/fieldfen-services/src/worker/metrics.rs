//! What a worker tells about itself.

use std::fmt;
use std::time::Duration;

use fieldfen_domain::catch_panic;
use fieldfen_domain::job::{Job, JobCount};
use fieldfen_domain::store::{MaintenanceReport, StoreError};

/// Receives figures; every method does nothing unless it is implemented.
///
/// The methods are called by the worker's own threads and hold them up, so they should only count.
pub trait Metrics: Send + Sync {
    /// A handler is about to run; the job had been due for this long.
    fn job_started(&self, _job: &Job, _waited: Duration) {}

    /// The outcome of a job has been applied; `took` is the time of its handler and of applying the outcome. The thread that
    /// calls this may be another one than that of the handler. It is also called for a job that was cancelled or lost before
    /// its handler began.
    fn job_ended(&self, _job: &Job, _applied: AppliedOutcome, _took: Duration) {}

    /// So many jobs were taken back from workers that had let their leases run out.
    fn jobs_reclaimed(&self, _jobs: usize) {}

    /// The store refused something; the worker tries again.
    fn store_failed(&self, _error: &StoreError) {}

    /// An [`Upkeep`](crate::upkeep::Upkeep) job of this worker has put the store in order: how long its write-ahead log
    /// is, and which processes hold a log that could not be cut back. Of several workers, the one that had the job tells.
    fn store_maintained(&self, _report: &MaintenanceReport) {}

    /// How many jobs of each kind are in each status. Of the failed jobs, those that are parked are counted apart, by what
    /// they are parked for: only the others are dead letters.
    fn queue_depth(&self, _counts: &[JobCount]) {}

    /// How often [`Metrics::queue_depth`] is wanted. Counting reads the whole table, on a thread of its own: never,
    /// unless it is said.
    fn queue_depth_interval(&self) -> Option<Duration> {
        None
    }
}

/// The metrics of a worker that nobody measures.
pub(super) struct NoMetrics;

impl Metrics for NoMetrics {}

/// Metrics whose panics do not end a thread of the worker.
pub(super) struct PanicSafe<M>(pub(super) M);

impl<M: Metrics> PanicSafe<M> {
    fn guard<T: Default>(&self, tell: impl FnOnce(&M) -> T) -> T {
        catch_panic(|| tell(&self.0)).unwrap_or_else(|panic| {
            log!(ERROR, panic, "the metrics of a worker panicked");
            T::default()
        })
    }
}

impl<M: Metrics> Metrics for PanicSafe<M> {
    fn job_started(&self, job: &Job, waited: Duration) {
        self.guard(|metrics| metrics.job_started(job, waited));
    }

    fn job_ended(&self, job: &Job, applied: AppliedOutcome, took: Duration) {
        self.guard(|metrics| metrics.job_ended(job, applied, took));
    }

    fn jobs_reclaimed(&self, jobs: usize) {
        self.guard(|metrics| metrics.jobs_reclaimed(jobs));
    }

    fn store_failed(&self, error: &StoreError) {
        self.guard(|metrics| metrics.store_failed(error));
    }

    fn store_maintained(&self, report: &MaintenanceReport) {
        self.guard(|metrics| metrics.store_maintained(report));
    }

    fn queue_depth(&self, counts: &[JobCount]) {
        self.guard(|metrics| metrics.queue_depth(counts));
    }

    fn queue_depth_interval(&self) -> Option<Duration> {
        self.guard(M::queue_depth_interval)
    }
}

/// What became of a job that a worker had claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AppliedOutcome {
    /// The job has completed.
    Completed,
    /// It failed and waits for its next try.
    Retrying,
    /// It has failed for good.
    Failed,
    /// It waits for something to come, an approval for example; no retry was spent.
    Parked,
    /// It was given back without a retry spent: throttled, or because the worker stops.
    Released,
    /// It was left to other workers, since this one cannot do it; no retry was spent.
    Declined,
    /// It had been taken over, killed or deleted: what its handler did counts for nothing.
    Lost,
}

impl AppliedOutcome {
    /// One word for logs and labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Retrying => "retrying",
            Self::Failed => "failed",
            Self::Parked => "parked",
            Self::Released => "released",
            Self::Declined => "declined",
            Self::Lost => "lost",
        }
    }
}

impl fmt::Display for AppliedOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
