//! Filters of jobs, and counts of them.

use super::{ApiAccount, JobKind, JobStatus, ParkedFor};
use crate::OptionalText;
use crate::ids::FileId;
use crate::time::Timestamp;

/// A filter of jobs. A job passes it if it meets every condition that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobFilter {
    /// Only jobs of this status.
    pub status: Option<JobStatus>,
    /// Only jobs of this kind.
    pub kind: Option<JobKind>,
    /// Only jobs of this file.
    pub file_id: Option<FileId>,
    /// Only failed jobs of this group.
    pub failed: Option<FailedJobs>,
    /// Only jobs whose last error has this fingerprint.
    pub fingerprint: Option<FingerprintFilter>,
    /// Only jobs that ended at this time or later. A job without an end time does not pass.
    pub ended_since: Option<Timestamp>,
    /// Only jobs that ended before this time. A job without an end time does not pass.
    pub ended_before: Option<Timestamp>,
    /// Only jobs that were enqueued before this time. A job without that time does not pass.
    pub created_before: Option<Timestamp>,
    /// Only jobs that this worker runs, or ran as the last one.
    pub worker: Option<String>,
    /// Only jobs of this service or account.
    pub account: Option<ApiAccount>,
    /// Only jobs whose stored payload contains this text, in the same case.
    pub payload: Option<String>,
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

    /// Only jobs of this file; `None` for any.
    #[must_use]
    pub fn file_id(mut self, file_id: impl Into<Option<FileId>>) -> Self {
        self.file_id = file_id.into();
        self
    }

    /// Only failed jobs of this group; `None` for all jobs.
    #[must_use]
    pub fn failed(mut self, failed: impl Into<Option<FailedJobs>>) -> Self {
        self.failed = failed.into();
        self
    }

    /// Only jobs whose last error has this fingerprint; `None` for any.
    #[must_use]
    pub fn fingerprint(mut self, fingerprint: impl Into<Option<FingerprintFilter>>) -> Self {
        self.fingerprint = fingerprint.into();
        self
    }

    /// Only jobs that ended at this time or later; `None` for any.
    #[must_use]
    pub fn ended_since(mut self, since: impl Into<Option<Timestamp>>) -> Self {
        self.ended_since = since.into();
        self
    }

    /// Only jobs that ended before this time; `None` for any.
    #[must_use]
    pub fn ended_before(mut self, before: impl Into<Option<Timestamp>>) -> Self {
        self.ended_before = before.into();
        self
    }

    /// Only jobs that were enqueued before this time; `None` for any.
    #[must_use]
    pub fn created_before(mut self, before: impl Into<Option<Timestamp>>) -> Self {
        self.created_before = before.into();
        self
    }

    /// Only jobs that this worker runs, or ran as the last one; `None` for any.
    #[must_use]
    pub fn worker(mut self, worker: impl Into<OptionalText>) -> Self {
        self.worker = worker.into().0;
        self
    }

    /// Only jobs of this service or account; `None` for any.
    #[must_use]
    pub fn account(mut self, account: impl Into<Option<ApiAccount>>) -> Self {
        self.account = account.into();
        self
    }

    /// Only jobs whose stored payload contains this text; `None` for any.
    #[must_use]
    pub fn payload(mut self, text: impl Into<OptionalText>) -> Self {
        self.payload = text.into().0;
        self
    }

    /// Only dead letters: failed jobs that are not parked.
    #[must_use]
    pub const fn dead_letters(mut self) -> Self {
        self.failed = Some(FailedJobs::DeadLetters);
        self
    }

    /// Only parked jobs.
    #[must_use]
    pub const fn parked(mut self) -> Self {
        self.failed = Some(FailedJobs::Parked);
        self
    }

    /// Only jobs that are parked for this event.
    #[must_use]
    pub const fn parked_for(mut self, parked_for: ParkedFor) -> Self {
        self.failed = Some(FailedJobs::ParkedFor(parked_for));
        self
    }
}

/// Selects jobs by the [fingerprint](super::error_fingerprint) of their last error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FingerprintFilter {
    /// The jobs with this fingerprint.
    Is(String),
    /// The jobs without a fingerprint: they have no error, or a program that knows only the specification has written
    /// it.
    Missing,
}

/// A group of failed jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailedJobs {
    /// The dead letters: failed jobs that are not parked.
    DeadLetters,
    /// The parked jobs, for any event.
    Parked,
    /// The jobs that are parked for this event.
    ParkedFor(ParkedFor),
}

/// The number of jobs of one kind in one status, parked for one event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobCount {
    /// The kind, as the row has it. Other programs may have written any text.
    pub kind: String,
    /// The status of the counted jobs.
    pub status: JobStatus,
    /// The value of `parked_for` of the counted jobs; `None` for jobs that are not parked.
    pub parked_for: Option<String>,
    /// The number of jobs.
    pub jobs: u64,
}

impl JobCount {
    /// A count of this many jobs of this kind in this status.
    #[must_use]
    pub fn new(kind: impl Into<String>, status: JobStatus, parked_for: Option<String>, jobs: u64) -> Self {
        Self { kind: kind.into(), status, parked_for, jobs }
    }
}
