//! The outcomes of events and of operators' actions on a file.

use fieldfen_domain::JobId;
use fieldfen_domain::file::{FileDetails, FileStatus};
use fieldfen_domain::job::EnqueueOutcome;
use fieldfen_domain::operator::ActionOutcome;

/// The result of an event: the status of the file, and the jobs that follow.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventOutcome {
    /// The status of the file after the event.
    pub status: FileStatus,
    /// The jobs that the event enqueued. Jobs that were live before are not included.
    pub jobs: Vec<JobId>,
}

impl EventOutcome {
    pub(super) const fn nothing(status: FileStatus) -> Self {
        Self { status, jobs: Vec::new() }
    }

    pub(super) fn add(&mut self, enqueued: EnqueueOutcome) {
        if let EnqueueOutcome::Created(id) = enqueued {
            self.jobs.push(id);
        }
    }
}

/// The answer to an operator's approval, rejection, failing, retry or publication of a file. The row of the action has
/// the same outcome and is written in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a refused action changes nothing"]
#[non_exhaustive]
pub enum FileActionOutcome {
    /// The action was carried out.
    Done(EventOutcome),
    /// The file, or the requested job, was in that state already. Nothing was changed.
    Unchanged {
        /// The status of the file.
        status: FileStatus,
    },
    /// The action is not possible in the present status of the file. Nothing was changed.
    Refused {
        /// The status of the file.
        status: FileStatus,
        /// The statuses in which the action is possible, as a sentence for people.
        rule: &'static str,
    },
    /// The file does not exist.
    NotFound,
}

impl FileActionOutcome {
    /// The file's status and the jobs that follow; `None` if the action was not carried out.
    #[must_use]
    pub fn event_outcome(self) -> Option<EventOutcome> {
        match self {
            Self::Done(followed) => Some(followed),
            Self::Unchanged { .. } | Self::Refused { .. } | Self::NotFound => None,
        }
    }

    /// The outcome as the row of the action records it.
    pub(super) const fn recorded(&self) -> ActionOutcome {
        match self {
            Self::Done(_) => ActionOutcome::Done,
            Self::Unchanged { .. } => ActionOutcome::Unchanged,
            Self::Refused { .. } => ActionOutcome::Refused,
            Self::NotFound => ActionOutcome::NotFound,
        }
    }
}

/// The answer to [`Pipeline::edit`](super::Pipeline::edit).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditOutcome {
    /// The file was edited.
    Edited(EventOutcome),
    /// Somebody has changed the file since the editor [saw it](fieldfen_domain::file::FileEdit::seen). Nothing was
    /// written. The value is the present details of the file.
    Changed(Box<FileDetails>),
    /// The file does not exist.
    NotFound,
}

impl EditOutcome {
    /// The file's status and the jobs that follow; `None` if the file was not edited.
    #[must_use]
    pub fn event_outcome(self) -> Option<EventOutcome> {
        match self {
            Self::Edited(followed) => Some(followed),
            Self::Changed(_) | Self::NotFound => None,
        }
    }
}
