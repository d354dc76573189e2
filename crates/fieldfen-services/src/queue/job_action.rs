//! Any action of an operator on a job.

use fieldfen_domain::job::{EnqueueOutcome, JobAction, JobActionOutcome, NewJob};
use fieldfen_domain::operator::{Action, Subject};
use fieldfen_domain::store::{Session, Store};
use fieldfen_domain::{JobId, Timestamp};

use super::{Queue, QueueError, enqueue};
use crate::Transaction;
use crate::action_row::{act, of_job, record};

impl<S: Store> Queue<S> {
    /// Carries out an action on a job, in its own transaction. [`retry`](Queue::retry), [`cancel`](Queue::cancel),
    /// [`kill`](Queue::kill) and [`delete`](Queue::delete) are the same as the actions of their names.
    ///
    /// [`JobAction::Release`] gives a running job back to the queue. Its worker is told to stop the handler at the next
    /// heartbeat, and the job runs again when the handler has ended or the lease has expired, so that two handlers of
    /// one job never run at once. Whatever the handler reports is refused, so that finished work is done again. A job
    /// that a program without leases runs is due at once: release it only when that program has ended.
    ///
    /// [`JobAction::Requeue`] answers with [`JobActionOutcome::Requeued`].
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
            JobAction::Requeue => self.requeue(s, id, at)?,
        };
        Ok(outcome)
    }

    fn requeue(&self, s: &mut dyn Session, id: &JobId, at: Timestamp) -> Result<JobActionOutcome, QueueError> {
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
