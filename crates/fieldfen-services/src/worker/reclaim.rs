//! Reclaims jobs whose leases have expired.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use fieldfen_domain::Timestamp;
use fieldfen_domain::job::ReclaimReport;
use fieldfen_domain::store::{Store, StoreError};

use super::context::Context;
use super::heartbeat;
use super::interval_timer::IntervalTimer;

/// The largest number of jobs that one transaction reclaims.
const BATCH: u32 = 100;

/// The longest time between two looks at expired leases.
const AT_LEAST_EVERY: Duration = Duration::from_secs(5);

/// A clock was set if it differs from the time that has passed by more than this.
const SET_CLOCK: TimeDelta = TimeDelta::minutes(1);

/// A clock has leapt if it is ahead of the time that has passed by more than this. The leap may have expired the leases
/// of living workers, whatever the lease of this worker is.
const LEAP: Duration = Duration::from_secs(1);

/// Within this time after a leap, every living worker has extended its leases: it looks at the clock twice a second.
const HOLDERS_EXTEND: Duration = Duration::from_secs(5);

/// Within this time after the clock was set, every living worker has extended its leases: heartbeats come at least
/// every five seconds, and at once after the clock was set back.
const LEASES_EXTENDED: Duration = Duration::from_secs(10);

/// Reclaims jobs, but never from a living worker because the clock has leapt.
///
/// If a machine has slept or its clock was put forward, all leases expire at once although their workers are alive. A
/// worker therefore extends its own leases before it reclaims jobs of others, and after a leap it waits until other
/// processes have sent a heartbeat.
///
/// After a clock was set back, leases seem to end far in the future. They are only reclaimed by a worker whose clock
/// has been steady for so long that every living worker has extended its leases since.
pub(super) struct Reclaim {
    timer: IntervalTimer,
    lease: Duration,
    /// The clock, and the monotonic time, at the last look.
    looked: Option<(Timestamp, Instant)>,
    not_before: Option<Instant>,
    /// The time since which the clock has been steady, as far as this worker knows.
    steady_since: Instant,
    /// Whether the last batch was full.
    more: bool,
}

impl Reclaim {
    pub(super) fn new(lease: Duration) -> Self {
        let every = (lease / 4).clamp(Duration::from_millis(10), AT_LEAST_EVERY);
        Self {
            timer: IntervalTimer::new(every),
            lease,
            looked: None,
            not_before: None,
            steady_since: Instant::now(),
            more: false,
        }
    }

    /// Returns whether more jobs can be reclaimed at once.
    pub(super) const fn has_more(&self) -> bool {
        self.more
    }

    /// The time until the next look is due.
    pub(super) fn left(&self, now: Timestamp) -> Duration {
        if self.more {
            return Duration::ZERO;
        }
        let postponed = self.not_before.map(|time| time.saturating_duration_since(Instant::now()));
        self.timer.time_left(now).max(postponed.unwrap_or_default())
    }

    /// Reclaims one batch of jobs with expired leases, if a look is due.
    pub(super) fn when_due<S: Store>(&mut self, context: &Context<S>, now: Timestamp) -> Result<(), StoreError> {
        self.look(now, Instant::now());
        if !self.left(now).is_zero() {
            return Ok(());
        }
        self.timer.mark_done(now);
        self.not_before = None;
        self.more = false;
        heartbeat::extend(context, &context.slots.in_hand())?;
        // The earlier time of both: with it, a lease that was just extended never looks expired, even if the clock
        // leaps.
        let expired_at = now.min(context.queue.environment().now());
        let steady = self.steady_since.elapsed() >= LEASES_EXTENDED;
        let ReclaimReport { jobs, unreadable, rewritten, shortened, .. } =
            context.queue.reclaim_expired(expired_at, BATCH, steady)?;
        for lost in &jobs {
            let (job, worker) = (&lost.job, lost.worker.as_deref().unwrap_or("unknown"));
            let reason = job.last_error.as_deref().unwrap_or_default();
            log!(WARN, id = %job.id, kind = %job.kind, worker, reason, "job reclaimed");
        }
        if !jobs.is_empty() {
            context.settings.metrics.jobs_reclaimed(jobs.len());
        }
        if shortened > 0 {
            log!(WARN, jobs = shortened, "waits shortened after a clock that was ahead");
        }
        self.more = !jobs.is_empty() || !unreadable.is_empty() || rewritten > 0 || shortened > 0;
        Ok(())
    }

    /// Compares the clock with the time that has passed.
    fn look(&mut self, now: Timestamp, instant: Instant) {
        let Some((then, before)) = self.looked.replace((now, instant)) else { return };
        let passed = instant.saturating_duration_since(before);
        let moved = now.signed_duration_since(then);
        let drift = TimeDelta::from_std(passed).ok().and_then(|passed| moved.checked_sub(&passed));
        if drift.is_none_or(|drift| drift.abs() > SET_CLOCK) {
            self.steady_since = instant;
        }
        if let Ok(moved) = moved.to_std()
            && moved.saturating_sub(passed) > LEAP.min(self.lease / 3)
        {
            log!(WARN, ?moved, "clock leapt ahead: reclaiming paused");
            self.not_before = instant.checked_add(HOLDERS_EXTEND);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leap_of_the_clock_postpones_the_reclaim_until_others_have_extended_leases_of_any_length() {
        for lease in [1, 60, 86_400].map(Duration::from_secs) {
            let mut reclaim = Reclaim::new(lease);
            let (start, began) = (Timestamp::UNIX_EPOCH, Instant::now());
            reclaim.look(start, began);
            // A clock that is steady, falls behind or is set back has not leapt.
            for (clock, passed) in
                [(3_600_000, 3_600_000), (3_600_300, 3_600_000), (3_700_000, 3_700_000), (10, 3_710_000)]
            {
                reclaim.look(start + Duration::from_millis(clock), began + Duration::from_millis(passed));
                assert_eq!(reclaim.not_before, None, "{clock} ms after {passed} ms, lease {lease:?}");
            }
            let instant = began + Duration::from_secs(3711);
            reclaim.look(start + Duration::from_secs(4), instant);
            assert_eq!(reclaim.not_before, Some(instant + HOLDERS_EXTEND), "lease {lease:?}");
        }
    }

    #[test]
    fn a_clock_is_steady_until_it_is_set_forward_or_back() {
        let mut reclaim = Reclaim::new(Duration::from_secs(60));
        let (start, began) = (Timestamp::UNIX_EPOCH + Duration::from_secs(1_000_000), Instant::now());
        reclaim.look(start, began);
        let mut passed = 0;
        for (moved, is_set) in [(10, false), (-40, false), (70, false), (80, true), (-62, true), (-1_000_000, true)] {
            let before = reclaim.steady_since;
            let (then, _) = reclaim.looked.unwrap();
            passed += 10;
            let instant = began + Duration::from_secs(passed);
            reclaim.look(then + TimeDelta::seconds(moved), instant);
            assert_eq!(reclaim.steady_since, if is_set { instant } else { before }, "{moved} s in 10 s");
        }
    }
}
