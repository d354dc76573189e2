//! Fair turns between processes.
//!
//! SQLite's own busy handler sleeps and tries again, and whoever has just written is the first to find the lock free:
//! of several busy processes some get nothing done for seconds. Here each process takes an exclusive lock on a file
//! beside the database before it opens a write transaction, and the kernel hands that lock on. It gives only the
//! fairness: SQLite's lock gives the safety, so that a turn which does not come in time is simply done without.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Where a process waits for its turn. Only one thread of a process writes at a time, so only one waits here.
pub(super) struct Turnstile {
    shared: Arc<Shared>,
    patience: Duration,
}

struct Shared {
    file: File,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No thread waits for the lock.
    NoWaiter,
    /// The waiting thread runs and has nothing to do.
    Idle,
    /// The lock is wanted.
    Wanted,
    /// The lock is held for the one who wanted it.
    Granted,
    /// The store is gone.
    Closed,
}

/// A turn; it ends when it is dropped.
pub(super) struct Turn {
    shared: Arc<Shared>,
}

impl Turnstile {
    /// The turnstile of the database at this path; `None` where its file cannot be made, as in a read-only folder.
    pub(super) fn open(database: &Path, patience: Duration) -> Option<Self> {
        let mut name = database.as_os_str().to_owned();
        name.push("-lock");
        match OpenOptions::new().create(true).truncate(false).write(true).open(&name) {
            Ok(file) => {
                let shared = Shared { file, state: Mutex::new(State::NoWaiter), changed: Condvar::new() };
                Some(Self { shared: Arc::new(shared), patience })
            }
            Err(error) => {
                tracing::warn!(file = %Path::new(&name).display(), %error, "processes cannot take turns at writing");
                None
            }
        }
    }

    /// Waits for the turn; `None` when it does not come in time, and then the caller goes on without.
    pub(super) fn enter(&self) -> Option<Turn> {
        match self.shared.file.try_lock() {
            Ok(()) => return Some(Turn { shared: Arc::clone(&self.shared) }),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(_)) => return None,
        }
        // The kernel's lock has no deadline, so that another thread waits for it.
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        if *state == State::NoWaiter {
            let shared = Arc::clone(&self.shared);
            let spawned = thread::Builder::new().name("fieldfen-turn".into()).spawn(move || shared.wait_for_locks());
            if spawned.is_err() {
                return None;
            }
        }
        *state = State::Wanted;
        self.shared.changed.notify_all();
        let deadline = Instant::now() + self.patience;
        while *state == State::Wanted {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                *state = State::Idle;
                return None;
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let granted = *state == State::Granted;
        *state = State::Idle;
        granted.then(|| Turn { shared: Arc::clone(&self.shared) })
    }
}

impl Drop for Turnstile {
    fn drop(&mut self) {
        *self.shared.state.lock().unwrap_or_else(PoisonError::into_inner) = State::Closed;
        self.shared.changed.notify_all();
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // When this fails, closing the file gives the lock free, and until then others go on without a turn.
        if let Err(error) = self.shared.file.unlock() {
            tracing::warn!(%error, "the turn at writing could not be given on");
        }
    }
}

impl Shared {
    fn wait_for_locks(&self) {
        loop {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            while *state != State::Wanted {
                if *state == State::Closed {
                    return;
                }
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            drop(state);
            let locked = self.file.lock();
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if *state == State::Wanted && locked.is_ok() {
                *state = State::Granted;
                self.changed.notify_all();
            } else {
                if *state == State::Wanted {
                    *state = State::Idle;
                    self.changed.notify_all();
                }
                // It came too late. If a new turn has just begun by the fast path, it loses its lock here, and with it
                // its fairness, nothing else.
                drop(state);
                let _ = self.file.unlock();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_exclusive_and_one_that_does_not_come_is_done_without() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        let (first, second) = (
            Turnstile::open(&database, Duration::from_secs(60)).unwrap(),
            Turnstile::open(&database, Duration::from_millis(20)).unwrap(),
        );
        let turn = first.enter().unwrap();
        assert!(second.enter().is_none());
        drop(turn);
        // The lock that came too late has been given back.
        let turn = first.enter().unwrap();
        drop(turn);
        let patient = Turnstile::open(&database, Duration::from_secs(60)).unwrap();
        let turn = first.enter().unwrap();
        let waiting = thread::spawn(move || patient.enter().is_some());
        drop(turn);
        assert!(waiting.join().unwrap());
    }
}
