//! Taking the ticks that are due.

use fieldfen_domain::job::{DedupKey, EnqueueOutcome, InvalidJob, JobState, NewJob};
use fieldfen_domain::recurring::{RecurringJob, RecurringName, Tick};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::{JobId, Timestamp, UnreadableRow, is_ahead, with_causes};

use super::schedule::{InvalidSchedule, Schedule};
use crate::Environment;
use crate::write_retry::write_once;

/// When a schedule without a further tick is due next: the last second that every store can hold.
const NEVER: i64 = 253_402_300_799;

/// How many ticks are taken in one transaction.
const BATCH: u32 = 100;

/// What [`take_due`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ticks {
    /// The jobs of the ticks that were taken.
    pub jobs: Vec<JobId>,
    /// When the next tick is due, as far as is known.
    pub next_at: Option<Timestamp>,
}

/// Takes every tick that is due and enqueues its job, 100 in a transaction. Workers do this by themselves.
///
/// Work whose next tick a clock has set that was ahead is set anew where its schedule does not explain the tick: where it
/// is more than a minute later than the second tick from now.
///
/// Work whose schedule or payload cannot be read is named in the log and left alone.
///
/// If the outcome is [unknown](StoreError::OutcomeUnknown), take what is due again: a tick that was taken is not due any
/// more, and its job is in the queue although no answer names it.
///
/// # Errors
/// After an error, the ticks that were taken before it stay taken.
pub fn take_due<S: Store>(store: &S, environment: &Environment) -> Result<Ticks, StoreError> {
    let mut batches = Batches::default();
    let mut jobs = Vec::new();
    loop {
        let batch = batches.take(store, environment)?;
        jobs.extend(batch.ticks.jobs);
        if !batch.more {
            return Ok(Ticks { jobs, next_at: batch.ticks.next_at });
        }
    }
}

/// Takes due ticks batch by batch.
#[derive(Default)]
pub(crate) struct Batches {
    /// How much work came up in the last batch that cannot be run. It stays due, and must not fill the next batch.
    broken: u32,
}

/// What one batch did.
pub(crate) struct Batch {
    pub(crate) ticks: Ticks,
    /// More work is likely to be due.
    pub(crate) more: bool,
}

impl Batches {
    /// Takes at most [`BATCH`] ticks in one transaction.
    pub(crate) fn take<S: Store>(&mut self, store: &S, environment: &Environment) -> Result<Batch, StoreError> {
        let now = environment.now();
        let limit = BATCH.saturating_add(self.broken);
        let (due, doubtful, next_at) = store.read(|s| {
            let recurring = s.recurring();
            Ok((recurring.due(now, limit)?, recurring.doubtful(now, limit)?, recurring.next_tick(now)?))
        })?;
        let full = |work: &[_]| u32::try_from(work.len()).unwrap_or(u32::MAX) >= limit;
        let more = full(&due) || full(&doubtful);
        let work = || due.iter().chain(&doubtful);
        let steps: Vec<Step> = work().filter_map(|work| step(work, environment, now, !more)).collect();
        self.broken = u32::try_from(work().count() - steps.len()).unwrap_or(u32::MAX);
        let mut jobs = Vec::new();
        if !steps.is_empty() {
            jobs = write_once(store, |s, before: Option<&Vec<JobId>>| {
                // A tick that has been taken makes no second job, but its first one is to be named.
                if let Some(job) = before.and_then(|jobs| jobs.first())
                    && s.jobs().find(job)?.is_some()
                {
                    return Ok(None);
                }
                let mut jobs = Vec::new();
                for step in &steps {
                    jobs.extend(step.take(s)?);
                }
                Ok::<_, StoreError>(Some(jobs))
            })?;
        }
        let next_ticks = steps.iter().map(|step| step.tick.next_at);
        let next_at = if more { Some(now) } else { next_ticks.chain(next_at).min() };
        Ok(Batch { ticks: Ticks { jobs, next_at }, more })
    }
}

/// What is done about one work.
struct Step {
    tick: Tick,
    /// The job of the tick; without one, the tick is set and none is taken.
    job: Option<NewJob>,
}

