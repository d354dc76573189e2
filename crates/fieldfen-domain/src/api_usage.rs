//! Calls to external APIs.

use crate::time::Timestamp;

/// One call, or one batch of calls, to be recorded in `api_usage`.
///
/// What the response did not say is `None`, never zero.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// When it was made.
    pub at: Timestamp,
}

/// What has been used of one service in a span of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiUsageTotal {
    /// The service.
    pub service: String,
    /// The sum of all `request_count`s; a row without one counts as one request, the specification's default.
    pub requests: u64,
    /// How many rows that is.
    pub calls: u64,
}
