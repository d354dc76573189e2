//! Parses cron expressions.

use std::fmt;
use std::str::FromStr;

use chrono::SubsecRound;
use croner::Cron;
use fieldfen_domain::Timestamp;

/// A cron expression, in UTC: minute, hour, day of the month, month, day of the week. With six fields, the first one is
/// the second.
///
/// ```
/// use fieldfen_services::recurring::Schedule;
///
/// let weekdays: Schedule = "30 6 * * MON-FRI".parse()?;
/// let friday = "2026-11-27T06:30:00Z".parse()?;
/// assert_eq!(weekdays.next_after(friday).unwrap().to_rfc3339(), "2026-11-30T06:30:00+00:00");
/// assert!("99 * * * *".parse::<Schedule>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Schedule {
    text: String,
    cron: Cron,
}

impl Schedule {
    /// The first tick after this time; `None` if there is none.
    #[must_use]
    pub fn next_after(&self, time: Timestamp) -> Option<Timestamp> {
        self.cron.find_next_occurrence(&time.trunc_subsecs(0), false).ok()
    }

    /// The cron expression as it was parsed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Schedule {
    type Err = InvalidSchedule;

    fn from_str(text: &str) -> Result<Self, InvalidSchedule> {
        match text.parse() {
            Ok(cron) => Ok(Self { text: text.to_owned(), cron }),
            Err(source) => Err(InvalidSchedule { schedule: text.to_owned(), source: Box::new(source) }),
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
    /// The given text.
    pub schedule: String,
    /// The parser's error.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}
