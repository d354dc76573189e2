//! The fair lock orders the write transactions of several processes.
//!
//! SQLite's write lock has no queue. A process that finds the lock taken sleeps and tries again, and the process that has
//! just committed is the first to find the lock free. Of several busy processes, some write nothing for seconds.
//!
//! Each process therefore locks the file `<database>-lock` before it begins a write transaction. The kernel does not hand
//! this lock over: it wakes one waiter, and the process that has just released the lock can take it again before the waiter
//! runs. A process that waits therefore locks a second file, `<database>-lock-queue`, until it has the first one. A process
//! that has written for [`MAX_HOLD`] must lock the second file too, and so gets the first one after the process that waits.
//!
//! Both locks only give fairness. SQLite's write lock protects the data, and a process that does not get the fair lock in
//! time writes without it.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::file::permissions;

/// The time for which a process may write before it must queue for the lock again.
///
/// A hand-over costs as much as a small transaction, and the next process must read its cached pages anew.
/// Four processes together reached these parts of the rate of one process (NORMAL and FULL, medians of 12 rounds): 0.77 and
/// 0.76 with 3 ms, 0.86 and 0.85 with 5 ms, 0.93 and 0.87 with 8 ms. Single rounds vary from 0.65 to 1.05.
const MAX_HOLD: Duration = Duration::from_millis(8);

/// The time for which writers do not wait for the lock after a wait timed out although SQLite's write lock was free. The process that
/// holds the lock is then probably suspended.
const COOLDOWN: Duration = Duration::from_secs(2);

/// The time for which a process keeps the lock between two transactions.
const IDLE_HOLD: Duration = Duration::from_micros(300);

/// The fair lock of one store. Only one thread of a store writes at a time, so at most one waits for the lock.
pub(super) struct FairLock {
    shared: Arc<Shared>,
    timeout: Duration,
    cooldown: Duration,
}

struct Shared {
    /// Locked during write transactions.
    file: File,
    /// Locked by the one process that is the next to lock `file`.
    queue: File,
    /// When this process last had `queue` locked; `None` if it must lock `queue` before the next transaction.
    queued_at: Mutex<Option<Instant>>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The helper thread has not been started.
    NoWaiter,
    /// The helper thread has nothing to do.
    Idle,
    /// The helper thread has nothing to do, and no thread waits for the lock before `until`.
    CoolingDown { until: Instant },
    /// A writer waits for the lock.
    Waiting,
    /// The writer has gone on without the lock. The helper thread still waits for the lock.
    TimedOut,
    /// The helper thread has taken the lock for the writer.
    Granted,
    /// The lock is held between two transactions. The helper thread releases it at `until`.
    Retained { since: Instant, until: Instant },
    /// The store is closed.
    Closed,
}

/// Holds the lock for one transaction. Dropping the guard releases the lock, or retains it for the next transaction.
pub(super) struct FairLockGuard {
    shared: Arc<Shared>,
    /// The time at which the lock was taken, if the process had to wait for it.
    contended: Option<Instant>,
    /// The end of the cool-down that begins if the lock has not been granted when the guard is dropped.
    cool_down_until: Option<Instant>,
}

impl FairLockGuard {
    /// Reports that SQLite's write lock was taken too. The process that holds the fair lock is then running, and no
    /// cool-down follows.
    pub(super) const fn holder_is_active(&mut self) {
        self.cool_down_until = None;
    }
}

impl FairLock {
    /// Opens the lock of the database at this path. Returns `None` if one of its files cannot be opened, for example in a
    /// read-only folder.
    pub(super) fn open(database: &Path, timeout: Duration) -> Option<Self> {
        let open = |ending| {
            let mut name = database.as_os_str().to_owned();
            name.push(ending);
            permissions::open_beside(Path::new(&name), database)
                .inspect_err(|error| {
                    log!(WARN, file = %Path::new(&name).display(), %error, "fair write lock not available");
                })
                .ok()
        };
        let shared = Shared {
            file: open("-lock")?,
            queue: open("-lock-queue")?,
            queued_at: Mutex::new(None),
            state: Mutex::new(State::NoWaiter),
            changed: Condvar::new(),
        };
        Some(Self { shared: Arc::new(shared), timeout, cooldown: COOLDOWN })
    }

