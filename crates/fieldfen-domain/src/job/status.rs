//! The states of a job, and the events that lead from one to another.

use super::ParkedFor;
use crate::ids::FenceToken;
use crate::text_enum::text_enum;
use crate::time::Timestamp;

text_enum! {
    /// The specification's values of `jobs.status`.
    pub enum JobStatus as "job status" {
        /// The job waits for its due time and a worker.
        Pending = "pending",
        /// A worker has claimed the job.
        Running = "running",
        /// Its handler has succeeded.
        Completed = "completed",
        /// The job has failed for good or was cancelled, and is a dead letter. Or it is [parked](JobState::Parked).
        Failed = "failed",
    }
}

text_enum! {
    /// An event that changes the state of a job.
    pub enum JobEvent as "job event" {
        /// A worker claims the job.
        Claimed = "claimed",
        /// The worker has completed the job.
        Completed = "completed",
        /// The job failed or lost its lease, and has retries left.
        FailedForNow = "failed for now",
        /// The job failed for good, or its retries are spent.
        FailedForGood = "failed for good",
        /// The job waits for an event, for example an approval.
        Parked = "parked",
        /// The worker releases the job, which has not failed.
        Released = "released",
        /// An operator cancels the job.
        Cancelled = "cancelled",
        /// An operator retries the job.
        Retried = "retried",
    }
}

impl JobStatus {
    /// The status after this event. A cancelled parked job stays failed, and is a dead letter from then on.
    ///
    /// # Errors
    /// [`IllegalJobTransition`] if the event is not possible in this status.
    pub const fn after(self, event: JobEvent) -> Result<Self, IllegalJobTransition> {
        use JobEvent as E;
        Ok(match (self, event) {
            (Self::Pending, E::Claimed) => Self::Running,
            (Self::Running, E::Completed) => Self::Completed,
            (Self::Running, E::FailedForNow | E::Released) | (Self::Failed, E::Retried) => Self::Pending,
            (Self::Running, E::FailedForGood | E::Parked) | (Self::Pending | Self::Running, E::Cancelled) => {
                Self::Failed
            }
            _ => return Err(IllegalJobTransition { status: self, event }),
        })
    }

    /// Returns whether only an operator can change the status.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// The error of an event that is not possible in the status of the job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a job that is {status} cannot be {event}")]
pub struct IllegalJobTransition {
    /// The status of the job.
    pub status: JobStatus,
    /// The event that was attempted.
    pub event: JobEvent,
}

/// A worker's temporary right to a job.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lease {
    /// The token of the claim.
    pub token: FenceToken,
    /// The time from which other workers may reclaim the job.
    pub expires_at: Timestamp,
    /// The name of the worker that claimed the job.
    pub worker: String,
}

impl Lease {
    /// A lease with this token and this end, for this worker.
    #[must_use]
    pub fn new(token: FenceToken, expires_at: Timestamp, worker: impl Into<String>) -> Self {
        Self { token, expires_at, worker: worker.into() }
    }
}

/// The state of a job, with the data of that state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// See [`JobStatus::Pending`].
    Pending,
    /// See [`JobStatus::Running`].
    Running {
        /// The time of the claim; `None` if it is unknown.
        started_at: Option<Timestamp>,
        /// The lease; `None` if a program that knows only the specification runs the job. Such a job is never
        /// reclaimed.
        lease: Option<Lease>,
    },
    /// See [`JobStatus::Completed`].
    Completed {
        /// The time at which it ended; `None` if it is unknown.
        at: Option<Timestamp>,
    },
    /// The job has failed for good, or was cancelled.
    Failed {
        /// The time at which it ended; `None` if it is unknown.
        at: Option<Timestamp>,
    },
    /// The job waits for an event whose time is unknown. Its status is failed, so that no program runs it, but it has
    /// not failed: it is not pruned, and a [retry](crate::store::JobActions::retry) makes it run again.
    Parked {
        /// The time at which it was parked; `None` if it is unknown.
        at: Option<Timestamp>,
        /// The event that it waits for.
        parked_for: ParkedFor,
    },
}

impl JobState {
    /// The value of `jobs.status`.
    #[must_use]
    pub const fn status(&self) -> JobStatus {
        match self {
            Self::Pending => JobStatus::Pending,
            Self::Running { .. } => JobStatus::Running,
            Self::Completed { .. } => JobStatus::Completed,
            Self::Failed { .. } | Self::Parked { .. } => JobStatus::Failed,
        }
    }

    /// The event that the job is parked for; `None` if it is not parked.
    #[must_use]
    pub const fn parked_for(&self) -> Option<ParkedFor> {
        match self {
            Self::Parked { parked_for, .. } => Some(*parked_for),
            _ => None,
        }
    }

    /// Returns whether the job may still do its work: it is pending, running or parked.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Pending | Self::Running { .. } | Self::Parked { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use JobStatus::{Completed, Failed, Pending, Running};

    /// The status after each event, for pending, running, completed and failed jobs; `None` is illegal. Written by
    /// hand.
    const TABLE: [(JobEvent, [Option<JobStatus>; 4]); 8] = [
        (JobEvent::Claimed, [Some(Running), None, None, None]),
        (JobEvent::Completed, [None, Some(Completed), None, None]),
        (JobEvent::FailedForNow, [None, Some(Pending), None, None]),
        (JobEvent::FailedForGood, [None, Some(Failed), None, None]),
        (JobEvent::Parked, [None, Some(Failed), None, None]),
        (JobEvent::Released, [None, Some(Pending), None, None]),
        (JobEvent::Cancelled, [Some(Failed), Some(Failed), None, None]),
        (JobEvent::Retried, [None, None, None, Some(Pending)]),
    ];

    #[test]
    fn every_status_and_event_is_as_the_table_says() {
        assert_eq!(TABLE.len(), JobEvent::ALL.len());
        for (event, row) in TABLE {
            for (&status, expected) in JobStatus::ALL.iter().zip(row) {
                assert_eq!(status.after(event).ok(), expected, "{status} + {event}");
                if let Err(error) = status.after(event) {
                    let message = error.to_string();
                    assert!(message.contains(status.as_str()) && message.contains(event.as_str()), "{message}");
                }
            }
        }
    }
}
