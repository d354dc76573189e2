//! Recurring work: a schedule, and the job that each of its ticks enqueues.
//!
//! Every worker takes due ticks, whatever its handlers. A tick is taken in the transaction that enqueues its job, and
//! only while it is still the next one, so that however many processes run, no tick makes two jobs. Ticks that passed
//! while no worker ran make one job together: after a day without workers, hourly work runs once, not 24 times. Ticks
//! that come while the job of an earlier one still waits or runs are passed over for the same reason: the job has the
//! dedup key `recurring:` and the name of the work, so that work whose handler runs nowhere does not pile up.

use std::fmt;
use std::str::FromStr;

use chrono::{SubsecRound, TimeDelta};
use croner::Cron;
use fieldfen_domain::job::{DedupKey, Enqueued, InvalidJob, JobState, NewJob, Payload};
use fieldfen_domain::recurring::{NewRecurringJob, RecurringJob, RecurringName, Tick};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::{JobId, Timestamp};

use crate::Environment;
use crate::queue::{self, QueueError};

/// When a schedule without a further tick is due next: the last second that every store can hold.
const NEVER: i64 = 253_402_300_799;

/// How far a next tick may lie beyond the schedule's own. A clock that was put right by less than this does not bring a
/// tick back that has been taken.
const SET_CLOCK: TimeDelta = TimeDelta::days(1);

/// A cron expression, in UTC: minute, hour, day of the month, month, day of the week; with six fields, the first one is
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
    /// The first tick after this time; `None` when there is none any more.
    #[must_use]
    pub fn next_after(&self, time: Timestamp) -> Option<Timestamp> {
        self.cron.find_next_occurrence(&time.trunc_subsecs(0), false).ok()
    }

    /// The expression.
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

/// A text that is not a cron expression.
#[derive(Debug, thiserror::Error)]
#[error("schedule {schedule:?}: it must be a cron expression of five fields, or of six with seconds first ({source})")]
pub struct InvalidSchedule {
    /// The text that was given.
    pub schedule: String,
    /// What is wrong with it.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Sets recurring work up, or changes what has its name, in the caller's transaction. Its next tick stays where the
/// schedule stays, so that a program may define its work whenever it starts.
///
/// The jobs that it makes have normal priority, the default number of retries, and hang on no file.
///
/// # Errors
/// [`QueueError::Job`] when the payload breaks one of its rules; [`QueueError::Store`] with
/// [`Invalid`](StoreError::Invalid) when the schedule has no tick any more, the 30th of February for example, and others
/// as the store has them.
pub fn define<P: Payload>(
    s: &mut dyn Session,
    environment: &Environment,
    name: &RecurringName,
    schedule: &Schedule,
    payload: &P,
) -> Result<(), QueueError> {
    let at = environment.now();
    let job = NewJob::new(environment.job_id(), payload, at)?;
    let next_at = schedule.next_after(at).ok_or_else(|| StoreError::Invalid {
        what: "schedule",
        value: schedule.as_str().to_owned(),
        rule: "it must have a tick in the future",
    })?;
    let work = NewRecurringJob {
        name: name.clone(),
        schedule: schedule.as_str().to_owned(),
        kind: job.kind,
        payload: job.payload,
        next_at,
        at,
    };
    Ok(s.recurring().define(&work)?)
}

/// What [`take_due`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ticks {
    /// The jobs of the ticks that were taken.
    pub jobs: Vec<JobId>,
    /// When the next tick is due, as far as is known.
    pub next_at: Option<Timestamp>,
}

/// Takes every tick that is due and enqueues its job, each in a transaction of its own. Workers do this by themselves.
///
/// Work that would not be due until long after its schedule says so was last looked at by a clock that was wrong; it is
/// set to its next tick from now.
///
/// Work whose schedule or payload cannot be read is named in the log and left alone.
///
/// # Errors
/// [`StoreError`]s as the store has them; the ticks taken before have been taken.
pub fn take_due<S: Store>(store: &S, environment: &Environment) -> Result<Ticks, StoreError> {
    let now = environment.now();
    let mut ticks = Ticks::default();
    for work in store.read::<_, StoreError, _>(|s| s.recurring().list())? {
        let work = match work {
            Ok(work) => work,
            Err(error) => {
                tracing::error!(%error, "recurring work cannot be read");
                continue;
            }
        };
        let mut next_at = work.next_at;
        match tick(&work, environment, now) {
            Ok((tick, job)) if work.next_at <= now => {
                ticks.jobs.extend(take(store, &tick, &job)?);
                next_at = tick.next_at;
            }
            Ok((tick, _)) if work.next_at.signed_duration_since(tick.next_at) > SET_CLOCK => {
                tracing::warn!(name = %work.name, was = %work.next_at, is = %tick.next_at, "recurring work was set by a wrong clock");
                store.write::<_, StoreError, _>(|s| s.recurring().take(&tick))?;
                next_at = tick.next_at;
            }
            Ok(_) => {}
            Err(error) => {
                tracing::error!(name = %work.name, schedule = work.schedule, %error, "recurring work cannot be run");
                continue;
            }
        }
        ticks.next_at = Some(ticks.next_at.map_or(next_at, |earliest| earliest.min(next_at)));
    }
    Ok(ticks)
}

/// Takes a tick and says which job it has made, if any.
fn take<S: Store>(store: &S, tick: &Tick, job: &NewJob) -> Result<Option<JobId>, StoreError> {
    store.write(|s| {
        if !s.recurring().take(tick)? {
            return Ok(None);
        }
        let mut enqueued = s.jobs().enqueue(job)?;
        if let Enqueued::Met(met) = enqueued
            && let Some(job_of_earlier) = s.reads().jobs().find(&met)?
            && job_of_earlier.state == JobState::Pending
            && job_of_earlier.run_at.signed_duration_since(tick.at) > SET_CLOCK
        {
            // The clock that was wrong made it, and it would keep every tick from its job until then. If it stays, it
            // is met once more.
            let _ = queue::cancel(s, &met, "its time was set by a wrong clock", tick.at)?;
            enqueued = s.jobs().enqueue(job)?;
        }
        match enqueued {
            Enqueued::Created(id) => Ok(Some(id)),
            Enqueued::Met(met) => {
                tracing::warn!(name = %tick.name, job = %met, "a tick is passed over: the job of an earlier one has not ended");
                Ok(None)
            }
        }
    })
}

/// Why a tick cannot be taken.
#[derive(Debug, thiserror::Error)]
enum BrokenWork {
    #[error(transparent)]
    Schedule(#[from] InvalidSchedule),
    #[error(transparent)]
    Job(#[from] InvalidJob),
}

/// The tick that is due, and its job. The tick after it is the first in the future: those in between are dropped.
fn tick(work: &RecurringJob, environment: &Environment, now: Timestamp) -> Result<(Tick, NewJob), BrokenWork> {
    let schedule: Schedule = work.schedule.parse()?;
    let next_at = schedule.next_after(now).unwrap_or_else(never);
    let job = NewJob::untyped(environment.job_id(), work.kind.clone(), work.payload.clone(), now)?;
    let job = job.dedup_key(DedupKey::new(format!("recurring:{}", work.name))?);
    Ok((Tick { name: work.name.clone(), due: work.next_at, next_at, at: now }, job))
}

fn never() -> Timestamp {
    Timestamp::from_timestamp(NEVER, 0).unwrap_or(Timestamp::MAX_UTC)
}
