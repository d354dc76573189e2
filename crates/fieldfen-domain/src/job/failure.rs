//! The report of a failed try, and what becomes of its job.

use super::ParkedFor;
use crate::time::Timestamp;

/// The report of a failed try.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailureReport {
    /// What went wrong, for people.
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
    /// Try again at this time, if a retry is left.
    At(Timestamp),
    /// It would fail again: no more tries.
    Never,
    /// Nobody knows when: the job is [parked](super::JobState::Parked), unless somebody asked for it to stop.
    Parked(ParkedFor),
}

/// What became of a job whose try failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the job may have failed for good"]
pub enum FailOutcome {
    /// It waits for its next try.
    Retrying {
        /// When the next try is due.
        run_at: Timestamp,
        /// How many retries it has used, this one included.
        attempts: u32,
    },
    /// It has failed for good.
    DeadLetter,
    /// The job is parked until a retry lets it run again.
    Parked,
}
