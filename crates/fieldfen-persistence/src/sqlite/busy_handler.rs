//! The busy handler of every connection: waits for SQLite's locks, and measures the wait.
//!
//! SQLite's own handler does not tell how long it has waited before a statement failed with `SQLITE_BUSY`.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::system_error::take_no_locks;

/// The sleeps before the first tries of a lock. SQLite's own handler sleeps up to 100 ms at a time: a process that has
/// waited for long then finds the lock free less often than one that has just begun to wait.
const PAUSES_MS: [u64; 4] = [1, 1, 2, 2];

/// Each later sleep.
const LAST_PAUSE_MS: u64 = 5;

thread_local! {
    /// When this thread began to wait for a lock.
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
    /// How long it had waited when the wait timed out.
    static WAITED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    /// Whether the wait ended because the system refused the lock.
    static REFUSED: Cell<bool> = const { Cell::new(false) };
}

/// The error of a file system that has no locks, or none left.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error(
    "the file system gives no locks (ENOLCK), without which programs damage the database: mount it with locks, or put the \
     database on a local disk"
)]
pub(super) struct NoLocks;

/// Sleeps before the next try of a lock. Returns `false` when the lock must not be tried again: after the timeout, or
/// when the system refuses locks. `tried` counts the tries of this lock from 0.
pub(super) fn wait(tried: u32, timeout: Duration) -> bool {
    let began = match BEGAN.get().filter(|_| tried > 0) {
        Some(began) => began,
        None => Instant::now(),
    };
    BEGAN.set(Some(began));
    let waited = began.elapsed();
    // SQLite reports a lock that the system refuses as held by another program, and no wait changes that.
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

/// How long this thread waited for the last lock that it did not get; zero if it got all locks since the last call.
pub(super) fn take_waited() -> Duration {
    WAITED.take()
}

/// Whether the system refused the last lock that this thread did not get.
pub(super) fn take_refusal() -> bool {
    REFUSED.take() | take_no_locks()
}

/// Forgets the refusal of a lock that is not SQLite's, such as the fair lock.
pub(super) fn forget_refusal() {
    take_refusal();
}
