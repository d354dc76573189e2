//! Operators' actions on files, for any program: approve, reject, fail, retry, edit, delete, publish, take a product or
//! post down, and resolve the state of a platform that only a person can determine.
//!
//! The consequences of an action depend on the shop's rules, and one program alone has these rules. Every other program
//! therefore enqueues a job of one of fieldfen's own kinds, for example `fieldfen.approve`, and a worker of the program
//! with the rules carries it out. The job's result is an [`OperatorAnswer`]. The requesting program needs only the
//! database's address, for example from `fieldfen.toml`:
//!
//! ```
//! use std::time::Duration;
//! use fieldfen_domain::operator::{Action, Actor, Via};
//! use fieldfen_services::Environment;
//! use fieldfen_services::operator::{Operator, OperatorAnswer, RequestOutcome};
//! # use fieldfen_domain::FileId;
//! # use fieldfen_services::{shop::Shop, worker::Worker};
//! # use fieldfen_testkit::ModelStore;
//! # let store = ModelStore::new(); // In production: the store at the address.
//! # let pipeline = Shop::new().pipeline(Environment::system())?;
//! # let worker = pipeline.serve_operators(Worker::builder(store.clone(), Environment::system())).start()?;
//! # let file_id = FileId::from_random(7);
//!
//! let operator = Operator::new(store, Environment::system());
//! let ann = Actor::new("ann", Via::Console)?;
//! let request = operator.approve(&file_id, &Action::new(ann, "sharp, and well lit")?)?;
//! let asked = operator.ask(&request)?; // After an error, ask the same request again: its job exists once.
//! println!("{asked}"); // Names the missing worker if none is alive.
//! match operator.wait(&asked.job, Duration::from_secs(10))? {
//!     RequestOutcome::Answered(OperatorAnswer::Done { status, jobs }) => println!("{status:?}, and {} jobs follow", jobs.len()),
//!     RequestOutcome::Answered(other) => println!("{other}"),
//!     other => println!("{other:?}"),
//! }
//! # worker.stop_handle().stop();
//! # worker.join()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod handlers;
mod jobs;
mod reconciliation;
mod repeated;
mod resolutions;
pub(crate) mod withdrawal;

use std::fmt;
use std::time::Duration;

use fieldfen_domain::file::{Deletion, FileEdit};
use fieldfen_domain::job::{InvalidJob, JobKind, NewJob, Payload};
use fieldfen_domain::operator::Action;
use fieldfen_domain::publication::{PlatformRowId, Target};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{FileId, JobId, PublicationId};

use crate::Environment;
use crate::publishing::{KeyResolution, Reconcile, RowResolution, UnknownResolution};
use crate::queue::{self, Queue, QueueError};
use crate::workers::Workers;

pub use answer::{LastEdit, OperatorAnswer};
pub use jobs::{
    ApproveRequest, DeleteRequest, EditRequest, FailRequest, PublishRequest, RejectRequest, ResolveKeyRequest,
    ResolveRowRequest, ResolveUnknownRequest, RetryRequest,
};
pub use withdrawal::WithdrawRequest;

/// Requests operators' actions from the workers of a shop. A clone is the same handle.
///
/// Create a [`Request`] first; this writes nothing. [`ask`](Operator::ask) enqueues it in one transaction and may be
/// repeated. [`wait`](Operator::wait) waits for the answer. While a request waits, a second one with the same content is
/// the same job, unless another request about the same file, publication or row waits too: the order then counts.
#[derive(Debug, Clone)]
pub struct Operator<S> {
    queue: Queue<S>,
    workers: Workers<S>,
}

/// An operator's action on a file, with the id of its job. The job exists after [`Operator::ask`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "the request has no effect until it is passed to `Operator::ask`"]
pub struct Request {
    job: NewJob,
}

impl Request {
    /// The id of the request's job. Any program finds the job by this id after [`Operator::ask`].
    #[must_use]
    pub const fn job(&self) -> &JobId {
        &self.job.id
    }

    /// The kind of the request's job.
    #[must_use]
    pub const fn kind(&self) -> &JobKind {
        &self.job.kind
    }
}

/// An enqueued request, with the number of workers that can carry it out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "it shows whether a worker for the request is alive"]
pub struct QueuedRequest {
    /// The id of the job that carries the request out.
    pub job: JobId,
    /// The kind of that job.
    pub kind: JobKind,
    /// The number of living workers that run jobs of this kind. With 0, the action is carried out when such a worker
    /// starts. A worker that stopped without notice counts for one more minute.
    pub workers_alive: usize,
    /// Whether this is the job of an earlier request with the same content, which has not been carried out yet. The action
    /// is then recorded with the operator and the reason of that request.
    pub was_asked_before: bool,
}

