//! Waits for commits.

use std::fmt;
use std::time::Duration;

use super::StoreError;

/// Waits for commits. [`Store::watch`](super::Store::watch) makes it. A wait also returns for a commit that came after
/// the watch was made or after the last wait, even if that was before the wait began.
pub trait Watch: Send {
    /// Waits until there was a commit, the timeout has passed or the watch is closed. Returns whether there was a
    /// commit.
    ///
    /// # Errors
    /// [`StoreError`] if the store can no longer be watched.
    fn wait(&mut self, timeout: Duration) -> Result<bool, StoreError>;

    /// Returns a handle that closes this watch from another thread, so that a stopping worker need not wait for a
    /// commit.
    fn closer(&self) -> WatchCloser;
}

/// Closes a [`Watch`]: its present wait and all later ones end at once.
pub struct WatchCloser(Box<dyn Fn() + Send + Sync>);

impl WatchCloser {
    /// Makes a handle. A store passes a closure that ends the waits of one watch.
    pub fn new(close: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Box::new(close))
    }

    /// Closes the watch. This has no effect on a watch that is closed or dropped.
    pub fn close(&self) {
        (self.0)();
    }
}

impl fmt::Debug for WatchCloser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WatchCloser").finish_non_exhaustive()
    }
}
