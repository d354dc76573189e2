//! Defines and changes recurring work, in a transaction of the caller's.

use fieldfen_domain::Timestamp;
use fieldfen_domain::job::{EnqueueOutcome, NewJob, Payload};
use fieldfen_domain::operator::{Action, ActionKind, ActionOutcome, Subject};
use fieldfen_domain::recurring::{NewRecurringJob, PauseOutcome, RecurringName, RecurringRun};
use fieldfen_domain::store::{Store, StoreError};

use super::Recurring;
use super::definition::Definition;
use super::schedule::Schedule;
use super::ticks::key_of;
use super::time_zone::TimeZone;
use crate::Transaction;
use crate::action_row::record;
use crate::queue::{QueueError, enqueue};

impl<S: Store> Recurring<S> {
    /// Defines recurring work, or changes the work with this name, in the caller's transaction. If the schedule and its
    /// time zone are unchanged, so is the next tick: a program may define its work at each start.
    ///
    /// The jobs of the work have normal priority, the default number of retries and no file. They use the
    /// [account](Payload::account) of the payload. The action is recorded if it changes anything.
    ///
    /// # Errors
    /// [`QueueError::Job`] if the payload breaks one of its rules; [`QueueError::Store`] with
    /// [`Invalid`](StoreError::Invalid) if the schedule has no future tick, for example the 30th of February.
    pub fn define_in<P: Payload>(
        &self,
        t: &mut Transaction<'_>,
        name: &RecurringName,
        schedule: &Schedule,
        payload: &P,
        action: &Action,
    ) -> Result<(), QueueError> {
        let job = NewJob::new(self.environment.job_id(), payload, self.environment.now())?;
        let work = Definition::new(name.clone(), schedule.clone(), job.kind).payload(job.payload).account(job.account);
        self.define_untyped_in(t, &work, action)
    }

    /// Defines recurring work whose payload is not checked against a type, in the caller's transaction; see
    /// [`define_in`](Recurring::define_in).
    ///
    /// # Errors
    /// [`QueueError::Job`] if the payload cannot be read as JSON; otherwise as [`define_in`](Recurring::define_in).
    pub fn define_untyped_in(
        &self,
        t: &mut Transaction<'_>,
        definition: &Definition,
        action: &Action,
    ) -> Result<(), QueueError> {
        self.define_of(t, definition, action).map(drop)
    }

    /// As [`define_untyped_in`](Recurring::define_untyped_in). Returns whether the work is new or was different before.
    pub(super) fn define_of(
        &self,
        t: &mut Transaction<'_>,
        definition: &Definition,
        action: &Action,
    ) -> Result<bool, QueueError> {
        let s = t.session();
        let at = self.environment.now();
        let Definition { name, schedule, kind, payload, account, defined_in } = definition;
        NewJob::untyped(self.environment.job_id(), kind.clone(), payload.clone(), at)?;
        let next_at = next_tick(schedule, at)?;
        let time_zone = Some(schedule.time_zone()).filter(|zone| *zone != TimeZone::UTC);
        let work = NewRecurringJob::new(name.clone(), schedule.as_str().to_owned(), kind.clone(), next_at, at)
            .time_zone(time_zone.map(|zone| zone.as_str().to_owned()))
            .payload(payload.clone())
            .account(account.clone())
            .defined_in(defined_in.clone());
        let is_known = s.recurring().list()?.into_iter().flatten().any(|known| {
            (&known.name, &known.schedule, &known.time_zone, &known.kind, &known.payload)
                == (&work.name, &work.schedule, &work.time_zone, &work.kind, &work.payload)
                && (&known.account, &known.defined_in) == (&work.account, &work.defined_in)
        });
        s.recurring().define(&work)?;
        if !is_known {
            let subject = Subject::Recurring(name.clone());
            record(s, action, ActionKind::Define, subject, ActionOutcome::Done, &self.environment)?;
        }
        Ok(!is_known)
    }

