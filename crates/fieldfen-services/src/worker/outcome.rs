//! The outcome that a handler returns.

use std::error::Error;
use std::fmt;

use fieldfen_domain::job::{InvalidPayload, ParkedFor};
use fieldfen_domain::{Secrets, Timestamp, with_causes};

use crate::queue::Completion;

/// The outcome that a handler returns for its job. The worker applies it.
///
/// The operator `?` turns every error into [`Outcome::Retry`]. A handler that returns `Result<Completion, Outcome>` can
/// name the other outcomes where they arise:
///
/// ```
/// use fieldfen_services::worker::{Completion, Outcome, Task};
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct Measure { path: String }
/// # impl fieldfen_domain::job::Payload for Measure {
/// #     const KIND: &'static str = "acme.measure";
/// # }
///
/// fn measure(task: Task<Measure>) -> Result<Completion, Outcome> {
///     let document = std::fs::read(&task.path)?; // Worth a retry.
///     let size = document.get(..2).ok_or_else(|| Outcome::fail("the document is cut short"))?; // Not worth one.
///     Ok(Completion::new().result(size))
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The job has succeeded.
    Complete(Completion),
    /// The attempt failed, and a later one may succeed. Spends a retry.
    Retry {
        /// The error, for people to read.
        error: String,
    },
    /// The attempt failed, and every later one would fail too.
    Fail {
        /// The error, for people to read.
        error: String,
    },
    /// The job waits for an event. Spends no retry. See [`Queue::park`](crate::queue::Queue::park).
    Park {
        /// The event that the job waits for.
        parked_for: ParkedFor,
        /// The reason, for people to read.
        reason: String,
    },
    /// This worker cannot run the job, and another one may be able to, for example because the job is of a newer
    /// version of the program. Spends no retry, but fails after a time: see
    /// [`decline_for`](super::WorkerBuilder::decline_for).
    Decline {
        /// The reason why this worker cannot run the job.
        error: String,
    },
    /// The job cannot run yet, for example because of a rate limit. Spends no retry.
    Throttled {
        /// The time of the next attempt. A time that is too early or too late is
        /// [moved](crate::queue::Queue::throttle).
        until: Timestamp,
        /// The reason of the wait, for people to read.
        reason: String,
    },
}

impl Outcome {
    /// A failure that may pass. The stored error contains all its causes.
    pub fn retry(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Retry { error: with_causes(&*error.into()) }
    }

    /// A failure that would come again. The stored error contains all its causes.
    pub fn fail(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Fail { error: with_causes(&*error.into()) }
    }

    /// Parks the job until this event.
    pub fn park(parked_for: ParkedFor, reason: impl Into<String>) -> Self {
        Self::Park { parked_for, reason: reason.into() }
    }

    /// Leaves the job to other workers. The stored error contains all its causes.
    pub fn decline(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Decline { error: with_causes(&*error.into()) }
    }

    /// The outcome of a job whose payload this worker cannot read. If it may be a newer version's payload, the job is
    /// left to other workers.
    pub(super) fn of_unreadable(error: InvalidPayload) -> Self {
        if error.may_be_newer() { Self::decline(error) } else { Self::fail(error) }
    }

    /// Releases the job until this time.
    pub fn throttled(until: Timestamp, reason: impl Into<String>) -> Self {
        Self::Throttled { until, reason: reason.into() }
    }

    /// The length of the result, in bytes; 0 without a result.
    pub(super) fn result_bytes(&self) -> usize {
        match self {
            Self::Complete(completion) => completion.result_bytes(),
            _ => 0,
        }
    }

    /// Removes the secrets from the error or reason, and cuts it to the length that is stored, so that neither the row
    /// nor the log gets more. A success has no error, and costs nothing.
    pub(super) fn clean(&mut self, secrets: &Secrets) {
        match self {
            Self::Complete(_) => {}
            Self::Retry { error: text }
            | Self::Fail { error: text }
            | Self::Decline { error: text }
            | Self::Park { reason: text, .. }
            | Self::Throttled { reason: text, .. } => {
                *text = secrets.clean(text);
            }
        }
    }
}

/// The error or the reason; `completed` for a success.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Complete(_) => "completed",
            Self::Retry { error: text }
            | Self::Fail { error: text }
            | Self::Decline { error: text }
            | Self::Park { reason: text, .. }
            | Self::Throttled { reason: text, .. } => text,
        })
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Outcome {
    fn from(error: E) -> Self {
        Self::retry(error)
    }
}

/// The types that a handler may return: an [`Outcome`], a [`Completion`], nothing, or a `Result` of these. The error of
/// the `Result` is an [`Outcome`], or any error type, which means a retry.
pub trait IntoOutcome {
    /// Converts the value into an outcome.
    fn into_outcome(self) -> Outcome;
}

impl IntoOutcome for Outcome {
    fn into_outcome(self) -> Outcome {
        self
    }
}

impl IntoOutcome for Completion {
    fn into_outcome(self) -> Outcome {
        Outcome::Complete(self)
    }
}

impl IntoOutcome for () {
    fn into_outcome(self) -> Outcome {
        Outcome::Complete(Completion::new())
    }
}

impl<T: IntoOutcome, E: Into<Outcome>> IntoOutcome for Result<T, E> {
    fn into_outcome(self) -> Outcome {
        self.map_or_else(Into::into, IntoOutcome::into_outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fieldfen_domain::store::StoreError;

    #[test]
    fn what_is_said_of_a_failure_is_cut_for_the_log_as_for_the_store() {
        let long = "é".repeat(1 << 20);
        for mut outcome in [
            Outcome::retry(long.clone()),
            Outcome::fail(long.clone()),
            Outcome::decline(long.clone()),
            Outcome::park(ParkedFor::Person, long.clone()),
            Outcome::throttled(Timestamp::UNIX_EPOCH, long),
        ] {
            outcome.clean(&Secrets::default());
            let shown = format!("{outcome:?}").len();
            assert!((1 << 10..10 << 10).contains(&shown), "{shown} bytes");
        }
    }

    #[test]
    fn every_error_is_a_retry_with_its_causes() {
        let failing = || -> Result<Completion, Outcome> { Err(StoreError::Full("no space left".into()))? };
        match failing().into_outcome() {
            Outcome::Retry { error } => assert!(error.ends_with("try again: no space left"), "{error}"),
            other => panic!("{other:?}"),
        }
        assert!(matches!(Err::<(), _>("text").into_outcome(), Outcome::Retry { error } if error == "text"));
        assert!(matches!(Err::<(), _>(Outcome::fail("no")).into_outcome(), Outcome::Fail { error } if error == "no"));
        assert!(matches!(().into_outcome(), Outcome::Complete(_)));
    }
}
