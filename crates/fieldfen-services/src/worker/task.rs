//! What a handler is given.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use fieldfen_domain::job::{ClaimRef, Job};
use fieldfen_domain::{FenceToken, InvalidJson, JobId, RawJson, Timestamp};
use serde::Serialize;

use super::floor::Floor;
use super::metrics::Metrics;
#[cfg(feature = "tokio")]
use super::stopped::WorkerFailure;
use crate::Environment;
use crate::queue::ClaimedJob;

/// One try of one job: its payload, and what its handler may want to know.
///
/// Dereferences to the payload, so that `task.file_id` is the payload's.
pub struct Task<P> {
    payload: P,
    run: Run,
}

/// A job on its way through a handler, whatever its payload.
pub(super) struct Run {
    pub(super) control: Arc<Control>,
    pub(super) environment: Environment,
    pub(super) metrics: Arc<dyn Metrics>,
}

impl Run {
    pub(super) fn job(&self) -> &Job {
        &self.control.claimed.job
    }
}

impl<P> Task<P> {
    pub(super) const fn new(payload: P, run: Run) -> Self {
        Self { payload, run }
    }

    /// What the job is about.
    #[must_use]
    pub const fn payload(&self) -> &P {
        &self.payload
    }

    /// The job as it was claimed.
    #[must_use]
    pub fn job(&self) -> &Job {
        self.run.job()
    }

    /// The job's id.
    #[must_use]
    pub fn id(&self) -> JobId {
        self.job().id
    }

    /// The claim: the proof that this try may end the job.
    ///
    /// A program that keeps its own tables beside fieldfen's may end the job in a transaction of its own, with
    /// [`complete`](crate::queue::complete) in a [`Transaction`](crate::Transaction) of a session that joins it. What the handler returns then is not written;
    /// the job counts as completed.
    #[must_use]
    pub fn claim(&self) -> ClaimRef {
        self.run.control.claimed.claim
    }

    /// Which try this is, counted from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.job().attempts.saturating_add(1)
    }

    /// The worker's clock and randomness.
    #[must_use]
    pub const fn environment(&self) -> &Environment {
        &self.run.environment
    }

    /// Where the worker's figures go.
    pub(crate) fn metrics(&self) -> &dyn Metrics {
        self.run.metrics.as_ref()
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.run.environment.now()
    }

    /// Whether what the handler does has become useless, or is not wanted any more. A handler that takes long looks
    /// here from time to time and returns early; what it then returns hardly matters.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.interruption().is_some()
    }

    /// Why the handler should return.
    #[must_use]
    pub fn interruption(&self) -> Option<Interruption> {
        self.run.control.told()
    }

    /// Waits until the handler should return, and says why, for async handlers: `select!` between this and the work.
    #[cfg(feature = "tokio")]
    pub fn cancelled(&self) -> impl Future<Output = Interruption> + Send + use<P> {
        let control = Arc::clone(&self.run.control);
        async move {
            loop {
                // Made before the look, so that nothing is missed in between.
                let interrupted = control.interrupted.notified();
                match control.told() {
                    Some(interruption) => return interruption,
                    None => interrupted.await,
                }
            }
        }
    }

    /// Whether the worker has been asked to stop. The handler may go on for the worker's grace period; one that cannot
    /// end in time returns [`Outcome::Throttled`](super::Outcome::Throttled) until now, which spends no retry.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.run.control.floor.is_stopping()
    }

    /// Keeps how far the job is, in the handler's own words, for everybody to see within about a second.
    ///
    /// # Errors
    /// [`InvalidJson`] when the value cannot be written as JSON, is larger than
    /// [`MAX_JSON_BYTES`](fieldfen_domain::MAX_JSON_BYTES) or is nested too deeply; the progress before it stays.
    pub fn progress<T: Serialize + ?Sized>(&self, progress: &T) -> Result<(), InvalidJson> {
        self.run.control.set_progress(RawJson::from_value(progress)?);
        Ok(())
    }
}

impl<P> Deref for Task<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.payload
    }
}