    /// Pauses recurring work in the caller's transaction: no tick is taken until it is [resumed](Recurring::resume). A
    /// job of an earlier tick is not affected.
    pub fn pause_in(
        &self,
        t: &mut Transaction<'_>,
        name: &RecurringName,
        action: &Action,
    ) -> Result<PauseOutcome, StoreError> {
        let s = t.session();
        let at = self.environment.now();
        let paused = s.recurring().pause(name, at)?;
        record(s, action, ActionKind::Pause, Subject::Recurring(name.clone()), of_pause(paused), &self.environment)?;
        Ok(paused)
    }

    /// Resumes recurring work in the caller's transaction. The missed ticks together make one job, at once. If no tick
    /// was missed, the next tick is unchanged.
    pub fn resume_in(
        &self,
        t: &mut Transaction<'_>,
        name: &RecurringName,
        action: &Action,
    ) -> Result<PauseOutcome, StoreError> {
        let s = t.session();
        let resumed = s.recurring().resume(name)?;
        let subject = Subject::Recurring(name.clone());
        record(s, action, ActionKind::Resume, subject, of_pause(resumed), &self.environment)?;
        Ok(resumed)
    }

    /// Enqueues the job of recurring work now, in the caller's transaction, without taking a tick; also for paused
    /// work. If the job of an earlier tick has not ended, no other job is made, and the answer names the earlier one.
    /// `None` if there is no work with this name.
    ///
    /// # Errors
    /// [`QueueError::Store`] with [`BadRow`](StoreError::BadRow) if the work cannot be read, [`QueueError::Job`] if its
    /// payload breaks a rule.
    pub fn run_now_in(
        &self,
        t: &mut Transaction<'_>,
        name: &RecurringName,
        action: &Action,
    ) -> Result<Option<EnqueueOutcome>, QueueError> {
        let s = t.session();
        let at = self.environment.now();
        let enqueued = match s.recurring().find(name)? {
            None => None,
            Some(work) => {
                let job = NewJob::untyped(self.environment.job_id(), work.kind, work.payload, at)?;
                let enqueued = enqueue(s, &job.dedup_key(key_of(name)?).account(work.account))?;
                if let EnqueueOutcome::Created(job) = enqueued {
                    s.recurring().record_run(&RecurringRun::new(name.clone(), at, job, None))?;
                }
                Some(enqueued)
            }
        };
        let outcome = match enqueued {
            Some(EnqueueOutcome::Created(_)) => ActionOutcome::Done,
            Some(EnqueueOutcome::Duplicate(_)) => ActionOutcome::Unchanged,
            None => ActionOutcome::NotFound,
        };
        record(s, action, ActionKind::RunNow, Subject::Recurring(name.clone()), outcome, &self.environment)?;
        Ok(enqueued)
    }

    /// Removes recurring work in the caller's transaction. Returns `false` if there is no work with this name. A job of
    /// an earlier tick is not affected.
    pub fn remove_in(
        &self,
        t: &mut Transaction<'_>,
        name: &RecurringName,
        action: &Action,
    ) -> Result<bool, StoreError> {
        let s = t.session();
        let removed = s.recurring().remove(name)?;
        let outcome = if removed { ActionOutcome::Done } else { ActionOutcome::NotFound };
        record(s, action, ActionKind::Remove, Subject::Recurring(name.clone()), outcome, &self.environment)?;
        Ok(removed)
    }
}

/// The first tick after this time. The search for a tick that never comes takes long, up to a second in a debug build.
///
/// # Errors
/// [`StoreError::Invalid`] if there is none.
pub(super) fn next_tick(schedule: &Schedule, at: Timestamp) -> Result<Timestamp, StoreError> {
    schedule.next_after(at).ok_or_else(|| StoreError::Invalid {
        what: "schedule",
        value: schedule.as_str().to_owned(),
        rule: "it must have a tick in the future",
    })
}

const fn of_pause(outcome: PauseOutcome) -> ActionOutcome {
    match outcome {
        PauseOutcome::Done => ActionOutcome::Done,
        PauseOutcome::Unchanged => ActionOutcome::Unchanged,
        PauseOutcome::NotFound => ActionOutcome::NotFound,
    }
}
