//! The states of a file, and the events that lead from one to another.

use crate::text_enum::text_enum;

text_enum! {
    /// The specification's values of `files.status`.
    pub enum FileStatus as "file status" {
        /// The file is known, and its processing has not begun.
        Ingested = "ingested",
        /// The file is being upscaled and described.
        Processing = "processing",
        /// The file awaits approval.
        Processed = "processed",
        /// The file may be listed and posted.
        Approved = "approved",
        /// At least one listing has been confirmed by its platform.
        Published = "published",
        /// A step failed for good. A retry returns the file to its earlier status.
        Failed = "failed",
    }
}

text_enum! {
    /// An event that changes the state of a file.
    #[non_exhaustive]
    pub enum FileEvent as "file event" {
        /// Its processing has begun.
        ProcessingStarted = "processing started",
        /// Its processing has made all results.
        ProcessingFinished = "processing finished",
        /// An operator or a rule has approved it for sale.
        Approved = "approved",
        /// The approved file has changed, so that it needs a new approval.
        ApprovalWithdrawn = "approval withdrawn",
        /// A platform has confirmed a listing.
        ListingConfirmed = "listing confirmed",
        /// A step failed for good.
        Failed = "failed",
        /// A failed file is retried.
        Retried = "retried",
    }
}

/// The reason of a failure, and the status to which a retry returns the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The status of the file before the failure. Never [`FileStatus::Failed`].
    pub from: FileStatus,
    /// The reason, for people to read.
    pub reason: String,
}

/// The state of a file, with the data of that state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileState {
    /// See [`FileStatus::Ingested`].
    Ingested,
    /// See [`FileStatus::Processing`].
    Processing,
    /// See [`FileStatus::Processed`].
    Processed,
    /// See [`FileStatus::Approved`].
    Approved,
    /// See [`FileStatus::Published`].
    Published,
    /// See [`FileStatus::Failed`].
    Failed(Failure),
}

impl FileState {
    /// Implements [`rows::file_state`](crate::store::rows::file_state).
    pub(crate) fn from_columns(
        status: FileStatus,
        failed_from: Option<FileStatus>,
        reason: Option<String>,
    ) -> Result<Self, ContradictoryFileState> {
        Ok(match (status, failed_from) {
            (FileStatus::Failed, Some(FileStatus::Failed)) => {
                return Err(ContradictoryFileState { status, failed_from });
            }
            (FileStatus::Failed, from) => {
                Self::Failed(Failure { from: from.unwrap_or(FileStatus::Ingested), reason: reason.unwrap_or_default() })
            }
            (status, None) => Self::active(status),
            (status, failed_from) => return Err(ContradictoryFileState { status, failed_from }),
        })
    }

    /// The value of `files.status`.
    #[must_use]
    pub const fn status(&self) -> FileStatus {
        match self {
            Self::Ingested => FileStatus::Ingested,
            Self::Processing => FileStatus::Processing,
            Self::Processed => FileStatus::Processed,
            Self::Approved => FileStatus::Approved,
            Self::Published => FileStatus::Published,
            Self::Failed(_) => FileStatus::Failed,
        }
    }

    /// The failure; `None` if the file has not failed.
    #[must_use]
    pub const fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed(failure) => Some(failure),
            _ => None,
        }
    }

    /// The state after this event. `reason` is stored if the file fails.
    ///
    /// A further confirmed listing leaves a published file unchanged. If the approval of a failed file is withdrawn,
    /// the file stays failed, and a retry returns it to processed.
    ///
    /// # Errors
    /// [`IllegalFileTransition`] if the event is not possible in this state.
    pub fn after(&self, event: FileEvent, reason: &str) -> Result<Self, IllegalFileTransition> {
        use FileEvent as E;
        Ok(match (self, event) {
            (Self::Ingested, E::ProcessingStarted) => Self::Processing,
            (Self::Processing, E::ProcessingFinished) => Self::Processed,
            (Self::Processed, E::Approved) => Self::Approved,
            (Self::Approved, E::ApprovalWithdrawn) => Self::Processed,
            (Self::Failed(failure), E::ApprovalWithdrawn) if matches!(failure.from, FileStatus::Approved) => {
                Self::Failed(Failure { from: FileStatus::Processed, reason: failure.reason.clone() })
            }
            (Self::Approved | Self::Published, E::ListingConfirmed) => Self::Published,
            (Self::Failed(failure), E::Retried) => Self::active(failure.from),
            (Self::Failed(_), _) => return Err(IllegalFileTransition { status: self.status(), event }),
            (_, E::Failed) => Self::Failed(Failure { from: self.status(), reason: reason.to_owned() }),
            _ => return Err(IllegalFileTransition { status: self.status(), event }),
        })
    }

    /// The state for a status without data. Callers handle `Failed` themselves.
    const fn active(status: FileStatus) -> Self {
        match status {
            FileStatus::Ingested | FileStatus::Failed => Self::Ingested,
            FileStatus::Processing => Self::Processing,
            FileStatus::Processed => Self::Processed,
            FileStatus::Approved => Self::Approved,
            FileStatus::Published => Self::Published,
        }
    }
}

