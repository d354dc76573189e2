//! The outcomes of events and of operators' actions on a file.

use fieldfen_domain::JobId;
use fieldfen_domain::file::{FileDetails, FileStatus};
use fieldfen_domain::job::EnqueueOutcome;
use fieldfen_domain::operator::ActionOutcome;

/// What an event has led to: the status of the file, and the jobs that follow.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventOutcome {
    /// The status of the file after the event.
    pub status: FileStatus,
    /// The jobs that were enqueued; what was on its way already is not among them.
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

/// The answer to an operator's approval, rejection, failing, retry or publication of a file. The row of the action says
/// the same, and is written in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a refused action changes nothing"]
#[non_exhaustive]
pub enum FileActionOutcome {
    /// The action was carried out, and this followed.
    Done(EventOutcome),
    /// The file, or the job that was asked for, was so already; nothing was changed.
    Unchanged {
        /// The status of the file.
        status: FileStatus,
    },
    /// The action is not possible in the status of the file; nothing was changed.
    Refused {
        /// The status of the file.
        status: FileStatus,
        /// The statuses in which the action is possible, as a sentence for people.
        rule: &'static str,
    },
    /// There is no such file.
    NotFound,
}

impl FileActionOutcome {
    /// The file's status and the jobs that followed, where the action was carried out.
    #[must_use]
    pub fn event_outcome(self) -> Option<EventOutcome> {
        match self {
            Self::Done(followed) => Some(followed),
            Self::Unchanged { .. } | Self::Refused { .. } | Self::NotFound => None,
        }
    }

    /// The word for the row of the action.
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
    /// The file was edited, and this followed.
    Edited(EventOutcome),
    /// Somebody has changed the file since the editor [saw it](fieldfen_domain::file::FileEdit::seen): it is like this
    /// now, and nothing was written.
    Changed(Box<FileDetails>),
    /// There is no such file.
    NotFound,
}

impl EditOutcome {
    /// What followed, where the file was edited.
    #[must_use]
    pub fn event_outcome(self) -> Option<EventOutcome> {
        match self {
            Self::Edited(followed) => Some(followed),
            Self::Changed(_) | Self::NotFound => None,
        }
    }
}
