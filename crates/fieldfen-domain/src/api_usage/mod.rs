//! Calls to external APIs.

mod call;
mod daily;
mod filter;

pub use call::{ApiCall, CallOutcome};
pub use daily::{ApiUsageDays, DailyApiUsage, Day};
pub use filter::ApiCallFilter;

use crate::page::UnreadableRow;

/// The use of one service in a span of time.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiUsageTotal {
    /// The name of the service, as the recorded calls have it.
    pub service: String,
    /// The sum of all `request_count`s. A row without one counts as one request, the specification's default. A sum
    /// beyond `u64::MAX` is `u64::MAX`.
    pub requests: u64,
    /// The number of rows.
    pub calls: u64,
}

impl ApiUsageTotal {
    /// A total of this many requests in this many rows.
    #[must_use]
    pub fn new(service: impl Into<String>, requests: u64, calls: u64) -> Self {
        Self { service: service.into(), requests, calls }
    }
}

/// The use of all services in a span of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiUsageTotals {
    /// The total of each service, sorted by name.
    pub services: Vec<ApiUsageTotal>,
    /// Calls that are in no total, because another program wrote an invalid service or count: the first one of each
    /// service.
    pub unreadable: Vec<UnreadableRow>,
}
