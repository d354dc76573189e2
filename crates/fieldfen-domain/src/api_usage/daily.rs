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
    /// How the calls ended; `None` for calls without an outcome.
    pub outcome: Option<CallOutcome>,
    /// The number of rows.
    pub calls: u64,
    /// The number of requests. A row without a `request_count` counts as one request, the specification's default.
    pub requests: u64,
    /// The time that the calls took together, in whole milliseconds. A row without a duration adds nothing.
    pub duration: Duration,
}

impl DailyApiUsage {
    /// One call of one request on this day, of which nothing else is known.
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
    /// Totals that cannot be read, since another program gave their calls a name that is no text.
    pub unreadable: Vec<UnreadableRow>,
    /// The number of calls that are in no total of any day, since another program gave them a time, a name or a number
    /// that cannot be counted.
    pub uncounted: u64,
    /// The id of the first of them.
    pub first_uncounted: Option<i64>,
}
