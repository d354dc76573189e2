//! A claimed job, in the form that the worker's threads share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

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
    /// The handler has run for longer than the [timeout](super::WorkerBuilder::timeout) of its kind. The handler still
    /// holds the job: a completion takes effect, and any failure but one for good counts as timed out.
    TimedOut,
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
    /// The time at which the job was lost.
    lost_at: OnceLock<Instant>,
    /// The longest time for which the handler may run; `None` for any time.
    timeout: Option<Duration>,
    /// The time at which the handler began.
    began: OnceLock<Instant>,
    /// Whether the handler has run for longer than its timeout, as the worker or the handler has noticed.
    timed_out: AtomicBool,
    /// Whether the timeout was logged and counted.
    timeout_told: AtomicBool,
    /// Whether the handler has looked since the cancellation was requested or the timeout was over.
    knows_of_request: AtomicBool,
    /// Whether the handler counts as stuck. It is written under the lock of the slots.
    is_stuck: AtomicBool,
    progress: Mutex<Option<RawJson>>,
}

impl RunningJob {
    pub(super) fn new(
        claimed: ClaimedJob,
        timeout: Option<Duration>,
        stop: Arc<StopSignal>,
        heartbeat: Arc<HeartbeatSignal>,
    ) -> Self {
        let cancel_requested = AtomicBool::new(claimed.job.cancel_requested_at.is_some());
        Self {
            claimed,
            claimed_at: Instant::now(),
            stop,
            heartbeat,
            cancel_requested,
            lost: AtomicBool::new(false),
            lost_at: OnceLock::new(),
            timeout,
            began: OnceLock::new(),
            timed_out: AtomicBool::new(false),
            timeout_told: AtomicBool::new(false),
            knows_of_request: AtomicBool::new(false),
            is_stuck: AtomicBool::new(false),
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
        } else if self.is_timed_out() {
            Some(Interruption::TimedOut)
        } else if self.stop.stops_now() {
            Some(Interruption::WorkerStops)
        } else {
            None
        }
    }

    /// As `interruption`, for the handler, which knows from then on of a requested cancellation or of its timeout.
    pub(super) fn tell_interruption(&self) -> Option<Interruption> {
        let interruption = self.interruption();
        if matches!(interruption, Some(Interruption::CancelRequested | Interruption::TimedOut)) {
            self.knows_of_request.store(true, Ordering::Relaxed);
        }
        interruption
    }

    /// Records that the handler begins now.
    pub(super) fn begin(&self) {
        self.began.get_or_init(Instant::now);
    }

    /// The longest time for which the handler may run; `None` for any time.
    pub(super) const fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// The time at which the handler has run for its timeout; `None` if it has no timeout or has not begun.
    pub(super) fn deadline(&self) -> Option<Instant> {
        // A timeout that no clock reaches is none.
        self.began.get()?.checked_add(self.timeout?)
    }

    /// Returns whether the handler has run for longer than its timeout. A handler that was asked to end before its
    /// deadline, because the worker stops, has not timed out.
    pub(super) fn is_timed_out(&self) -> bool {
        if self.timed_out.load(Ordering::Relaxed) {
            return true;
        }
        let is_over = self.deadline().is_some_and(|deadline| deadline <= Instant::now()) && !self.stop.stops_now();
        if is_over && !self.timed_out.swap(true, Ordering::Relaxed) {
            self.stop.wake_handlers();
        }
        is_over
    }

    /// Returns whether the timeout must be logged and counted: `true` once for each job that has timed out.
    pub(super) fn tells_timeout(&self) -> bool {
        self.is_timed_out() && !self.timeout_told.swap(true, Ordering::Relaxed)
    }

    /// The time of the interruption after which a handler must return: the job was lost, or the timeout is over.
    pub(super) fn must_return_since(&self) -> Option<Instant> {
        let timed_out = self.deadline().filter(|_| self.timed_out.load(Ordering::Relaxed));
        self.lost_at.get().copied().into_iter().chain(timed_out).min()
    }

    /// The time for which the handler has run.
    pub(super) fn ran_for(&self, now: Instant) -> Duration {
        self.began.get().map(|began| now.saturating_duration_since(*began)).unwrap_or_default()
    }

    pub(super) fn is_stuck(&self) -> bool {
        self.is_stuck.load(Ordering::Relaxed)
    }

    pub(super) fn set_stuck(&self) {
        self.is_stuck.store(true, Ordering::Relaxed);
    }

    /// Returns whether every outcome of the handler will be dropped.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Returns whether a cancellation of the job was requested.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancel_requested.load(Ordering::Relaxed)
    }

    /// Returns whether the handler should end now: the worker stops, or a cancellation was requested or the timeout is
    /// over and the handler has not looked since, so that it has no reason to take longer.
    #[cfg(feature = "tokio")]
    pub(super) fn should_end(&self) -> bool {
        let asked = self.is_cancelled() || self.is_timed_out();
        self.stop.stops_now() || (asked && !self.knows_of_request.load(Ordering::Relaxed))
    }

    pub(super) fn request_cancel(&self) {
        self.cancel_requested.store(true, Ordering::Relaxed);
        self.stop.wake_handlers();
    }

    pub(super) fn mark_lost(&self) {
        self.lost_at.get_or_init(Instant::now);
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
