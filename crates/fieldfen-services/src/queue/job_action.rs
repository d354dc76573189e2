//! The actions of operators on a job.

use fieldfen_domain::job::{EnqueueOutcome, JobAction, JobActionOutcome, NewJob, Priority};
use fieldfen_domain::operator::{Action, Subject};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::{JobId, Timestamp};

use super::{Queue, QueueError, enqueue};
use crate::Transaction;
use crate::action_row::{act, of_job, record};

impl<S: Store> Queue<S> {
    /// Carries out an action on a job, in its own transaction. Each [`JobAction`] also has a method of its name, which
    /// explains it: [`retry`](Queue::retry), [`cancel`](Queue::cancel), [`kill`](Queue::kill),
    /// [`release`](Queue::release), [`delete`](Queue::delete), [`reschedule`](Queue::reschedule),
    /// [`run_now`](Queue::run_now), [`requeue`](Queue::requeue), [`set_priority`](Queue::set_priority).
    ///
    /// ```
    /// use chrono::TimeDelta;
    /// use fieldfen_domain::job::{JobAction, JobActionOutcome, JobKind, NewJob};
    /// use fieldfen_domain::operator::{Action, Actor, Via};
    /// use fieldfen_services::{Environment, queue::Queue};
    /// use fieldfen_testkit::ModelStore;
    ///
    /// let environment = Environment::system();
    /// let queue = Queue::new(ModelStore::new(), environment.clone());
    /// let job = NewJob::untyped(environment.job_id(), "acme.resize".parse::<JobKind>()?, None, environment.now())?;
    /// queue.enqueue(&job)?;
    /// let tomorrow = JobAction::Reschedule(environment.now() + TimeDelta::days(1));
    /// let ann = Action::new(Actor::new("ann", Via::Console)?, "the shop is closed today")?;
    /// assert_eq!(queue.apply(&job.id, tomorrow, &ann)?, JobActionOutcome::Done);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`QueueError::Job`] if the payload of a job that is requeued breaks a rule of its kind.
    pub fn apply(&self, id: &JobId, job_action: JobAction, action: &Action) -> Result<JobActionOutcome, QueueError> {
        act(&self.store, (action, job_action.kind(), Subject::Job(*id)), |t| self.apply_in(t, id, job_action, action))
    }

    /// As [`apply`](Queue::apply), inside the caller's transaction.
    ///
    /// # Errors
    /// As [`apply`](Queue::apply).
    pub fn apply_in(
        &self,
        t: &mut Transaction<'_>,
        id: &JobId,
        job_action: JobAction,
        action: &Action,
    ) -> Result<JobActionOutcome, QueueError> {
        let s = t.session();
        let outcome = self.carry_out(s, id, job_action, action.reason(), self.environment.now())?;
        record(s, action, job_action.kind(), Subject::Job(*id), of_job(&outcome), &self.environment)?;
        Ok(outcome)
    }

    /// Makes a failed or parked job pending at once, with all its retries. Its file stays as it is. A parked job is
    /// parked again if the event that it waits for has not come.
    ///
    /// A job that was [killed](Queue::kill) runs again after its handler has returned, or after its lease has expired,
    /// which nobody extends any more. Two handlers of one job never run at once.
    ///
    /// # Errors
    /// [`QueueError::Store`].
    pub fn retry(&self, id: &JobId, action: &Action) -> Result<JobActionOutcome, QueueError> {
        self.apply(id, JobAction::Retry, action)
    }

    /// Cancels a job. A pending or parked job fails at once. A running job is asked to stop, and its handler sees that
    /// at the next heartbeat. The reason of the action becomes the job's last error. A cancelled parked job does not
    /// run again when the event comes that it waited for.
    ///
    /// # Errors
    /// [`QueueError::Store`], also with the error of a failure hook.
    pub fn cancel(&self, id: &JobId, action: &Action) -> Result<JobActionOutcome, QueueError> {
        self.apply(id, JobAction::Cancel, action)
    }

    /// Fails a running job at once, even if a worker holds it. Later outcomes of that worker are refused. The handler
    /// is informed at the next heartbeat. A handler that does not check for that goes on running.
    ///
    /// # Errors
    /// As [`cancel`](Queue::cancel).
    pub fn kill(&self, id: &JobId, action: &Action) -> Result<JobActionOutcome, QueueError> {
        self.apply(id, JobAction::Kill, action)
    }