impl<P: fmt::Debug> fmt::Debug for Task<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("payload", &self.payload)
            .field("job", self.job())
            .field("interruption", &self.interruption())
            .finish_non_exhaustive()
    }
}

/// Why a handler should return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Interruption {
    /// Somebody asked for the job to stop. It fails for good unless the handler completes it.
    CancelRequested,
    /// The job was taken over, killed or deleted: nothing that the handler returns will count.
    LeaseLost,
    /// The worker stops, and its grace period is over. The job is the handler's as before: a completion counts, and a
    /// failure gives the job back without a retry spent.
    WorkerStops,
}

/// What the worker's threads tell each other about one claimed job.
pub(super) struct Control {
    pub(super) claimed: ClaimedJob,
    floor: Arc<Floor>,
    cancel_requested: AtomicBool,
    lost: AtomicBool,
    /// The handler has looked since somebody asked for the job to stop.
    knows_of_cancel: AtomicBool,
    #[cfg(feature = "tokio")]
    interrupted: tokio::sync::Notify,
    progress: Mutex<Option<RawJson>>,
}

impl Control {
    pub(super) fn new(claimed: ClaimedJob, floor: Arc<Floor>) -> Self {
        Self {
            cancel_requested: AtomicBool::new(claimed.job.cancel_requested_at.is_some()),
            claimed,
            floor,
            lost: AtomicBool::new(false),
            knows_of_cancel: AtomicBool::new(false),
            #[cfg(feature = "tokio")]
            interrupted: tokio::sync::Notify::new(),
            progress: Mutex::new(None),
        }
    }

    /// What tells this claim from every other.
    pub(super) const fn key(&self) -> (JobId, FenceToken) {
        (self.claimed.claim.id, self.claimed.claim.token)
    }

    pub(super) fn interruption(&self) -> Option<Interruption> {
        if self.lost.load(Ordering::Relaxed) {
            Some(Interruption::LeaseLost)
        } else if self.cancel_requested.load(Ordering::Relaxed) {
            Some(Interruption::CancelRequested)
        } else if self.floor.stops_now() {
            Some(Interruption::WorkerStops)
        } else {
            None
        }
    }

    /// The same, for the handler.
    fn told(&self) -> Option<Interruption> {
        let interruption = self.interruption();
        if interruption == Some(Interruption::CancelRequested) {
            self.knows_of_cancel.store(true, Ordering::Relaxed);
        }
        interruption
    }

    /// Whether nothing that the handler returns can count.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Whether the handler should end by itself, and has no reason to take its time: it has not looked since somebody
    /// asked for the job to stop, or the worker stops.
    #[cfg(feature = "tokio")]
    pub(super) fn should_end(&self) -> bool {
        self.floor.stops_now() || (self.is_cancelled() && !self.knows_of_cancel.load(Ordering::Relaxed))
    }

    /// Whether somebody asked for the job to stop.
    #[cfg(feature = "tokio")]
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancel_requested.load(Ordering::Relaxed)
    }

    pub(super) fn request_cancel(&self) {
        self.cancel_requested.store(true, Ordering::Relaxed);
        self.wake();
    }

    pub(super) fn lose(&self) {
        self.lost.store(true, Ordering::Relaxed);
        self.wake();
    }

    /// Wakes a handler that waits to be interrupted.
    pub(super) fn wake(&self) {
        #[cfg(feature = "tokio")]
        self.interrupted.notify_waiters();
    }

    /// Asks the worker to stop, since it cannot do what it is there for.
    #[cfg(feature = "tokio")]
    pub(super) fn fail_worker(&self, failure: WorkerFailure) {
        self.floor.fail(failure);
    }

    /// Takes the progress that has not been written yet.
    pub(super) fn take_progress(&self) -> Option<RawJson> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Puts progress back that could not be written, unless there is newer one.
    pub(super) fn restore_progress(&self, progress: RawJson) {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(progress);
    }

    fn set_progress(&self, progress: RawJson) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
        self.floor.note_progress();
    }
}
