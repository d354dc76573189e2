//! The deadline of one operation, which covers all its waits for other threads and other processes.

use std::time::{Duration, Instant};

use fieldfen_domain::store::{Source, StoreError};

use super::error::milliseconds;

/// The time that one operation may spend waiting, over all its waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    began: Instant,
    timeout: Duration,
}

impl Deadline {
    /// A deadline whose time begins now.
    pub(super) fn after(timeout: Duration) -> Self {
        Self { began: Instant::now(), timeout }
    }

    /// Runs work of the operation itself. The deadline moves by the time of that work, which is no wait.
    pub(super) fn without<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let done = work();
        self.began = self.began.checked_add(began.elapsed()).unwrap_or(self.began);
        done
    }

    /// The time that is left; zero when the deadline has passed.
    pub(super) fn left(&self) -> Duration {
        self.timeout.saturating_sub(self.began.elapsed())
    }

    pub(super) fn is_over(&self) -> bool {
        self.left().is_zero()
    }

    /// The time of the deadline; `None` if the clock cannot express it.
    pub(super) fn at(&self) -> Option<Instant> {
        self.began.checked_add(self.timeout)
    }

    /// The longest wait, counted from the beginning.
    pub(super) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The time since the beginning, in milliseconds, without the operation's own work.
    pub(super) fn waited_ms(&self) -> u64 {
        milliseconds(self.began.elapsed())
    }

    /// The error of an operation whose wait for a lock has timed out.
    pub(super) fn busy(&self, source: impl Into<Source>) -> StoreError {
        StoreError::Busy { waited_ms: self.waited_ms(), source: source.into() }
    }

    /// The error of an operation that got no connection in time.
    pub(super) fn unavailable(&self, source: impl Into<Source>) -> StoreError {
        StoreError::Unavailable { waited_ms: self.waited_ms(), source: source.into() }
    }

    /// Replaces the wait in a [`StoreError::Busy`] with the total wait of the operation. Other results stay as they
    /// are.
    pub(super) fn with_total_wait<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        result.map_err(|error| match error {
            StoreError::Busy { source, .. } => self.busy(source),
            other => other,
        })
    }
}
