//! Recurring work: a job that is enqueued by a schedule.
//!
//! The schedule is a text that only the services read. The store keeps it, with the time of the next tick.

use std::fmt;
use std::str::FromStr;

use crate::OptionalText;
use crate::ids::JobId;
use crate::job::{ApiAccount, JobKind};
use crate::json::RawJson;
use crate::time::Timestamp;

/// The number of runs that a store keeps for each recurring work.
pub const MAX_RUNS: u32 = 20;

/// The longest name, in bytes.
const MAX_NAME: usize = 64;

/// The name of a piece of recurring work.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecurringName(String);

impl RecurringName {
    /// The text of the name, 1 to 64 ASCII characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RecurringName {
    type Err = InvalidRecurringName;

    fn from_str(name: &str) -> Result<Self, InvalidRecurringName> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
        if (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(allowed) {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidRecurringName(name.to_owned()))
        }
    }
}

impl fmt::Display for RecurringName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The error of a text that cannot name recurring work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("name of recurring work {0:?} must be 1 to 64 ASCII letters, digits, '_', '-', '.' or ':'")]
pub struct InvalidRecurringName(
    /// The given text.
    pub String,
);

/// A row of `recurring_jobs`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecurringJob {
    /// The unique name, by which the work is paused, changed and removed.
    pub name: RecurringName,
    /// The schedule: a cron expression, which the services read.
    pub schedule: String,
    /// The time zone of the schedule, which the services read; `None` for UTC.
    pub time_zone: Option<String>,
    /// The kind of job that each tick enqueues.
    pub kind: JobKind,
    /// The payload of that job.
    pub payload: Option<RawJson>,
    /// The service or account that the job uses.
    pub account: Option<ApiAccount>,
    /// The name of the file that defines the work; `None` if a program defines it.
    pub defined_in: Option<String>,
    /// The time of the next tick. It may be in the past.
    pub next_at: Timestamp,
    /// The tick that was taken last; `None` if none was taken.
    pub last_at: Option<Timestamp>,
    /// The time since which it is paused; `None` if it is not paused.
    pub paused_at: Option<Timestamp>,
}

impl RecurringJob {
    /// A row in UTC without a payload and without a taken tick, which is not paused. A store sets the other columns.
    #[must_use]
    pub fn new(name: RecurringName, schedule: impl Into<String>, kind: JobKind, next_at: Timestamp) -> Self {
        Self {
            name,
            schedule: schedule.into(),
            time_zone: None,
            kind,
            payload: None,
            account: None,
            defined_in: None,
            next_at,
            last_at: None,
            paused_at: None,
        }
    }
}

/// The answer to a pause or a resume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PauseOutcome {
    /// The pause began, or ended.
    Done,
    /// The work was already paused, or not paused. Nothing was changed.
    Unchanged,
    /// No work has this name.
    NotFound,
}

/// Recurring work that is to be defined.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewRecurringJob {
    /// The unique name. If work with this name exists, it is changed: an unchanged schedule in an unchanged time zone
    /// keeps its next tick, and paused work stays paused.
    pub name: RecurringName,
    /// The schedule: a cron expression, which the services read.
    pub schedule: String,
    /// The time zone of the schedule, which the services read; `None` for UTC.
    pub time_zone: Option<String>,
    /// The kind of job that each tick enqueues.
    pub kind: JobKind,
    /// The payload of that job.
    pub payload: Option<RawJson>,
    /// The service or account that the job uses.
    pub account: Option<ApiAccount>,
    /// The name of the file that defines the work; `None` if a program defines it.
    pub defined_in: Option<String>,
    /// The first tick of a new schedule.
    pub next_at: Timestamp,
    /// The current time, by the caller's clock.
    pub at: Timestamp,
}

impl NewRecurringJob {
    /// Work with this name and schedule that enqueues a job of this kind without a payload.
    #[must_use]
    pub fn new(
        name: RecurringName,
        schedule: impl Into<String>,
        kind: JobKind,
        next_at: Timestamp,
        at: Timestamp,
    ) -> Self {
        Self {
            name,
            schedule: schedule.into(),
            time_zone: None,
            kind,
            payload: None,
            account: None,
            defined_in: None,
            next_at,
            at,
        }
    }

    /// Sets the time zone of the schedule.
    #[must_use]
    pub fn time_zone(mut self, time_zone: impl Into<OptionalText>) -> Self {
        self.time_zone = time_zone.into().0;
        self
    }

    /// Sets the service or account that its jobs use.
    #[must_use]
    pub fn account(mut self, account: impl Into<Option<ApiAccount>>) -> Self {
        self.account = account.into();
        self
    }

    /// Sets the name of the file that defines it.
    #[must_use]
    pub fn defined_in(mut self, file: impl Into<OptionalText>) -> Self {
        self.defined_in = file.into().0;
        self
    }

    /// Sets the kind of its jobs.
    #[must_use]
    pub fn kind(mut self, kind: JobKind) -> Self {
        self.kind = kind;
        self
    }

    /// Sets the payload of its jobs.
    #[must_use]
    pub fn payload(mut self, payload: impl Into<Option<RawJson>>) -> Self {
        self.payload = payload.into();
        self
    }

    /// Sets the time of the definition.
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = at;
        self
    }
}

/// One tick, which exactly one process takes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tick {
    /// The name of the work.
    pub name: RecurringName,
    /// The time of the tick. It is taken only if it is still the next tick of the row.
    pub due: Timestamp,
    /// The next tick after it.
    pub next_at: Timestamp,
    /// The current time, by the caller's clock.
    pub at: Timestamp,
}

impl Tick {
    /// The tick of this work at `due`, with the next one after it, taken now.
    #[must_use]
    pub const fn new(name: RecurringName, due: Timestamp, next_at: Timestamp, at: Timestamp) -> Self {
        Self { name, due, next_at, at }
    }
}

/// A job that recurring work has enqueued.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecurringRun {
    /// The name of the work.
    pub name: RecurringName,
    /// The time at which the job was enqueued.
    pub at: Timestamp,
    /// The job, which may have been deleted since.
    pub job: JobId,
    /// The tick of the job; `None` if a person has asked for the run.
    pub due: Option<Timestamp>,
}

impl RecurringRun {
    /// The run of this work at this time, with the job and the tick.
    #[must_use]
    pub fn new(name: RecurringName, at: Timestamp, job: JobId, due: impl Into<Option<Timestamp>>) -> Self {
        Self { name, at, job, due: due.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        assert_eq!("upkeep.hourly-1:a_b".parse::<RecurringName>().unwrap().as_str(), "upkeep.hourly-1:a_b");
        for name in ["", "two words", "täglich", &"x".repeat(65)] {
            assert_eq!(name.parse::<RecurringName>().unwrap_err().0, name);
        }
    }
}
