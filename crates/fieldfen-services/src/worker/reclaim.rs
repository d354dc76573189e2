//! When and how a worker takes back jobs whose leases have run out.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use fieldfen_domain::Timestamp;
use fieldfen_domain::job::ReclaimReport;
use fieldfen_domain::store::{Store, StoreError};

use super::context::Context;
use super::heartbeat;
use super::interval_timer::IntervalTimer;

/// How many expired leases are taken back in one transaction.
const BATCH: u32 = 100;

/// The longest time between two looks at expired leases.
const AT_LEAST_EVERY: Duration = Duration::from_secs(5);

/// A clock that moves by so much more or less than the time that passes has been set.
const SET_CLOCK: TimeDelta = TimeDelta::minutes(1);

/// A clock that moves ahead by so much more than the time that passes has leapt: it may have ended leases of holders that
/// live, whatever the leases of this worker are.
const LEAP: Duration = Duration::from_secs(1);

/// Within so long after a leap every worker that lives has extended its leases: each looks at the clock twice a second.
const HOLDERS_EXTEND: Duration = Duration::from_secs(5);

/// So long after the clock was set every worker that lives has extended its leases: heartbeats come at least every five
/// seconds, and at once when the clock was set back.
const LEASES_EXTENDED: Duration = Duration::from_secs(10);

/// Takes jobs back, but never from a worker whose only fault is that the clock has leapt.
///
/// A machine that slept, or whose clock was put forward, has every lease expired at one stroke although their holders
/// are alive. So a worker extends its own leases before it takes back others', and after a leap leaves the other
/// processes the time for a heartbeat.
///
/// A clock that is set back leaves leases that seem to end far in the future. They are taken back only by a worker whose
/// clock has gone along with the time for so long that everyone who lives has extended them since.
pub(super) struct Reclaim {
    timer: IntervalTimer,
    lease: Duration,
    /// What the clock, and the time that has really passed, were at the last look.
    looked: Option<(Timestamp, Instant)>,
    not_before: Option<Instant>,
    /// Since when the clock has gone along with the time, as far as this worker knows.
    steady_since: Instant,
    /// The last batch was full.
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

    /// Whether there is more to be taken back at once.
    pub(super) const fn has_more(&self) -> bool {
        self.more
    }

    /// How long until it is due.
    pub(super) fn left(&self, now: Timestamp) -> Duration {
        if self.more {
            return Duration::ZERO;
        }
        let postponed = self.not_before.map(|time| time.saturating_duration_since(Instant::now()));
        self.timer.time_left(now).max(postponed.unwrap_or_default())
    }

    /// Takes back one batch of what has expired, when it is time.
    pub(super) fn when_due<S: Store>(&mut self, context: &Context<S>, now: Timestamp) -> Result<(), StoreError> {
        self.look(now, Instant::now());
        if !self.left(now).is_zero() {
            return Ok(());
        }
        self.timer.mark_done(now);
        self.not_before = None;
        self.more = false;
        heartbeat::extend(context, &context.slots.in_hand())?;
        // The time from before the heartbeat, so that a lease that was just extended never looks expired, even if the clock
        // leaps.
        let expired_at = now.min(context.queue.environment().now());
        let steady = self.steady_since.elapsed() >= LEASES_EXTENDED;
        let ReclaimReport { jobs, unreadable, rewritten, shortened, .. } =
            context.queue.reclaim_expired(expired_at, BATCH, steady)?;
        for lost in &jobs {
            let (job, worker) = (&lost.job, lost.worker.as_deref().unwrap_or("unknown"));
            let reason = job.last_error.as_deref().unwrap_or_default();
            log!(WARN, id = %job.id, kind = %job.kind, worker, reason, "job reclaimed: its lease had expired");
        }
        if !jobs.is_empty() {
            context.settings.metrics.jobs_reclaimed(jobs.len());
        }
        if shortened > 0 {
            log!(WARN, jobs = shortened, "waits shortened: a clock that was ahead had set them");
        }
        self.more = !jobs.is_empty() || !unreadable.is_empty() || rewritten > 0 || shortened > 0;
        Ok(())
    }

    /// Notices when the clock has moved otherwise than the time that has passed.
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
            log!(WARN, ?moved, "clock leapt ahead: reclaiming waits until other workers have extended their leases");
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
            // A clock that goes along with the time, falls behind, or is set back, is no leap.
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