    /// Waits for the lock until the timeout. After the timeout the guard holds no lock. Returns `None` if waiting is not
    /// possible, because the files cannot be locked or no thread can be started.
    pub(super) fn acquire(&self) -> Option<FairLockGuard> {
        let guard =
            |contended, cool_down_until| FairLockGuard { shared: Arc::clone(&self.shared), contended, cool_down_until };
        let mut state = self.shared.lock();
        if let State::Retained { since, .. } = *state {
            *state = State::Granted;
            return Some(guard(Some(since), None));
        }
        match self.shared.try_lock() {
            Ok(()) => {
                if matches!(*state, State::CoolingDown { .. }) {
                    *state = State::Idle;
                }
                return Some(guard(None, None));
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(_)) => return None,
        }
        // A wait for a lock of the kernel has no timeout. A helper thread therefore waits in place of the writer.
        if *state == State::NoWaiter {
            let shared = Arc::clone(&self.shared);
            let spawned =
                thread::Builder::new().name("fieldfen-fair-lock".into()).spawn(move || shared.wait_for_locks());
            if spawned.is_err() {
                return None;
            }
        }
        let now = Instant::now();
        let (deadline, cool_down_until) = match *state {
            State::CoolingDown { until } if now < until => (now, until),
            _ => (now + self.timeout, now + self.timeout + self.cooldown),
        };
        *state = State::Waiting;
        self.shared.changed.notify_all();
        while *state == State::Waiting {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                *state = State::TimedOut;
                return Some(guard(Some(deadline), Some(cool_down_until)));
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        (*state == State::Granted).then(|| guard(Some(Instant::now()), None))
    }
}

impl Drop for FairLock {
    fn drop(&mut self) {
        *self.shared.lock() = State::Closed;
        self.shared.changed.notify_all();
    }
}

impl Drop for FairLockGuard {
    fn drop(&mut self) {
        if let Some(since) = self.contended {
            let mut state = self.shared.lock();
            if *state == State::TimedOut {
                *state = self.cool_down_until.map_or(State::Idle, |until| State::CoolingDown { until });
                return;
            }
            if *state == State::Granted {
                let now = Instant::now();
                if now.duration_since(since) < MAX_HOLD {
                    // The helper thread needs no wake-up: while the lock is granted, it reads the state every `IDLE_HOLD`.
                    *state = State::Retained { since, until: now + IDLE_HOLD };
                    return;
                }
                *state = State::Idle;
            }
        }
        // If this fails, the lock is released when the file is closed. Until then other processes write without the lock.
        if let Err(error) = self.shared.file.unlock() {
            log!(WARN, %error, "fair write lock not released");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks `file` if no other process holds the lock or waits for it. Does not wait.
    ///
    /// A process that had `queue` locked less than [`MAX_HOLD`] ago leaves `queue` out, which saves two system calls.
    fn try_lock(&self) -> Result<(), TryLockError> {
        let mut queued_at = self.queued_at.lock().unwrap_or_else(PoisonError::into_inner);
        if queued_at.is_some_and(|at| at.elapsed() < MAX_HOLD) {
            return self.file.try_lock();
        }
        self.queue.try_lock()?;
        let locked = self.file.try_lock();
        *queued_at = locked.is_ok().then(Instant::now);
        self.queue.unlock().map_err(TryLockError::Error)?;
        locked
    }

    /// The helper thread: takes the lock for a writer, and releases a lock that is retained for too long.
    fn wait_for_locks(&self) {
        let mut state = self.lock();
        loop {
            let pause = match *state {
                State::Waiting | State::TimedOut => {
                    state = self.take_lock(state);
                    continue;
                }
                State::Retained { until, .. } => match until.checked_duration_since(Instant::now()) {
                    Some(left) if !left.is_zero() => left,
                    _ => {
                        *state = State::Idle;
                        let _ = self.file.unlock();
                        continue;
                    }
                },
                State::Granted => IDLE_HOLD,
                State::Closed => {
                    let _ = self.file.unlock();
                    return;
                }
                State::NoWaiter | State::Idle | State::CoolingDown { .. } => {
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                    continue;
                }
            };
            state = self.changed.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for the lock. Grants it to the writer, or releases it if the writer no longer needs it.
    fn take_lock<'s>(&'s self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        drop(state);
        let locked = self.queue.lock().and_then(|()| self.file.lock());
        let _ = self.queue.unlock();
        *self.queued_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        let mut state = self.lock();
        if matches!(*state, State::Waiting | State::TimedOut) {
            *state = if locked.is_ok() { State::Granted } else { State::Idle };
            self.changed.notify_all();
        } else {
            // The lock was granted too late. If a writer has just taken it without the helper thread, that writer loses
            // the lock here. This costs fairness for one transaction.
            let _ = self.file.unlock();
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use fieldfen_testkit::wait::{wait_until, with_deadline};

    use super::*;

    fn open(database: &Path, timeout: Duration) -> FairLock {
        std::fs::write(database, "").unwrap();
        FairLock::open(database, timeout).unwrap()
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn the_lock_is_exclusive_and_a_writer_goes_on_without_it_after_the_timeout() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        let (first, second) = (open(&database, LONG), open(&database, Duration::from_millis(20)));
        let guard = first.acquire().unwrap();
        let late = second.acquire().unwrap();
        assert_eq!(*second.shared.lock(), State::TimedOut);
        drop(late);
        drop(guard);
        // The helper thread has released the lock that came too late.
        let guard = first.acquire().unwrap();
        drop(guard);
        let patient = open(&database, LONG);
        let guard = first.acquire().unwrap();
        let waiting = thread::spawn(move || patient.acquire().is_some());
        drop(guard);
        assert!(with_deadline("the patient writer has the lock", || waiting.join()).unwrap());
    }

    #[test]
    fn a_process_that_has_written_for_the_longest_time_gets_the_lock_after_the_process_that_waits() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        let (first, second) = (open(&database, LONG), open(&database, LONG));
        let guard = first.acquire().unwrap();
        assert!(first.shared.queued_at.lock().unwrap().is_some());
        let (order, granted) = mpsc::channel();
        let second_order = order.clone();
        let waiting = thread::spawn(move || {
            let guard = second.acquire();
            second_order.send("second").unwrap();
            drop(guard);
            second
        });
        wait_until("the second process is in the queue", || {
            let is_free = first.shared.queue.try_lock().is_ok();
            if is_free {
                first.shared.queue.unlock().unwrap();
            }
            !is_free
        });
        // The longest time has passed.
        *first.shared.queued_at.lock().unwrap() = None;
        drop(guard);
        let guard = first.acquire();
        order.send("first").unwrap();
        drop(guard);
        with_deadline("the second process has had the lock", || waiting.join()).unwrap();
        assert_eq!(granted.try_iter().collect::<Vec<_>>(), ["second", "first"]);
    }

    #[test]
    fn after_a_timeout_nobody_waits_for_the_lock_until_it_has_been_free() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        let holder = open(&database, LONG);
        let mut other = open(&database, Duration::from_millis(5));
        other.cooldown = Duration::from_secs(3600);
        let held = holder.acquire().unwrap();
        drop(other.acquire().unwrap());
        let cooling_down = *other.shared.lock();
        assert!(matches!(cooling_down, State::CoolingDown { .. }), "{cooling_down:?}");
        // With this timeout a wait would last for an hour. The helper thread waits for the lock all the same.
        other.timeout = Duration::from_secs(3600);
        let late = other.acquire().unwrap();
        assert_eq!(*other.shared.lock(), State::TimedOut);
        drop(late);
        assert_eq!(*other.shared.lock(), cooling_down);
        drop(held);
        // The helper thread releases the lock once it has it.
        wait_until("the helper thread has released the lock", || {
            let released = *other.shared.lock() == State::Idle;
            if !released {
                drop(other.acquire().unwrap());
            }
            released
        });
    }

    #[test]
    fn a_late_lock_is_held_and_there_is_no_cool_down_while_its_holder_writes() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        let (first, second) = (open(&database, LONG), open(&database, Duration::from_millis(5)));
        let held = first.acquire().unwrap();
        let mut late = second.acquire().unwrap();
        late.holder_is_active();
        drop(late);
        assert_eq!(*second.shared.lock(), State::Idle);
        let late = second.acquire().unwrap();
        assert_eq!(*second.shared.lock(), State::TimedOut);
        drop(held);
        wait_until("the helper thread has the lock", || *second.shared.lock() == State::Granted);
        assert!(matches!(first.shared.file.try_lock(), Err(TryLockError::WouldBlock)));
        drop(late);
        drop(first.acquire().unwrap());
    }

    #[test]
    fn a_lock_that_was_waited_for_is_retained_after_a_transaction_and_released_when_it_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        let (first, second) = (open(&database, LONG), open(&database, LONG));
        let guard = first.acquire().unwrap();
        let shared = Arc::clone(&second.shared);
        let waiting = thread::spawn(move || (second.acquire().unwrap(), second));
        wait_until("the second one waits for the lock", || *shared.lock() == State::Waiting);
        drop(guard);
        let (granted, second) = with_deadline("the second one has the lock", || waiting.join()).unwrap();
        assert_eq!(*second.shared.lock(), State::Granted);
        drop(granted);
        wait_until("the helper thread has released the lock", || {
            let state = *second.shared.lock();
            assert!(matches!(state, State::Retained { .. } | State::Idle), "{state:?}");
            state == State::Idle
        });
        assert!(first.shared.file.try_lock().is_ok(), "the helper thread has released the lock");
    }
}
