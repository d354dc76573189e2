//! What operators do with files, from any program: approve, reject, fail, retry, edit, delete, publish, and say what is at a
//! platform where nobody else can tell.
//!
//! What follows from such an action is up to the shop's rules, and only one program has these. So every program asks with a
//! job of a kind of fieldfen's own, `fieldfen.approve` for example, and a worker of the program that has the rules does
//! it. The job's result is an [`OperatorAnswer`]. A program that asks knows nothing but the database's address, from
//! `fieldfen.toml` for example:
//!
//! ```
//! use std::time::Duration;
//! use fieldfen_domain::operator::{Action, Actor, Via};
//! use fieldfen_services::Environment;
//! use fieldfen_services::operator::{Operator, OperatorAnswer, RequestOutcome};
//! # use fieldfen_domain::FileId;
//! # use fieldfen_services::{shop::Shop, worker::Worker};
//! # use fieldfen_testkit::ModelStore;
//! # let store = ModelStore::new(); // In earnest the store at the address.
//! # let pipeline = Shop::new().pipeline(Environment::system())?;
//! # let worker = pipeline.serve_operators(Worker::builder(store.clone(), Environment::system())).start()?;
//! # let file_id = FileId::from_random(7);
//!
//! let operator = Operator::new(store, Environment::system());
//! let ann = Actor::new("ann", Via::Console)?;
//! let request = operator.approve(&file_id, &Action::new(ann, "sharp, and well lit")?)?;
//! let asked = operator.ask(&request)?; // If an answer is lost, ask the same request again: it is there once.
//! println!("{asked}"); // Says so if no worker is alive that does this.
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
mod resolutions;

use std::fmt;
use std::time::Duration;

use fieldfen_domain::file::{Deletion, FileEdit};
use fieldfen_domain::job::{InvalidJob, JobKind, NewJob, Payload};
use fieldfen_domain::operator::Action;
use fieldfen_domain::publication::{PlatformRowId, Target};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{FileId, JobId, PublicationId};

use crate::Environment;
use crate::publishing::{KeyResolution, RowResolution, UnknownResolution};
use crate::queue::{self, Queue, QueueError};
use crate::workers::Workers;

pub use answer::{LastEdit, OperatorAnswer};
pub use jobs::{
    ApproveRequest, DeleteRequest, EditRequest, FailRequest, PublishRequest, RejectRequest, ResolveKeyRequest,
    ResolveRowRequest, ResolveUnknownRequest, RetryRequest,
};

/// Asks the workers of a shop for what operators want done with files. Clones are the same handle.
///
/// A [`Request`] is made first, which writes nothing. [`ask`](Operator::ask) puts it into the queue, in one transaction, and
/// may be repeated; [`wait`](Operator::wait) waits for what comes of it. Two requests that say the same are two jobs: between
/// them, another operator may have asked for something else.
#[derive(Debug, Clone)]
pub struct Operator<S> {
    queue: Queue<S>,
    workers: Workers<S>,
}

/// What an operator wants done, with the id of its job. It is in the queue once it was [asked for](Operator::ask).
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "nothing is asked for until it is given to `Operator::ask`"]
pub struct Request {
    job: NewJob,
}

impl Request {
    /// The id of its job, by which any program finds the job once the request was asked for.
    #[must_use]
    pub const fn job(&self) -> &JobId {
        &self.job.id
    }

    /// The kind of its job.
    #[must_use]
    pub const fn kind(&self) -> &JobKind {
        &self.job.kind
    }
}

/// A request that is in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "it says whether anybody is there to do it"]
pub struct QueuedRequest {
    /// The id of the job that carries the request out.
    pub job: JobId,
    /// The kind of that job.
    pub kind: JobKind,
    /// How many workers are alive that do jobs of this kind. Without one, the request takes effect when one starts. A
    /// worker that has just died counts for a minute.
    pub workers_alive: usize,
}

impl fmt::Display for QueuedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { job, kind, workers_alive } = self;
        match workers_alive {
            0 => write!(
                f,
                "no worker is alive that does {kind}: job {job} waits until one starts; start the program with the shop's rules"
            ),
            1 => write!(f, "job {job} waits for the worker that does {kind}"),
            workers => write!(f, "job {job} waits for one of {workers} workers that do {kind}"),
        }
    }
}

/// The answer to [`Operator::wait`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "it says whether the request was carried out"]
#[non_exhaustive]
pub enum RequestOutcome {
    /// A worker has dealt with it.
    Answered(OperatorAnswer),
    /// The job has failed for good, was cancelled, or was parked by a handler of the program's own: nothing was done.
    Failed {
        /// The reason, for people to read.
        reason: String,
    },
    /// The job is still on its way.
    TimedOut {
        /// No worker is alive that does such jobs: the request takes effect when one starts.
        no_worker_alive: bool,
        /// Why a worker has left the request to others, where one has: it is of another version and cannot read it.
        declined: Option<String>,
    },
    /// There is no such job, or not any more.
    NotFound,
}

