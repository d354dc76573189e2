//! A job whose handler is stuck.

use std::fmt;

use fieldfen_domain::JobId;
use fieldfen_domain::job::JobKind;

/// A job whose handler does not return although it was interrupted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StuckJob {
    /// The id of the job.
    pub id: JobId,
    /// The kind of the job.
    pub kind: JobKind,
}

/// The kind and the id.
impl fmt::Display for StuckJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.id)
    }
}
