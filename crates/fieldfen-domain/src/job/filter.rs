//! Filters of jobs, and counts of them.

use super::{JobKind, JobStatus, ParkedFor};
use crate::ids::FileId;

/// A filter of jobs. A job passes it if it meets every condition that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobFilter {
    /// Only jobs of this status.
    pub status: Option<JobStatus>,
    /// Only jobs of this kind.
    pub kind: Option<JobKind>,
    /// Only jobs that concern this file.
    pub file_id: Option<FileId>,
    /// Only these of the failed jobs.
    pub failed: Option<FailedJobs>,
}

impl JobFilter {
    /// A filter that every job passes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only jobs of this status; `None` for any.
    #[must_use]
    pub fn status(mut self, status: impl Into<Option<JobStatus>>) -> Self {
        self.status = status.into();
        self
    }

    /// Only jobs of this kind; `None` for any.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<Option<JobKind>>) -> Self {
        self.kind = kind.into();
        self
    }

    /// Only jobs that concern this file; `None` for any.
    #[must_use]
    pub fn file_id(mut self, file_id: impl Into<Option<FileId>>) -> Self {
        self.file_id = file_id.into();
        self
    }

    /// Only these of the failed jobs; `None` for all jobs.
    #[must_use]
    pub fn failed(mut self, failed: impl Into<Option<FailedJobs>>) -> Self {
        self.failed = failed.into();
        self
    }

    /// The same filter, for dead letters only: failed jobs that are not parked.
    #[must_use]
    pub const fn dead_letters(mut self) -> Self {
        self.failed = Some(FailedJobs::DeadLetters);
        self
    }

    /// The same filter, for parked jobs only.
    #[must_use]
    pub const fn parked(mut self) -> Self {
        self.failed = Some(FailedJobs::Parked);
        self
    }

    /// The same filter, for jobs only that are parked for this.
    #[must_use]
    pub const fn parked_for(mut self, parked_for: ParkedFor) -> Self {
        self.failed = Some(FailedJobs::ParkedFor(parked_for));
        self
    }
}

/// Which of the failed jobs pass a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailedJobs {
    /// The dead letters: failed jobs that are not parked.
    DeadLetters,
    /// The parked jobs, whatever they are parked for.
    Parked,
    /// The jobs that are parked for this word.
    ParkedFor(ParkedFor),
}

/// The number of jobs of one kind in one status, parked for one word.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobCount {
    /// The kind, as it stands in the row: other programs may have written any text.
    pub kind: String,
    /// The status of the counted jobs.
    pub status: JobStatus,
    /// The word in `parked_for` of the counted jobs; `None` for jobs that are not parked.
    pub parked_for: Option<String>,
    /// The number of jobs.
    pub jobs: u64,
}

impl JobCount {
    /// This many jobs of this kind in this status, parked for this word.
    #[must_use]
    pub fn new(kind: impl Into<String>, status: JobStatus, parked_for: Option<String>, jobs: u64) -> Self {
        Self { kind: kind.into(), status, parked_for, jobs }
    }
}
