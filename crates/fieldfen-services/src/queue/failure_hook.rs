//! What else is written when a job fails for good or is parked.

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
    /// Its id as it stands in the row.
    pub id: String,
    /// Its kind; `None` when the row holds what is no kind.
    pub kind: Option<&'a JobKind>,
    /// The file it is about, where there is one and its id can be read.
    pub file_id: Option<FileId>,
    /// Why it has failed.
    pub reason: &'a str,
}

/// What a program writes in the transaction in which a job fails for good, for whatever reason: its handler, spent
/// retries, lost leases, an operator, or a row that cannot be read.
///
/// Give it to every [`Queue`](super::Queue) and [worker](crate::worker::WorkerBuilder::failure_hook) that may fail such jobs:
/// the hook is code, and the database does not know of it.
///
/// Pruning and deleting jobs is no failure. Neither is parking one, nor the replacement of a recurring job whose time a
/// wrong clock has set.
pub trait FailureHook: fmt::Debug + Send + Sync {
    /// Writes it. May be run again when the database asks for it, as the whole transaction is.
    ///
    /// # Errors
    /// Errors fail the transaction, and the job with those beside it is not failed then. So return one only where trying
    /// again may help; an error that stays keeps the job running in a circle.
    fn job_failed(&self, t: &mut Transaction<'_>, job: &FailedJob<'_>, at: Timestamp) -> Result<(), StoreError>;

    /// Writes what follows when a job is parked, in the same transaction; by default nothing. What the job waits for may have
    /// come while it ran: then this is the place to [let it run again](super::Queue::retry_in).
    ///
    /// `job` is the job as it was claimed. Like [`job_failed`](Self::job_failed), it may be run again.
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

/// The hooks of a queue, in the order in which they were given.
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

    /// Runs the hooks for a job that has been parked.
    pub(super) fn run_parked(
        &self,
        s: &mut dyn Session,
        job: &Job,
        parked_for: ParkedFor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.0.iter().try_for_each(|hook| hook.job_parked(&mut Transaction::new(s), job, parked_for, at))
    }

    /// Names jobs in the log that could not be read and have failed, and runs the hooks for them.
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