/// What is to be done about work that is due or doubtful; `None` when it cannot be run, which the log says if `log`.
fn step(
    work: &Result<RecurringJob, UnreadableRow>,
    environment: &Environment,
    now: Timestamp,
    log: bool,
) -> Option<Step> {
    let work = match work {
        Ok(work) => work,
        Err(error) => {
            if log {
                log!(ERROR, error = with_causes(error), "unreadable recurring work");
            }
            return None;
        }
    };
    match readable_step(work, environment, now) {
        Ok(step) => Some(step),
        Err(error) => {
            if log {
                log!(ERROR, name = %work.name, schedule = work.schedule, error = with_causes(&error), "invalid recurring work");
            }
            None
        }
    }
}

fn readable_step(work: &RecurringJob, environment: &Environment, now: Timestamp) -> Result<Step, BrokenWork> {
    let schedule: Schedule = work.schedule.parse()?;
    // The tick after a due one is the first in the future: those in between are dropped.
    let next_at = schedule.next_after(now).unwrap_or_else(never);
    let tick = |next_at| Tick::new(work.name.clone(), work.next_at, next_at, now);
    if work.next_at <= now {
        let job = NewJob::untyped(environment.job_id(), work.kind.clone(), work.payload.clone(), now)?;
        let job = job.dedup_key(key_of(&work.name)?);
        return Ok(Step { tick: tick(next_at), job: Some(job) });
    }
    // A clock that was only a little ahead has taken the next tick, and it must not be taken again.
    let second = schedule.next_after(next_at).unwrap_or_else(never);
    if !is_ahead(work.next_at, second) {
        return Ok(Step { tick: tick(work.next_at), job: None });
    }
    log!(WARN, name = %work.name, was = %work.next_at, is = %next_at, "next tick of recurring work set by a wrong clock");
    Ok(Step { tick: tick(next_at), job: None })
}

impl Step {
    /// Takes or sets the tick, and says which job it has made, if any. One row that cannot be read must not keep the
    /// others of the batch from their ticks.
    fn take(&self, s: &mut dyn Session) -> Result<Option<JobId>, StoreError> {
        let taken = match &self.job {
            Some(job) => take(s, &self.tick, job),
            None => s.recurring().set_next(&self.tick).map(|_| None),
        };
        match taken {
            Err(error @ StoreError::BadRow { .. }) => {
                log!(ERROR, name = %self.tick.name, error = with_causes(&error), "tick without a job: unreadable row");
                Ok(None)
            }
            taken => taken,
        }
    }
}

/// Takes a tick and says which job it has made, if any.
fn take(s: &mut dyn Session, tick: &Tick, job: &NewJob) -> Result<Option<JobId>, StoreError> {
    if !s.recurring().take(tick)? {
        return Ok(None);
    }
    let mut enqueued = s.jobs().enqueue(job)?;
    if let EnqueueOutcome::Duplicate(met) = enqueued
        && let Some(job_of_earlier) = s.jobs().find(&met)?
        && job_of_earlier.state == JobState::Pending
        && job_of_earlier.created_at.is_some_and(|at| is_ahead(at, tick.at))
    {
        // The clock that was wrong made it, and it would keep every tick from its job until then. If it stays, it is met
        // once more. No failure hook hears of it: another job takes its place.
        let _ = s.job_actions().cancel(&met, "its time was set by a wrong clock", tick.at)?;
        enqueued = s.jobs().enqueue(job)?;
    }
    match enqueued {
        EnqueueOutcome::Created(id) => Ok(Some(id)),
        EnqueueOutcome::Duplicate(met) => {
            log!(WARN, name = %tick.name, job = %met, "tick skipped: job of an earlier tick not ended");
            Ok(None)
        }
    }
}

/// The key that keeps work to one live job at a time.
pub(super) fn key_of(name: &RecurringName) -> Result<DedupKey, InvalidJob> {
    DedupKey::new(format!("recurring:{name}"))
}

/// Why a tick cannot be taken.
#[derive(Debug, thiserror::Error)]
enum BrokenWork {
    #[error(transparent)]
    Schedule(#[from] InvalidSchedule),
    #[error(transparent)]
    Job(#[from] InvalidJob),
}

fn never() -> Timestamp {
    Timestamp::from_timestamp(NEVER, 0).unwrap_or(Timestamp::MAX_UTC)
}