impl fmt::Display for QueuedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { job, kind, workers_alive, was_asked_before } = self;
        if *was_asked_before {
            f.write_str("the same request waits already: ")?;
        }
        match workers_alive {
            0 => {
                let program = if kind.as_str() == WithdrawRequest::KIND || kind.as_str() == Reconcile::KIND {
                    "program with the clients of the platforms"
                } else {
                    "worker with the shop's rules, for example `fieldfen work` in the folder of fieldfen.toml"
                };
                write!(f, "no worker for {kind} is alive: job {job} waits until one starts; start the {program}")
            }
            1 => write!(f, "job {job} waits for the worker for {kind}"),
            workers => write!(f, "job {job} waits for one of {workers} workers for {kind}"),
        }
    }
}

/// The answer to [`Operator::wait`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "it shows whether the request was carried out"]
#[non_exhaustive]
pub enum RequestOutcome {
    /// A worker has carried out or refused the request.
    Answered(OperatorAnswer),
    /// The job failed for good, was cancelled, or was parked by a handler that the program registered itself. Nothing
    /// was changed.
    Failed {
        /// The reason, for people to read.
        reason: String,
    },
    /// The job had not ended at the timeout.
    TimedOut {
        /// Whether no living worker runs jobs of this kind. The request is then carried out when one starts.
        no_worker_alive: bool,
        /// The reason why a worker of another version declined the job, since it cannot read the request; `None` if
        /// none did.
        declined: Option<String>,
    },
    /// The job does not exist, or was deleted.
    NotFound,
}

impl<S: Store> Operator<S> {
    /// Creates a handle on this store.
    #[must_use]
    pub fn new(store: S, environment: Environment) -> Self {
        Self { workers: Workers::new(store.clone(), environment.clone()), queue: Queue::new(store, environment) }
    }

    /// Creates a request to approve a processed file for sale; see
    /// [`Pipeline::approve`](crate::pipeline::Pipeline::approve).
    ///
    /// # Errors
    /// [`InvalidJob`] when the request is above [`MAX_JSON_BYTES`](fieldfen_domain::MAX_JSON_BYTES) as JSON.
    pub fn approve(&self, file_id: &FileId, action: &Action) -> Result<Request, InvalidJob> {
        self.request(&ApproveRequest { file_id: *file_id, action: action.clone() })
    }

    /// Creates a request to fail a file that awaits approval, or an approved file without listings.
    ///
    /// # Errors
    /// As [`Operator::approve`].
    pub fn reject(&self, file_id: &FileId, action: &Action) -> Result<Request, InvalidJob> {
        self.request(&RejectRequest { file_id: *file_id, action: action.clone() })
    }

    /// Creates a request to fail a file in any status.
    ///
    /// # Errors
    /// As [`Operator::approve`].
    pub fn fail(&self, file_id: &FileId, action: &Action) -> Result<Request, InvalidJob> {
        self.request(&FailRequest { file_id: *file_id, action: action.clone() })
    }

    /// Creates a request to retry a failed file from the step that failed.
    ///
    /// # Errors
    /// As [`Operator::approve`].
    pub fn retry(&self, file_id: &FileId, action: &Action) -> Result<Request, InvalidJob> {
        self.request(&RetryRequest { file_id: *file_id, action: action.clone() })
    }

    /// Creates a request to edit a file. If the edit holds the version that the editor has [seen](FileEdit::seen) and
    /// the file has changed since, the worker refuses the edit and answers with the changes.
    ///
    /// # Errors
    /// As [`Operator::approve`].
    pub fn edit(&self, file_id: &FileId, edit: &FileEdit, action: &Action) -> Result<Request, InvalidJob> {
        self.request(&EditRequest { file_id: *file_id, action: action.clone(), edit: edit.clone() })
    }

    /// Creates a request to delete a file and all rows that belong to it.
    ///
    /// # Errors
    /// As [`Operator::approve`].
    pub fn delete(&self, file_id: &FileId, deletion: Deletion, action: &Action) -> Result<Request, InvalidJob> {
        self.request(&DeleteRequest { file_id: *file_id, action: action.clone(), force: deletion == Deletion::Forced })
    }

