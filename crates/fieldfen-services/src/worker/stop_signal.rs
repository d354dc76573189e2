//! Whether the worker goes on, and waits that end when that changes.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::errors::WorkerFailure;
use super::events::{DispatcherEvent, EventSender};

/// How soon the worker is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum StopLevel {
    /// Nobody has asked it to.
    None,
    /// As soon as it has nothing to do.
    WhenIdle,
    /// After a grace period for the handlers that run.
    Graceful,
    /// At once.
    Now,
}

/// Whether the worker goes on. Handlers and all threads look here.
pub(super) struct StopSignal {
    state: Mutex<StopState>,
    changed: Condvar,
    /// Copies of the state for those who look often.
    is_stopping: AtomicBool,
    stops_now: AtomicBool,
    is_closed: AtomicBool,
    /// How many jobs have been given back because the worker stops.
    pub(super) released: AtomicUsize,
    /// How many jobs the store has refused to take back.
    pub(super) unreleased: AtomicUsize,
    events: EventSender,
    /// Wakes async handlers that wait to be interrupted, whatever interrupts them.
    #[cfg(feature = "tokio")]
    pub(super) interrupted: tokio::sync::Notify,
}

struct StopState {
    level: StopLevel,
    /// Why the worker stops by itself.
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

    /// Asks the worker to stop because it cannot do its work. A worker that was asked to stop before has not failed.
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

    /// Whether the worker begins no more jobs.
    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::SeqCst)
    }

    /// Whether handlers are asked to end.
    pub(super) fn stops_now(&self) -> bool {
        self.stops_now.load(Ordering::SeqCst)
    }

    pub(super) fn failure(&self) -> Option<WorkerFailure> {
        self.lock().failure.clone()
    }

    /// Says that the shutdown is over: every thread ends when it has nothing in hand.
    pub(super) fn close(&self) {
        let state = self.lock();
        self.is_closed.store(true, Ordering::SeqCst);
        drop(state);
        self.changed.notify_all();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
    }

    /// Waits between two attempts at the store, until somebody asks for a sooner stop.
    pub(super) fn pause(&self, pause: Duration) {
        let state = self.lock();
        let before = state.level;
        drop(self.changed.wait_timeout_while(state, pause, |state| state.level == before));
    }

    /// Waits until the worker is closed, but no longer than this, and says whether it is.
    pub(super) fn wait_until_closed(&self, timeout: Duration) -> bool {
        drop(self.changed.wait_timeout_while(self.lock(), timeout, |_| !self.is_closed()));
        self.is_closed()
    }

    /// Wakes async handlers that wait to be interrupted; each looks whether it is meant.
    pub(super) fn wake_handlers(&self) {
        #[cfg(feature = "tokio")]
        self.interrupted.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, StopState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
