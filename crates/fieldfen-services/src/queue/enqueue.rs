//! Putting jobs in.

use fieldfen_domain::RawJson;
use fieldfen_domain::job::{EnqueueOutcome, InvalidJob, InvalidPayload, NewJob, Payload};
use fieldfen_domain::store::{Session, Store};

use super::{Queue, QueueError};
use crate::write_retry::write_once;

impl<S: Store> Queue<S> {
    /// A job with this payload, due at once, with a new id and the retries that the payload says, or its kind's policy.
    ///
    /// It is not enqueued yet: give it a priority, a later time or a dedup key where it needs one, then
    /// [`enqueue`](Queue::enqueue) it.
    ///
    /// # Errors
    /// [`InvalidJob`] when the payload breaks one of its rules, is too large, or cannot be read back.
    pub fn job<P: Payload>(&self, payload: &P) -> Result<NewJob, InvalidJob> {
        let retries = P::MAX_RETRIES.unwrap_or_else(|| self.policies.of(&P::kind()).max_retries);
        Ok(NewJob::new(self.environment.job_id(), payload, self.environment.now())?.max_retries(retries))
    }

    /// Enqueues a job, unless a live one has its dedup key; the answer says which.
    ///
    /// A job is recognised by its id: if the outcome is [unknown](fieldfen_domain::store::StoreError::OutcomeUnknown), enqueue
    /// the same job again, and it is there once. `AlreadyExists` then says that it was there.
    ///
    /// # Errors
    /// As [`Transaction::enqueue`](crate::Transaction::enqueue).
    pub fn enqueue(&self, job: &NewJob) -> Result<EnqueueOutcome, QueueError> {
        check(job)?;
        Ok(write_once(&self.store, |s, before| match before {
            Some(EnqueueOutcome::Created(id)) if s.jobs().find(id)?.is_some() => Ok(None),
            _ => s.jobs().enqueue(job).map(Some),
        })?)
    }

    /// Enqueues many jobs in one transaction: all of them or none. Thousands at once are meant to be given.
    ///
    /// # Errors
    /// As [`Transaction::enqueue_many`](crate::Transaction::enqueue_many).
    pub fn enqueue_many(&self, jobs: &[NewJob]) -> Result<Vec<EnqueueOutcome>, QueueError> {
        write_once(&self.store, |s, before: Option<&Vec<EnqueueOutcome>>| {
            let created = before.into_iter().flatten().find(|enqueued| matches!(enqueued, EnqueueOutcome::Created(_)));
            match created {
                Some(created) if s.jobs().find(created.id())?.is_some() => Ok(None),
                _ => enqueue_many(s, jobs).map(Some),
            }
        })
    }
}

/// Enqueues a job inside the caller's transaction: [`Transaction::enqueue`](crate::Transaction::enqueue).
pub(crate) fn enqueue(s: &mut dyn Session, job: &NewJob) -> Result<EnqueueOutcome, QueueError> {
    check(job)?;
    Ok(s.jobs().enqueue(job)?)
}

/// Enqueues many jobs inside the caller's transaction: [`Transaction::enqueue_many`](crate::Transaction::enqueue_many).
pub(crate) fn enqueue_many(s: &mut dyn Session, jobs: &[NewJob]) -> Result<Vec<EnqueueOutcome>, QueueError> {
    jobs.iter().try_for_each(check)?;
    Ok(s.jobs().enqueue_many(jobs)?)
}

/// Checks that the payload of a job can be read, and that of the specification's kinds as that kind's type.
///
/// [`NewJob::new`] has done so already; a job made with [`NewJob::untyped`], from a webhook for example, has not been
/// compared with a type before.
fn check(job: &NewJob) -> Result<(), InvalidJob> {
    job.check()?;
    Ok(job.kind.check_payload(job.payload.as_ref())?)
}

/// Reads a payload; a job without one is read as `null`, so that a payload of no fields may be left out.
pub(crate) fn read_payload<P: Payload>(json: Option<&RawJson>) -> Result<P, InvalidPayload> {
    P::from_column(json)
}