    /// Creates a request to publish an approved or published file at one target.
    ///
    /// # Errors
    /// As [`Operator::approve`].
    pub fn publish(&self, file_id: &FileId, target: &Target, action: &Action) -> Result<Request, InvalidJob> {
        self.request(&PublishRequest { file_id: *file_id, action: action.clone(), target: target.clone() })
    }

    /// Creates a request to apply the operator's decision about a row that belongs to no publication; see
    /// [`Pipeline::resolve_row`](crate::pipeline::Pipeline::resolve_row).
    ///
    /// # Errors
    /// As [`Operator::approve`].
    pub fn resolve_row(
        &self,
        file_id: &FileId,
        row: PlatformRowId,
        resolution: &RowResolution,
        action: &Action,
    ) -> Result<Request, InvalidJob> {
        let (action, resolution) = (action.clone(), resolution.clone());
        self.request(&ResolveRowRequest { file_id: *file_id, action, row, resolution })
    }

    /// Creates a request to apply the operator's decision about a product that has the id of a publication and an
    /// unknown key; see [`Pipeline::resolve_key`](crate::pipeline::Pipeline::resolve_key).
    ///
    /// # Errors
    /// As [`Operator::approve`].
    pub fn resolve_key(
        &self,
        publication_id: &PublicationId,
        resolution: &KeyResolution,
        action: &Action,
    ) -> Result<Request, InvalidJob> {
        let (action, resolution) = (action.clone(), resolution.clone());
        self.request(&ResolveKeyRequest { publication_id: *publication_id, action, resolution })
    }

    /// Creates a request to apply the operator's decision about a target whose call returned no answer; see
    /// [`Pipeline::resolve_unknown`](crate::pipeline::Pipeline::resolve_unknown).
    ///
    /// # Errors
    /// As [`Operator::approve`].
    pub fn resolve_unknown(
        &self,
        file_id: &FileId,
        target: &Target,
        resolution: &UnknownResolution,
        action: &Action,
    ) -> Result<Request, InvalidJob> {
        let (action, target, resolution) = (action.clone(), target.clone(), resolution.clone());
        self.request(&ResolveUnknownRequest { file_id: *file_id, action, target, resolution })
    }

    const fn store(&self) -> &S {
        self.queue.store()
    }

    fn request<P: Payload>(&self, request: &P) -> Result<Request, InvalidJob> {
        Ok(Request { job: repeated::with_key(self.queue.job(request)?) })
    }

    /// Enqueues a request. After any error, call this again with the same request: the job's id identifies the request,
    /// so it is carried out once, as long as [upkeep](crate::upkeep) keeps that job. If the same request waits already, the
    /// answer has its job.
    ///
    /// # Errors
    /// Any [`QueueError`] of [`Queue::enqueue`]. If the outcome is unknown, the request may have been enqueued: repeat
    /// the call, or query the job with [`Operator::wait`].
    pub fn ask(&self, request: &Request) -> Result<QueuedRequest, QueueError> {
        let workers_alive = self.workers.alive(request.kind())?.len();
        let job = match repeated::enqueue(&self.queue, &request.job) {
            Ok(enqueued) => *enqueued.id(),
            Err(QueueError::Store(StoreError::AlreadyExists { .. })) => *request.job(),
            Err(error) => return Err(error),
        };
        let was_asked_before = job != *request.job();
        Ok(QueuedRequest { job, kind: request.kind().clone(), workers_alive, was_asked_before })
    }

    /// Waits for the answer to a request until `timeout`; `job` is [`QueuedRequest::job`]. Any program may wait.
    ///
    /// Blocks the thread, as [`Queue::wait_for`] does.
    ///
    /// # Errors
    /// As [`Queue::wait_for`].
    pub fn wait(&self, job: &JobId, timeout: Duration) -> Result<RequestOutcome, StoreError> {
        Ok(match self.queue.wait_for(job, timeout)? {
            queue::WaitOutcome::Completed { result } => {
                RequestOutcome::Answered(OperatorAnswer::of_result(result.as_ref()))
            }
            queue::WaitOutcome::Failed { reason } | queue::WaitOutcome::Parked { reason, .. } => {
                RequestOutcome::Failed { reason }
            }
            queue::WaitOutcome::NotFound => RequestOutcome::NotFound,
            queue::WaitOutcome::TimedOut => {
                let Some(job) = self.queue.find(job)? else { return Ok(RequestOutcome::NotFound) };
                let no_worker_alive = self.workers.alive(&job.kind)?.is_empty();
                RequestOutcome::TimedOut { no_worker_alive, declined: job.declined_since.and(job.last_error) }
            }
        })
    }
}
