//! A filter of recorded calls.

use super::call::CallOutcome;
use crate::OptionalText;
use crate::ids::{FileId, JobId};
use crate::time::Timestamp;

/// A filter of recorded calls. A call passes it if it meets every condition that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiCallFilter {
    /// Only calls to this service.
    pub service: Option<String>,
    /// Only calls with this account.
    pub account: Option<String>,
    /// Only calls of this endpoint or action.
    pub endpoint: Option<String>,
    /// Only calls with this outcome.
    pub outcome: Option<CallOutcome>,
    /// Only calls made by this job.
    pub job_id: Option<JobId>,
    /// Only calls made for this file.
    pub file_id: Option<FileId>,
    /// Only calls made at this time or later.
    pub since: Option<Timestamp>,
    /// Only calls made before this time.
    pub until: Option<Timestamp>,
}

impl ApiCallFilter {
    /// A filter that every call passes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only calls to this service; `None` for any.
    #[must_use]
    pub fn service(mut self, service: impl Into<OptionalText>) -> Self {
        self.service = service.into().0;
        self
    }

    /// Only calls with this account; `None` for any.
    #[must_use]
    pub fn account(mut self, account: impl Into<OptionalText>) -> Self {
        self.account = account.into().0;
        self
    }

    /// Only calls of this endpoint or action; `None` for any.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<OptionalText>) -> Self {
        self.endpoint = endpoint.into().0;
        self
    }

    /// Only calls with this outcome; `None` for any, and for calls without one.
    #[must_use]
    pub fn outcome(mut self, outcome: impl Into<Option<CallOutcome>>) -> Self {
        self.outcome = outcome.into();
        self
    }

    /// Only calls made by this job; `None` for any.
    #[must_use]
    pub fn job_id(mut self, job_id: impl Into<Option<JobId>>) -> Self {
        self.job_id = job_id.into();
        self
    }

    /// Only calls made for this file; `None` for any.
    #[must_use]
    pub fn file_id(mut self, file_id: impl Into<Option<FileId>>) -> Self {
        self.file_id = file_id.into();
        self
    }

    /// Only calls made at this time or later; `None` for any time.
    #[must_use]
    pub fn since(mut self, since: impl Into<Option<Timestamp>>) -> Self {
        self.since = since.into();
        self
    }

    /// Only calls made before this time; `None` for any time.
    #[must_use]
    pub fn until(mut self, until: impl Into<Option<Timestamp>>) -> Self {
        self.until = until.into();
        self
    }
}
