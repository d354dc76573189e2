//! Setting recurring work up and changing it, in a transaction of the caller's.

use fieldfen_domain::job::{EnqueueOutcome, NewJob, Payload};
use fieldfen_domain::operator::{Action, ActionKind, ActionOutcome, Subject};
use fieldfen_domain::recurring::{NewRecurringJob, PauseOutcome, RecurringName};
use fieldfen_domain::store::{Store, StoreError};

use super::Recurring;
use super::schedule::Schedule;
use super::ticks::key_of;
use crate::Transaction;
use crate::action_row::record;
use crate::queue::{QueueError, enqueue};

impl<S: Store> Recurring<S> {
    /// Sets recurring work up, or changes what has its name, in the caller's transaction. Its next tick stays where the
    /// schedule stays, so that a program may define its work whenever it starts.
    ///
    /// The jobs that it makes have normal priority, the default number of retries, and hang on no file. The action is
    /// recorded where anything changes.
    ///
    /// # Errors
    /// [`QueueError::Job`] when the payload breaks one of its rules; [`QueueError::Store`] with
    /// [`Invalid`](StoreError::Invalid) when the schedule has no tick any more, the 30th of February for example.
    pub fn define_in<P: Payload>(
        &self,
        t: &mut Transaction<'_>,
        name: &RecurringName,
        schedule: &Schedule,
        payload: &P,
        action: &Action,
    ) -> Result<(), QueueError> {
        let s = t.session();
        let at = self.environment.now();
        let job = NewJob::new(self.environment.job_id(), payload, at)?;
        let next_at = schedule.next_after(at).ok_or_else(|| StoreError::Invalid {
            what: "schedule",
            value: schedule.as_str().to_owned(),
            rule: "it must have a tick in the future",
        })?;
        let work = NewRecurringJob::new(name.clone(), schedule.as_str().to_owned(), job.kind, next_at, at)
            .payload(job.payload);
        let is_known = s.recurring().list()?.into_iter().flatten().any(|known| {
            (&known.name, &known.schedule, &known.kind, &known.payload)
                == (&work.name, &work.schedule, &work.kind, &work.payload)
        });
        s.recurring().define(&work)?;
        if !is_known {
            let subject = Subject::Recurring(name.clone());
            record(s, action, ActionKind::Define, subject, ActionOutcome::Done, &self.environment)?;
        }
        Ok(())
    }

    /// Pauses recurring work in the caller's transaction: none of its ticks is taken until it is
    /// [resumed](Recurring::resume). A job that a tick has made before goes on.
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

    /// Resumes recurring work in the caller's transaction. The ticks that it has missed make one job together, at once; where it
    /// has missed none, the next tick stays as it was.
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

    /// Enqueues the job of recurring work now, in the caller's transaction, without taking a tick; paused work too. If the job of
    /// an earlier tick has not ended, the answer names that job, and no other is made. `None` when there is no work of this name.
    ///
    /// # Errors
    /// [`QueueError::Store`] with [`BadRow`](StoreError::BadRow) when the work cannot be read, [`QueueError::Job`]
    /// when its payload breaks a rule.
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
                Some(enqueue(s, &job.dedup_key(key_of(name)?))?)
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

    /// Ends recurring work in the caller's transaction; `false` when there is none of this name. A job that one of its ticks
    /// has made stays.
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

const fn of_pause(outcome: PauseOutcome) -> ActionOutcome {
    match outcome {
        PauseOutcome::Done => ActionOutcome::Done,
        PauseOutcome::Unchanged => ActionOutcome::Unchanged,
        PauseOutcome::NotFound => ActionOutcome::NotFound,
    }
}
