//! Calls to external APIs.

use std::collections::BTreeMap;

use fieldfen_domain::api_usage::{ApiCall, ApiCallFilter, ApiUsageTotal, ApiUsageTotals};
use fieldfen_domain::store::{ApiUsage, ApiUsageReads, StoreError};
use fieldfen_domain::{Page, PageRequest, Timestamp, truncate_to_micros};

use super::table::Row;
use super::{END, ModelSession};

#[derive(Clone)]
pub(super) struct CallRow(ApiCall);

impl Row for CallRow {
    /// When it was made.
    type Key = Timestamp;

    fn keys(&self) -> Vec<Timestamp> {
        vec![self.0.at]
    }
}

impl ApiUsageReads for ModelSession<'_> {
    fn totals(&mut self, since: Timestamp) -> Result<ApiUsageTotals, StoreError> {
        let mut totals = BTreeMap::new();
        for (_, CallRow(call)) in self.state.calls.span(truncate_to_micros(since), END) {
            let (requests, calls) = totals.entry(call.service.clone()).or_insert((0, 0));
            *requests += u64::from(call.request_count);
            *calls += 1;
        }
        let total = |(service, (requests, calls))| ApiUsageTotal::new(service, requests, calls);
        let mut answer = ApiUsageTotals::default();
        answer.services = totals.into_iter().map(total).collect();
        Ok(answer)
    }

    fn page(&mut self, filter: &ApiCallFilter, page: &PageRequest) -> Result<Page<ApiCall>, StoreError> {
        let wanted = |CallRow(call): &CallRow| {
            filter.service.as_ref().is_none_or(|service| call.service == *service)
                && filter.since.is_none_or(|since| call.at >= truncate_to_micros(since))
                && filter.until.is_none_or(|until| call.at < truncate_to_micros(until))
        };
        self.state.calls.page("calls", page, wanted, |CallRow(call)| call.clone())
    }
}

impl ApiUsage for ModelSession<'_> {
    fn record(&mut self, call: &ApiCall) -> Result<(), StoreError> {
        let rate_limit_reset_at = call.rate_limit_reset_at.map(truncate_to_micros);
        self.state
            .calls
            .insert(CallRow(call.clone().at(truncate_to_micros(call.at)).rate_limit_reset_at(rate_limit_reset_at)));
        Ok(())
    }
}
