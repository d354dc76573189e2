//! The report of a failed attempt, and its effect on the job.

use super::{AttemptOutcome, ParkedFor};
use crate::time::Timestamp;

/// The report of a failed attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailureReport {
    /// The error, for people to read. The store cuts it to [`MAX_REASON_BYTES`](crate::MAX_REASON_BYTES).
    pub error: String,
    /// Whether the job is retried, and at which time.
    pub retry: Retry,
    /// The time at which the attempt ended, by the caller's clock.
    pub at: Timestamp,
    /// Whether the attempt took longer than its timeout. It is then recorded as
    /// [timed out](super::AttemptOutcome::TimedOut).
    pub timed_out: bool,
}

impl FailureReport {
    /// A report of this error.
    #[must_use]
    pub fn new(error: impl Into<String>, retry: Retry, at: Timestamp) -> Self {
        Self { error: error.into(), retry, at, timed_out: false }
    }

    /// Sets whether the attempt took longer than its timeout.
    #[must_use]
    pub const fn timed_out(mut self, timed_out: bool) -> Self {
        self.timed_out = timed_out;
        self
    }

    /// The outcome that is recorded for the attempt, if the job's cancellation was or was not requested.
    #[must_use]
    pub const fn attempt_outcome(&self, cancel_requested: bool) -> AttemptOutcome {
        match self.retry {
            _ if self.timed_out => AttemptOutcome::TimedOut,
            _ if cancel_requested => AttemptOutcome::Cancelled,
            Retry::Parked(_) => AttemptOutcome::Parked,
            Retry::At(_) | Retry::Never => AttemptOutcome::Failed,
        }
    }
}

/// Decides whether a failed job is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The job becomes due at this time, if it has a retry left.
    At(Timestamp),
    /// The job would fail again, so it fails for good.
    Never,
    /// The job waits for an event: it is [parked](super::JobState::Parked), unless its cancellation was requested.
    Parked(ParkedFor),
}

/// The state of a job after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the job may have failed for good"]
pub enum FailOutcome {
    /// The job is pending again.
    Retrying {
        /// The time of the next attempt.
        run_at: Timestamp,
        /// The number of retries that the job has used, this one included.
        attempts: u32,
    },
    /// The job has failed for good: a dead letter.
    DeadLetter,
    /// The job is parked until it is retried.
    Parked,
}
