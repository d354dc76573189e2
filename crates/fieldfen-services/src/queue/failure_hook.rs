//! Runs code of the program when a job fails for good or is parked.

use std::fmt;
use std::sync::Arc;

use fieldfen_domain::job::{Job, JobKind, ParkedFor, UnreadableJob};
use fieldfen_domain::store::{Session, StoreError};
use fieldfen_domain::{FileId, Timestamp};

use crate::Transaction;

/// A job that has just failed for good, or was cancelled or killed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FailedJob<'a> {
    /// The id, as its row has it.
    pub id: String,
    /// The kind; `None` if the row's value is not the name of a kind.
    pub kind: Option<&'a JobKind>,
    /// The file of the job; `None` if it has none or the file's id cannot be read.
    pub file_id: Option<FileId>,
    /// The reason of the failure.
    pub reason: &'a str,
}

/// Writes of a program in the transaction in which a job fails for good. The cause may be the handler, spent retries,
/// lost leases, an operator, or a row that cannot be read.
///
/// Pass the hook to every [`Queue`](super::Queue) and [worker](crate::worker::WorkerBuilder::failure_hook) that may
/// fail such jobs: the hook is code, and the database does not know it.
///
/// Pruning, deleting or parking a job is no failure. The replacement of a recurring job whose time a wrong clock has
/// set is none either.
pub trait FailureHook: fmt::Debug + Send + Sync {
    /// Writes the consequences of a failed job. The database may require the whole transaction, and with it this call,
    /// to run again.
    ///
    /// # Errors
    /// An error fails the transaction, and neither this job nor the other jobs of the transaction fail then. Return an
    /// error only if a later attempt may succeed: a permanent error makes the job run without end.
    fn job_failed(&self, t: &mut Transaction<'_>, job: &FailedJob<'_>, at: Timestamp) -> Result<(), StoreError>;

    /// Writes the consequences of a parked job, in the transaction that parks it; nothing by default. The event that
    /// the job waits for may have come while the job ran. The hook can then [retry](super::Queue::apply_in) the job.
    ///
    /// `job` is the job as it was claimed. Like [`job_failed`](Self::job_failed), this call may run again.
    ///
    /// # Errors
    /// As for [`job_failed`](Self::job_failed).
    fn job_parked(
        &self,
        t: &mut Transaction<'_>,
        job: &Job,
        parked_for: ParkedFor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let _ = (t, job, parked_for, at);
        Ok(())
    }
}

/// The hooks of a queue, in the order in which they were added.
#[derive(Debug, Clone, Default)]
pub(crate) struct FailureHooks(Vec<Arc<dyn FailureHook>>);

impl FailureHooks {
    pub(crate) fn push(&mut self, hook: impl FailureHook + 'static) {
        self.0.push(Arc::new(hook));
    }

    /// Runs the hooks for a job that has failed for good.
    pub(super) fn run(&self, s: &mut dyn Session, job: &Job, reason: &str, at: Timestamp) -> Result<(), StoreError> {
        self.run_for(s, &FailedJob { id: job.id.to_string(), kind: Some(&job.kind), file_id: job.file_id, reason }, at)
    }

    /// Runs the hooks for a parked job.
    pub(super) fn run_parked(
        &self,
        s: &mut dyn Session,
        job: &Job,
        parked_for: ParkedFor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.0.iter().try_for_each(|hook| hook.job_parked(&mut Transaction::new(s), job, parked_for, at))
    }

    /// Logs jobs that could not be read and have failed, and runs the hooks for them.
    pub(super) fn run_unreadable(
        &self,
        s: &mut dyn Session,
        jobs: &[UnreadableJob],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        for job in jobs {
            let UnreadableJob { id, kind, file_id, reason, .. } = job;
            log!(ERROR, job = id, reason, "unreadable job failed");
            self.run_for(s, &FailedJob { id: id.clone(), kind: kind.as_ref(), file_id: *file_id, reason }, at)?;
        }
        Ok(())
    }

    fn run_for(&self, s: &mut dyn Session, job: &FailedJob<'_>, at: Timestamp) -> Result<(), StoreError> {
        self.0.iter().try_for_each(|hook| hook.job_failed(&mut Transaction::new(s), job, at))
    }
}
