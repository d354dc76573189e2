//! A call before it is made.

use fieldfen_domain::api_cost::Money;
use fieldfen_domain::rate_limit::PermitRequest;
use fieldfen_domain::{FileId, JobId};

/// A call before it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewCall {
    /// The service, for example `replicate`.
    pub service: String,
    /// The endpoint or action, for example `POST /v1/predictions`. Leave ids out, so that calls of one kind add up.
    pub endpoint: String,
    /// The account at the service; `None` if there is only one.
    pub account: Option<String>,
    /// The number of requests; more than one for a batch. 0 counts as 1, so that no call escapes the limits and
    /// budgets.
    pub request_count: u32,
    /// The job that makes the call. By default the job whose handler runs on this thread.
    pub job_id: Option<JobId>,
    /// The file for which the call is made. By default the file of that job.
    pub file_id: Option<FileId>,
    /// The units that the call takes of the rate limits with these names, where that is not the number of requests: for
    /// example the points of a GraphQL query.
    pub units_of: Vec<(String, u64)>,
    /// The cost of the call that is counted until its cost is known. By default it is a
    /// [guess](crate::api_costs::ApiCosts::guess).
    pub guess: Option<Money>,
}

impl NewCall {
    /// A call of one request to this endpoint of a service. Its job and file are those of the handler that runs on this
    /// thread, if one does.
    #[must_use]
    pub fn new(service: impl Into<String>, endpoint: impl Into<String>) -> Self {
        let job = super::current_job::current();
        Self {
            service: service.into(),
            endpoint: endpoint.into(),
            account: None,
            request_count: 1,
            job_id: job.map(|job| job.id),
            file_id: job.and_then(|job| job.file_id),
            units_of: Vec::new(),
            guess: None,
        }
    }

    /// The same call with this account; an empty text stands for the only one.
    #[must_use]
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into()).filter(|account| !account.is_empty());
        self
    }

    /// The same call of this number of requests.
    #[must_use]
    pub const fn request_count(mut self, request_count: u32) -> Self {
        self.request_count = request_count;
        self
    }

    /// The same call, made by this job.
    #[must_use]
    pub fn job_id(mut self, job_id: impl Into<Option<JobId>>) -> Self {
        self.job_id = job_id.into();
        self
    }

    /// The same call, made for this file.
    #[must_use]
    pub fn file_id(mut self, file_id: impl Into<Option<FileId>>) -> Self {
        self.file_id = file_id.into();
        self
    }

    /// The same call, which takes this number of units of the rate limits with this name. Guess where it is not known:
    /// 0 counts as 1.
    #[must_use]
    pub fn units_of(mut self, bucket: impl Into<String>, units: u64) -> Self {
        self.units_of.push((bucket.into(), units));
        self
    }

    /// The same call with this guess of its cost.
    #[must_use]
    pub fn guess(mut self, guess: impl Into<Option<Money>>) -> Self {
        self.guess = guess.into();
        self
    }

    /// The number of requests, at least one.
    pub(super) fn requests(&self) -> u32 {
        self.request_count.max(1)
    }

    pub(super) fn permit_request(&self) -> PermitRequest {
        let request = PermitRequest::new(self.service.clone())
            .account(self.account.clone())
            .endpoint(self.endpoint.clone())
            .units(self.requests().into())
            .guess(self.guess);
        self.units_of.iter().fold(request, |request, (bucket, units)| request.units_of(bucket.clone(), *units))
    }
}
