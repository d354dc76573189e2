//! Fair turns between processes.
//!
//! SQLite's own busy handler sleeps and tries again, and the process that has just written is the first to find the
//! lock free: of several busy processes some get nothing done for seconds. Here each process takes an exclusive lock on
//! a file beside the database before it opens a write transaction, and the kernel hands that lock on. It gives only the
//! fairness: SQLite's lock gives the safety, so that a turn which does not come in time is not waited for any longer.
//! It may still come while SQLite's lock is waited for, and then nobody else goes first.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::file_mode;

/// For how long a process keeps its turn, once others want it too, while it goes on writing.
///
/// To hand the turn on costs as much as a small transaction, for which the next process finds all its pages out of date
/// besides.
const KEPT_FOR: Duration = Duration::from_millis(3);

/// For how long nobody waits for a turn after one did not come in time though SQLite's lock was free: its holder is
/// stopped, or writes its pages from the log into the database.
const GIVEN_UP_FOR: Duration = Duration::from_secs(2);

/// How long it keeps a turn that it does not use.
const UNUSED: Duration = Duration::from_micros(300);

/// Where a process waits for its turn. Only one thread of a process writes at a time, so only one waits here.
pub(super) struct Turnstile {
    shared: Arc<Shared>,
    patience: Duration,
    given_up_for: Duration,
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
    /// The same, after a turn that did not come in time: until then nobody waits for another one.
    GivenUp { until: Instant },
    /// The lock is wanted.
    Wanted,
    /// The same, but the one who wants it has gone on without.
    Late,
    /// The lock is held for the one who wanted it.
    Granted,
    /// The lock is held, but not used, and is given on at `until`.
    Kept { since: Instant, until: Instant },
    /// The store is gone.
    Closed,
}

/// A turn; it ends when it is dropped, or is kept for the next one of this process.
pub(super) struct Turn {
    shared: Arc<Shared>,
    /// Since when the process has it, where it had to wait for it: `None` means that nobody else wanted it.
    contended: Option<Instant>,
    /// Until when no turn is waited for, should this one not come at all.
    give_up_until: Option<Instant>,
}

impl Turn {
    /// Says that SQLite's lock was taken as well: the process that has the turn is at work, not stuck.
    pub(super) const fn holder_is_at_work(&mut self) {
        self.give_up_until = None;
    }
}

impl Turnstile {
    /// The turnstile of the database at this path; `None` where its file cannot be opened, as in a read-only
    /// folder.
    pub(super) fn open(database: &Path, patience: Duration) -> Option<Self> {
        let mut name = database.as_os_str().to_owned();
        name.push("-lock");
        match file_mode::open_lock(Path::new(&name), database) {
            Ok(file) => {
                let shared = Shared { file, state: Mutex::new(State::NoWaiter), changed: Condvar::new() };
                Some(Self { shared: Arc::new(shared), patience, given_up_for: GIVEN_UP_FOR })
            }
            Err(error) => {
                log!(WARN, file = %Path::new(&name).display(), %error, "processes cannot take turns at writing");
                None
            }
        }
    }

