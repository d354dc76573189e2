//! Records a call that a person or a program without a recorder has made.

use fieldfen_domain::Secrets;
use fieldfen_domain::api_cost::{Money, RecordCostOutcome};
use fieldfen_domain::api_usage::{ApiCall, CallOutcome};
use fieldfen_domain::store::{Store, StoreError};

use super::ApiUsage;
use crate::Transaction;
use crate::api_costs::{ApiCosts, NewCost};
use crate::write_retry::write_once;

/// The cost of a call, as a person or a program states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatedCost {
    /// The service has charged this amount.
    Amount(Money),
    /// The service charges. The amount is that of the price table. Without a price it is unknown, and budgets count a
    /// [guess](ApiCosts::guess).
    Charged,
    /// The service does not charge.
    Free,
    /// Nothing is stated. A call that the service carried out has its price in the price table, and a call that may
    /// have taken effect is pending with that price. Without a price, and with any other outcome, the call is free.
    ByPriceTable,
}

impl<S: Store> ApiUsage<S> {
    /// Records a call with its cost, once for each external id of a service. Secrets are removed from its error.
    ///
    /// The cost is recorded as [`ApiCosts::record`] does, and the row of the call in the same transaction, if the cost
    /// is new: [`RecordCostOutcome::Inserted`]. For a known id, the outcome has the cost on record, or says that this
    /// record has settled it. The call does not count in the rate limits.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a blank service, and for a missing or blank external id.
    pub fn record_once(
        &self,
        call: &ApiCall,
        cost: StatedCost,
        costs: &ApiCosts<S>,
    ) -> Result<RecordCostOutcome, StoreError> {
        let mut call = call.clone();
        call.error = call.error.map(|error| Secrets::default().remove(&error));
        let cost = new_cost(&call, cost, costs);
        write_once(&self.store, |s, before: Option<&RecordCostOutcome>| {
            let outcome = costs.record_in(&mut Transaction::new(s), &cost)?;
            let has_changed = |outcome: &RecordCostOutcome| !matches!(outcome, RecordCostOutcome::Unchanged(_));
            if before.is_some_and(has_changed) && !has_changed(&outcome) {
                return Ok(None);
            }
            if outcome == RecordCostOutcome::Inserted {
                s.api_usage().record(&call)?;
            }
            Ok(Some(outcome))
        })
    }
}

fn new_cost<S: Store>(call: &ApiCall, cost: StatedCost, costs: &ApiCosts<S>) -> NewCost {
    let (service, id) = (call.service.as_str(), call.external_id.as_deref().unwrap_or_default());
    let endpoint = call.endpoint.as_deref().unwrap_or_default();
    let price = || costs.price_of_calls(service, endpoint, call.request_count.max(1), call.at.date_naive());
    let new = match (cost, call.outcome) {
        (StatedCost::Amount(amount), _) => NewCost::charged(service, id).price(amount),
        (StatedCost::Charged, _) => NewCost::charged(service, id),
        (StatedCost::ByPriceTable, Some(CallOutcome::Ok) | None) if let Some(price) = price() => {
            NewCost::charged(service, id).price(price)
        }
        (StatedCost::ByPriceTable, Some(CallOutcome::NoAnswer)) if let Some(price) = price() => {
            NewCost::started(service, id).guess(price)
        }
        (StatedCost::Free | StatedCost::ByPriceTable, _) => NewCost::free(service, id),
    };
    new.account(call.account.clone().unwrap_or_default())
        .endpoint(call.endpoint.clone())
        .at(call.at)
        .job_id(call.job_id)
        .file_id(call.file_id)
}