impl<S: Store> Operator<S> {
    /// A handle on this store.
    #[must_use]
    pub fn new(store: S, environment: Environment) -> Self {
        Self { workers: Workers::new(store.clone(), environment.clone()), queue: Queue::new(store, environment) }
    }

    /// The request that a processed file go on sale; see [`Pipeline::approve`](crate::pipeline::Pipeline::approve).
    ///
    /// # Errors
    /// [`InvalidJob`] when the request is above [`MAX_JSON_BYTES`](fieldfen_domain::MAX_JSON_BYTES) as JSON.
    pub fn approve(&self, file_id: &FileId, action: &Action) -> Result<Request, InvalidJob> {
        self.request(&ApproveRequest { file_id: *file_id, action: action.clone() })
    }

    /// The request that a file be failed that awaits its approval, or that is approved and listed nowhere.
    ///
    /// # Errors
    /// As [`Operator::approve`].
    pub fn reject(&self, file_id: &FileId, action: &Action) -> Result<Request, InvalidJob> {
        self.request(&RejectRequest { file_id: *file_id, action: action.clone() })
    }

    /// The request that a file be failed, whatever its status.
    ///
    /// # Errors
    /// As [`Operator::approve`].
    pub fn fail(&self, file_id: &FileId, action: &Action) -> Result<Request, InvalidJob> {
        self.request(&FailRequest { file_id: *file_id, action: action.clone() })
    }

    /// The request that a failed file be retried where it failed.
    ///
    /// # Errors
    /// As [`Operator::approve`].
    pub fn retry(&self, file_id: &FileId, action: &Action) -> Result<Request, InvalidJob> {
        self.request(&RetryRequest { file_id: *file_id, action: action.clone() })
    }

    /// The request for an edit. With the version that the editor has [seen](FileEdit::seen), it is refused where somebody
    /// else has changed the file since, and the answer says what has changed.
    ///
    /// # Errors
    /// As [`Operator::approve`].
    pub fn edit(&self, file_id: &FileId, edit: &FileEdit, action: &Action) -> Result<Request, InvalidJob> {
        self.request(&EditRequest { file_id: *file_id, action: action.clone(), edit: edit.clone() })
    }

    /// The request that a file be deleted with all that hangs on it.
    ///
    /// # Errors
    /// As [`Operator::approve`].
    pub fn delete(&self, file_id: &FileId, deletion: Deletion, action: &Action) -> Result<Request, InvalidJob> {
        self.request(&DeleteRequest { file_id: *file_id, action: action.clone(), force: deletion == Deletion::Forced })
    }

    /// The request that an approved or published file be published at one target.
    ///
    /// # Errors
    /// As [`Operator::approve`].
    pub fn publish(&self, file_id: &FileId, target: &Target, action: &Action) -> Result<Request, InvalidJob> {
        self.request(&PublishRequest { file_id: *file_id, action: action.clone(), target: target.clone() })
    }

    /// The request to take the operator's word for what a row of a file is that belongs to no publication; see
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

    /// The request to take the operator's word for whose a product is that has the id of a publication and a key that nobody
    /// here has given; see [`Pipeline::resolve_key`](crate::pipeline::Pipeline::resolve_key).
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

    /// The request to take the operator's word for what is at a target whose call got no answer; see
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

    fn request<P: Payload>(&self, request: &P) -> Result<Request, InvalidJob> {
        Ok(Request { job: self.queue.job(request)? })
    }

    /// Puts a request into the queue. Repeat it with the same request after any error: the request is recognised by the id
    /// of its job and is done once, as long as [upkeep](crate::upkeep) keeps that job.
    ///
    /// # Errors
    /// [`QueueError`]s as [`Queue::enqueue`] has them. Where the outcome is unknown, the request may be in the queue:
    /// repeat it, or look for its job with [`Operator::wait`].
    pub fn ask(&self, request: &Request) -> Result<QueuedRequest, QueueError> {
        let workers_alive = self.workers.alive(request.kind())?.len();
        match self.queue.enqueue(&request.job) {
            Ok(_) => {}
            Err(QueueError::Store(StoreError::AlreadyExists { .. })) => {}
            Err(error) => return Err(error),
        }
        Ok(QueuedRequest { job: *request.job(), kind: request.kind().clone(), workers_alive })
    }

    /// Waits for the answer to a request, but not longer than `timeout`; `job` is [`QueuedRequest::job`]. Any program may wait.
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
