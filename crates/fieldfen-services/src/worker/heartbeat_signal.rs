//! Wakes the thread that extends leases.

use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Lets the heartbeat sleep while no job is in hand, and wakes it after a handler has made progress.
#[derive(Default)]
pub(super) struct HeartbeatSignal {
    state: Mutex<HeartbeatState>,
    changed: Condvar,
}

#[derive(Default)]
struct HeartbeatState {
    in_hand: bool,
    /// Whether a handler has made progress that has not been written.
    progress: bool,
    closed: bool,
}

impl HeartbeatSignal {
    /// Sets whether any job is in hand.
    pub(super) fn set_in_hand(&self, in_hand: bool) {
        self.lock().in_hand = in_hand;
        self.changed.notify_all();
    }

    pub(super) fn note_progress(&self) {
        self.lock().progress = true;
        self.changed.notify_all();
    }

    /// Blocks until a job is in hand. Returns `false` after the worker was closed and no job is in hand. A closed
    /// worker may have left handlers running, whose leases are extended until they end.
    pub(super) fn wait_until_in_hand(&self) -> bool {
        let state = self
            .changed
            .wait_while(self.lock(), |state| !state.in_hand && !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        state.in_hand
    }

    /// Waits for progress until the timeout. Returns whether there was progress.
    pub(super) fn wait_for_progress(&self, timeout: Duration) -> bool {
        let (mut state, _) = self
            .changed
            .wait_timeout_while(self.lock(), timeout, |state| !state.progress && !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        mem::take(&mut state.progress)
    }

    /// Lets the heartbeat end as soon as no job is in hand.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, HeartbeatState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
