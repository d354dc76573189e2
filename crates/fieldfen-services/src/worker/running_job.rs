//! A claimed job, in the form that the worker's threads share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use fieldfen_domain::{FenceToken, JobId, RawJson};

#[cfg(feature = "tokio")]
use super::errors::WorkerFailure;
use super::heartbeat_signal::HeartbeatSignal;
use super::stop_signal::StopSignal;
use crate::queue::ClaimedJob;

/// The reason why a handler should return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Interruption {
    /// A cancellation of the job was requested. The job fails for good unless the handler completes it.
    CancelRequested,
    /// The job was reclaimed, killed or deleted. The outcome of the handler will be dropped.
    LeaseLost,
    /// The worker stops, and its grace period is over. The handler still holds the job: a completion takes effect, and
    /// a failure releases the job without spending a retry.
    WorkerStops,
}

/// A claimed job, from its claim until its outcome is applied.
pub(super) struct RunningJob {
    pub(super) claimed: ClaimedJob,
    pub(super) claimed_at: Instant,
    pub(super) stop: Arc<StopSignal>,
    heartbeat: Arc<HeartbeatSignal>,
    cancel_requested: AtomicBool,
    lost: AtomicBool,
    /// Whether the handler has looked since the cancellation was requested.
    knows_of_cancel: AtomicBool,
    progress: Mutex<Option<RawJson>>,
}

impl RunningJob {
    pub(super) fn new(claimed: ClaimedJob, stop: Arc<StopSignal>, heartbeat: Arc<HeartbeatSignal>) -> Self {
        let cancel_requested = AtomicBool::new(claimed.job.cancel_requested_at.is_some());
        Self {
            claimed,
            claimed_at: Instant::now(),
            stop,
            heartbeat,
            cancel_requested,
            lost: AtomicBool::new(false),
            knows_of_cancel: AtomicBool::new(false),
            progress: Mutex::new(None),
        }
    }

    /// The key that identifies this claim among all claims.
    pub(super) const fn key(&self) -> (JobId, FenceToken) {
        (self.claimed.claim.id, self.claimed.claim.token)
    }

    pub(super) fn interruption(&self) -> Option<Interruption> {
        if self.is_lost() {
            Some(Interruption::LeaseLost)
        } else if self.is_cancelled() {
            Some(Interruption::CancelRequested)
        } else if self.stop.stops_now() {
            Some(Interruption::WorkerStops)
        } else {
            None
        }
    }

    /// As `interruption`, for the handler, which knows of a requested cancellation from then on.
    pub(super) fn tell_interruption(&self) -> Option<Interruption> {
        let interruption = self.interruption();
        if interruption == Some(Interruption::CancelRequested) {
            self.knows_of_cancel.store(true, Ordering::Relaxed);
        }
        interruption
    }

    /// Returns whether every outcome of the handler will be dropped.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Returns whether a cancellation of the job was requested.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancel_requested.load(Ordering::Relaxed)
    }

    /// Returns whether the handler should end now: the worker stops, or a cancellation was requested and the handler
    /// has not looked since, so that it has no reason to take longer.
    #[cfg(feature = "tokio")]
    pub(super) fn should_end(&self) -> bool {
        self.stop.stops_now() || (self.is_cancelled() && !self.knows_of_cancel.load(Ordering::Relaxed))
    }

    pub(super) fn request_cancel(&self) {
        self.cancel_requested.store(true, Ordering::Relaxed);
        self.stop.wake_handlers();
    }

    pub(super) fn mark_lost(&self) {
        self.lost.store(true, Ordering::Relaxed);
        self.stop.wake_handlers();
    }

    /// Asks the worker to stop, because it cannot do its work.
    #[cfg(feature = "tokio")]
    pub(super) fn fail_worker(&self, failure: WorkerFailure) {
        self.stop.fail(failure);
    }

    /// Takes the progress that has not been written yet.
    pub(super) fn take_progress(&self) -> Option<RawJson> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Restores progress that could not be written, unless there is newer progress.
    pub(super) fn restore_progress(&self, progress: RawJson) {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(progress);
        self.heartbeat.note_progress();
    }

    pub(super) fn set_progress(&self, progress: RawJson) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
        self.heartbeat.note_progress();
    }
}
