//! Time zones, and the local times that a change of the clocks skips or repeats.

use std::fmt;
use std::str::FromStr;

use chrono::{Days, MappedLocalTime, NaiveDateTime, NaiveTime, Offset as _, TimeDelta, TimeZone as _};
use chrono_tz::Tz;
use fieldfen_domain::Timestamp;

/// More than the offset of any time zone from UTC.
const MORE_THAN_ANY_OFFSET: TimeDelta = TimeDelta::hours(48);

/// The longest name that an error repeats, in characters.
const LONGEST_NAME: usize = 64;

/// A time zone of the IANA database, such as `Europe/Berlin`. Its rules are those that the crate `chrono-tz` contains, so
/// that a program knows new rules after it was built anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeZone(Tz);

impl TimeZone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(Tz::UTC);

    /// The name in the IANA database.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        self.0.name()
    }

    /// The local time with its offset from UTC, as `2026-11-23T15:05:09+01:00`.
    #[must_use]
    pub fn local_text(&self, time: Timestamp) -> String {
        time.with_timezone(&self.0).format("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }

    /// The local time, without the offset.
    pub(super) fn local(self, time: Timestamp) -> NaiveDateTime {
        time.with_timezone(&self.0).naive_local()
    }

    /// The moments at which the clocks show this local time.
    pub(super) fn moments(self, local: NaiveDateTime) -> Moments {
        match self.0.from_local_datetime(&local) {
            MappedLocalTime::Single(time) => Moments::Once(time.to_utc()),
            MappedLocalTime::Ambiguous(earlier, later) => {
                let (earlier, later) = (earlier.to_utc(), later.to_utc());
                Moments::Twice { earlier, later, back_at: self.change_between(earlier, later) }
            }
            MappedLocalTime::None => {
                let until = self.end_of_gap(local);
                let until_local = self.local(until);
                let last = until - TimeDelta::seconds(1);
                let from_local = self.local(last) + TimeDelta::seconds(1);
                Moments::Skipped { until, until_local, whole_date: covers_date_of(local, from_local, until_local) }
            }
        }
    }

    /// The first second after a change of the offset between these two times, which have different offsets.
    fn change_between(self, before: Timestamp, after: Timestamp) -> Timestamp {
        let offset = |time: Timestamp| self.0.offset_from_utc_datetime(&time.naive_utc()).fix();
        let old = offset(before);
        first_second(before, after, |time| offset(time) != old)
    }

    /// The first second after the gap in which this local time lies.
    fn end_of_gap(self, local: NaiveDateTime) -> Timestamp {
        let middle = local.and_utc();
        first_second(middle - MORE_THAN_ANY_OFFSET, middle + MORE_THAN_ANY_OFFSET, |time| self.local(time) > local)
    }
}

/// The moments at which the clocks of a zone show a local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moments {
    /// One moment, as almost always.
    Once(Timestamp),
    /// The clocks are put back at `back_at`, so that they show the time twice.
    Twice { earlier: Timestamp, later: Timestamp, back_at: Timestamp },
    /// The clocks are put forward over the time. `until` is the first moment after it, `whole_date` the first local time
    /// of the next date if the date of the time is skipped as a whole.
    Skipped { until: Timestamp, until_local: NaiveDateTime, whole_date: Option<NaiveDateTime> },
}

/// The start of the date after that of `local`, if the gap covers the date of `local` as a whole.
fn covers_date_of(local: NaiveDateTime, from: NaiveDateTime, until: NaiveDateTime) -> Option<NaiveDateTime> {
    let next = local.date().checked_add_days(Days::new(1))?.and_time(NaiveTime::MIN);
    (from <= local.date().and_time(NaiveTime::MIN) && until >= next).then_some(next)
}

/// The first second after `before` of which `is_after` is true. It is true of `after`.
fn first_second(before: Timestamp, after: Timestamp, is_after: impl Fn(Timestamp) -> bool) -> Timestamp {
    let (mut low, mut high) = (0, (after - before).num_seconds());
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if is_after(before + TimeDelta::seconds(middle)) {
            high = middle;
        } else {
            low = middle;
        }
    }
    before + TimeDelta::seconds(high)
}

impl FromStr for TimeZone {
    type Err = UnknownTimeZone;

    fn from_str(name: &str) -> Result<Self, UnknownTimeZone> {
        name.parse().map(Self).map_err(|_| UnknownTimeZone { name: shortened(name, LONGEST_NAME) })
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The error of a name that this build's copy of the IANA database does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "time zone {name:?}: it must be a name of the IANA database {version}, such as \"Europe/Berlin\"",
    version = chrono_tz::IANA_TZDB_VERSION
)]
pub struct UnknownTimeZone {
    /// The given name, cut off after 64 characters.
    pub name: String,
}

/// The beginning of a text that may be very long.
pub(super) fn shortened(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
