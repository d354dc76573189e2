//! An open transaction that keeps the rules.

use std::fmt;

use fieldfen_domain::FileId;
use fieldfen_domain::api_usage::ApiCall;
use fieldfen_domain::file::{FileEdit, FileMetadata, Ingested, NewFile};
use fieldfen_domain::job::{Enqueued, NewJob};
use fieldfen_domain::operator::Action;
use fieldfen_domain::store::{ReadSession, Session, StoreError};
use fieldfen_domain::webhook::PayloadHash;

use crate::pipeline::{EditOutcome, Followed, Pipeline};
use crate::queue::{QueueError, enqueue, enqueue_many};

/// An open transaction, as the writes of a [completion](crate::queue::Completion::writing) and the effects of a
/// [webhook](crate::intake::WebhookIntake::receive) get it.
///
/// It reads everything, and what it writes keeps the rules: a job is enqueued after its payload has been checked, and a file
/// changes together with what follows from the change. The caller commits, or rolls back by returning an error.
///
/// A program that opens a transaction of its own, with `SqliteSession::join` for example, makes one with
/// [`Transaction::new`].
///
/// ```
/// use fieldfen_domain::job::{Payload, UpscaleImage};
/// use fieldfen_services::pipeline::Pipeline;
/// use fieldfen_services::worker::{Completion, Outcome, Task};
/// use fieldfen_domain::file::FileEdit;
///
/// fn upscale(task: &Task<UpscaleImage>, pipeline: &Pipeline) -> Result<Completion, Outcome> {
///     let (pipeline, file_id) = (pipeline.clone(), task.file_id);
///     let edit = FileEdit::new().processed_filename(format!("{file_id}.png"));
///     Ok(Completion::new().writing(move |t| t.upscaled(&pipeline, &file_id, &edit).map(drop)))
/// }
/// ```
pub struct Transaction<'s> {
    session: &'s mut (dyn Session + 's),
}

impl<'s> Transaction<'s> {
    /// The transaction that this session is.
    pub fn new(session: &'s mut dyn Session) -> Self {
        Self { session }
    }

    /// Reads everything, also what this transaction has written.
    pub fn reads(&mut self) -> &mut dyn ReadSession {
        self.session.reads()
    }

    /// The session itself, for the functions that take one: [`Queue::cancel_in`](crate::queue::Queue::cancel_in),
    /// [`recurring::define`](crate::recurring::define), [`Pipeline::approve`], and those of a program's own. A second form
    /// of each of them here would do the same under another name.
    ///
    /// Its repositories are what stores implement. Whoever writes through them skips the rules: they enqueue any payload,
    /// move a file without its jobs, and record no operator.
    pub fn session(&mut self) -> &mut dyn Session {
        self.session
    }

    /// Enqueues a job, unless a live one has its dedup key; the answer says which.
    ///
    /// # Errors
    /// As [`queue::enqueue`](enqueue).
    pub fn enqueue(&mut self, job: &NewJob) -> Result<Enqueued, QueueError> {
        enqueue(self.session, job)
    }

    /// Enqueues many jobs. The answers are in the order of the jobs.
    ///
    /// # Errors
    /// As [`queue::enqueue_many`](enqueue_many).
    pub fn enqueue_many(&mut self, jobs: &[NewJob]) -> Result<Vec<Enqueued>, QueueError> {
        enqueue_many(self.session, jobs)
    }

    /// Records a call to an external API; [`ApiUsage::call`](crate::api_usage::ApiUsage::call) makes one.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    pub fn record_call(&mut self, call: &ApiCall) -> Result<(), StoreError> {
        self.session.api_usage().record(call)
    }

    /// Says which file a webhook's delivery has led to, so that repetitions are told; `false` when the delivery is not
    /// remembered. The hash is that of [`intake::hash`](crate::intake::hash).
    ///
    /// # Errors
    /// [`StoreError::MissingReference`] when there is no such file; others as the store has them.
    pub fn link_delivery(&mut self, hash: &PayloadHash, file_id: &FileId) -> Result<bool, StoreError> {
        self.session.hashes().link(hash, file_id)
    }

    /// Takes a file in; see [`Pipeline::ingest`].
    ///
    /// # Errors
    /// As [`Pipeline::ingest`].
    pub fn ingest(&mut self, pipeline: &Pipeline, file: &NewFile) -> Result<Ingested, StoreError> {
        pipeline.ingest(self.session, file)
    }

    /// Begins the processing of a file; see [`Pipeline::record_confirmed`].
    ///
    /// # Errors
    /// As [`Pipeline::record_confirmed`].
    pub fn record_confirmed(&mut self, pipeline: &Pipeline, file_id: &FileId) -> Result<Option<Followed>, StoreError> {
        pipeline.record_confirmed(self.session, file_id)
    }

    /// Says what the upscaled picture of a file is; see [`Pipeline::upscaled`].
    ///
    /// # Errors
    /// As [`Pipeline::upscaled`].
    pub fn upscaled(
        &mut self,
        pipeline: &Pipeline,
        file_id: &FileId,
        edit: &FileEdit,
    ) -> Result<Option<Followed>, StoreError> {
        pipeline.upscaled(self.session, file_id, edit)
    }

    /// Says what a file shows; see [`Pipeline::described`].
    ///
    /// # Errors
    /// As [`Pipeline::described`].
    pub fn described(
        &mut self,
        pipeline: &Pipeline,
        file_id: &FileId,
        metadata: &FileMetadata,
    ) -> Result<Option<Followed>, StoreError> {
        pipeline.described(self.session, file_id, metadata)
    }

    /// Changes what is known about a file; see [`Pipeline::edit`].
    ///
    /// # Errors
    /// As [`Pipeline::edit`].
    pub fn edit(
        &mut self,
        pipeline: &Pipeline,
        file_id: &FileId,
        edit: &FileEdit,
        action: &Action,
    ) -> Result<EditOutcome, StoreError> {
        pipeline.edit(self.session, file_id, edit, action)
    }
}

impl fmt::Debug for Transaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").finish_non_exhaustive()
    }
}