/// The error of an event that is not possible in the state of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a file that is {status} cannot take the event {event:?} ({event})")]
pub struct IllegalFileTransition {
    /// The status of the file.
    pub status: FileStatus,
    /// The event that was attempted.
    pub event: FileEvent,
}

/// The error of a row of `files` with contradictory columns.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("status {status} does not go with failed_from {}", failed_from.map_or("NULL", FileStatus::as_str))]
pub struct ContradictoryFileState {
    /// The column `status`.
    pub status: FileStatus,
    /// The column `failed_from`.
    pub failed_from: Option<FileStatus>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use FileStatus::{Approved, Failed, Processed, Processing, Published};

    /// The status after each event, by the status before; `None` is illegal. Written by hand, in the columns of
    /// ARCHITECTURE.md: ingested, processing, processed, approved, published, failed (from approved).
    const TABLE: [(FileEvent, [Option<FileStatus>; 6]); 7] = [
        (FileEvent::ProcessingStarted, [Some(Processing), None, None, None, None, None]),
        (FileEvent::ProcessingFinished, [None, Some(Processed), None, None, None, None]),
        (FileEvent::Approved, [None, None, Some(Approved), None, None, None]),
        (FileEvent::ApprovalWithdrawn, [None, None, None, Some(Processed), None, Some(Failed)]),
        (FileEvent::ListingConfirmed, [None, None, None, Some(Published), Some(Published), None]),
        (FileEvent::Failed, [Some(Failed), Some(Failed), Some(Failed), Some(Failed), Some(Failed), None]),
        (FileEvent::Retried, [None, None, None, None, None, Some(Approved)]),
    ];

    fn state(status: FileStatus) -> FileState {
        match status {
            Failed => FileState::Failed(Failure { from: Approved, reason: "lens cap".into() }),
            other => FileState::from_columns(other, None, None).unwrap(),
        }
    }

    #[test]
    fn every_status_and_event_is_as_the_table_says() {
        assert_eq!(TABLE.len(), FileEvent::ALL.len());
        for (event, row) in TABLE {
            for (&status, expected) in FileStatus::ALL.iter().zip(row) {
                let result = state(status).after(event, "why");
                match expected {
                    Some(next) => assert_eq!(result.unwrap().status(), next, "{status} + {event}"),
                    None => {
                        let error = result.unwrap_err();
                        assert_eq!((error.status, error.event), (status, event));
                        let message = error.to_string();
                        assert!(message.contains(status.as_str()) && message.contains(event.as_str()), "{message}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_failed_file_returns_to_the_status_it_failed_from() {
        for &status in FileStatus::ALL.iter().filter(|&&status| status != Failed) {
            let failed = state(status).after(FileEvent::Failed, "out of disk").unwrap();
            assert_eq!(failed.failure().unwrap().reason, "out of disk");
            assert_eq!(failed.after(FileEvent::Retried, "").unwrap(), state(status));
        }
    }

    #[test]
    fn an_approval_withdrawn_from_a_failed_file_leads_back_to_processed() {
        let withdrawn = state(Failed).after(FileEvent::ApprovalWithdrawn, "retitled").unwrap();
        assert_eq!(withdrawn.failure().unwrap().reason, "lens cap", "it has failed for the same reason as before");
        assert_eq!(withdrawn.after(FileEvent::Retried, "").unwrap().status(), Processed);
        for &from in FileStatus::ALL.iter().filter(|&&from| from != Approved && from != Failed) {
            let failed = state(from).after(FileEvent::Failed, "out of disk").unwrap();
            assert!(failed.after(FileEvent::ApprovalWithdrawn, "retitled").is_err(), "failed from {from}");
        }
    }

    #[test]
    fn columns_that_disagree_are_refused() {
        assert!(FileState::from_columns(Failed, Some(Failed), None).is_err());
        assert!(FileState::from_columns(Approved, Some(Processed), None).is_err());
        let without_a_reason = FileState::from_columns(Failed, None, None).unwrap();
        assert_eq!(without_a_reason.after(FileEvent::Retried, "").unwrap(), FileState::Ingested);
    }
}
