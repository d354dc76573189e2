//! When the thread that extends leases has something to do.

use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Lets the heartbeat sleep while nothing is in hand, and wakes it when a handler has made progress.
#[derive(Default)]
pub(super) struct HeartbeatSignal {
    state: Mutex<HeartbeatState>,
    changed: Condvar,
}

#[derive(Default)]
struct HeartbeatState {
    in_hand: bool,
    /// A handler has made progress that has not been written.
    progress: bool,
    closed: bool,
}

impl HeartbeatSignal {
    /// Says whether any job is in hand.
    pub(super) fn set_in_hand(&self, in_hand: bool) {
        self.lock().in_hand = in_hand;
        self.changed.notify_all();
    }

    pub(super) fn note_progress(&self) {
        self.lock().progress = true;
        self.changed.notify_all();
    }

    /// Blocks until a job is in hand; `false` once the worker is closed and none is. A closed worker may have left handlers
    /// running, whose leases are extended until they end.
    pub(super) fn wait_until_in_hand(&self) -> bool {
        let state = self
            .changed
            .wait_while(self.lock(), |state| !state.in_hand && !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        state.in_hand
    }

    /// Waits for progress, but no longer than this, and says whether some was made.
    pub(super) fn wait_for_progress(&self, timeout: Duration) -> bool {
        let (mut state, _) = self
            .changed
            .wait_timeout_while(self.lock(), timeout, |state| !state.progress && !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        mem::take(&mut state.progress)
    }

    /// Lets the heartbeat end once nothing is in hand.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, HeartbeatState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
