//! The time at which a failed job runs again.

use std::time::Duration;

use super::on_worker_death::OnWorkerDeath;

/// The default number of retries of a job, by the specification.
pub const DEFAULT_MAX_RETRIES: u32 = 5;

/// Exponential backoff with jitter and a cap.
///
/// The wait before retry `n` (1 for the first) is drawn evenly from the upper half of `base · 2^(n-1)`, cut to `cap`.
/// Jobs that failed together are therefore not retried together. A base or cap below that of [`Backoff::LEAST`] is
/// raised to it, so that no job is retried at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backoff {
    /// The longest first wait.
    pub base: Duration,
    /// The longest wait of all retries.
    pub cap: Duration,
}

impl Default for Backoff {
    /// A first wait of 5 to 10 seconds, and a cap of an hour.
    fn default() -> Self {
        Self { base: Duration::from_secs(10), cap: Duration::from_secs(3600) }
    }
}

/// The number of retries of a job, the waits before them, and the consequence of a worker's death.
///
/// The number of retries and the consequence are stored with the job when it is enqueued. A job without a consequence
/// gets that of the worker that claims it. The waits are those of the worker that runs the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// The waits before the retries.
    pub backoff: Backoff,
    /// The number of retries before the job fails for good.
    pub max_retries: u32,
    /// The consequence for a job if its worker dies; `None` if the policy has no rule for it.
    pub on_worker_death: Option<OnWorkerDeath>,
}

impl Default for RetryPolicy {
    /// 5 retries with the default waits, and no rule for the death of a worker.
    fn default() -> Self {
        Self::new(Backoff::default(), DEFAULT_MAX_RETRIES)
    }
}

impl RetryPolicy {
    /// A policy with these waits and this number of retries, and no rule for the death of a worker.
    #[must_use]
    pub const fn new(backoff: Backoff, max_retries: u32) -> Self {
        Self { backoff, max_retries, on_worker_death: None }
    }

    /// Sets the waits.
    #[must_use]
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Sets the number of retries.
    #[must_use]
    pub const fn max_retries(mut self, max_retries: u32) -> Self {
        self.max_retries = max_retries;
        self
    }

    /// Sets the consequence for a job if its worker dies.
    #[must_use]
    pub fn on_worker_death(mut self, consequence: impl Into<Option<OnWorkerDeath>>) -> Self {
        self.on_worker_death = consequence.into();
        self
    }
}

impl Backoff {
    /// Waits of at most `base` before the first retry and at most `cap` before any retry.
    #[must_use]
    pub const fn new(base: Duration, cap: Duration) -> Self {
        Self { base, cap }
    }

    /// The shortest waits: 100 to 200 milliseconds before the first retry, and a cap of a minute. They keep a job from
    /// running again at once.
    pub const LEAST: Self = Self { base: Duration::from_millis(200), cap: Duration::from_secs(60) };

    /// The wait before retry number `retry`, counted from 1. `random` is any evenly distributed number.
    #[must_use]
    pub fn delay(&self, retry: u32, random: u64) -> Duration {
        let doublings = retry.saturating_sub(1).min(63);
        let base = self.base.max(Self::LEAST.base);
        let cap = if self.cap < Self::LEAST.base { Self::LEAST.cap } else { self.cap };
        let longest = u64::try_from(base.as_micros())
            .unwrap_or(u64::MAX)
            .saturating_mul(1 << doublings)
            .min(u64::try_from(cap.as_micros()).unwrap_or(u64::MAX));
        let shortest = longest / 2;
        let width = u128::from(longest - shortest) + 1;
        let jitter = (u128::from(random) * width) >> 64;
        Duration::from_micros(shortest + u64::try_from(jitter).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_jitter_fills_the_upper_half() {
        let backoff = Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(10) };
        for (retry, longest) in [(0, 2), (1, 2), (2, 4), (3, 8), (4, 10), (40, 10), (u32::MAX, 10)] {
            assert_eq!(backoff.delay(retry, 0), Duration::from_secs(longest) / 2, "shortest of retry {retry}");
            assert_eq!(backoff.delay(retry, u64::MAX), Duration::from_secs(longest), "longest of retry {retry}");
        }
        let middle = backoff.delay(1, u64::MAX / 2);
        assert!(middle > Duration::from_millis(1490) && middle < Duration::from_millis(1510), "{middle:?}");
    }

    #[test]
    fn extreme_policies_do_not_overflow() {
        let endless = Backoff { base: Duration::MAX, cap: Duration::MAX };
        assert!(endless.delay(u32::MAX, u64::MAX) > Duration::from_secs(1));
    }

    #[test]
    fn a_backoff_without_waits_has_the_least_ones() {
        let (none, short) = (Duration::ZERO, Duration::from_millis(199));
        for backoff in [Backoff { base: none, cap: none }, Backoff { base: short, cap: short }] {
            for retry in [1, 2, 5, 9, 10, 1000] {
                for random in [0, u64::MAX / 3, u64::MAX] {
                    assert_eq!(backoff.delay(retry, random), Backoff::LEAST.delay(retry, random));
                }
            }
        }
        assert_eq!(Backoff::LEAST.delay(1, 0), Duration::from_millis(100));
        assert_eq!(Backoff::LEAST.delay(1000, u64::MAX), Duration::from_secs(60));
        let capped = Backoff { base: none, cap: Duration::from_secs(1) };
        assert_eq!([1, 2, 3, 4].map(|retry| capped.delay(retry, u64::MAX).as_millis()), [200, 400, 800, 1000]);
    }
}
