//! When and how a worker takes back jobs whose leases have run out.

use std::time::{Duration, Instant};

use fieldfen_domain::Timestamp;
use fieldfen_domain::job::TakenBack;
use fieldfen_domain::store::{Store, StoreError};

use super::builder::Shared;
use super::dispatcher::Cadence;
use super::heartbeat;

/// How many expired leases are taken back in one transaction.
const BATCH: u32 = 100;

/// The longest time between two looks at expired leases.
const AT_LEAST_EVERY: Duration = Duration::from_secs(15);

/// Takes jobs back, but never from a worker whose only fault is that the clock has leapt.
///
/// A machine that slept, or whose clock was put forward, has every lease expired at one stroke although their holders
/// are alive. So a worker extends its own leases before it takes back others', and after a leap leaves the other
/// processes the time for a heartbeat.
pub(super) struct Reclaim {
    cadence: Cadence,
    lease: Duration,
    /// What the clock, and the time that has really passed, were at the last look.
    looked: Option<(Timestamp, Instant)>,
    not_before: Option<Instant>,
}

impl Reclaim {
    pub(super) fn new(lease: Duration) -> Self {
        let every = (lease / 4).clamp(Duration::from_millis(10), AT_LEAST_EVERY);
        Self { cadence: Cadence::new(every), lease, looked: None, not_before: None }
    }

    /// How long until it is due.
    pub(super) fn left(&self, now: Timestamp) -> Duration {
        let postponed = self.not_before.map(|time| time.saturating_duration_since(Instant::now()));
        self.cadence.left(now).max(postponed.unwrap_or_default())
    }

    /// Takes back what has expired, when it is time.
    pub(super) fn when_due<S: Store>(&mut self, shared: &Shared<S>, now: Timestamp) -> Result<(), StoreError> {
        self.look(now, Instant::now());
        if !self.left(now).is_zero() {
            return Ok(());
        }
        self.cadence.done(now);
        self.not_before = None;
        heartbeat::extend(shared, &shared.floor.in_hand())?;
        // As of before the heartbeat: what it has extended had not expired by then, wherever the clock goes.
        let expired_at = now.min(shared.queue.environment().now());
        loop {
            let TakenBack { jobs, unreadable } = shared.queue.reclaim_expired(expired_at, BATCH)?;
            for lost in &jobs {
                let (job, worker) = (&lost.job, lost.worker.as_deref().unwrap_or("unknown"));
                log!(WARN, id = %job.id, kind = %job.kind, worker, "took a job back whose lease had run out");
            }
            if !jobs.is_empty() {
                shared.settings.metrics.jobs_reclaimed(jobs.len());
            }
            if (jobs.is_empty() && unreadable.is_empty()) || shared.floor.is_stopping() {
                return Ok(());
            }
        }
    }

    /// Notices when the clock has moved further than the time that has passed.
    fn look(&mut self, now: Timestamp, instant: Instant) {
        let interval = heartbeat::interval(self.lease);
        if let Some((then, before)) = self.looked.replace((now, instant))
            && let Ok(moved) = now.signed_duration_since(then).to_std()
            && moved.saturating_sub(instant.saturating_duration_since(before)) > self.lease / 3
        {
            log!(WARN, ?moved, "the clock has leapt; other workers are given time to extend their leases");
            self.not_before = instant.checked_add(interval);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leap_of_the_clock_postpones_the_reclaim_by_a_heartbeat() {
        let lease = Duration::from_secs(60);
        let mut reclaim = Reclaim::new(lease);
        let (start, began) = (Timestamp::UNIX_EPOCH, Instant::now());
        reclaim.look(start, began);
        // A clock that goes along with the time, falls behind, or is set back, is no leap.
        for (clock, passed) in [(3600, 3600), (3620, 3600), (3630, 3700), (10, 3710)] {
            reclaim.look(start + Duration::from_secs(clock), began + Duration::from_secs(passed));
            assert_eq!(reclaim.not_before, None, "{clock} s after {passed} s");
        }
        let instant = began + Duration::from_secs(3711);
        reclaim.look(start + Duration::from_secs(32), instant);
        assert_eq!(reclaim.not_before, Some(instant + heartbeat::interval(lease)));
    }
}
