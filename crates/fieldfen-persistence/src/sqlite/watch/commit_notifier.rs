//! Tells waiting threads and processes of commits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use fieldfen_domain::store::{StoreError, WatchCloser};

use super::WakeFile;
use crate::sqlite::error::shared_error;

/// A change of a transaction for which a thread may wait. A greater notice includes the smaller ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CommitNotice {
    /// No such change.
    #[default]
    None,
    /// A job has ended or was parked. Threads of this process may wait for that.
    JobEnded,
    /// A job may be due, now or at a changed time. Workers of all processes wait for that.
    JobDue,
}

/// Notifies the watches of a store of commits, and other processes of jobs that may be due.
#[derive(Default)]
pub(in crate::sqlite) struct CommitNotifier {
    state: Mutex<State>,
    /// Watches wait for this.
    committed: Condvar,
    /// The store's watcher waits for this while no watch waits.
    watcher: Condvar,
    wake_file: OnceLock<Arc<WakeFile>>,
}

#[derive(Default)]
struct State {
    commits: u64,
    /// The number of watches that wait and have not been notified yet.
    waiting: u32,
    /// Whether a watch has waited since the watcher's last poll, even for no time at all.
    poll_wanted: bool,
    /// Whether the watcher sleeps until a watch waits.
    watcher_sleeps: bool,
    /// The number of failed polls for commits of other processes, and the last error.
    failures: u64,
    failure: Option<Arc<StoreError>>,
    /// Whether the store has been dropped.
    closed: bool,
}

impl CommitNotifier {
    /// From now on, commits that may make a job due are announced to other processes through this file.
    pub(in crate::sqlite) fn announce_by(&self, wake_file: Arc<WakeFile>) {
        // A store sets the file once, before its first write.
        let _ = self.wake_file.set(wake_file);
    }

    /// Announces a commit of this process.
    pub(in crate::sqlite) fn notify(&self, notice: CommitNotice) {
        if notice == CommitNotice::None {
            return;
        }
        self.tell_watches();
        if notice == CommitNotice::JobDue
            && let Some(wake_file) = self.wake_file.get()
        {
            wake_file.touch();
        }
    }

    /// The number of announced commits, of this process and of others.
    #[cfg(test)]
    pub(in crate::sqlite) fn count(&self) -> u64 {
        self.lock().commits
    }

    /// Announces a commit of this process or another one to all watches of this store.
    pub(super) fn tell_watches(&self) {
        let mut state = self.lock();
        state.commits += 1;
        // A wake-up is a system call even if no thread waits.
        if state.waiting > 0 {
            state.waiting = 0;
            self.committed.notify_all();
        }
    }

    /// Makes each watch fail once with this error.
    pub(super) fn fail_watches(&self, error: StoreError) {
        let mut state = self.lock();
        state.failures += 1;
        state.failure = Some(Arc::new(error));
        state.waiting = 0;
        self.committed.notify_all();
    }

    /// Blocks the watcher until a watch waits. Returns `false` if the store has been dropped.
    pub(super) fn wait_until_watched(&self) -> bool {
        let mut state = self.lock();
        while !state.is_watched() && !state.closed {
            state.watcher_sleeps = true;
            state = self.watcher.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.watcher_sleeps = false;
        !state.closed
    }

    /// Returns whether a watch waits or has waited since the last poll, and marks the start of a poll.
    pub(super) fn begin_look(&self) -> bool {
        let mut state = self.lock();
        let watched = state.is_watched();
        state.poll_wanted = false;
        watched
    }

    /// Blocks the watcher for this time, or until the store is dropped.
    pub(super) fn pause_watcher(&self, pause: Duration) {
        let state = self.lock();
        drop(self.watcher.wait_timeout_while(state, pause, |state| !state.closed));
    }

    /// Ends the watcher's waits, because the store has been dropped.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.watcher.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    const fn is_watched(&self) -> bool {
        self.waiting > 0 || self.poll_wanted
    }
}

/// The position of one watch in the sequence of announced commits.
pub(super) struct Subscription {
    commits: Arc<CommitNotifier>,
    seen: u64,
    failures: u64,
    closed: Arc<AtomicBool>,
}

impl Subscription {
    /// Subscribes to the commits that are announced from now on.
    pub(super) fn new(commits: Arc<CommitNotifier>) -> Self {
        let state = commits.lock();
        let (seen, failures) = (state.commits, state.failures);
        drop(state);
        Self { commits, seen, failures, closed: Arc::default() }
    }

    /// Waits for a commit that this subscription has not seen. Returns `false` after the timeout.
    pub(super) fn wait(&mut self, timeout: Duration) -> Result<bool, StoreError> {
        let mut state = self.commits.lock();
        let nothing = |state: &State| state.commits == self.seen && state.failures == self.failures;
        if nothing(&state) {
            state.poll_wanted = true;
            state.waiting += 1;
            if state.watcher_sleeps {
                state.watcher_sleeps = false;
                self.commits.watcher.notify_all();
            }
            let waits = |state: &mut State| nothing(state) && !self.closed.load(Ordering::Relaxed);
            let waited = self.commits.committed.wait_timeout_while(state, timeout, waits);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if nothing(&state) {
                // An announcement resets the count of waiting watches.
                state.waiting = state.waiting.saturating_sub(1);
                return Ok(false);
            }
        }
        let committed = std::mem::replace(&mut self.seen, state.commits) != state.commits;
        if std::mem::replace(&mut self.failures, state.failures) != state.failures
            && let Some(failure) = &state.failure
        {
            return Err(shared_error(failure, 0));
        }
        Ok(committed)
    }

    /// Returns a handle that ends all waits of this subscription from then on.
    pub(super) fn closer(&self) -> WatchCloser {
        let (commits, closed) = (Arc::clone(&self.commits), Arc::clone(&self.closed));
        WatchCloser::new(move || {
            closed.store(true, Ordering::Relaxed);
            // A watch that is about to wait has read `closed` under this lock.
            let state = commits.lock();
            commits.committed.notify_all();
            drop(state);
        })
    }
}
