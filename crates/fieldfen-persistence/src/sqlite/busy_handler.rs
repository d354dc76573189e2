//! The busy handler of every connection: it waits for SQLite's locks and measures the wait.
//!
//! SQLite's own handler does not tell how long it has waited before a statement failed with `SQLITE_BUSY`.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::system_error::take_no_locks;

/// The pauses before the first attempts to take a lock. SQLite's own handler sleeps up to 100 ms at a time: a process
/// that has waited long then finds the lock free less often than a process that has just begun to wait.
const PAUSES_MS: [u64; 4] = [1, 1, 2, 2];

/// Each later pause.
const LAST_PAUSE_MS: u64 = 5;

thread_local! {
    /// The time at which this thread began to wait for a lock; `None` while it does not wait.
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
    /// The length of the last wait that timed out.
    static WAITED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    /// Whether the last wait ended because the operating system refused the lock.
    static REFUSED: Cell<bool> = const { Cell::new(false) };
}

/// The error of a file system that has no locks or has run out of them.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error(
    "the file system gives no locks (ENOLCK), without which programs damage the database: mount it with locks, or put the \
     database on a local disk"
)]
pub(super) struct NoLocks;

/// Sleeps before the next attempt to take a lock. Returns `false` if there must be no further attempt: after the
/// timeout, or if the operating system refuses locks. `tried` counts the attempts for this lock from 0.
pub(super) fn wait(tried: u32, timeout: Duration) -> bool {
    let began = match BEGAN.get().filter(|_| tried > 0) {
        Some(began) => began,
        None => Instant::now(),
    };
    BEGAN.set(Some(began));
    let waited = began.elapsed();
    // SQLite reports a lock that the operating system refuses as held by another program. Waiting does not help then.
    let refused = take_no_locks();
    REFUSED.set(refused);
    if refused || waited >= timeout {
        WAITED.set(waited);
        return false;
    }
    let pause = PAUSES_MS.get(tried as usize).copied().unwrap_or(LAST_PAUSE_MS);
    std::thread::sleep(Duration::from_millis(pause).min(timeout - waited));
    true
}

/// The length of this thread's wait for the last lock that it did not get; zero if it got all locks since the last
/// call.
pub(super) fn take_waited() -> Duration {
    WAITED.take()
}

/// Returns whether the operating system refused the last lock that this thread did not get.
pub(super) fn take_refusal() -> bool {
    REFUSED.take() | take_no_locks()
}

/// Forgets the refusal of a lock that does not belong to SQLite, such as the fair lock.
pub(super) fn forget_refusal() {
    take_refusal();
}
