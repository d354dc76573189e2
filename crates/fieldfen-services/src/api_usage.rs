//! Calls to external APIs: the number of requests, and the limits in the responses.
//!
//! ```
//! use fieldfen_services::Environment;
//! use fieldfen_services::api_usage::{RateLimit, ApiUsage};
//! use fieldfen_testkit::ModelStore;
//!
//! let environment = Environment::system();
//! let usage = ApiUsage::new(ModelStore::new(), environment.clone());
//! # let response = std::collections::HashMap::from([("ratelimit-remaining", "599"), ("ratelimit-reset", "1")]);
//! let limit = RateLimit::replicate(|name| response.get(name).copied(), environment.now());
//! assert_eq!(limit.remaining, Some(599));
//! usage.record("replicate", "POST /v1/predictions", limit)?;
//! # Ok::<(), fieldfen_domain::store::StoreError>(())
//! ```

use std::ops::RangeInclusive;

use chrono::TimeDelta;
use fieldfen_domain::api_usage::{ApiCall, ApiCallFilter, ApiUsageDays, ApiUsageTotals, Day};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{MAX_TIMESTAMP, MIN_TIMESTAMP, Page, PageRequest, Timestamp};

use crate::Environment;
use crate::write_retry::{cannot_be_looked_for, write_once};

/// The limits in a response. A value that the response does not name is `None`, never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RateLimit {
    /// The number of further requests that the service allows now.
    pub remaining: Option<i64>,
    /// The time at which the service allows the full number again.
    pub reset_at: Option<Timestamp>,
}

impl RateLimit {
    /// A limit of which nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the number of further requests that the service allows.
    #[must_use]
    pub fn remaining(mut self, remaining: impl Into<Option<i64>>) -> Self {
        self.remaining = remaining.into();
        self
    }

    /// Sets the time at which the service allows the full number again.
    #[must_use]
    pub fn reset_at(mut self, reset_at: impl Into<Option<Timestamp>>) -> Self {
        self.reset_at = reset_at.into();
        self
    }
}

impl RateLimit {
    /// Reads the headers of a response by [Replicate](https://replicate.com/docs/reference/http#rate-limits) that was
    /// received at `received_at`: `ratelimit-remaining`, and `ratelimit-reset` in seconds from then.
    ///
    /// `header` returns the value of a header by its lower-case name. A value that is not a number of 0 or more is
    /// ignored.
    #[must_use]
    pub fn replicate<'h>(header: impl Fn(&str) -> Option<&'h str>, received_at: Timestamp) -> Self {
        let number = |name| header(name)?.trim().parse::<i64>().ok().filter(|number| *number >= 0);
        let reset_at = number("ratelimit-reset")
            .and_then(TimeDelta::try_seconds)
            .and_then(|seconds| received_at.checked_add_signed(seconds));
        Self { remaining: number("ratelimit-remaining"), reset_at }
    }
}

/// The recorded calls to external APIs in a store. A clone is the same handle.
#[derive(Debug, Clone)]
pub struct ApiUsage<S> {
    store: S,
    environment: Environment,
}

impl<S: Store> ApiUsage<S> {
    /// Creates a handle on this store.
    #[must_use]
    pub const fn new(store: S, environment: Environment) -> Self {
        Self { store, environment }
    }

    /// Records one request made now.
    ///
    /// A record has no id. If the outcome is [unknown](StoreError::OutcomeUnknown), the request may have been recorded.
    /// Record it again if counting it twice is better than not counting it.
    pub fn record(&self, service: &str, endpoint: &str, limit: RateLimit) -> Result<(), StoreError> {
        let call = self.call(service, endpoint, limit);
        write_once(&self.store, |s, before| match before {
            None => s.api_usage().record(&call).map(Some),
            Some(()) => Err(cannot_be_looked_for()),
        })
    }

    /// Makes the record of one request made now, for [`Transaction::record_call`](crate::Transaction::record_call) in a
    /// transaction of the caller's.
    ///
    /// A reset time that no store can hold is left out. Services use different units, and a number of milliseconds read
    /// as seconds leads beyond the year 9999.
    #[must_use]
    pub fn call(&self, service: &str, endpoint: &str, limit: RateLimit) -> ApiCall {
        ApiCall::new(service.to_owned(), self.environment.now())
            .endpoint(endpoint.to_owned())
            .rate_limit_remaining(limit.remaining)
            .rate_limit_reset_at(limit.reset_at.filter(|at| (MIN_TIMESTAMP..=MAX_TIMESTAMP).contains(at)))
    }

    /// A page of the calls that match a filter, in the order of insertion. The page names the rows that cannot be read
    /// as a call. It may have fewer calls than its limit, or none, although a next page follows.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    pub fn list(&self, filter: &ApiCallFilter, page: &PageRequest) -> Result<Page<ApiCall>, StoreError> {
        self.store.read(|s| s.api_usage().page(filter, page))
    }

    /// Returns the totals of these days, both ends included, by service, account, endpoint and outcome. They contain the
    /// calls whose rows have been pruned.
    pub fn days(&self, days: &RangeInclusive<Day>) -> Result<ApiUsageDays, StoreError> {
        self.store.read_stale(|s| s.api_usage().days(days))
    }

    /// Returns the number of requests to each service since a time, from the rows that have not been pruned.
    pub fn totals(&self, since: Timestamp) -> Result<ApiUsageTotals, StoreError> {
        self.store.read(|s| s.api_usage().totals(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(remaining: Option<&str>, reset: Option<&str>) -> RateLimit {
        let at = Timestamp::from_timestamp(1_000, 0).unwrap();
        let header = |name: &str| match name {
            "ratelimit-remaining" => remaining,
            "ratelimit-reset" => reset,
            _ => None,
        };
        RateLimit::replicate(header, at)
    }

    #[test]
    fn a_reset_is_counted_from_the_response() {
        let limit = read(Some("0"), Some("30"));
        assert_eq!((limit.remaining, limit.reset_at), (Some(0), Timestamp::from_timestamp(1_030, 0)));
    }

    #[test]
    fn what_is_not_said_or_not_a_number_is_nothing() {
        assert_eq!(read(None, None), RateLimit::default());
        for nonsense in ["", "many", "-1", "1.5", "99999999999999999999"] {
            assert_eq!(read(Some(nonsense), Some(nonsense)), RateLimit::default(), "{nonsense}");
        }
        let forever = read(Some(" 7 "), Some("9223372036854775807"));
        assert_eq!((forever.remaining, forever.reset_at), (Some(7), None));
    }
}
