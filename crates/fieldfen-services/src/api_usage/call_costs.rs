//! The costs that a call has incurred, by its answer and by the price table.

use fieldfen_domain::Timestamp;
use fieldfen_domain::api_usage::CallOutcome;
use fieldfen_domain::store::Store;
use fieldfen_rate_limits::Dialect;

use super::new_call::NewCall;
use super::open_call::Told;
use crate::Environment;
use crate::api_costs::{ApiCosts, NewCost};

/// The costs of a call that began at this time and has ended like this.
pub(super) fn call_costs<S: Store>(
    costs: &ApiCosts<S>,
    environment: &Environment,
    (call, dialect, told): (&NewCall, Dialect, &Told),
    outcome: CallOutcome,
    at: Timestamp,
) -> Vec<NewCost> {
    let service = call.service.as_str();
    let read = told.reading.iter().flat_map(|reading| NewCost::of_reading(service, reading));
    let mut found: Vec<NewCost> =
        read.chain(told.charges.iter().map(|charge| NewCost::of_charge(service, charge))).collect();
    let id = || {
        let told = told.external_id.clone().filter(|id| !id.trim().is_empty());
        told.unwrap_or_else(|| format!("call {:032x}", environment.bits()))
    };
    if dialect == Dialect::Replicate {
        // Its answers tell what it charges for. If no answer came, a prediction may have been made.
        if found.is_empty() && outcome == CallOutcome::NoAnswer && !call.endpoint.starts_with("GET ") {
            found.push(NewCost::started(service, id()).guess(call.guess));
        }
    } else if found.is_empty() {
        let requests = told.request_count.unwrap_or(call.requests());
        let price = costs.price_of_calls(service, &call.endpoint, requests, at.date_naive());
        found.extend(price.and_then(|price| match outcome {
            CallOutcome::Ok => Some(NewCost::charged(service, id()).price(price)),
            CallOutcome::NoAnswer => Some(NewCost::started(service, id()).guess(price)),
            CallOutcome::Refused | CallOutcome::Throttled | CallOutcome::NotSent => None,
        }));
    }
    let of_call = |cost: NewCost| {
        cost.account(call.account.clone().unwrap_or_default())
            .endpoint(call.endpoint.clone())
            .at(at)
            .job_id(call.job_id)
            .file_id(call.file_id)
    };
    found.into_iter().map(of_call).collect()
}