    /// Waits for the turn, though not for ever. `None` when there is none to wait for, and then the caller goes on
    /// without.
    pub(super) fn enter(&self) -> Option<Turn> {
        let turn = |contended, give_up_until| Turn { shared: Arc::clone(&self.shared), contended, give_up_until };
        let mut state = self.shared.lock();
        if let State::Kept { since, .. } = *state {
            *state = State::Granted;
            return Some(turn(Some(since), None));
        }
        match self.shared.file.try_lock() {
            Ok(()) => {
                if matches!(*state, State::GivenUp { .. }) {
                    *state = State::Idle;
                }
                return Some(turn(None, None));
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(_)) => return None,
        }
        // The kernel's lock has no deadline, so that another thread waits for it.
        if *state == State::NoWaiter {
            let shared = Arc::clone(&self.shared);
            let spawned = thread::Builder::new().name("fieldfen-turn".into()).spawn(move || shared.wait_for_locks());
            if spawned.is_err() {
                return None;
            }
        }
        let now = Instant::now();
        let (deadline, give_up_until) = match *state {
            State::GivenUp { until } if now < until => (now, until),
            _ => (now + self.patience, now + self.patience + self.given_up_for),
        };
        *state = State::Wanted;
        self.shared.changed.notify_all();
        while *state == State::Wanted {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                *state = State::Late;
                return Some(turn(Some(deadline), Some(give_up_until)));
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        (*state == State::Granted).then(|| turn(Some(Instant::now()), None))
    }
}

impl Drop for Turnstile {
    fn drop(&mut self) {
        *self.shared.lock() = State::Closed;
        self.shared.changed.notify_all();
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(since) = self.contended {
            let mut state = self.shared.lock();
            if *state == State::Late {
                *state = self.give_up_until.map_or(State::Idle, |until| State::GivenUp { until });
                return;
            }
            if *state == State::Granted {
                let now = Instant::now();
                if now.duration_since(since) < KEPT_FOR {
                    // The waiting thread looks by itself from time to time while the turn is granted.
                    *state = State::Kept { since, until: now + UNUSED };
                    return;
                }
                *state = State::Idle;
            }
        }
        // When this fails, closing the file gives the lock free, and until then others go on without a turn.
        if let Err(error) = self.shared.file.unlock() {
            log!(WARN, %error, "the turn at writing could not be given on");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the lock when it is wanted, and gives it on when it is kept for too long.
    fn wait_for_locks(&self) {
        let mut state = self.lock();
        loop {
            let pause = match *state {
                State::Wanted | State::Late => {
                    state = self.take_lock(state);
                    continue;
                }
                State::Kept { until, .. } => match until.checked_duration_since(Instant::now()) {
                    Some(left) if !left.is_zero() => left,
                    _ => {
                        *state = State::Idle;
                        let _ = self.file.unlock();
                        continue;
                    }
                },
                State::Granted => UNUSED,
                State::Closed => {
                    let _ = self.file.unlock();
                    return;
                }
                State::NoWaiter | State::Idle | State::GivenUp { .. } => {
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                    continue;
                }
            };
            state = self.changed.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for the lock, and gives it to the one who wanted it, or back.
    fn take_lock<'s>(&'s self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        drop(state);
        let locked = self.file.lock();
        let mut state = self.lock();
        if matches!(*state, State::Wanted | State::Late) {
            *state = if locked.is_ok() { State::Granted } else { State::Idle };
            self.changed.notify_all();
        } else {
            // It came too late. If a new turn has just begun by the fast path, it loses its lock here, and with it its
            // fairness, nothing else.
            let _ = self.file.unlock();
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_exclusive_and_one_that_does_not_come_is_done_without() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        std::fs::write(&database, "").unwrap();
        let (first, second) = (
            Turnstile::open(&database, Duration::from_secs(60)).unwrap(),
            Turnstile::open(&database, Duration::from_millis(20)).unwrap(),
        );
        let turn = first.enter().unwrap();
        let late = second.enter().unwrap();
        assert_eq!(*second.shared.lock(), State::Late);
        drop(late);
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

    #[test]
    fn a_turn_that_did_not_come_is_not_waited_for_again_until_it_has_been_free() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        std::fs::write(&database, "").unwrap();
        let holder = Turnstile::open(&database, Duration::from_secs(60)).unwrap();
        let mut other = Turnstile::open(&database, Duration::from_millis(5)).unwrap();
        other.given_up_for = Duration::from_secs(3600);
        let held = holder.enter().unwrap();
        drop(other.enter().unwrap());
        let given_up = *other.shared.lock();
        assert!(matches!(given_up, State::GivenUp { .. }), "{given_up:?}");
        // It would wait for an hour. The turn is wanted all the same, should it come while SQLite's lock is waited for.
        other.patience = Duration::from_secs(3600);
        let late = other.enter().unwrap();
        assert_eq!(*other.shared.lock(), State::Late);
        drop(late);
        assert_eq!(*other.shared.lock(), given_up);
        drop(held);
        // The thread that still waits for the lock gives it back once it has it.
        while *other.shared.lock() != State::Idle {
            drop(other.enter().unwrap());
        }
    }

    #[test]
    fn a_turn_that_comes_late_is_held_and_one_whose_holder_is_at_work_is_waited_for_again() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        std::fs::write(&database, "").unwrap();
        let open = |patience| Turnstile::open(&database, patience).unwrap();
        let (first, second) = (open(Duration::from_secs(60)), open(Duration::from_millis(5)));
        let held = first.enter().unwrap();
        let mut late = second.enter().unwrap();
        late.holder_is_at_work();
        drop(late);
        assert_eq!(*second.shared.lock(), State::Idle);
        let late = second.enter().unwrap();
        assert_eq!(*second.shared.lock(), State::Late);
        drop(held);
        while *second.shared.lock() != State::Granted {
            thread::yield_now();
        }
        assert!(matches!(first.shared.file.try_lock(), Err(TryLockError::WouldBlock)));
        drop(late);
        drop(first.enter().unwrap());
    }

    #[test]
    fn a_turn_that_was_waited_for_is_kept_for_a_moment_and_given_on_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        std::fs::write(&database, "").unwrap();
        let open = || Turnstile::open(&database, Duration::from_secs(60)).unwrap();
        let (first, second) = (open(), open());
        let turn = first.enter().unwrap();
        let waiting = thread::spawn(move || {
            drop(second.enter().unwrap());
            second
        });
        drop(turn);
        let second = waiting.join().unwrap();
        drop(first.enter().unwrap());
        drop(second.enter().unwrap());
    }
}
