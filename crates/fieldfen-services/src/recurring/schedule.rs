//! Cron schedules in a time zone.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike as _, NaiveDateTime, SubsecRound as _, TimeDelta};
use croner::Cron;
use fieldfen_domain::Timestamp;

use super::time_zone::{Moments, TimeZone, shortened};

/// The longest cron expression, in bytes. A list of all 60 minutes has 169.
const MAX_BYTES: usize = 512;

/// The longest text that an error repeats, in characters.
const LONGEST_TEXT: usize = 64;

/// A cron expression: minute, hour, day of the month, month, day of the week. With six fields, the first one is the
/// second. It is in UTC unless a [time zone](Schedule::in_time_zone) is set.
///
/// ```
/// use fieldfen_services::recurring::Schedule;
///
/// let weekdays: Schedule = "30 6 * * MON-FRI".parse()?;
/// let friday = "2026-11-27T06:30:00Z".parse()?;
/// assert_eq!(weekdays.next_after(friday).unwrap().to_rfc3339(), "2026-11-30T06:30:00+00:00");
/// let in_berlin = weekdays.in_time_zone("Europe/Berlin".parse()?);
/// assert_eq!(in_berlin.next_after(friday).unwrap().to_rfc3339(), "2026-11-30T05:30:00+00:00");
/// assert!("99 * * * *".parse::<Schedule>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Changes of the clocks
/// Where summer time begins, clocks skip local times; where it ends, they repeat some. A schedule that leaves out any
/// hour of the day names local times. Each of them has one tick:
///
/// - A skipped local time has its tick at the first moment after the gap: the daily `30 2 * * *` in Europe/Berlin ticks
///   at 03:00 on the last Sunday in March. Ticks that fall on the same moment are one tick.
/// - A repeated local time has its tick when the clocks show it first: `30 2 * * *` ticks once on the last Sunday in
///   October.
/// - A date that a zone skips as a whole, as Pacific/Apia skipped 30 December 2011, has no tick.
///
/// A schedule that ticks in every hour, such as `*/15 * * * *`, means an interval, so that it ticks whenever the clocks
/// show one of its times. It has no tick at a skipped time, and two at a repeated time; otherwise it would pause for an
/// hour each autumn.
#[derive(Debug, Clone)]
pub struct Schedule {
    text: String,
    cron: Cron,
    time_zone: TimeZone,
}

impl Schedule {
    /// Sets the time zone, in which the expression names local times.
    #[must_use]
    pub const fn in_time_zone(mut self, time_zone: TimeZone) -> Self {
        self.time_zone = time_zone;
        self
    }

    /// The time zone.
    #[must_use]
    pub const fn time_zone(&self) -> TimeZone {
        self.time_zone
    }

    /// The first tick after this time; `None` if there is none.
    #[must_use]
    pub fn next_after(&self, time: Timestamp) -> Option<Timestamp> {
        // The expression knows the years 1 to 5000, and chrono cannot tell the local time at its ends.
        if !(1..=5000).contains(&time.year()) {
            return None;
        }
        let after = time.trunc_subsecs(0);
        if self.is_interval() { self.next_of_interval(after) } else { self.next_local_time(after) }
    }

    /// The ticks after this time, the first one first.
    ///
    /// ```
    /// use fieldfen_services::recurring::Schedule;
    ///
    /// let mondays = "30 6 * * MON".parse::<Schedule>()?.in_time_zone("Europe/Berlin".parse()?);
    /// let ticks = mondays.ticks_after("2026-10-17T00:00:00Z".parse()?).take(2);
    /// let local: Vec<String> = ticks.map(|tick| mondays.time_zone().local_text(tick)).collect();
    /// assert!(local[0].contains("06:30") && local[1].contains("06:30"), "{local:?}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn ticks_after(&self, time: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
        std::iter::successors(self.next_after(time), |tick| self.next_after(*tick))
    }

    /// The cron expression as it was parsed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn is_interval(&self) -> bool {
        self.cron.pattern.hours.values().len() == 24
    }

    /// The next local time of the expression, which may be skipped or repeated.
    fn next_local(&self, from: NaiveDateTime, inclusive: bool) -> Option<NaiveDateTime> {
        self.cron.find_next_occurrence(&from, inclusive).ok()
    }

    /// The next tick of a schedule of which each local time has one tick.
    fn next_local_time(&self, after: Timestamp) -> Option<Timestamp> {
        let mut from = (self.time_zone.local(after), true);
        loop {
            let local = self.next_local(from.0, from.1)?;
            from = match self.time_zone.moments(local) {
                Moments::Once(time) if time > after => return Some(time),
                Moments::Once(_) => (local, false),
                Moments::Twice { earlier, .. } if earlier > after => return Some(earlier),
                Moments::Twice { back_at, .. } if back_at > after => (local, false),
                // All repeated times have had their ticks.
                Moments::Twice { earlier, back_at, .. } => (local + (back_at - earlier), true),
                Moments::Skipped { whole_date: Some(next_date), .. } => (next_date, true),
                Moments::Skipped { until, .. } if until > after => return Some(until),
                Moments::Skipped { until_local, .. } => (until_local, true),
            };
        }
    }

    /// The next tick of a schedule that ticks whenever the clocks show one of its times.
    fn next_of_interval(&self, after: Timestamp) -> Option<Timestamp> {
        let local = self.time_zone.local(after);
        let next = self.next_shown(local, false, after);
        // Before the clocks are put back, the local times that they will show again are not after the present one.
        let again = match self.time_zone.moments(local) {
            Moments::Twice { back_at, .. } if after < back_at => {
                self.next_shown(self.time_zone.local(back_at), true, back_at - TimeDelta::seconds(1))
            }
            _ => None,
        };
        next.into_iter().chain(again).min()
    }

    /// The first moment after `after` at which the clocks show a time of the expression that is not before `from`.
    fn next_shown(&self, from: NaiveDateTime, inclusive: bool, after: Timestamp) -> Option<Timestamp> {
        let mut from = (from, inclusive);
        loop {
            let local = self.next_local(from.0, from.1)?;
            from = match self.time_zone.moments(local) {
                Moments::Once(time) | Moments::Twice { earlier: time, .. } if time > after => return Some(time),
                Moments::Twice { later, .. } if later > after => return Some(later),
                Moments::Once(_) | Moments::Twice { .. } => (local, false),
                Moments::Skipped { until_local, .. } => (until_local, true),
            };
        }
    }
}

impl FromStr for Schedule {
    type Err = InvalidSchedule;

    fn from_str(text: &str) -> Result<Self, InvalidSchedule> {
        let invalid = |source| InvalidSchedule { schedule: shortened(text, LONGEST_TEXT), source };
        if text.len() > MAX_BYTES {
            return Err(invalid(format!("it has {} bytes, and at most {MAX_BYTES} are read", text.len()).into()));
        }
        match text.parse() {
            Ok(cron) => Ok(Self { text: text.to_owned(), cron, time_zone: TimeZone::UTC }),
            Err(source) => Err(invalid(Box::new(source))),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// The error of a text that is not a cron expression.
#[derive(Debug, thiserror::Error)]
#[error("schedule {schedule:?}: it must be a cron expression of five fields, or of six with seconds first: {source}")]
pub struct InvalidSchedule {
    /// The given text, cut off after 64 characters.
    pub schedule: String,
    /// The parser's error.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}