    /// Gives a running job back to the queue. Its worker is told to stop the handler at the next heartbeat, and the job
    /// runs again when the handler has ended or the lease has expired, so that two handlers of one job never run at
    /// once. Every outcome of the handler is refused, so that finished work is done again. A job that a program without
    /// leases runs is due at once: release it only when that program has ended.
    ///
    /// # Errors
    /// [`QueueError::Store`].
    pub fn release(&self, id: &JobId, action: &Action) -> Result<JobActionOutcome, QueueError> {
        self.apply(id, JobAction::Release, action)
    }

    /// Deletes a job that is not running.
    ///
    /// # Errors
    /// [`QueueError::Store`].
    pub fn delete(&self, id: &JobId, action: &Action) -> Result<JobActionOutcome, QueueError> {
        self.apply(id, JobAction::Delete, action)
    }

    /// Sets the due time of a pending job.
    ///
    /// # Errors
    /// [`QueueError::Store`].
    pub fn reschedule(&self, id: &JobId, run_at: Timestamp, action: &Action) -> Result<JobActionOutcome, QueueError> {
        self.apply(id, JobAction::Reschedule(run_at), action)
    }

    /// Makes a pending job due now.
    ///
    /// # Errors
    /// [`QueueError::Store`].
    pub fn run_now(&self, id: &JobId, action: &Action) -> Result<JobActionOutcome, QueueError> {
        self.apply(id, JobAction::RunNow, action)
    }

    /// Enqueues a new job with the payload of a completed or failed one, and answers with
    /// [`JobActionOutcome::Requeued`].
    ///
    /// # Errors
    /// [`QueueError::Job`] if the payload breaks a rule of its kind, and [`QueueError::Store`].
    pub fn requeue(&self, id: &JobId, action: &Action) -> Result<JobActionOutcome, QueueError> {
        self.apply(id, JobAction::Requeue, action)
    }

    /// Sets the priority of a job that has not completed.
    ///
    /// # Errors
    /// [`QueueError::Store`].
    pub fn set_priority(
        &self,
        id: &JobId,
        priority: Priority,
        action: &Action,
    ) -> Result<JobActionOutcome, QueueError> {
        self.apply(id, JobAction::SetPriority(priority), action)
    }

    /// Carries out an action without recording it.
    pub(crate) fn carry_out(
        &self,
        s: &mut dyn Session,
        id: &JobId,
        job_action: JobAction,
        reason: &str,
        at: Timestamp,
    ) -> Result<JobActionOutcome, QueueError> {
        let jobs = s.job_actions();
        let outcome = match job_action {
            JobAction::Retry => jobs.retry(id, at)?,
            JobAction::Cancel => {
                let outcome = jobs.cancel(id, reason, at)?;
                self.run_hooks_if_done(s, outcome, id, reason, at)?
            }
            JobAction::Kill => {
                let outcome = jobs.kill(id, reason, at)?;
                self.run_hooks_if_done(s, outcome, id, reason, at)?
            }
            JobAction::Release => jobs.release_running(id, reason, at)?,
            JobAction::Delete => jobs.delete(id)?,
            JobAction::Reschedule(run_at) => jobs.reschedule(id, run_at, at)?,
            JobAction::RunNow => jobs.reschedule(id, at, at)?,
            JobAction::SetPriority(priority) => jobs.set_priority(id, priority)?,
            JobAction::Requeue => self.enqueue_again(s, id, at)?,
        };
        Ok(outcome)
    }

    fn run_hooks_if_done(
        &self,
        s: &mut dyn Session,
        outcome: JobActionOutcome,
        id: &JobId,
        reason: &str,
        at: Timestamp,
    ) -> Result<JobActionOutcome, StoreError> {
        if outcome == JobActionOutcome::Done
            && let Some(job) = s.jobs().find(id)?
        {
            self.failure_hooks.run(s, &job, reason, at)?;
        }
        Ok(outcome)
    }

    fn enqueue_again(&self, s: &mut dyn Session, id: &JobId, at: Timestamp) -> Result<JobActionOutcome, QueueError> {
        let Some(job) = s.jobs().find(id)? else { return Ok(JobActionOutcome::NotFound) };
        if !JobAction::Requeue.is_possible_in(&job.state) {
            return Ok(JobActionOutcome::Refused { status: job.state.status() });
        }
        let on_worker_death = s.workers().on_worker_death(id)?;
        let new = NewJob::untyped(self.environment.job_id(), job.kind, job.payload, at)?
            .file_id(job.file_id)
            .account(job.account)
            .priority(job.priority)
            .max_retries(job.max_retries)
            .on_worker_death(on_worker_death)
            .dedup_key(job.dedup_key);
        Ok(match enqueue(s, &new)? {
            EnqueueOutcome::Created(new) => JobActionOutcome::Requeued(new),
            EnqueueOutcome::Duplicate(live) => JobActionOutcome::Duplicate(live),
        })
    }
}
