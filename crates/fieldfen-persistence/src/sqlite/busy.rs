//! Waiting for SQLite's locks, and how long was waited.
//!
//! SQLite's own handler does not tell how long it has waited before a statement failed as busy.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::system_error::take_no_locks;

/// How long to sleep before a lock is tried again, each time; afterwards always the last one. These are SQLite's own.
const PAUSES_MS: [u64; 12] = [1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100];

thread_local! {
    /// When this thread began to wait for a lock.
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
    /// How long it had waited when it gave up.
    static WAITED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    /// Whether it gave up because the system refused the lock.
    static REFUSED: Cell<bool> = const { Cell::new(false) };
}

/// The file system has no locks, or none left.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error(
    "the file system gives no locks (ENOLCK), without which programs damage the database: mount it with locks, or put the \
     database on a local disk"
)]
pub(super) struct NoLocks;

/// Sleeps before the lock is tried once more, and says whether it is to be tried; `tried` counts from 0 for each lock.
pub(super) fn wait(tried: u32, timeout: Duration) -> bool {
    let began = match BEGAN.get().filter(|_| tried > 0) {
        Some(began) => began,
        None => Instant::now(),
    };
    BEGAN.set(Some(began));
    let waited = began.elapsed();
    // To wait is of no use: SQLite takes a lock that the system refuses for one that somebody else holds.
    let refused = take_no_locks();
    REFUSED.set(refused);
    if refused || waited >= timeout {
        WAITED.set(waited);
        return false;
    }
    let pause = PAUSES_MS.get(tried as usize).copied().unwrap_or(100);
    std::thread::sleep(Duration::from_millis(pause).min(timeout - waited));
    true
}

/// How long this thread has waited before it gave up a lock; zero when it has not since it was last asked.
pub(super) fn take_waited() -> Duration {
    WAITED.take()
}

/// Whether the last lock that this thread did not get was refused by the system.
pub(super) fn take_refusal() -> bool {
    REFUSED.take() | take_no_locks()
}

/// Forgets a refusal of another lock than SQLite's.
pub(super) fn forget_refusal() {
    take_refusal();
}
