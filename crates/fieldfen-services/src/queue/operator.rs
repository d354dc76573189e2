//! What operators see of the queue, and what they do with it.

use fieldfen_domain::job::{Job, JobActionOutcome, JobCount, JobFilter, JobSummary};
use fieldfen_domain::operator::{Action, ActionKind, Subject};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::{JobId, Page, PageRequest, Timestamp};

use super::Queue;
use crate::Transaction;
use crate::action_row::{act, of_job, record};

impl<S: Store> Queue<S> {
    /// The job with this id.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] when the row holds what no job can hold.
    pub fn find(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        self.store.read(|s| s.jobs().find(id))
    }

    /// A page of jobs in the order of insertion, without what may be large: [`find`](Queue::find) has the whole job. The page
    /// names the rows that no job can be read from. It may have fewer jobs than its limit, or none, and a cursor that leads
    /// on.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    pub fn list(&self, filter: &JobFilter, page: &PageRequest) -> Result<Page<JobSummary>, StoreError> {
        self.store.read(|s| s.jobs().page(filter, page))
    }

    /// A page of the jobs that have failed for good or were cancelled, in the order of insertion. [Parked](Queue::parked)
    /// jobs are not among them.
    ///
    /// # Errors
    /// As [`Queue::list`].
    pub fn dead_letters(&self, page: &PageRequest) -> Result<Page<JobSummary>, StoreError> {
        self.list(&JobFilter::new().dead_letters(), page)
    }

    /// A page of the jobs that are parked, in the order of insertion. [`JobFilter::parked_for`] names those that wait for
    /// one thing.
    ///
    /// # Errors
    /// As [`Queue::list`].
    pub fn parked(&self, page: &PageRequest) -> Result<Page<JobSummary>, StoreError> {
        self.list(&JobFilter::default().parked(), page)
    }

    /// How many jobs of each kind are in each status, parked ones by what they are parked for; combinations without jobs are
    /// left out.
    ///
    /// The figures may be some seconds old, since a person or a graph looks at them and nothing is decided by them: a
    /// store with replicas may ask [one that lags](Store::read_stale).
    pub fn count(&self) -> Result<Vec<JobCount>, StoreError> {
        self.store.read_stale(|s| s.jobs().count())
    }

    /// Lets a failed or parked job run again at once, with all its retries. Its file stays as it is. A parked job parks again
    /// if what it waits for has not come.
    ///
    /// A job that was [killed](Queue::kill) runs again once its handler has returned, or once the lease has run out that
    /// nobody extends any more: no two handlers of one job run at once.
    pub fn retry(&self, id: &JobId, action: &Action) -> Result<JobActionOutcome, StoreError> {
        self.act(id, (action, ActionKind::Retry), |t| self.retry_in(t, id, action))
    }

    /// The same inside the caller's transaction.
    pub fn retry_in(
        &self,
        t: &mut Transaction<'_>,
        id: &JobId,
        action: &Action,
    ) -> Result<JobActionOutcome, StoreError> {
        let s = t.session();
        let at = self.environment.now();
        let answer = s.job_actions().retry(id, at)?;
        record(s, action, ActionKind::Retry, Subject::Job(*id), of_job(&answer), &self.environment)?;
        Ok(answer)
    }

    /// Stops a job: a pending or parked one fails at once, a running one is asked to stop and sees so at its next heartbeat.
    /// The reason of the action becomes the job's last error, and decides nothing: what a parked job has waited for does not
    /// let it run again after a cancel.
    pub fn cancel(&self, id: &JobId, action: &Action) -> Result<JobActionOutcome, StoreError> {
        self.act(id, (action, ActionKind::Cancel), |t| self.cancel_in(t, id, action))
    }

    /// The same inside the caller's transaction.
    pub fn cancel_in(
        &self,
        t: &mut Transaction<'_>,
        id: &JobId,
        action: &Action,
    ) -> Result<JobActionOutcome, StoreError> {
        let s = t.session();
        let at = self.environment.now();
        let answer = s.job_actions().cancel(id, action.reason(), at)?;
        let answer = self.run_hooks_if_done(s, answer, id, action.reason(), at)?;
        record(s, action, ActionKind::Cancel, Subject::Job(*id), of_job(&answer), &self.environment)?;
        Ok(answer)
    }

    /// Fails a running job, even if a worker holds it: later reports of that worker are refused. The handler is told at
    /// the next heartbeat; a handler that does not look goes on running.
    pub fn kill(&self, id: &JobId, action: &Action) -> Result<JobActionOutcome, StoreError> {
        self.act(id, (action, ActionKind::Kill), |t| self.kill_in(t, id, action))
    }

    /// The same inside the caller's transaction.
    pub fn kill_in(
        &self,
        t: &mut Transaction<'_>,
        id: &JobId,
        action: &Action,
    ) -> Result<JobActionOutcome, StoreError> {
        let s = t.session();
        let at = self.environment.now();
        let answer = s.job_actions().kill(id, action.reason(), at)?;
        let answer = self.run_hooks_if_done(s, answer, id, action.reason(), at)?;
        record(s, action, ActionKind::Kill, Subject::Job(*id), of_job(&answer), &self.environment)?;
        Ok(answer)
    }

    /// Deletes a job that does not run.
    pub fn delete(&self, id: &JobId, action: &Action) -> Result<JobActionOutcome, StoreError> {
        self.act(id, (action, ActionKind::Delete), |t| self.delete_in(t, id, action))
    }

    /// The same inside the caller's transaction.
    pub fn delete_in(
        &self,
        t: &mut Transaction<'_>,
        id: &JobId,
        action: &Action,
    ) -> Result<JobActionOutcome, StoreError> {
        let s = t.session();
        let answer = s.job_actions().delete(id)?;
        record(s, action, ActionKind::Delete, Subject::Job(*id), of_job(&answer), &self.environment)?;
        Ok(answer)
    }

    /// Does something to a job in a transaction of its own.
    fn act(
        &self,
        id: &JobId,
        (action, kind): (&Action, ActionKind),
        act_in: impl FnMut(&mut Transaction<'_>) -> Result<JobActionOutcome, StoreError>,
    ) -> Result<JobActionOutcome, StoreError> {
        act(&self.store, (action, kind, Subject::Job(*id)), act_in)
    }

    fn run_hooks_if_done(
        &self,
        s: &mut dyn Session,
        answer: JobActionOutcome,
        id: &JobId,
        reason: &str,
        at: Timestamp,
    ) -> Result<JobActionOutcome, StoreError> {
        if answer == JobActionOutcome::Done
            && let Some(job) = s.jobs().find(id)?
        {
            self.failure_hooks.run(s, &job, reason, at)?;
        }
        Ok(answer)
    }
}
