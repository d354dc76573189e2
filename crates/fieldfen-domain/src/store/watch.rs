//! Waiting for commits.

use std::fmt;
use std::time::Duration;

use super::StoreError;

/// Waits for commits. [`Store::watch`](super::Store::watch) makes it. A wait also returns for a commit that was made before
/// it began, after the watch was made or after the last wait.
pub trait Watch: Send {
    /// Waits until something has been committed, the time is over or the watch is closed, and says whether something was
    /// committed.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be watched any more.
    fn wait(&mut self, timeout: Duration) -> Result<bool, StoreError>;

    /// Returns what closes this watch from another thread, so that a worker that stops need not wait for a commit.
    fn closer(&self) -> WatchCloser;
}

/// Closes a [`Watch`]: the wait that is under way and each later one end at once.
pub struct WatchCloser(Box<dyn Fn() + Send + Sync>);

impl WatchCloser {
    /// A store makes it from what ends the waits of one watch.
    pub fn new(close: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Box::new(close))
    }

    /// Closes the watch. It has no effect on a watch that is closed or gone.
    pub fn close(&self) {
        (self.0)();
    }
}

impl fmt::Debug for WatchCloser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WatchCloser").finish_non_exhaustive()
    }
}
