//! An open transaction whose writes follow the rules.

use std::fmt;

use fieldfen_domain::FileId;
use fieldfen_domain::api_usage::ApiCall;
use fieldfen_domain::job::{EnqueueOutcome, NewJob};
use fieldfen_domain::store::{ReadSession, Session, StoreError};
use fieldfen_domain::webhook::PayloadHash;

use crate::queue::{QueueError, enqueue, enqueue_many};
use crate::webhooks::free_job_id;

/// An open transaction. The writes of a [completion](crate::queue::Completion::writing) and the effects of a
/// [webhook](crate::webhooks::WebhookIntake::receive) get it.
///
/// It reads all tables, and its writes follow the rules: it checks the payload of a job before it enqueues the job, and
/// it changes a file together with the consequences of the change. The services whose writes may be part of a larger
/// transaction take a `Transaction`: the methods of a [`Pipeline`](crate::pipeline::Pipeline), the `*_in` methods of
/// [`Recurring`](crate::recurring::Recurring), [`apply_status_update`](crate::publishing::apply_status_update) and
/// [`Queue::apply_in`](crate::queue::Queue::apply_in) with the other `*_in` methods of the queue. The caller commits,
/// or rolls back by returning an error.
///
/// A program that opens its own transaction, for example with `SqliteSession::join`, makes a `Transaction` with
/// [`Transaction::new`]. The program keeps the connection and writes its own tables through it. A `Transaction` does
/// not give the session back.
///
/// ```
/// use fieldfen_domain::file::FileEdit;
/// use fieldfen_domain::job::UpscaleImage;
/// use fieldfen_services::pipeline::Pipeline;
/// use fieldfen_services::worker::{Completion, Outcome, Task};
///
/// fn upscale(task: &Task<UpscaleImage>, pipeline: &Pipeline) -> Result<Completion, Outcome> {
///     let (pipeline, file_id) = (pipeline.clone(), task.file_id);
///     let edit = FileEdit::new().processed_filename(format!("{file_id}.png"));
///     Ok(Completion::new().writing(move |t| pipeline.upscaled(t, &file_id, &edit).map(drop)))
/// }
/// ```
pub struct Transaction<'s> {
    session: &'s mut (dyn Session + 's),
    /// The delivery of a webhook whose effect this transaction writes.
    delivery: Option<PayloadHash>,
}

impl<'s> Transaction<'s> {
    /// Wraps the session of an open transaction.
    pub fn new(session: &'s mut dyn Session) -> Self {
        Self { session, delivery: None }
    }

    /// As [`new`](Self::new), for the effect of a delivery of a webhook.
    pub(crate) fn of_delivery(session: &'s mut dyn Session, hash: PayloadHash) -> Self {
        Self { session, delivery: Some(hash) }
    }

    /// Reads all tables, with the writes of this transaction.
    pub fn reads(&mut self) -> &mut dyn ReadSession {
        self.session.reads()
    }

    /// The session itself. Its repositories skip the rules, so only fieldfen's own services get it.
    pub(crate) fn session(&mut self) -> &mut dyn Session {
        self.session
    }

    /// Enqueues a job, unless a live job has the same dedup key. The answer has the id of the live job.
    ///
    /// # Errors
    /// [`QueueError::Job`] if the payload does not fit its kind. [`QueueError::Store`] with
    /// [`MissingReference`](StoreError::MissingReference) if its file does not exist,
    /// [`AlreadyExists`](StoreError::AlreadyExists) if its id is taken.
    pub fn enqueue(&mut self, job: &NewJob) -> Result<EnqueueOutcome, QueueError> {
        enqueue(self.session, job)
    }

    /// Enqueues a job of the webhook whose effect this transaction writes, so that
    /// [`Deliveries::jobs`](crate::webhooks::Deliveries::jobs) finds it. The job gets an id that is derived from the
    /// delivery instead of its own; the answer has it. It keeps its own id in other transactions, for a delivery with an
    /// empty body and no id, and behind the 16th job of a delivery.
    ///
    /// # Errors
    /// As [`enqueue`](Self::enqueue).
    pub fn enqueue_for_delivery(&mut self, job: &NewJob) -> Result<EnqueueOutcome, QueueError> {
        let free = self.delivery.map(|hash| free_job_id(self.session.reads(), &hash)).transpose()?.flatten();
        let mut job = job.clone();
        job.id = free.unwrap_or(job.id);
        enqueue(self.session, &job)
    }

    /// Enqueues many jobs. The answers are in the order of the jobs.
    ///
    /// # Errors
    /// As [`enqueue`](Self::enqueue), for the first job whose payload does not fit its kind, otherwise for the first
    /// job that the store refuses. Let the transaction fail with the error: jobs before the refused one may have been
    /// enqueued.
    pub fn enqueue_many(&mut self, jobs: &[NewJob]) -> Result<Vec<EnqueueOutcome>, QueueError> {
        enqueue_many(self.session, jobs)
    }

    /// Records a call to an external API. A [`CallRecorder`](crate::api_usage::CallRecorder) records calls by itself,
    /// in a transaction of its own, so that calls of handlers that fail are on record too.
    pub fn record_call(&mut self, call: &ApiCall) -> Result<(), StoreError> {
        self.session.api_usage().record(call)
    }

    /// Records the file of a webhook's delivery, so that the answer to a repetition names it. Returns `false` if the
    /// delivery is not remembered. The hash is that of [`webhooks::hash`](crate::webhooks::hash).
    ///
    /// # Errors
    /// [`StoreError::MissingReference`] if the file does not exist.
    pub fn link_delivery(&mut self, hash: &PayloadHash, file_id: &FileId) -> Result<bool, StoreError> {
        self.session.hashes().link(hash, file_id)
    }
}

impl fmt::Debug for Transaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").finish_non_exhaustive()
    }
}
