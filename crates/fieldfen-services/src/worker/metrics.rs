//! The figures that a worker reports about itself.

use std::fmt;
use std::time::Duration;

use fieldfen_domain::catch_panic;
use fieldfen_domain::job::Job;
use fieldfen_domain::store::{MaintenanceReport, StoreError};

use crate::overview::QueueFigures;

/// Receives the figures of a worker. The default of every method does nothing.
///
/// The worker's own threads call the methods and wait for them, so the methods should only count. The job has the kind,
/// the id and the account.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use std::time::Duration;
///
/// use fieldfen_domain::job::Job;
/// use fieldfen_services::Environment;
/// use fieldfen_services::upkeep::{self, Upkeep};
/// use fieldfen_services::worker::{AppliedOutcome, Metrics, Worker};
/// use fieldfen_testkit::ModelStore;
///
/// #[derive(Clone, Default)]
/// struct Completed(Arc<AtomicU64>);
///
/// impl Metrics for Completed {
///     fn job_ended(&self, _job: &Job, applied: AppliedOutcome, _took: Duration) {
///         if applied == AppliedOutcome::Completed {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
///
/// let (store, environment, completed) = (ModelStore::new(), Environment::system(), Completed::default());
/// let queue = fieldfen_services::queue::Queue::new(store.clone(), environment.clone());
/// queue.enqueue(&queue.job(&Upkeep::default())?)?;
/// let worker = Worker::builder(store.clone(), environment).metrics(completed.clone());
/// let worker = worker.handle(upkeep::handler(store)).start()?;
/// worker.stop_handle().stop_when_idle();
/// worker.join()?;
/// assert_eq!(completed.0.load(Ordering::Relaxed), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Metrics: Send + Sync {
    /// A handler is about to run. The job has been due for `waited`.
    fn job_started(&self, _job: &Job, _waited: Duration) {}

    /// The outcome of a job has been applied. `took` is the time of its handler and of applying the outcome. The
    /// calling thread may be another one than the handler's. The method is also called for a job that was cancelled or
    /// lost before its handler began.
    fn job_ended(&self, _job: &Job, _applied: AppliedOutcome, _took: Duration) {}

    /// A handler has run for longer than the timeout of its kind, and is asked to end.
    fn handler_timed_out(&self, _job: &Job, _timeout: Duration) {}

    /// A handler has completed its job after its timeout. [`Metrics::job_ended`] counts the completion too.
    fn completed_late(&self, _job: &Job, _took: Duration) {}

    /// A handler has not returned although it was interrupted, and another thread takes the place of its thread. It has
    /// run for `ran`.
    fn handler_stuck(&self, _job: &Job, _ran: Duration) {}

    /// This many jobs were reclaimed from workers whose leases had expired. The worker that finds them counts them; the one
    /// that lost them may be dead.
    fn jobs_reclaimed(&self, _jobs: usize) {}

    /// The store refused a call; the worker tries again.
    fn store_failed(&self, _error: &StoreError) {}

    /// An [`Upkeep`](crate::upkeep::Upkeep) job of this worker has maintained the store. The report has the length of
    /// its write-ahead log, and the processes that keep the log from being truncated. Of several workers, the one that
    /// ran the job reports.
    fn store_maintained(&self, _report: &MaintenanceReport) {}

    /// The jobs of each kind with the longest waiting one, the live workers, and the rest of each
    /// [budget](super::WorkerBuilder::budgets). They are of the whole store, so that all its workers report the same ones.
    fn queue(&self, _figures: &QueueFigures) {}

    /// The interval at which [`Metrics::queue`] is called; `None` (the default) for never. The figures are read on a thread
    /// of their own, and every count is capped.
    fn queue_interval(&self) -> Option<Duration> {
        None
    }
}

/// The metrics of a worker without metrics.
pub(super) struct NoMetrics;

impl Metrics for NoMetrics {}

/// Catches the panics of metrics, so that they do not end a thread of the worker.
pub(super) struct PanicSafe<M>(pub(super) M);

impl<M: Metrics> PanicSafe<M> {
    fn guard<T: Default>(&self, tell: impl FnOnce(&M) -> T) -> T {
        catch_panic(|| tell(&self.0)).unwrap_or_else(|panic| {
            log!(ERROR, panic, "metrics panicked");
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

    fn handler_timed_out(&self, job: &Job, timeout: Duration) {
        self.guard(|metrics| metrics.handler_timed_out(job, timeout));
    }

    fn completed_late(&self, job: &Job, took: Duration) {
        self.guard(|metrics| metrics.completed_late(job, took));
    }

    fn handler_stuck(&self, job: &Job, ran: Duration) {
        self.guard(|metrics| metrics.handler_stuck(job, ran));
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

    fn queue(&self, figures: &QueueFigures) {
        self.guard(|metrics| metrics.queue(figures));
    }

    fn queue_interval(&self) -> Option<Duration> {
        self.guard(M::queue_interval)
    }
}

/// The state of a claimed job after its outcome was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AppliedOutcome {
    /// The job has completed.
    Completed,
    /// The job failed and waits for its next attempt.
    Retrying,
    /// It has failed for good.
    Failed,
    /// The job waits for an event, for example an approval. It spent no retry.
    Parked,
    /// The job was released without spending a retry: it was throttled, or the worker stops.
    Released,
    /// The job was left to other workers, since this one cannot run it. It spent no retry.
    Declined,
    /// The job had been reclaimed, killed or deleted. The outcome of its handler was dropped.
    Lost,
}

impl AppliedOutcome {
    /// The value as one word, for logs and labels.
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
