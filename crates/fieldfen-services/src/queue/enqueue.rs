//! Putting jobs in.

use fieldfen_domain::RawJson;
use fieldfen_domain::job::{
    CreateFileRecord, CreateListing, DeleteFile, Enqueued, GenerateMetadata, InvalidJob, InvalidPayload, JobKind,
    NewJob, Payload, PublishSocial, UpdateImage, UpdateListing, UpscaleImage,
};
use fieldfen_domain::store::{Session, Store};

use super::{Queue, QueueError};
use crate::settled::write_once;

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
    /// As [`enqueue`].
    pub fn enqueue(&self, job: &NewJob) -> Result<Enqueued, QueueError> {
        check(job)?;
        Ok(write_once(&self.store, |s, before| match before {
            Some(Enqueued::Created(id)) if s.jobs().find(id)?.is_some() => Ok(None),
            _ => s.jobs().enqueue(job).map(Some),
        })?)
    }

    /// Enqueues many jobs in one transaction: all of them or none. Thousands at once are meant to be given.
    ///
    /// # Errors
    /// As [`enqueue_many`].
    pub fn enqueue_many(&self, jobs: &[NewJob]) -> Result<Vec<Enqueued>, QueueError> {
        write_once(&self.store, |s, before: Option<&Vec<Enqueued>>| {
            let created = before.into_iter().flatten().find(|enqueued| matches!(enqueued, Enqueued::Created(_)));
            match created {
                Some(created) if s.jobs().find(created.id())?.is_some() => Ok(None),
                _ => enqueue_many(s, jobs).map(Some),
            }
        })
    }
}

/// Enqueues a job inside the caller's transaction, unless a live one has its dedup key; the answer says which.
///
/// # Errors
/// [`QueueError::Job`] when the payload is not what its kind asks for. [`QueueError::Store`] with
/// [`MissingReference`](fieldfen_domain::store::StoreError::MissingReference) when its file does not exist,
/// [`AlreadyExists`](fieldfen_domain::store::StoreError::AlreadyExists) when its id is taken, and others as the store
/// has them.
pub fn enqueue(s: &mut dyn Session, job: &NewJob) -> Result<Enqueued, QueueError> {
    check(job)?;
    Ok(s.jobs().enqueue(job)?)
}

/// Enqueues many jobs inside the caller's transaction. The answers are in the order of the jobs.
///
/// # Errors
/// As [`enqueue`], for the first job whose payload is not what its kind asks for, and then for the first that the store
/// refuses. Let the transaction fail with the error: jobs before the refused one may have been enqueued.
pub fn enqueue_many(s: &mut dyn Session, jobs: &[NewJob]) -> Result<Vec<Enqueued>, QueueError> {
    jobs.iter().try_for_each(check)?;
    Ok(s.jobs().enqueue_many(jobs)?)
}

/// Checks that the payload of a job can be read, and that of the specification's kinds as that kind's type.
///
/// [`NewJob::new`] has done so already; a job made with [`NewJob::untyped`], from a webhook for example, has not been
/// compared with a type before. An importing program's own kinds are checked where their type is known: by
/// [`NewJob::new`], and by the worker.
///
/// # Errors
/// [`InvalidJob::Json`] as [`NewJob::check`], [`InvalidJob::Payload`] naming the field, its value and the rule.
pub fn check(job: &NewJob) -> Result<(), InvalidJob> {
    job.check()?;
    let read = match job.kind {
        JobKind::CreateFileRecord => is::<CreateFileRecord>,
        JobKind::UpscaleImage => is::<UpscaleImage>,
        JobKind::UpdateImage => is::<UpdateImage>,
        JobKind::GenerateMetadata => is::<GenerateMetadata>,
        JobKind::CreateListing => is::<CreateListing>,
        JobKind::UpdateListing => is::<UpdateListing>,
        JobKind::PublishSocial => is::<PublishSocial>,
        JobKind::DeleteFile => is::<DeleteFile>,
        JobKind::Custom(_) => return Ok(()),
    };
    Ok(read(job.payload.as_ref())?)
}

fn is<P: Payload>(json: Option<&RawJson>) -> Result<(), InvalidPayload> {
    read_payload::<P>(json).map(drop)
}

/// Reads a payload; a job without one is read as `null`, so that a payload of no fields may be left out.
pub(crate) fn read_payload<P: Payload>(json: Option<&RawJson>) -> Result<P, InvalidPayload> {
    match json {
        Some(json) => P::from_json(json),
        None => P::from_json(&RawJson::unchecked("null".to_owned())),
    }
}
