//! Calls to external APIs.

use std::collections::BTreeMap;

use fieldfen_domain::api_usage::{ApiCall, ApiUsageTotal, ApiUsageTotals};
use fieldfen_domain::store::{ApiUsage, ApiUsageReads, StoreError};
use fieldfen_domain::{Timestamp, to_micros};

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
        for (_, CallRow(call)) in self.state.calls.span(to_micros(since), END) {
            let (requests, calls) = totals.entry(call.service.clone()).or_insert((0, 0));
            *requests += u64::from(call.request_count);
            *calls += 1;
        }
        let total = |(service, (requests, calls))| ApiUsageTotal { service, requests, calls };
        Ok(ApiUsageTotals { services: totals.into_iter().map(total).collect(), unreadable: Vec::new() })
    }
}

impl ApiUsage for ModelSession<'_> {
    fn record(&mut self, call: &ApiCall) -> Result<(), StoreError> {
        self.state.calls.insert(CallRow(ApiCall { at: to_micros(call.at), ..call.clone() }));
        Ok(())
    }
}
