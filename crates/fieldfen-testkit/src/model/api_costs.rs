//! Costs of external APIs. The totals are added up from the rows at each read.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use fieldfen_domain::api_cost::{
    ApiCost, ApiCostDays, ApiCostFilter, CostStatus, Currency, DailyApiCost, Money, RecordCostOutcome, Spend,
    SpendPeriod, SpendScope, record_cost,
};
use fieldfen_domain::api_usage::Day;
use fieldfen_domain::store::{ApiCostReads, ApiCosts, StoreError};
use fieldfen_domain::{Page, PageRequest, truncate_to_micros};

use super::ModelSession;
use super::table::Row;

#[derive(Clone)]
pub(super) struct CostRow(ApiCost);

impl Row for CostRow {
    /// The service and the external id.
    type Key = (String, String);

    fn keys(&self) -> Vec<Self::Key> {
        vec![(self.0.service.clone(), self.0.external_id.clone())]
    }
}

/// The known amount and the guess; `None` for a free cost.
fn sums(cost: &ApiCost) -> Option<Spend> {
    let (amount, guess) = (cost.state.amount(), cost.state.guess());
    let mut spend = Spend::nothing(amount.or(guess)?.currency());
    spend.known = amount.unwrap_or(spend.known);
    spend.guessed = guess.unwrap_or(spend.guessed);
    spend.items = 1;
    spend.unknown_items = u64::from(cost.state.status() == CostStatus::Unknown);
    Some(spend)
}

impl ApiCostReads for ModelSession<'_> {
    fn find(&mut self, service: &str, external_id: &str) -> Result<Option<ApiCost>, StoreError> {
        let found = self.state.costs.find(&(service.to_owned(), external_id.to_owned()));
        Ok(found.map(|(_, CostRow(cost))| cost))
    }

    fn page(&mut self, filter: &ApiCostFilter, page: &PageRequest) -> Result<Page<ApiCost>, StoreError> {
        let wanted = |CostRow(cost): &CostRow| {
            filter.service.as_ref().is_none_or(|service| cost.service == *service)
                && filter.status.is_none_or(|status| cost.state.status() == status)
                && filter.job_id.is_none_or(|job_id| cost.job_id == Some(job_id))
                && filter.file_id.is_none_or(|file_id| cost.file_id == Some(file_id))
        };
        self.state.costs.page("costs", page, wanted, |row| row.0.clone())
    }

    fn days(&mut self, days: &RangeInclusive<Day>) -> Result<ApiCostDays, StoreError> {
        let mut totals: BTreeMap<_, DailyApiCost> = BTreeMap::new();
        for CostRow(cost) in self.state.costs.rows() {
            let day = cost.at.date_naive();
            let (account, endpoint) =
                (cost.account.clone().unwrap_or_default(), cost.endpoint.clone().unwrap_or_default());
            let sums = sums(cost);
            let currency = sums.as_ref().map(|sums| sums.known.currency());
            let key = (day, cost.service.clone(), account.clone(), endpoint.clone(), currency);
            let total = totals.entry(key).or_insert_with(|| {
                let mut total = DailyApiCost::new(day, cost.service.clone());
                (total.account, total.endpoint, total.currency) = (account, endpoint, currency);
                total
            });
            total.items += 1;
            if let Some(sums) = sums {
                total.known_micros = sums.known.saturating_add_micros(total.known_micros).micros();
                total.guessed_micros = sums.guessed.saturating_add_micros(total.guessed_micros).micros();
                total.unknown_items += sums.unknown_items;
            }
        }
        let mut answer = ApiCostDays::default();
        answer.days = totals.into_values().filter(|total| days.contains(&total.day)).collect();
        Ok(answer)
    }

    fn spend(&mut self, period: SpendPeriod, scope: &SpendScope) -> Result<Vec<Spend>, StoreError> {
        let mut spends: BTreeMap<Currency, Spend> = BTreeMap::new();
        let days = period.days();
        let costs = self.state.costs.rows().map(|row| &row.0);
        let costs = costs.filter(|cost| days.contains(&cost.at.date_naive()));
        let costs = costs.filter(|cost| scope.contains(&cost.service, cost.account.as_deref()));
        for spend in costs.filter_map(sums) {
            let currency = spend.known.currency();
            spends.entry(currency).or_insert_with(|| Spend::nothing(currency)).add(&spend);
        }
        Ok(spends.into_values().collect())
    }

    fn dearest(
        &mut self,
        service: &str,
        endpoint: Option<&str>,
        currency: Currency,
    ) -> Result<Option<Money>, StoreError> {
        let costs = self.state.costs.rows().map(|row| &row.0);
        let costs = costs.filter(|cost| cost.service == service && cost.endpoint.as_deref() == endpoint);
        Ok(costs.filter_map(|cost| cost.state.amount()).filter(|amount| amount.currency() == currency).max())
    }
}

impl ApiCosts for ModelSession<'_> {
    fn record(&mut self, cost: &ApiCost) -> Result<RecordCostOutcome, StoreError> {
        cost.check()?;
        let mut cost = cost.clone();
        (cost.at, cost.settled_at) = (truncate_to_micros(cost.at), cost.settled_at.map(truncate_to_micros));
        match self.state.costs.find(&(cost.service.clone(), cost.external_id.clone())) {
            None => {
                self.state.costs.insert(CostRow(cost));
                Ok(RecordCostOutcome::Inserted)
            }
            Some((number, CostRow(stored))) => match record_cost(&stored, &cost) {
                Some(changed) => {
                    self.state.costs.update(number, CostRow(changed));
                    Ok(RecordCostOutcome::Updated)
                }
                None => Ok(RecordCostOutcome::Unchanged(Box::new(stored))),
            },
        }
    }
}
