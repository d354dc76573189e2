//! The job queue: programs enqueue jobs, workers claim and end them, and operators inspect and change them.
//!
//! A [`Queue`] is a handle on a store. Each call is one transaction. Methods and functions with a
//! [`Transaction`](crate::Transaction) do the same inside a transaction of the caller's.
//!
//! If the store reports that the same transaction may succeed later, the handle repeats it for up to a second. If the
//! store reports [`OutcomeUnknown`](StoreError::OutcomeUnknown), the handle looks whether the transaction took effect,
//! and answers as if the first answer had arrived. The caller gets that error only if no look succeeds within that
//! second. If a repetition by the caller is not harmless, the method's documentation describes its effect. In a
//! transaction of the caller's, the caller looks itself.

mod claim;
mod completion;
#[cfg(test)]
mod completion_answer_test;
mod end_many;
mod enqueue;
mod fail;
mod failure_hook;
mod job_action;
mod leases;
mod operator;
#[cfg(test)]
mod release_all_test;
mod retry_policies;
mod wait;
mod why;

pub use claim::{ClaimedJob, Claims};
pub use completion::{Completion, complete};
pub use failure_hook::{FailedJob, FailureHook};
pub use retry_policies::{LONGEST_THROTTLE, RetryPolicies};
pub use wait::WaitOutcome;

pub(crate) use end_many::{EndOutcome, EndResult, JobEnding};
pub(crate) use enqueue::{enqueue, enqueue_many, read_payload};
pub(crate) use fail::TryEnding;
pub(crate) use failure_hook::FailureHooks;

use std::error::Error;
use std::sync::Arc;

use fieldfen_domain::Secrets;
use fieldfen_domain::job::InvalidJob;
use fieldfen_domain::store::{Store, StoreError};

use crate::Environment;
use crate::write_retry::OfStore;

/// The job queue of a store. A clone is the same queue.
///
/// ```
/// use std::time::Duration;
/// use fieldfen_domain::job::{Payload, Priority};
/// use fieldfen_services::{Environment, queue::Queue};
/// use fieldfen_testkit::ModelStore;
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct Resize { width: u32 }
/// # impl Payload for Resize {
/// #     const KIND: &'static str = "acme.resize";
/// # }
///
/// let queue = Queue::new(ModelStore::new(), Environment::system());
/// let job = queue.job(&Resize { width: 800 })?.priority(Priority::High);
/// let enqueued = queue.enqueue(&job)?;
/// assert_eq!(enqueued.id(), &job.id); // With a dedup key, it may be the id of a live job with the same key.
///
/// let waited = queue.wait_for(enqueued.id(), Duration::from_millis(1))?;
/// assert_eq!(waited, fieldfen_services::queue::WaitOutcome::TimedOut);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Queue<S> {
    store: S,
    environment: Environment,
    policies: Arc<RetryPolicies>,
    failure_hooks: FailureHooks,
    secrets: Secrets,
}

impl<S: Store> Queue<S> {
    /// A queue on this store, with the default retry policy for every kind of job and no failure hook.
    #[must_use]
    pub fn new(store: S, environment: Environment) -> Self {
        Self {
            store,
            environment,
            policies: Arc::default(),
            failure_hooks: FailureHooks::default(),
            secrets: Secrets::default(),
        }
    }

    /// Sets the retry policies: [`job`](Queue::job) takes the number of retries from them, [`fail`](Queue::fail) the
    /// backoff, and [`claim`](Queue::claim) the consequence of the worker's death for jobs that have none.
    #[must_use]
    pub fn with_policies(mut self, policies: RetryPolicies) -> Self {
        self.policies = Arc::new(policies);
        self
    }

    /// Adds a hook that runs when this queue fails a job for good, after the hooks that were added before.
    #[must_use]
    pub fn with_failure_hook(mut self, hook: impl FailureHook + 'static) -> Self {
        self.failure_hooks.push(hook);
        self
    }

    /// Sets the secrets, such as API keys, that are removed from the errors of jobs before they are stored. Secrets in
    /// the usual forms are removed without that.
    #[must_use]
    pub fn with_secrets(mut self, secrets: Secrets) -> Self {
        self.secrets = secrets;
        self
    }

    /// Replaces all hooks.
    pub(crate) fn with_failure_hooks(mut self, hooks: FailureHooks) -> Self {
        self.failure_hooks = hooks;
        self
    }

    /// The store of the queue.
    #[must_use]
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// The clock and the randomness of the queue.
    #[must_use]
    pub const fn environment(&self) -> &Environment {
        &self.environment
    }
}

/// Errors of enqueueing and completing jobs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// The job itself breaks a rule.
    #[error(transparent)]
    Job(#[from] InvalidJob),
    /// The store refused or failed the write.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// A write of a [`Completion`] failed.
    #[error("a write in the completion of a job failed: {0}")]
    Write(#[source] Box<dyn Error + Send + Sync>),
}

impl OfStore for QueueError {
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            Self::Job(_) | Self::Write(_) => None,
        }
    }
}

impl QueueError {
    /// Converts the error of a write. The store's own errors keep their type, since they may pass.
    fn of_write(error: Box<dyn Error + Send + Sync>) -> Self {
        let error = match error.downcast::<StoreError>() {
            Ok(error) => Self::Store(*error),
            Err(error) => match error.downcast::<Self>() {
                Ok(error) => *error,
                Err(error) => Self::Write(error),
            },
        };
        match error {
            // The queue's own transaction is open at this point. Another store is busy or unavailable, and its
            // transaction may wait for this one.
            Self::Store(other @ (StoreError::Busy { .. } | StoreError::Unavailable { .. })) => {
                Self::Write(Box::new(other))
            }
            error => error,
        }
    }
}
