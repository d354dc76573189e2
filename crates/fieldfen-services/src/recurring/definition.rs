//! Recurring work that is to be defined, and the schedule of work that is.

use fieldfen_domain::OptionalText;
use fieldfen_domain::RawJson;
use fieldfen_domain::job::{ApiAccount, InvalidJob, JobKind};
use fieldfen_domain::recurring::{RecurringJob, RecurringName};

use super::schedule::{InvalidSchedule, Schedule};
use super::time_zone::UnknownTimeZone;

/// Recurring work whose payload is not checked against a type, for
/// [`Recurring::define_untyped`](super::Recurring::define_untyped).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Definition {
    /// The unique name.
    pub name: RecurringName,
    /// The schedule, with its time zone.
    pub schedule: Schedule,
    /// The kind of its jobs.
    pub kind: JobKind,
    /// The payload of its jobs.
    pub payload: Option<RawJson>,
    /// The service or account that its jobs use. A pause of the account holds them back.
    pub account: Option<ApiAccount>,
    /// The name of the file that defines the work; `None` if a program does.
    pub defined_in: Option<String>,
}

impl Definition {
    /// Work that enqueues jobs of this kind without a payload.
    #[must_use]
    pub const fn new(name: RecurringName, schedule: Schedule, kind: JobKind) -> Self {
        Self { name, schedule, kind, payload: None, account: None, defined_in: None }
    }

    /// Sets the payload of its jobs.
    #[must_use]
    pub fn payload(mut self, payload: impl Into<Option<RawJson>>) -> Self {
        self.payload = payload.into();
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
}

/// The schedule of some work in its time zone.
///
/// # Errors
/// [`InvalidWork`] if this program does not know the time zone or cannot read the schedule.
pub fn schedule_of(work: &RecurringJob) -> Result<Schedule, InvalidWork> {
    let schedule: Schedule = work.schedule.parse()?;
    Ok(match &work.time_zone {
        None => schedule,
        Some(name) => schedule.in_time_zone(name.parse()?),
    })
}

/// The reason why a program takes no ticks of some work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidWork {
    /// Its schedule is no cron expression.
    #[error(transparent)]
    Schedule(#[from] InvalidSchedule),
    /// Its time zone is not in the database of this program. A newer program may have defined the work.
    #[error(transparent)]
    TimeZone(#[from] UnknownTimeZone),
    /// Its payload breaks a rule.
    #[error(transparent)]
    Job(#[from] InvalidJob),
}
