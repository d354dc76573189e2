//! Until when an operation waits for others, in this process and in others.

use std::time::{Duration, Instant};

use fieldfen_domain::store::{Source, StoreError};

use super::settings::milliseconds;

/// The end of all waiting of one operation, taken together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    began: Instant,
    timeout: Duration,
}

impl Deadline {
    /// So long from now.
    pub(super) fn after(timeout: Duration) -> Self {
        Self { began: Instant::now(), timeout }
    }

    /// Runs work of the operation's own, which is no wait: the end is so much later.
    pub(super) fn without<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let done = work();
        self.began = self.began.checked_add(began.elapsed()).unwrap_or(self.began);
        done
    }

    /// The time that is left.
    pub(super) fn left(&self) -> Duration {
        self.timeout.saturating_sub(self.began.elapsed())
    }

    pub(super) fn is_over(&self) -> bool {
        self.left().is_zero()
    }

    /// The moment, unless it lies beyond the end of the clock.
    pub(super) fn at(&self) -> Option<Instant> {
        self.began.checked_add(self.timeout)
    }

    /// How long is waited at the most, from the beginning.
    pub(super) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// How long was waited.
    pub(super) fn waited_ms(&self) -> u64 {
        milliseconds(self.began.elapsed())
    }

    /// The error of an operation that has waited in vain.
    pub(super) fn busy(&self, source: impl Into<Source>) -> StoreError {
        StoreError::Busy { waited_ms: self.waited_ms(), source: source.into() }
    }

    /// The error of an operation that no connection became free for.
    pub(super) fn unavailable(&self, source: impl Into<Source>) -> StoreError {
        StoreError::Unavailable { waited_ms: self.waited_ms(), source: source.into() }
    }

    /// The same result; an error that finds the database busy says how long the operation has waited in all.
    pub(super) fn told<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        result.map_err(|error| match error {
            StoreError::Busy { source, .. } => self.busy(source),
            other => other,
        })
    }
}
