//! Enqueues jobs.

use fieldfen_domain::RawJson;
use fieldfen_domain::job::{EnqueueOutcome, InvalidJob, InvalidPayload, NewJob, Payload};
use fieldfen_domain::store::{Session, Store};

use super::{Queue, QueueError};
use crate::write_retry::write_once;

impl<S: Store> Queue<S> {
    /// Makes a job with this payload and a new id. The number of retries and the consequence of a worker's death are
    /// those of the payload, or of its kind's policy. If neither has a consequence, that of the worker that claims the
    /// job holds. It is due at once.
    ///
    /// The job is not enqueued yet: set a priority, a later time or a dedup key if it needs one, then call
    /// [`enqueue`](Queue::enqueue).
    ///
    /// ```
    /// use fieldfen_domain::job::{OnWorkerDeath, Payload, RetryPolicy};
    /// use fieldfen_services::{Environment, queue::{Queue, RetryPolicies}};
    /// use fieldfen_testkit::ModelStore;
    ///
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct OrderPrint {
    ///     number: u32,
    /// }
    ///
    /// impl Payload for OrderPrint {
    ///     const KIND: &'static str = "acme.order_print";
    ///     const ON_WORKER_DEATH: Option<OnWorkerDeath> = Some(OnWorkerDeath::Hold);
    /// }
    ///
    /// let fail = RetryPolicies::new(RetryPolicy::default().on_worker_death(OnWorkerDeath::Fail));
    /// let queue = Queue::new(ModelStore::new(), Environment::system()).with_policies(fail);
    /// assert_eq!(queue.job(&OrderPrint { number: 7 })?.on_worker_death, Some(OnWorkerDeath::Hold));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidJob`] if the payload breaks one of its rules, is too large, or cannot be read back.
    pub fn job<P: Payload>(&self, payload: &P) -> Result<NewJob, InvalidJob> {
        let policy = self.policies.of(&P::kind());
        let job = NewJob::new(self.environment.job_id(), payload, self.environment.now())?;
        Ok(job
            .max_retries(P::MAX_RETRIES.unwrap_or(policy.max_retries))
            .on_worker_death(P::ON_WORKER_DEATH.or(policy.on_worker_death)))
    }

    /// Enqueues a job, unless a live job has the same dedup key. The answer has the id of the live job.
    ///
    /// The id identifies the job: if the outcome is [unknown](fieldfen_domain::store::StoreError::OutcomeUnknown),
    /// enqueue the same job again. `AlreadyExists` then shows that the first attempt took effect.
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

    /// Enqueues many jobs in one transaction: all of them or none. Thousands of jobs in one call are fine.
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

/// Checks that the payload of a job can be read. A payload of one of the specification's kinds must fit the type of
/// that kind.
///
/// [`NewJob::new`] has done so already. A job from [`NewJob::untyped`], for example from a webhook, is compared with a
/// type for the first time here.
fn check(job: &NewJob) -> Result<(), InvalidJob> {
    job.check()?;
    Ok(job.kind.check_payload(job.payload.as_ref())?)
}

/// Reads a payload. A missing payload is read as `null`, so that a payload without fields may be left out.
pub(crate) fn read_payload<P: Payload>(json: Option<&RawJson>) -> Result<P, InvalidPayload> {
    P::from_column(json)
}
