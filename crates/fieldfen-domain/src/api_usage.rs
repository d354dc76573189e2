//! Calls to external APIs.

use crate::page::UnreadableRow;
use crate::time::Timestamp;

/// One call, or one batch of calls, to be recorded in `api_usage`.
///
/// What the response did not say is `None`, never zero.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiCall {
    /// The service, for example `replicate`.
    pub service: String,
    /// The endpoint or action.
    pub endpoint: Option<String>,
    /// How many requests it took.
    pub request_count: u32,
    /// How many more the service allows, as it said.
    pub rate_limit_remaining: Option<i64>,
    /// When it allows the full number again, as it said.
    pub rate_limit_reset_at: Option<Timestamp>,
    /// When the call was made, by the caller's clock.
    pub at: Timestamp,
}

impl ApiCall {
    /// A call of one request, whose response said nothing of limits.
    #[must_use]
    pub fn new(service: impl Into<String>, at: Timestamp) -> Self {
        Self {
            service: service.into(),
            endpoint: None,
            request_count: 1,
            rate_limit_remaining: None,
            rate_limit_reset_at: None,
            at,
        }
    }

    /// The same call of this endpoint or action.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<Option<String>>) -> Self {
        self.endpoint = endpoint.into();
        self
    }

    /// The same call of so many requests.
    #[must_use]
    pub const fn request_count(mut self, request_count: u32) -> Self {
        self.request_count = request_count;
        self
    }

    /// The same call, after which the service allows so many more.
    #[must_use]
    pub fn rate_limit_remaining(mut self, rate_limit_remaining: impl Into<Option<i64>>) -> Self {
        self.rate_limit_remaining = rate_limit_remaining.into();
        self
    }

    /// The same call, whose service allows the full number again at this time.
    #[must_use]
    pub fn rate_limit_reset_at(mut self, rate_limit_reset_at: impl Into<Option<Timestamp>>) -> Self {
        self.rate_limit_reset_at = rate_limit_reset_at.into();
        self
    }

    /// The same call at another time.
    #[must_use]
    pub const fn at(mut self, at: Timestamp) -> Self {
        self.at = at;
        self
    }
}

/// Which calls are wanted; everything given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiCallFilter {
    /// Only calls to this service.
    pub service: Option<String>,
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
    pub fn service(mut self, service: impl Into<Option<String>>) -> Self {
        self.service = service.into();
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

/// What has been used of one service in a span of time.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiUsageTotal {
    /// The name of the service, as the recorded calls have it.
    pub service: String,
    /// The sum of all `request_count`s; a row without one counts as one request, the specification's default. A sum beyond
    /// `u64::MAX` is `u64::MAX`.
    pub requests: u64,
    /// How many rows that is.
    pub calls: u64,
}

impl ApiUsageTotal {
    /// So many requests of this service in so many rows.
    #[must_use]
    pub fn new(service: impl Into<String>, requests: u64, calls: u64) -> Self {
        Self { service: service.into(), requests, calls }
    }
}

/// What has been used in a span of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiUsageTotals {
    /// What has been used of each service, by its name.
    pub services: Vec<ApiUsageTotal>,
    /// Calls that are in no total, since another program gave them a service or a count that is none: the first of each
    /// service.
    pub unreadable: Vec<UnreadableRow>,
}
