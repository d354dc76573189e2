//! What a handler says came of its job.

use std::borrow::Cow;
use std::error::Error;

use fieldfen_domain::job::{InvalidPayload, ParkedFor};
use fieldfen_domain::{Timestamp, cut_reason, with_causes};

use crate::queue::Completion;

/// What a handler says came of its job; the worker applies it.
///
/// Every error turns into [`Outcome::Retry`] by `?`, so that a handler may return `Result<Completion, Outcome>` and name
/// the others where they belong:
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
///     let document = std::fs::read(&task.path)?; // A reason to try again.
///     let size = document.get(..2).ok_or_else(|| Outcome::fail("the document is cut short"))?; // Not one.
///     Ok(Completion::new().result(size))
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The job has succeeded.
    Complete(Completion),
    /// It failed, and may succeed when it is tried again: spends a retry.
    Retry {
        /// The error, for people to read.
        error: String,
    },
    /// It failed, and would fail again.
    Fail {
        /// The error, for people to read.
        error: String,
    },
    /// It cannot go on before something comes: spends no retry. See [`Queue::park`](crate::queue::Queue::park).
    Park {
        /// What it waits for.
        parked_for: ParkedFor,
        /// The reason, for people to read.
        reason: String,
    },
    /// This worker cannot do it, and another one may be able to: the job is of a newer version of the program, for
    /// example. Spends no retry, but ends: see [`decline_for`](super::WorkerBuilder::decline_for).
    Decline {
        /// Why this worker cannot.
        error: String,
    },
    /// It could not be done yet, and that is nobody's fault: spends no retry.
    Throttled {
        /// When to try again; a time that is too early or too late is [moved](crate::queue::Queue::throttle).
        until: Timestamp,
        /// What it has to wait for.
        reason: String,
    },
}

impl Outcome {
    /// A failure that may go away: the error with all its causes.
    pub fn retry(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Retry { error: with_causes(&*error.into()) }
    }

    /// A failure that would come again: the error with all its causes.
    pub fn fail(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Fail { error: with_causes(&*error.into()) }
    }

    /// Not before this has come.
    pub fn park(parked_for: ParkedFor, reason: impl Into<String>) -> Self {
        Self::Park { parked_for, reason: reason.into() }
    }

    /// Not by this worker: the error with all its causes.
    pub fn decline(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Decline { error: with_causes(&*error.into()) }
    }

    /// What comes of a job whose payload this worker cannot read: left to others when it may be a newer version's.
    pub(super) fn of_unreadable(error: InvalidPayload) -> Self {
        if error.may_be_newer() { Self::decline(error) } else { Self::fail(error) }
    }

    /// Not before this time.
    pub fn throttled(until: Timestamp, reason: impl Into<String>) -> Self {
        Self::Throttled { until, reason: reason.into() }
    }

    /// How long the result is that it keeps, in bytes.
    pub(super) fn result_bytes(&self) -> usize {
        match self {
            Self::Complete(completion) => completion.result_bytes(),
            _ => 0,
        }
    }

    /// Cuts the error or reason to the length that is stored, so that the log gets no more either.
    pub(super) fn cut(&mut self) {
        match self {
            Self::Complete(_) => {}
            Self::Retry { error: text }
            | Self::Fail { error: text }
            | Self::Decline { error: text }
            | Self::Park { reason: text, .. }
            | Self::Throttled { reason: text, .. } => {
                if let Cow::Owned(cut) = cut_reason(text) {
                    *text = cut;
                }
            }
        }
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Outcome {
    fn from(error: E) -> Self {
        Self::retry(error)
    }
}

/// What a handler may return: an [`Outcome`], a [`Completion`], nothing, or a `Result` of these whose error is an
/// [`Outcome`] or any error type, which then means a retry.
pub trait IntoOutcome {
    /// The outcome it stands for.
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
            outcome.cut();
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
