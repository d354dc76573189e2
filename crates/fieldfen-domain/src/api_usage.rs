//! Calls to external APIs.

use crate::page::UnreadableRow;
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
    /// The sum of all `request_count`s; a row without one counts as one request, the specification's default. A sum beyond
    /// `u64::MAX` is `u64::MAX`.
    pub requests: u64,
    /// How many rows that is.
    pub calls: u64,
}

/// What has been used in a span of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiUsageTotals {
    /// What has been used of each service, by its name.
    pub services: Vec<ApiUsageTotal>,
    /// Calls that are in no total, since another program gave them a service or a count that is none: the first of each
    /// service.
    pub unreadable: Vec<UnreadableRow>,
}
