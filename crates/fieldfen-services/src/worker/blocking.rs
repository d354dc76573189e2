//! Blocking waits on threads that may run async tasks.

/// Returns whether this thread may block. It may not if it alone runs the tasks of a current-thread runtime or of a
/// `LocalSet`.
#[cfg(feature = "tokio")]
pub(super) fn may_block() -> bool {
    // tokio distinguishes such a thread from one of `spawn_blocking` only by a panic.
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
