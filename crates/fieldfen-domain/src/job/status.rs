//! The states of a job, and which event leads from which to which.

use super::ParkedFor;
use crate::ids::FenceToken;
use crate::text_enum::text_enum;
use crate::time::Timestamp;

text_enum! {
    /// The specification's words for `jobs.status`.
    pub enum JobStatus as "job status" {
        /// It waits for its time and a worker.
        Pending = "pending",
        /// A worker has claimed it.
        Running = "running",
        /// Its handler has succeeded.
        Completed = "completed",
        /// It has failed for good, or was cancelled: a dead letter. Or it is [parked](JobState::Parked).
        Failed = "failed",
    }
}

text_enum! {
    /// What can happen to a job.
    pub enum JobEvent as "job event" {
        /// A worker takes it.
        Claimed = "claimed",
        /// Its worker has finished it.
        Completed = "completed",
        /// It failed, or its lease ran out, and it has retries left.
        FailedForNow = "failed for now",
        /// It failed for good, or its retries are spent.
        FailedForGood = "failed for good",
        /// It cannot go on before something comes, an approval for example.
        Parked = "parked",
        /// Its worker gives it back without having failed.
        Released = "released",
        /// An operator stops it.
        Cancelled = "cancelled",
        /// An operator lets it run again.
        Retried = "retried",
    }
}

impl JobStatus {
    /// The status after this event. A parked job that is cancelled stays failed, and is a dead letter from then on.
    ///
    /// # Errors
    /// [`IllegalJobTransition`] when the event cannot happen in this status.
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

    /// Whether nothing but an operator can move the job any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// An event that cannot happen in the status the job has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a job that is {status} cannot be {event}")]
pub struct IllegalJobTransition {
    /// The status the job has.
    pub status: JobStatus,
    /// What should have happened.
    pub event: JobEvent,
}

/// A worker's temporary right to a job.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lease {
    /// The proof of this claim.
    pub token: FenceToken,
    /// When others may take the job over.
    pub expires_at: Timestamp,
    /// The name of the worker that claimed the job.
    pub worker: String,
}

impl Lease {
    /// The right of this worker, with this proof, until then.
    #[must_use]
    pub fn new(token: FenceToken, expires_at: Timestamp, worker: impl Into<String>) -> Self {
        Self { token, expires_at, worker: worker.into() }
    }
}

/// The state of a job with what belongs to that state only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// See [`JobStatus::Pending`].
    Pending,
    /// See [`JobStatus::Running`].
    Running {
        /// When it was claimed, where that is known.
        started_at: Option<Timestamp>,
        /// Its lease; `None` when a program that knows only the specification runs it. Such a job is never reclaimed.
        lease: Option<Lease>,
    },
    /// See [`JobStatus::Completed`].
    Completed {
        /// When it ended, where that is known.
        at: Option<Timestamp>,
    },
    /// It has failed for good, or was cancelled.
    Failed {
        /// When it ended, where that is known.
        at: Option<Timestamp>,
    },
    /// It waits for something that nobody knows the time of. Its status is failed, so that no program takes it for one
    /// that is due, but nothing has failed: nobody gives it up, and it is not pruned. A
    /// [retry](crate::store::JobActions::retry) lets it run again.
    Parked {
        /// Since when, where that is known.
        at: Option<Timestamp>,
        /// What it waits for.
        parked_for: ParkedFor,
    },
}

impl JobState {
    /// The word for `jobs.status`.
    #[must_use]
    pub const fn status(&self) -> JobStatus {
        match self {
            Self::Pending => JobStatus::Pending,
            Self::Running { .. } => JobStatus::Running,
            Self::Completed { .. } => JobStatus::Completed,
            Self::Failed { .. } | Self::Parked { .. } => JobStatus::Failed,
        }
    }

    /// The reason that the job is parked.
    #[must_use]
    pub const fn parked_for(&self) -> Option<ParkedFor> {
        match self {
            Self::Parked { parked_for, .. } => Some(*parked_for),
            _ => None,
        }
    }

    /// Whether the job may still do its work: it waits, runs or is parked.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Pending | Self::Running { .. } | Self::Parked { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use JobStatus::{Completed, Failed, Pending, Running};

    /// Where each event leads from pending, running, completed and failed; `None` is illegal. Written by hand.
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
