//! Calls to external APIs.

mod call;
mod daily;
mod filter;

pub use call::{ApiCall, CallOutcome};
pub use daily::{ApiUsageDays, DailyApiUsage, Day};
pub use filter::ApiCallFilter;

use crate::page::UnreadableRow;

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
