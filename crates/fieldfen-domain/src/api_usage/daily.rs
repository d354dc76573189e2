//! The calls of each day, which are kept when their rows are pruned.

use std::time::Duration;

use super::call::CallOutcome;
use crate::page::UnreadableRow;

/// A day in UTC.
pub type Day = chrono::NaiveDate;

/// The calls of one day with the same service, account, endpoint and outcome.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct DailyApiUsage {
    /// The day, in UTC.
    pub day: Day,
    /// The service.
    pub service: String,
    /// The account; empty if the calls named none.
    pub account: String,
    /// The endpoint or action; empty if the calls named none.
    pub endpoint: String,
    /// The outcome; `None` for calls without one.
    pub outcome: Option<CallOutcome>,
    /// The number of rows.
    pub calls: u64,
    /// The number of requests. A row without a `request_count` counts as one request, the specification's default.
    pub requests: u64,
    /// The sum of the durations, in whole milliseconds. A row without a duration adds nothing.
    pub duration: Duration,
}

impl DailyApiUsage {
    /// One call of one request on this day. All other values are unknown.
    #[must_use]
    pub fn new(day: Day, service: impl Into<String>) -> Self {
        Self {
            day,
            service: service.into(),
            account: String::new(),
            endpoint: String::new(),
            outcome: None,
            calls: 1,
            requests: 1,
            duration: Duration::ZERO,
        }
    }
}

/// The calls of some days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiUsageDays {
    /// The totals, by day, service, account, endpoint and outcome.
    pub days: Vec<DailyApiUsage>,
    /// Totals that cannot be read, because another program gave their calls a name that is not a text.
    pub unreadable: Vec<UnreadableRow>,
    /// The number of calls that are in no total of any day, because another program gave them an invalid time, name or
    /// number.
    pub uncounted: u64,
    /// The id of the first of the uncounted calls.
    pub first_uncounted: Option<i64>,
}
