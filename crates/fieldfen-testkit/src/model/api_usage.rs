//! Calls to external APIs.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use fieldfen_domain::api_cost::{SpendPeriod, SpendScope};
use fieldfen_domain::api_usage::{
    ApiCall, ApiCallFilter, ApiUsageDays, ApiUsageTotal, ApiUsageTotals, DailyApiUsage, Day,
};
use fieldfen_domain::store::{ApiUsage, ApiUsageReads, StoreError};
use fieldfen_domain::{Page, PageRequest, Timestamp, cut_reason, truncate_to_micros};

use super::table::Row;
use super::{BEGINNING, END, ModelSession};

#[derive(Clone)]
pub(super) struct CallRow {
    call: ApiCall,
    rolled_up: bool,
}

impl Row for CallRow {
    /// The time of the call.
    type Key = Timestamp;

    fn keys(&self) -> Vec<Timestamp> {
        vec![self.call.at]
    }
}

/// A call whose row was pruned: the totals of its day still count it.
#[derive(Clone)]
pub(super) struct PrunedCallRow(ApiCall);

impl Row for PrunedCallRow {
    type Key = Timestamp;

    fn keys(&self) -> Vec<Timestamp> {
        vec![self.0.at]
    }
}

impl ApiUsageReads for ModelSession<'_> {
    fn totals(&mut self, since: Timestamp) -> Result<ApiUsageTotals, StoreError> {
        let mut totals = BTreeMap::new();
        for (_, CallRow { call, .. }) in self.state.calls.span(truncate_to_micros(since), END) {
            let (requests, calls) = totals.entry(call.service.clone()).or_insert((0, 0));
            *requests += u64::from(call.request_count);
            *calls += 1;
        }
        let total = |(service, (requests, calls))| ApiUsageTotal::new(service, requests, calls);
        let mut answer = ApiUsageTotals::default();
        answer.services = totals.into_iter().map(total).collect();
        Ok(answer)
    }

    fn days(&mut self, days: &RangeInclusive<Day>) -> Result<ApiUsageDays, StoreError> {
        let mut totals: BTreeMap<_, DailyApiUsage> = BTreeMap::new();
        let calls = self.state.calls.rows().map(|row| &row.call);
        for call in calls.chain(self.state.pruned_calls.rows().map(|row| &row.0)) {
            let (account, endpoint) =
                (call.account.clone().unwrap_or_default(), call.endpoint.clone().unwrap_or_default());
            let key = (call.at.date_naive(), call.service.clone(), account, endpoint, call.outcome);
            let total = totals.entry(key.clone()).or_insert_with(|| {
                let (day, service, account, endpoint, outcome) = key;
                let mut total = DailyApiUsage::new(day, service);
                (total.account, total.endpoint, total.outcome) = (account, endpoint, outcome);
                (total.calls, total.requests) = (0, 0);
                total
            });
            total.calls += 1;
            total.requests += u64::from(call.request_count);
            total.duration += call.duration.unwrap_or_default();
        }
        let mut answer = ApiUsageDays::default();
        answer.days = totals.into_values().filter(|total| days.contains(&total.day)).collect();
        Ok(answer)
    }

    fn requests(&mut self, period: SpendPeriod, scope: &SpendScope) -> Result<u64, StoreError> {
        let totals = self.days(&period.days())?.days.into_iter();
        Ok(totals
            .filter(|total| scope.contains(&total.service, Some(&total.account)))
            .map(|total| total.requests)
            .sum())
    }

    fn page(&mut self, filter: &ApiCallFilter, page: &PageRequest) -> Result<Page<ApiCall>, StoreError> {
        let wanted = |CallRow { call, .. }: &CallRow| {
            filter.service.as_ref().is_none_or(|service| call.service == *service)
                && filter.account.as_ref().is_none_or(|account| call.account.as_ref() == Some(account))
                && filter.endpoint.as_ref().is_none_or(|endpoint| call.endpoint.as_ref() == Some(endpoint))
                && filter.outcome.is_none_or(|outcome| call.outcome == Some(outcome))
                && filter.job_id.is_none_or(|job_id| call.job_id == Some(job_id))
                && filter.file_id.is_none_or(|file_id| call.file_id == Some(file_id))
                && filter.since.is_none_or(|since| call.at >= truncate_to_micros(since))
                && filter.until.is_none_or(|until| call.at < truncate_to_micros(until))
        };
        self.state.calls.page("calls", page, wanted, |row| row.call.clone())
    }
}

impl ApiUsage for ModelSession<'_> {
    fn record(&mut self, call: &ApiCall) -> Result<(), StoreError> {
        let millis = |duration: Duration| u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
        let call = call
            .clone()
            .at(truncate_to_micros(call.at))
            .rate_limit_reset_at(call.rate_limit_reset_at.map(truncate_to_micros))
            .error(call.error.as_deref().map(|error| cut_reason(error).into_owned()))
            .duration(call.duration.map(|duration| Duration::from_millis(millis(duration).into())));
        self.state.calls.insert(CallRow { call, rolled_up: false });
        Ok(())
    }

    fn roll_up(&mut self, limit: u32) -> Result<u64, StoreError> {
        let next: Vec<_> = self.state.calls.numbered().filter(|(_, row)| !row.rolled_up).take(limit as usize).collect();
        let rows = next.len() as u64;
        for (number, row) in next {
            self.state.calls.update(number, CallRow { rolled_up: true, ..row });
        }
        Ok(rows)
    }

    fn prune(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let old = self.state.calls.span(BEGINNING, END).filter(|(_, row)| row.rolled_up && row.call.at < before);
        let old: Vec<_> = old.take(limit as usize).map(|(number, row)| (number, row.call.clone())).collect();
        let rows = old.len() as u64;
        for (number, call) in old {
            self.state.calls.remove(number);
            self.state.pruned_calls.insert(PrunedCallRow(call));
        }
        Ok(rows)
    }
}
