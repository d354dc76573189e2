//! Decides when SQLite is asked for commits of other processes.

use std::time::{Duration, Instant};

use super::data_version::Look;

/// The shortest and the longest time between two looks that follow events. If a database is written all the time, its
/// workers look as often as workers without events.
const SPACING: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(10));

/// The events of the files beside the database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ObservedEvents {
    /// A process has committed a change that may make a job due.
    pub(super) touched: bool,
    /// A process writes the log, and a commit may follow. Reported once, until the log is watched again.
    pub(super) log_written: bool,
    /// The store has been dropped.
    pub(super) stopped: bool,
}

/// Computes the time of the next look.
#[derive(Debug)]
pub(super) struct LookSchedule {
    /// The time between two looks without events.
    interval: Duration,
    /// The time after a write to the log during which looks follow each other.
    after_write: Duration,
    /// The time of the last look; `None` if a look is due at once.
    looked: Option<Instant>,
    /// The time at which a commit was announced; `None` if a look has followed.
    announced: Option<Instant>,
    announcements: Pace,
    /// The end of the looks after a write to the log, and the time between two of them; `None` if the log was not
    /// written.
    looks_until: Option<Instant>,
    log_look: Option<Instant>,
    log_spacing: Duration,
    log_writes: Pace,
}

/// Makes looks rarer if their reasons follow each other closely.
#[derive(Debug)]
struct Pace {
    last: Option<Instant>,
    spacing: Duration,
}

impl Pace {
    const fn new() -> Self {
        Self { last: None, spacing: SPACING.0 }
    }

    /// The earliest time of the next look.
    fn earliest(&self, now: Instant) -> Instant {
        self.last.map_or(now, |last| (last + self.spacing).max(now))
    }

    fn count(&mut self, now: Instant) {
        let (shortest, longest) = SPACING;
        let is_close = self.last.is_some_and(|last| now.saturating_duration_since(last) < 2 * self.spacing);
        self.spacing = if is_close { (2 * self.spacing).min(longest) } else { shortest };
        self.last = Some(now);
    }
}

impl LookSchedule {
    /// Makes a schedule whose first look is due at once.
    pub(super) const fn new(interval: Duration, after_write: Duration) -> Self {
        Self {
            interval,
            after_write,
            looked: None,
            announced: None,
            announcements: Pace::new(),
            looks_until: None,
            log_look: None,
            log_spacing: SPACING.0,
            log_writes: Pace::new(),
        }
    }

    /// Changes the time between two looks without events. The next look is due at once.
    pub(super) const fn set_interval(&mut self, interval: Duration) {
        self.interval = interval;
        self.looked = None;
    }

    /// The time until the next look is due; zero if it is due now.
    pub(super) fn until_next(&self, now: Instant) -> Duration {
        let Some(looked) = self.looked else { return Duration::ZERO };
        let due = [self.announced, self.log_look].into_iter().flatten().fold(looked + self.interval, Instant::min);
        due.saturating_duration_since(now)
    }

    /// Returns whether a look at an announced commit is due, now or later. Further events then bring no look forward.
    pub(super) const fn is_announced(&self) -> bool {
        self.announced.is_some()
    }

    /// Brings looks forward after events.
    pub(super) fn told(&mut self, told: ObservedEvents, now: Instant) {
        if told.touched {
            self.announced.get_or_insert(self.announcements.earliest(now));
        }
        if told.log_written {
            self.looks_until = Some(now + self.after_write);
            self.log_writes.count(now);
            self.log_spacing = self.log_writes.spacing;
            let earliest = self.looked.map_or(now, |looked| looked + self.log_spacing).max(now + SPACING.0);
            self.log_look = Some(self.log_look.map_or(earliest, |look| look.min(earliest)));
        }
    }

