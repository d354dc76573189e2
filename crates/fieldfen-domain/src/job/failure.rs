//! The report of a failed try, and what becomes of its job.

use super::ParkedFor;
use crate::time::Timestamp;

/// The report of a failed try.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailureReport {
    /// What went wrong, for people to read. The store cuts it to [`MAX_REASON_BYTES`](crate::MAX_REASON_BYTES).
    pub error: String,
    /// Whether and when to try again.
    pub retry: Retry,
    /// When the try ended, by the caller's clock.
    pub at: Timestamp,
}

impl FailureReport {
    /// A report of this error.
    #[must_use]
    pub fn new(error: impl Into<String>, retry: Retry, at: Timestamp) -> Self {
        Self { error: error.into(), retry, at }
    }
}

/// Whether a failed job is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Try again at this time, if the job has a retry left.
    At(Timestamp),
    /// The job would fail again, so it fails for good.
    Never,
    /// The job cannot go on before something else happens: it is [parked](super::JobState::Parked), unless an
    /// operator has asked it to stop.
    Parked(ParkedFor),
}

/// The state of a job after a failed try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the job may have failed for good"]
pub enum FailOutcome {
    /// The job is pending again.
    Retrying {
        /// When the next try is due.
        run_at: Timestamp,
        /// The number of retries that it has used, this one included.
        attempts: u32,
    },
    /// The job has failed for good: a dead letter.
    DeadLetter,
    /// The job is parked until a retry lets it run again.
    Parked,
}
