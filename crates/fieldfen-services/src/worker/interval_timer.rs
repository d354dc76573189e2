//! Work that recurs at an interval of the environment's clock.

use std::time::Duration;

use fieldfen_domain::Timestamp;

/// The time at which recurring work was last done, and its interval.
pub(super) struct IntervalTimer {
    interval: Duration,
    last: Option<Timestamp>,
}

impl IntervalTimer {
    /// Work that is due at once and then at this interval.
    pub(super) const fn new(interval: Duration) -> Self {
        Self { interval, last: None }
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.time_left(now).is_zero()
    }

    /// The time until the work is due. If the clock was set back, the work is due at once.
    pub(super) fn time_left(&self, now: Timestamp) -> Duration {
        let passed = self.last.and_then(|last| now.signed_duration_since(last).to_std().ok());
        passed.map_or(Duration::ZERO, |passed| self.interval.saturating_sub(passed))
    }

    pub(super) const fn mark_done(&mut self, now: Timestamp) {
        self.last = Some(now);
    }
}
