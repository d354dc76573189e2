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

    /// The time that is left.
    pub(super) fn left(&self) -> Duration {
        self.timeout.saturating_sub(self.began.elapsed())
    }

    pub(super) fn is_over(&self) -> bool {
        self.began.elapsed() >= self.timeout
    }

    /// The moment, unless it lies beyond the end of the clock.
    pub(super) fn at(&self) -> Option<Instant> {
        self.began.checked_add(self.timeout)
    }

    /// How long was waited.
    pub(super) fn waited_ms(&self) -> u64 {
        milliseconds(self.began.elapsed())
    }

    /// The error of an operation that has waited in vain.
    pub(super) fn busy(&self, source: impl Into<Source>) -> StoreError {
        StoreError::Busy { waited_ms: self.waited_ms(), source: source.into() }
    }
}
