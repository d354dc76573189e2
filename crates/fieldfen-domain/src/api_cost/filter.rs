//! A filter of costs.

use super::cost::CostStatus;
use crate::OptionalText;
use crate::ids::{FileId, JobId};

/// A filter of costs. A cost passes it if it meets every condition that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiCostFilter {
    /// Only costs of this service.
    pub service: Option<String>,
    /// Only costs with this status.
    pub status: Option<CostStatus>,
    /// Only costs incurred by this job.
    pub job_id: Option<JobId>,
    /// Only costs incurred for this file.
    pub file_id: Option<FileId>,
}

impl ApiCostFilter {
    /// A filter that every cost passes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only costs of this service; `None` for any.
    #[must_use]
    pub fn service(mut self, service: impl Into<OptionalText>) -> Self {
        self.service = service.into().0;
        self
    }

    /// Only costs with this status; `None` for any.
    #[must_use]
    pub fn status(mut self, status: impl Into<Option<CostStatus>>) -> Self {
        self.status = status.into();
        self
    }

    /// Only costs incurred by this job; `None` for any.
    #[must_use]
    pub fn job_id(mut self, job_id: impl Into<Option<JobId>>) -> Self {
        self.job_id = job_id.into();
        self
    }

    /// Only costs incurred for this file; `None` for any.
    #[must_use]
    pub fn file_id(mut self, file_id: impl Into<Option<FileId>>) -> Self {
        self.file_id = file_id.into();
        self
    }
}
