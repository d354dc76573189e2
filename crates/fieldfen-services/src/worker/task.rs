//! The argument of a handler.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fieldfen_domain::job::{ClaimRef, Job};
use fieldfen_domain::{InvalidJson, JobId, RawJson, Timestamp};
use serde::Serialize;

use super::metrics::Metrics;
pub use super::running_job::Interruption;
use super::running_job::RunningJob;
use crate::Environment;

/// One attempt of one job: its payload, and further information for its handler.
///
/// Dereferences to the payload: `task.file_id` is a field of the payload.
pub struct Task<P> {
    payload: P,
    context: JobContext,
}

/// The argument of a handler, without the type of the payload.
pub(super) struct JobContext {
    pub(super) running: Arc<RunningJob>,
    pub(super) environment: Environment,
    pub(super) metrics: Arc<dyn Metrics>,
}

impl JobContext {
    pub(super) fn job(&self) -> &Job {
        &self.running.claimed.job
    }
}

impl<P> Task<P> {
    pub(super) const fn new(payload: P, context: JobContext) -> Self {
        Self { payload, context }
    }

    /// The payload of the job.
    #[must_use]
    pub const fn payload(&self) -> &P {
        &self.payload
    }

    /// The job as it was claimed.
    #[must_use]
    pub fn job(&self) -> &Job {
        self.context.job()
    }

    /// The id of the job, which is the same for every attempt.
    #[must_use]
    pub fn id(&self) -> JobId {
        self.job().id
    }

    /// The claim, which proves that this attempt may end the job.
    ///
    /// A program with its own tables beside fieldfen's may end the job in its own transaction, with
    /// [`complete`](crate::queue::complete) in a [`Transaction`](crate::Transaction) of a session that joins the
    /// transaction. The outcome that the handler then returns is not written, and the job counts as completed.
    #[must_use]
    pub fn claim(&self) -> ClaimRef {
        self.context.running.claimed.claim
    }

    /// The number of this attempt, counted from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.job().attempts.saturating_add(1)
    }

    /// The worker's clock and randomness.
    #[must_use]
    pub const fn environment(&self) -> &Environment {
        &self.context.environment
    }

    /// The metrics of the worker.
    pub(crate) fn metrics(&self) -> &dyn Metrics {
        self.context.metrics.as_ref()
    }

    /// The present time, by the worker's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.context.environment.now()
    }

    /// Returns whether the work of the handler has become useless or unwanted. A handler that takes long checks this
    /// from time to time and returns early. Its outcome then matters little.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.interruption().is_some()
    }

    /// The reason why the handler should return; `None` if it may go on.
    #[must_use]
    pub fn interruption(&self) -> Option<Interruption> {
        self.context.running.tell_interruption()
    }

    /// Waits until the handler should return, and returns the reason. For async handlers: `select!` between this and
    /// the work.
    #[cfg(feature = "tokio")]
    pub fn cancelled(&self) -> impl Future<Output = Interruption> + Send + use<P> {
        let running = Arc::clone(&self.context.running);
        async move {
            loop {
                // Created before the check, so that no interruption in between is missed.
                let interrupted = running.stop.interrupted.notified();
                match running.tell_interruption() {
                    Some(interruption) => return interruption,
                    None => interrupted.await,
                }
            }
        }
    }

    /// The time that the handler has left until its [timeout](super::WorkerBuilder::timeout) is over; zero after that, and
    /// `None` without a timeout. A handler gives its requests no more time than this.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        self.context.running.deadline().map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Returns whether the worker has been asked to stop. The handler may go on for the worker's grace period. If it
    /// cannot end in time, it returns [`Outcome::Throttled`](super::Outcome::Throttled) until now, which spends no
    /// retry.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.context.running.stop.is_stopping()
    }

    /// Stores the progress of the job, in a form of the handler's choice. Other programs see it within about a second.
    ///
    /// # Errors
    /// [`InvalidJson`] if the value cannot be written as JSON, is larger than
    /// [`MAX_JSON_BYTES`](fieldfen_domain::MAX_JSON_BYTES) or is nested too deeply. The earlier progress then stays.
    pub fn progress<T: Serialize + ?Sized>(&self, progress: &T) -> Result<(), InvalidJson> {
        self.context.running.set_progress(RawJson::from_value(progress)?);
        Ok(())
    }
}

impl<P> Deref for Task<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.payload
    }
}

impl<P: fmt::Debug> fmt::Debug for Task<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("payload", &self.payload)
            .field("job", self.job())
            .field("interruption", &self.interruption())
            .finish_non_exhaustive()
    }
}
