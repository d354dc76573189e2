//! Calls to external APIs: each is recorded with the limits that its answer states, and lists and totals show them.
//!
//! A [`CallRecorder`] records the calls that a program makes. [`ApiUsage`] lists them and adds them up.

mod call_answer;
mod call_costs;
mod call_record;
mod call_refusal;
pub(crate) mod current_job;
mod new_call;
mod open_call;
mod record_once;
mod recorder;

use std::ops::RangeInclusive;

use fieldfen_domain::api_usage::{ApiCall, ApiCallFilter, ApiUsageDays, ApiUsageTotals, Day};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{Page, PageRequest, Timestamp};

pub use call_refusal::CallRefusal;
pub use new_call::NewCall;
pub use open_call::OpenCall;
pub use record_once::StatedCost;
pub use recorder::CallRecorder;

use crate::Environment;
use crate::write_retry::{cannot_be_looked_for, write_once};

/// The calls to external APIs that a store has on record. Clones are the same handle.
#[derive(Debug, Clone)]
pub struct ApiUsage<S> {
    store: S,
    environment: Environment,
}

impl<S: Store> ApiUsage<S> {
    /// The calls in this store.
    #[must_use]
    pub const fn new(store: S, environment: Environment) -> Self {
        Self { store, environment }
    }

    /// Records a call. A [`CallRecorder`] does so by itself.
    ///
    /// A record has no id. If the outcome is [unknown](StoreError::OutcomeUnknown), the call is recorded or not: record
    /// it again where counting it twice is better than not at all.
    pub fn record(&self, call: &ApiCall) -> Result<(), StoreError> {
        write_once(&self.store, |s, before| match before {
            None => s.api_usage().record(call).map(Some),
            Some(()) => Err(cannot_be_looked_for()),
        })
    }

    /// A page of the calls that match a filter, in the order of insertion. The page names the rows that cannot be read.
    /// It may have fewer calls than its limit, or none, although a next page follows.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    pub fn list(&self, filter: &ApiCallFilter, page: &PageRequest) -> Result<Page<ApiCall>, StoreError> {
        self.store.read(|s| s.api_usage().page(filter, page))
    }

    /// The totals of these days, from the first to the last, both included: by service, account, endpoint and outcome.
    /// They contain the calls whose rows have been pruned.
    pub fn days(&self, days: &RangeInclusive<Day>) -> Result<ApiUsageDays, StoreError> {
        self.store.read_stale(|s| s.api_usage().days(days))
    }

    /// The number of requests to each service since a time, from the rows that have not been pruned.
    pub fn totals(&self, since: Timestamp) -> Result<ApiUsageTotals, StoreError> {
        self.store.read(|s| s.api_usage().totals(since))
    }
}
