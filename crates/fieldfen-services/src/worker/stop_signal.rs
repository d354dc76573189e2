//! The request to stop a worker, with waits that end when it comes.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::errors::WorkerFailure;
use super::events::{DispatcherEvent, EventSender};

/// The urgency of a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum StopLevel {
    /// Nobody has asked the worker to stop.
    None,
    /// The worker stops as soon as it has no job.
    WhenIdle,
    /// The worker stops after a grace period for the running handlers.
    Graceful,
    /// The worker stops at once.
    Now,
}

/// The stop level of the worker, which handlers and all threads read.
pub(super) struct StopSignal {
    state: Mutex<StopState>,
    changed: Condvar,
    /// Copies of the state for frequent readers, without the lock.
    is_stopping: AtomicBool,
    stops_now: AtomicBool,
    is_closed: AtomicBool,
    /// The number of jobs that were released because the worker stops.
    pub(super) released: AtomicUsize,
    /// The number of jobs whose release the store has refused.
    pub(super) unreleased: AtomicUsize,
    events: EventSender,
    /// Wakes async handlers that wait for an interruption of any kind.
    #[cfg(feature = "tokio")]
    pub(super) interrupted: tokio::sync::Notify,
}

struct StopState {
    level: StopLevel,
    /// The reason why the worker stops by itself; `None` if it does not.
    failure: Option<WorkerFailure>,
}

impl StopSignal {
    pub(super) fn new(events: EventSender) -> Self {
        Self {
            state: Mutex::new(StopState { level: StopLevel::None, failure: None }),
            changed: Condvar::new(),
            is_stopping: AtomicBool::new(false),
            stops_now: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            released: AtomicUsize::new(0),
            unreleased: AtomicUsize::new(0),
            events,
            #[cfg(feature = "tokio")]
            interrupted: tokio::sync::Notify::new(),
        }
    }

    /// Asks the worker to stop, at least this soon.
    pub(super) fn request(&self, level: StopLevel) {
        let mut state = self.lock();
        state.level = state.level.max(level);
        self.is_stopping.store(state.level >= StopLevel::Graceful, Ordering::SeqCst);
        self.stops_now.store(state.level == StopLevel::Now, Ordering::SeqCst);
        drop(state);
        self.changed.notify_all();
        self.events.send(DispatcherEvent::Stop);
        self.wake_handlers();
    }

    /// Asks the worker to stop because it cannot do its work. If it was asked to stop before, this is not a failure.
    pub(super) fn fail(&self, failure: WorkerFailure) {
        let mut state = self.lock();
        if state.level < StopLevel::Graceful {
            state.failure.get_or_insert(failure);
        }
        drop(state);
        self.request(StopLevel::Graceful);
    }

    pub(super) fn level(&self) -> StopLevel {
        self.lock().level
    }

    /// Returns whether the worker begins no more jobs.
    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::SeqCst)
    }

    /// Returns whether handlers are asked to end.
    pub(super) fn stops_now(&self) -> bool {
        self.stops_now.load(Ordering::SeqCst)
    }

    pub(super) fn failure(&self) -> Option<WorkerFailure> {
        self.lock().failure.clone()
    }

    /// Marks the end of the shutdown: each thread ends as soon as it has no job in hand.
    pub(super) fn close(&self) {
        let state = self.lock();
        self.is_closed.store(true, Ordering::SeqCst);
        drop(state);
        self.changed.notify_all();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
    }

    /// Pauses between two attempts at the store, until the stop level rises.
    pub(super) fn pause(&self, pause: Duration) {
        let state = self.lock();
        let before = state.level;
        drop(self.changed.wait_timeout_while(state, pause, |state| state.level == before));
    }

    /// Waits until the worker is closed or the timeout has passed. Returns whether the worker is closed.
    pub(super) fn wait_until_closed(&self, timeout: Duration) -> bool {
        drop(self.changed.wait_timeout_while(self.lock(), timeout, |_| !self.is_closed()));
        self.is_closed()
    }

    /// Wakes the async handlers that wait for an interruption. Each of them checks whether it is interrupted.
    pub(super) fn wake_handlers(&self) {
        #[cfg(feature = "tokio")]
        self.interrupted.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, StopState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
