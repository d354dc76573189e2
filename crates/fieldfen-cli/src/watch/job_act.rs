//! An action on a job that a person has confirmed.

use fieldfen_domain::JobId;

/// An action on a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JobAct {
    pub(super) verb: Verb,
    pub(super) job: JobId,
    pub(super) reason: String,
}

/// The actions that the view offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Retry,
    Cancel,
}

impl Verb {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Cancel => "cancel",
        }
    }
}
