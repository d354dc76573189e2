//! Decides when SQLite is asked for commits of other processes.

use std::time::{Duration, Instant};

use super::data_version::PollOutcome;

/// The shortest and the longest time between two polls that follow events. If a database is written all the time, its
/// workers poll as often as workers without events.
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

/// Computes the time of the next poll.
#[derive(Debug)]
pub(super) struct PollSchedule {
    /// The time between two polls without events.
    interval: Duration,
    /// The time after a write to the log during which polls follow each other.
    after_write: Duration,
    /// The time of the last poll; `None` if a poll is due at once.
    polled: Option<Instant>,
    /// The time at which a commit was announced; `None` if a poll has followed.
    announced: Option<Instant>,
    announcements: Pace,
    /// The end of the polls after a write to the log, and the time between two of them; `None` if the log was not
    /// written.
    polls_until: Option<Instant>,
    log_poll: Option<Instant>,
    log_spacing: Duration,
    log_writes: Pace,
}

/// Makes polls rarer if their reasons follow each other closely.
#[derive(Debug)]
struct Pace {
    last: Option<Instant>,
    spacing: Duration,
}

impl Pace {
    const fn new() -> Self {
        Self { last: None, spacing: SPACING.0 }
    }

    /// The earliest time of the next poll.
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

impl PollSchedule {
    /// Makes a schedule whose first poll is due at once.
    pub(super) const fn new(interval: Duration, after_write: Duration) -> Self {
        Self {
            interval,
            after_write,
            polled: None,
            announced: None,
            announcements: Pace::new(),
            polls_until: None,
            log_poll: None,
            log_spacing: SPACING.0,
            log_writes: Pace::new(),
        }
    }

    /// Changes the time between two polls without events. The next poll is due at once.
    pub(super) const fn set_interval(&mut self, interval: Duration) {
        self.interval = interval;
        self.polled = None;
    }

    /// The time until the next poll is due; zero if it is due now.
    pub(super) fn until_next(&self, now: Instant) -> Duration {
        let Some(polled) = self.polled else { return Duration::ZERO };
        let due = [self.announced, self.log_poll].into_iter().flatten().fold(polled + self.interval, Instant::min);
        due.saturating_duration_since(now)
    }

    /// Returns whether a poll at an announced commit is due, now or later. Further events then bring no poll forward.
    pub(super) const fn is_announced(&self) -> bool {
        self.announced.is_some()
    }

    /// Brings polls forward after events.
    pub(super) fn told(&mut self, told: ObservedEvents, now: Instant) {
        if told.touched {
            self.announced.get_or_insert(self.announcements.earliest(now));
        }
        if told.log_written {
            self.polls_until = Some(now + self.after_write);
            self.log_writes.count(now);
            self.log_spacing = self.log_writes.spacing;
            let earliest = self.polled.map_or(now, |polled| polled + self.log_spacing).max(now + SPACING.0);
            self.log_poll = Some(self.log_poll.map_or(earliest, |poll| poll.min(earliest)));
        }
    }

    /// Records a poll and its result.
    pub(super) fn polled(&mut self, outcome: PollOutcome, now: Instant) {
        self.polled = Some(now);
        if self.announced.take().is_some() {
            self.announcements.count(now);
            if outcome == PollOutcome::Unknown {
                self.announced = Some(self.announcements.earliest(now));
            }
        }
        if outcome == PollOutcome::Unknown {
            self.polls_until = Some(now + self.after_write);
        }
        self.polls_until = self.polls_until.filter(|until| now < *until);
        self.log_poll = self.polls_until.map(|_| now + self.log_spacing);
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

    /// The times of all polls within this time from now, in milliseconds.
    fn polls(schedule: &mut PollSchedule, now: Instant, within: Duration) -> Vec<u128> {
        let (mut polls, mut at) = (Vec::new(), now);
        loop {
            at += schedule.until_next(at);
            if at > now + within {
                return polls;
            }
            polls.push(at.duration_since(now).as_millis());
            schedule.polled(PollOutcome::Nothing, at);
        }
    }

    fn idle(now: Instant) -> PollSchedule {
        let mut schedule = PollSchedule::new(HOUR, milliseconds(20));
        schedule.polled(PollOutcome::Nothing, now);
        schedule
    }

    #[test]
    fn a_commit_that_is_announced_is_polled_for_at_once_and_once() {
        let began = Instant::now();
        let mut schedule = idle(began);
        let now = began + milliseconds(100);
        schedule.told(TOUCHED, now);
        assert_eq!(polls(&mut schedule, now, milliseconds(1000)), [0]);
    }

    #[test]
    fn a_write_to_the_log_is_followed_by_polls_for_20_ms() {
        let began = Instant::now();
        let mut schedule = idle(began);
        let now = began + milliseconds(100);
        schedule.told(WRITTEN, now);
        assert_eq!(polls(&mut schedule, now, milliseconds(1000)), [1, 2, 4, 8, 16, 26]);
    }

    #[test]
    fn events_without_end_bring_a_poll_every_10_ms_and_after_a_pause_polls_are_prompt_again() {
        let began = Instant::now();
        let (mut schedule, mut count, mut now) = (idle(began), 0, began);
        for microsecond in (100_000..1_100_000).step_by(100) {
            now = began + Duration::from_micros(microsecond);
            schedule.told(ObservedEvents { log_written: true, ..TOUCHED }, now);
            if schedule.until_next(now).is_zero() {
                schedule.polled(PollOutcome::Committed, now);
                count += 1;
            }
        }
        assert!((95..110).contains(&count), "{count} polls in a second");
        now += milliseconds(100);
        schedule.polled(PollOutcome::Nothing, now);
        for _ in 0..9 {
            now += milliseconds(15);
            schedule.told(TOUCHED, now);
            assert_eq!(schedule.until_next(now), Duration::ZERO);
            // The worker that was notified writes the log.
            schedule.polled(PollOutcome::Committed, now);
            schedule.told(WRITTEN, now);
            polls(&mut schedule, now, milliseconds(14));
        }
        for _ in 0..9 {
            now += milliseconds(15);
            schedule.told(WRITTEN, now);
            assert_eq!(polls(&mut schedule, now, milliseconds(14)), [1, 2, 4, 8]);
        }
    }

    #[test]
    fn a_poll_that_failed_is_repeated_soon() {
        let began = Instant::now();
        let mut schedule = PollSchedule::new(HOUR, milliseconds(20));
        assert!(schedule.until_next(began).is_zero());
        schedule.polled(PollOutcome::Unknown, began);
        assert_eq!(schedule.until_next(began), milliseconds(1));
    }

    #[test]
    fn a_poll_is_due_at_once_when_the_interval_changes() {
        let began = Instant::now();
        let mut schedule = idle(began);
        assert_eq!(schedule.until_next(began), HOUR);
        schedule.set_interval(milliseconds(10));
        assert_eq!(polls(&mut schedule, began, milliseconds(25)), [0, 10, 20]);
    }
}
