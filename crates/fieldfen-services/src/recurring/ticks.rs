//! Takes due ticks.

use fieldfen_domain::job::{DedupKey, EnqueueOutcome, InvalidJob, JobState, NewJob};
use fieldfen_domain::recurring::{RecurringJob, RecurringName, RecurringRun, Tick};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::{JobId, Timestamp, UnreadableRow, is_ahead, with_causes};

use super::{InvalidWork, schedule_of};
use crate::Environment;
use crate::write_retry::write_once;

/// The next tick of a schedule without a further tick: the last second that every store can hold.
const NEVER: i64 = 253_402_300_799;

/// The number of ticks in one transaction.
const BATCH: u32 = 100;

/// The result of [`take_due`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ticks {
    /// The jobs of the taken ticks.
    pub jobs: Vec<JobId>,
    /// The time of the next tick; `None` if no tick is known.
    pub next_at: Option<Timestamp>,
}

/// Takes every due tick and enqueues its job, 100 in a transaction. Workers call this themselves.
///
/// If a clock that was ahead has set a next tick, the tick is set again. Such a tick is more than a minute later than
/// the second tick from now, so the schedule does not explain it.
///
/// If the schedule, the time zone or the payload of some work cannot be read, the log names the work, and it is left
/// alone.
///
/// If the outcome is [unknown](StoreError::OutcomeUnknown), call this again: a taken tick is no longer due, and its job
/// is in the queue although no answer names it.
///
/// # Errors
/// The ticks that were taken before an error stay taken.
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
    /// The number of works in the last batch that cannot run. They stay due, and the next batch must be larger by them.
    broken: u32,
}

/// The result of one batch.
pub(crate) struct Batch {
    pub(crate) ticks: Ticks,
    /// Whether more work is probably due.
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
                // A taken tick makes no second job, but the answer must name the first one.
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

/// The step for one work.
struct Step {
    tick: Tick,
    /// The job of the tick. `None` if only the next tick is set, and no tick is taken.
    job: Option<NewJob>,
}

/// The step for work that is due or doubtful. `None` if the work cannot run, which is logged if `log` is set.
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
                log!(ERROR, error = with_causes(error), "recurring work not readable");
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

fn readable_step(work: &RecurringJob, environment: &Environment, now: Timestamp) -> Result<Step, InvalidWork> {
    let schedule = schedule_of(work)?;
    // The next tick is the first one in the future. Ticks in between are dropped.
    let next_at = schedule.next_after(now).unwrap_or_else(never);
    let tick = |next_at| Tick::new(work.name.clone(), work.next_at, next_at, now);
    if work.next_at <= now {
        let job = NewJob::untyped(environment.job_id(), work.kind.clone(), work.payload.clone(), now)?;
        let job = job.dedup_key(key_of(&work.name)?).account(work.account.clone());
        return Ok(Step { tick: tick(next_at), job: Some(job) });
    }
    // A clock that was slightly ahead has taken the next tick. It must not be taken again.
    let second = schedule.next_after(next_at).unwrap_or_else(never);
    if !is_ahead(work.next_at, second) {
        return Ok(Step { tick: tick(work.next_at), job: None });
    }
    log!(WARN, name = %work.name, was = %work.next_at, is = %next_at, "next tick of recurring work set by a wrong clock");
    Ok(Step { tick: tick(next_at), job: None })
}

impl Step {
    /// Takes or sets the tick, and returns the id of its job, if any. A row that cannot be read must not keep the other
    /// works of the batch from their ticks.
    fn take(&self, s: &mut dyn Session) -> Result<Option<JobId>, StoreError> {
        let taken = match &self.job {
            Some(job) => take(s, &self.tick, job),
            None => s.recurring().set_next(&self.tick).map(|_| None),
        };
        match taken {
            Err(error @ StoreError::BadRow { .. }) => {
                log!(ERROR, name = %self.tick.name, error = with_causes(&error), "tick without a job: row not readable");
                Ok(None)
            }
            taken => taken,
        }
    }
}

/// Takes a tick and returns the id of its job, if any.
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
        // The wrong clock made this job, which would keep every tick from making a job until then. If it cannot be
        // cancelled, it is found once more. No failure hook runs, since another job replaces it.
        let _ = s.job_actions().cancel(&met, "its time was set by a wrong clock", tick.at)?;
        enqueued = s.jobs().enqueue(job)?;
    }
    match enqueued {
        EnqueueOutcome::Created(id) => {
            s.recurring().record_run(&RecurringRun::new(tick.name.clone(), tick.at, id, tick.due))?;
            Ok(Some(id))
        }
        EnqueueOutcome::Duplicate(met) => {
            log!(WARN, name = %tick.name, job = %met, "tick skipped: job of an earlier tick not ended");
            Ok(None)
        }
    }
}

/// The dedup key that limits some work to one live job.
pub(super) fn key_of(name: &RecurringName) -> Result<DedupKey, InvalidJob> {
    DedupKey::new(format!("recurring:{name}"))
}

fn never() -> Timestamp {
    Timestamp::from_timestamp(NEVER, 0).unwrap_or(Timestamp::MAX_UTC)
}
