//! What a handler is given.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use fieldfen_domain::job::{ClaimRef, Job};
use fieldfen_domain::{InvalidJson, JobId, RawJson, Timestamp};
use serde::Serialize;

use super::metrics::Metrics;
pub use super::running_job::Interruption;
use super::running_job::RunningJob;
use crate::Environment;

/// One try of one job: its payload, and what its handler may want to know.
///
/// Dereferences to the payload, so that `task.file_id` is the payload's.
pub struct Task<P> {
    payload: P,
    context: JobContext,
}

/// What a handler is given, whatever the type of the payload.
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

    /// The id of the job; the same for every try.
    #[must_use]
    pub fn id(&self) -> JobId {
        self.job().id
    }

    /// The claim: the proof that this try may end the job.
    ///
    /// A program that keeps its own tables beside fieldfen's may end the job in a transaction of its own, with
    /// [`complete`](crate::queue::complete) in a [`Transaction`](crate::Transaction) of a session that joins it. What the handler returns then is not written;
    /// the job counts as completed.
    #[must_use]
    pub fn claim(&self) -> ClaimRef {
        self.context.running.claimed.claim
    }

    /// Which try this is, counted from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.job().attempts.saturating_add(1)
    }

    /// The worker's clock and randomness.
    #[must_use]
    pub const fn environment(&self) -> &Environment {
        &self.context.environment
    }

    /// The metrics that the worker was given.
    pub(crate) fn metrics(&self) -> &dyn Metrics {
        self.context.metrics.as_ref()
    }

    /// The time now, by the worker's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.context.environment.now()
    }

    /// Whether what the handler does has become useless, or is not wanted any more. A handler that takes long looks
    /// here from time to time and returns early; what it then returns hardly matters.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.interruption().is_some()
    }

    /// Why the handler should return; `None` while it may go on.
    #[must_use]
    pub fn interruption(&self) -> Option<Interruption> {
        self.context.running.tell_interruption()
    }

    /// Waits until the handler should return, and says why, for async handlers: `select!` between this and the work.
    #[cfg(feature = "tokio")]
    pub fn cancelled(&self) -> impl Future<Output = Interruption> + Send + use<P> {
        let running = Arc::clone(&self.context.running);
        async move {
            loop {
                // Made before the look, so that nothing is missed in between.
                let interrupted = running.stop.interrupted.notified();
                match running.tell_interruption() {
                    Some(interruption) => return interruption,
                    None => interrupted.await,
                }
            }
        }
    }

    /// Whether the worker has been asked to stop. The handler may go on for the worker's grace period; one that cannot
    /// end in time returns [`Outcome::Throttled`](super::Outcome::Throttled) until now, which spends no retry.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.context.running.stop.is_stopping()
    }

    /// Keeps how far the job is, in the handler's own words, for everybody to see within about a second.
    ///
    /// # Errors
    /// [`InvalidJson`] when the value cannot be written as JSON, is larger than
    /// [`MAX_JSON_BYTES`](fieldfen_domain::MAX_JSON_BYTES) or is nested too deeply; the progress before it stays.
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
