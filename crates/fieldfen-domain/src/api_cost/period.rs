//! Days and months, in UTC, as periods of budgets.

use std::fmt;
use std::ops::RangeInclusive;

use chrono::{Datelike, Days, Months, NaiveTime};

use crate::api_usage::Day;
use crate::text_enum::text_enum;
use crate::time::{MAX_TIMESTAMP, Timestamp};

text_enum! {
    /// The length of a budget's period.
    pub enum BudgetPeriod as "budget period" {
        /// A day in UTC.
        Day = "day",
        /// A calendar month in UTC.
        Month = "month",
    }
}

impl BudgetPeriod {
    /// The period that contains this time.
    #[must_use]
    pub fn of(self, time: Timestamp) -> SpendPeriod {
        SpendPeriod::new(self, time.date_naive())
    }
}

/// One day or one calendar month, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpendPeriod {
    length: BudgetPeriod,
    first: Day,
}

impl SpendPeriod {
    /// The period that contains this day.
    #[must_use]
    pub fn new(length: BudgetPeriod, day: Day) -> Self {
        let first = match length {
            BudgetPeriod::Day => day,
            BudgetPeriod::Month => day.with_day(1).unwrap_or(day),
        };
        Self { length, first }
    }

    /// Whether this is a day or a month.
    #[must_use]
    pub const fn length(self) -> BudgetPeriod {
        self.length
    }

    /// The days of the period, both ends included.
    #[must_use]
    pub fn days(self) -> RangeInclusive<Day> {
        let last = match self.length {
            BudgetPeriod::Day => Some(self.first),
            BudgetPeriod::Month => {
                self.first.checked_add_months(Months::new(1)).and_then(|next| next.checked_sub_days(Days::new(1)))
            }
        };
        self.first..=last.unwrap_or(self.first)
    }

    /// The first time of the period.
    #[must_use]
    pub fn begins_at(self) -> Timestamp {
        self.first.and_time(NaiveTime::MIN).and_utc()
    }

    /// The first time after the period, at most [`MAX_TIMESTAMP`].
    #[must_use]
    pub fn ends_at(self) -> Timestamp {
        let next = self.days().end().checked_add_days(Days::new(1));
        next.map_or(MAX_TIMESTAMP, |next| next.and_time(NaiveTime::MIN).and_utc().min(MAX_TIMESTAMP))
    }
}

impl fmt::Display for SpendPeriod {
    /// Writes `2026-11-26` or `2026-11`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = if self.length == BudgetPeriod::Day { "%Y-%m-%d" } else { "%Y-%m" };
        write!(f, "{}", self.first.format(form))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_begin_and_end_at_midnight_in_utc() {
        use BudgetPeriod::{Day, Month};
        for (length, now, name, begins, ends) in [
            (Day, "2026-11-26T23:59:59Z", "2026-11-26", "2026-11-26T00:00:00Z", "2026-11-27T00:00:00Z"),
            (Month, "2026-11-30T23:59:59Z", "2026-11", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
            (Month, "2026-12-01T00:00:00Z", "2026-12", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            (Month, "2028-02-29T12:00:00Z", "2028-02", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
            (Day, "9999-12-31T12:00:00Z", "9999-12-31", "9999-12-31T00:00:00Z", "9999-12-31T23:59:59.999999Z"),
        ] {
            let time = |text: &str| text.parse::<Timestamp>().unwrap();
            let period = length.of(time(now));
            let found = (period.to_string(), period.begins_at(), period.ends_at());
            assert_eq!(found, (name.to_owned(), time(begins), time(ends)));
        }
        let _ = (Month.of(Timestamp::MAX_UTC).ends_at(), Month.of(Timestamp::MIN_UTC).begins_at());
    }
}