    /// Records a look and its result.
    pub(super) fn looked(&mut self, look: Look, now: Instant) {
        self.looked = Some(now);
        if self.announced.take().is_some() {
            self.announcements.count(now);
            if look == Look::Unknown {
                self.announced = Some(self.announcements.earliest(now));
            }
        }
        if look == Look::Unknown {
            self.looks_until = Some(now + self.after_write);
        }
        self.looks_until = self.looks_until.filter(|until| now < *until);
        self.log_look = self.looks_until.map(|_| now + self.log_spacing);
        self.log_spacing = (2 * self.log_spacing).min(SPACING.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const TOUCHED: ObservedEvents = ObservedEvents { touched: true, log_written: false, stopped: false };
    const WRITTEN: ObservedEvents = ObservedEvents { touched: false, log_written: true, stopped: false };

    fn milliseconds(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    /// The times of all looks within this time from now, in milliseconds.
    fn looks(schedule: &mut LookSchedule, now: Instant, within: Duration) -> Vec<u128> {
        let (mut looks, mut at) = (Vec::new(), now);
        loop {
            at += schedule.until_next(at);
            if at > now + within {
                return looks;
            }
            looks.push(at.duration_since(now).as_millis());
            schedule.looked(Look::Nothing, at);
        }
    }

    fn idle(now: Instant) -> LookSchedule {
        let mut schedule = LookSchedule::new(HOUR, milliseconds(20));
        schedule.looked(Look::Nothing, now);
        schedule
    }

    #[test]
    fn a_commit_that_is_announced_is_looked_for_at_once_and_once() {
        let began = Instant::now();
        let mut schedule = idle(began);
        let now = began + milliseconds(100);
        schedule.told(TOUCHED, now);
        assert_eq!(looks(&mut schedule, now, milliseconds(1000)), [0]);
    }

    #[test]
    fn a_write_to_the_log_is_followed_by_looks_for_20_ms() {
        let began = Instant::now();
        let mut schedule = idle(began);
        let now = began + milliseconds(100);
        schedule.told(WRITTEN, now);
        assert_eq!(looks(&mut schedule, now, milliseconds(1000)), [1, 2, 4, 8, 16, 26]);
    }

    #[test]
    fn events_without_end_bring_a_look_every_10_ms_and_after_a_pause_looks_are_prompt_again() {
        let began = Instant::now();
        let (mut schedule, mut count, mut now) = (idle(began), 0, began);
        for microsecond in (100_000..1_100_000).step_by(100) {
            now = began + Duration::from_micros(microsecond);
            schedule.told(ObservedEvents { log_written: true, ..TOUCHED }, now);
            if schedule.until_next(now).is_zero() {
                schedule.looked(Look::Committed, now);
                count += 1;
            }
        }
        assert!((95..110).contains(&count), "{count} looks in a second");
        now += milliseconds(100);
        schedule.looked(Look::Nothing, now);
        for _ in 0..9 {
            now += milliseconds(15);
            schedule.told(TOUCHED, now);
            assert_eq!(schedule.until_next(now), Duration::ZERO);
            // The worker that was notified writes the log.
            schedule.looked(Look::Committed, now);
            schedule.told(WRITTEN, now);
            looks(&mut schedule, now, milliseconds(14));
        }
        for _ in 0..9 {
            now += milliseconds(15);
            schedule.told(WRITTEN, now);
            assert_eq!(looks(&mut schedule, now, milliseconds(14)), [1, 2, 4, 8]);
        }
    }

    #[test]
    fn a_look_that_could_not_be_had_is_had_soon() {
        let began = Instant::now();
        let mut schedule = LookSchedule::new(HOUR, milliseconds(20));
        assert!(schedule.until_next(began).is_zero());
        schedule.looked(Look::Unknown, began);
        assert_eq!(schedule.until_next(began), milliseconds(1));
    }

    #[test]
    fn a_look_is_due_at_once_when_the_interval_changes() {
        let began = Instant::now();
        let mut schedule = idle(began);
        assert_eq!(schedule.until_next(began), HOUR);
        schedule.set_interval(milliseconds(10));
        assert_eq!(looks(&mut schedule, began, milliseconds(25)), [0, 10, 20]);
    }
}
