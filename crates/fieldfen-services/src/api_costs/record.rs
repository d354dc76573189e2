//! Prices and records costs.

use fieldfen_domain::api_cost::{
    ApiCost, ApiCostFilter, CostGuess, CostState, CostStatus, Currency, Money, RecordCostOutcome,
};
use fieldfen_domain::api_usage::Day;
use fieldfen_domain::store::{ReadSession, Store, StoreError};
use fieldfen_domain::{Cursor, PageRequest, Timestamp};
use fieldfen_rate_limits::Reading;

use super::ApiCosts;
use super::new_cost::{NewCost, Stage};
use crate::Transaction;
use crate::write_retry::write;

/// The outcome of pricing unknown costs again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PricedAgain {
    /// The number of costs that are known now.
    pub priced: u64,
    /// The number of costs that are still unknown.
    pub unknown: u64,
    /// The position of the next page; `None` after the last one.
    pub next: Option<Cursor>,
}

impl<S: Store> ApiCosts<S> {
    /// Records a cost. A cost that is on record changes by [`record_cost`](fieldfen_domain::api_cost::record_cost): a
    /// pending or unknown one is settled, and a known one stays. A repeated call changes nothing.
    ///
    /// A charge is priced by the day on which the cost was incurred. Without a price, or without an amount that the
    /// price needs, the cost is unknown.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a blank service or external id.
    pub fn record(&self, cost: &NewCost) -> Result<RecordCostOutcome, StoreError> {
        write(&self.store, |s| self.record_in(&mut Transaction::new(s), cost))
    }

    /// Records a cost in a transaction of the caller's, as [`record`](Self::record) does.
    ///
    /// # Errors
    /// As [`record`](Self::record).
    pub fn record_in(&self, t: &mut Transaction<'_>, cost: &NewCost) -> Result<RecordCostOutcome, StoreError> {
        let session = t.session();
        let stored = session.api_costs().find(&cost.service, &cost.external_id)?;
        let cost = self.priced(session.reads(), cost, stored)?;
        session.api_costs().record(&cost)
    }

    /// Records the charges and pending charges of a response in a transaction of the caller's, for example of a webhook
    /// that tells the end of a prediction. A [`CallRecorder`](crate::api_usage::CallRecorder) with these costs does it
    /// for each call.
    ///
    /// # Errors
    /// As [`record`](Self::record).
    pub fn record_charges_in(
        &self,
        t: &mut Transaction<'_>,
        service: &str,
        reading: &Reading,
    ) -> Result<(), StoreError> {
        NewCost::of_reading(service, reading).try_for_each(|cost| self.record_in(t, &cost).map(drop))
    }

    /// Prices a page of the unknown costs with the prices of this handle, for example after the price table was
    /// extended.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    pub fn price_again(&self, page: &PageRequest) -> Result<PricedAgain, StoreError> {
        let filter = ApiCostFilter::new().status(CostStatus::Unknown);
        let now = self.environment.now();
        write(&self.store, |s| {
            let page = s.api_costs().page(&filter, page)?;
            let mut answer = PricedAgain { next: page.next, ..PricedAgain::default() };
            for cost in page.items {
                match self.price_of(&cost) {
                    Some(amount) => {
                        s.api_costs().record(&cost.state(CostState::Known { amount }, now))?;
                        answer.priced += 1;
                    }
                    None => answer.unknown += 1,
                }
            }
            Ok(answer)
        })
    }

    /// The amount that budgets count for a call until its cost is known. See [`CostGuess`] for the rule.
    pub fn guess(&self, cost: &NewCost) -> Result<Money, StoreError> {
        self.store.read(|s| self.guess_in(s, cost))
    }

    /// The guess for a call, in an open session.
    pub(crate) fn guess_in(&self, reads: &mut dyn ReadSession, cost: &NewCost) -> Result<Money, StoreError> {
        let (endpoint, item) = (cost.endpoint.as_deref(), cost.item.as_deref());
        let day = cost.at.unwrap_or_else(|| self.environment.now()).date_naive();
        let price = self.prices.cost_of_call(&cost.service, endpoint, item, day);
        self.best_guess(reads, &cost.service, endpoint, cost.guess, price)
    }

    pub(super) fn best_guess(
        &self,
        reads: &mut dyn ReadSession,
        service: &str,
        endpoint: Option<&str>,
        given: Option<Money>,
        price: Option<Money>,
    ) -> Result<Money, StoreError> {
        let currency = self.currency_of(service);
        let mut guess = CostGuess::new();
        (guess.given, guess.price) = (given, price);
        if given.is_none_or(|given| given.micros() == 0) && price.is_none() {
            guess.dearest = reads.api_costs().dearest(service, endpoint, currency)?;
        }
        Ok(guess.amount(currency))
    }

    /// The price of a number of calls to this endpoint on a day; `None` if the table has no price per call for it.
    pub(crate) fn price_of_calls(&self, service: &str, endpoint: &str, calls: u32, day: Day) -> Option<Money> {
        let price = self.prices.cost_of_call(service, Some(endpoint), None, day)?;
        let micros = price.micros().saturating_mul(calls.into());
        Some(Money::zero(price.currency()).saturating_add_micros(micros))
    }

    /// The currency in which a cost of this service is guessed.
    pub(super) fn currency_of(&self, service: &str) -> Currency {
        let budgets =
            self.budgets.iter().filter(|budget| budget.scope.service.as_deref().is_none_or(|own| own == service));
        let of_budget = || budgets.filter_map(|budget| budget.limit.currency()).next();
        self.prices.currency(service).or_else(of_budget).unwrap_or(self.currency)
    }

    fn price_of(&self, cost: &ApiCost) -> Option<Money> {
        let (endpoint, item) = (cost.endpoint.as_deref(), cost.item.as_deref());
        self.prices.cost(&cost.service, endpoint, item, &cost.amounts, cost.at.date_naive())
    }

    /// The cost as it is recorded. The price depends on the cost that is `stored` already: the endpoint that incurred
    /// the cost, and its time.
    fn priced(
        &self,
        reads: &mut dyn ReadSession,
        cost: &NewCost,
        stored: Option<ApiCost>,
    ) -> Result<ApiCost, StoreError> {
        let now = self.environment.now();
        let (known_at, known_endpoint, known_item) = match stored {
            Some(stored) => (Some(stored.at), Some(stored.endpoint), stored.item),
            None => (None, None, None),
        };
        let at: Timestamp = known_at.or(cost.at).unwrap_or(now);
        let unsettled = ApiCost::new(cost.service.clone(), cost.external_id.clone(), CostState::Free, at)
            .account(cost.account.clone())
            .endpoint(known_endpoint.unwrap_or_else(|| cost.endpoint.clone()))
            .item(known_item.or_else(|| cost.item.clone()))
            .amounts(cost.amounts.clone())
            .job_id(cost.job_id)
            .file_id(cost.file_id);
        let (service, endpoint, item) = (&unsettled.service, unsettled.endpoint.as_deref(), unsettled.item.as_deref());
        let state = match cost.stage {
            Stage::Free => CostState::Free,
            Stage::Started => {
                let price = self.prices.cost_of_call(service, endpoint, item, at.date_naive());
                CostState::Pending { guess: self.best_guess(reads, service, endpoint, cost.guess, price)? }
            }
            Stage::Charged => match cost.price.or_else(|| self.price_of(&unsettled)) {
                Some(amount) => CostState::Known { amount },
                None => CostState::Unknown { guess: self.best_guess(reads, service, endpoint, cost.guess, None)? },
            },
        };
        Ok(unsettled.state(state, now))
    }
}
