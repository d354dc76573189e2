//! Threads that wait for a worker and may run async tasks.

/// Whether this thread may block: not where it alone runs the tasks of a current-thread runtime or of a `LocalSet`.
#[cfg(feature = "tokio")]
pub(super) fn may_block() -> bool {
    // tokio tells such a thread from one of `spawn_blocking` by a panic alone.
    tokio::runtime::Handle::try_current().is_err() || fieldfen_domain::catch_panic(|| block_in_place(|| ())).is_ok()
}

/// Lets another thread of a multi-thread runtime run this one's tasks while `f` blocks.
#[cfg(feature = "tokio")]
pub(super) use tokio::task::block_in_place;

#[cfg(not(feature = "tokio"))]
pub(super) const fn may_block() -> bool {
    true
}

#[cfg(not(feature = "tokio"))]
pub(super) fn block_in_place<T>(f: impl FnOnce() -> T) -> T {
    f()
}
