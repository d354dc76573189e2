//! Calls that a person or a script has made: each is on record once.

use fieldfen_domain::PageRequest;
use fieldfen_domain::api_cost::{CostState, Currency, Money, Price, PriceTable, RecordCostOutcome};
use fieldfen_domain::api_usage::{ApiCall, ApiCallFilter, CallOutcome};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_services::api_costs::{ApiCosts, NewCost};
use fieldfen_services::api_usage::{ApiUsage, StatedCost};

use crate::Bench;

on_every_store!(
    a_call_with_the_same_id_is_recorded_once,
    a_known_cost_of_a_recorded_call_is_settled_without_a_second_call,
    the_outcome_and_the_price_table_give_the_cost_that_nobody_states,
    a_blank_service_or_a_missing_id_is_refused,
);

fn usd(micros: u64) -> Money {
    Money::from_micros(micros, Currency::USD).unwrap()
}

fn handles<S: Store>(bench: &Bench<S>) -> (ApiUsage<S>, ApiCosts<S>) {
    let (store, environment) = (bench.queue.store().clone(), bench.queue.environment().clone());
    let prices = PriceTable::of([Price::per_call("etsy", 200_000, Currency::USD)]).unwrap();
    (ApiUsage::new(store.clone(), environment.clone()), ApiCosts::new(store, environment).prices(prices))
}

fn call<S: Store>(bench: &Bench<S>, service: &str, id: &str) -> ApiCall {
    ApiCall::new(service, bench.now()).endpoint("createListing").external_id(id.to_owned())
}

fn calls<S: Store>(usage: &ApiUsage<S>) -> Vec<ApiCall> {
    usage.list(&ApiCallFilter::new(), &PageRequest::first(100)).unwrap().items
}

fn a_call_with_the_same_id_is_recorded_once(store: impl Store) {
    let bench = Bench::new(store);
    let (usage, costs) = handles(&bench);
    let made = call(&bench, "etsy", "listing 1").error("refused: token=abcdef123");
    let stated = StatedCost::Amount(usd(5));
    assert_eq!(usage.record_once(&made, stated, &costs).unwrap(), RecordCostOutcome::Inserted);
    for again in [stated, StatedCost::Amount(usd(7)), StatedCost::Free] {
        let RecordCostOutcome::Unchanged(stored) = usage.record_once(&made, again, &costs).unwrap() else {
            panic!("{again:?}")
        };
        assert_eq!(stored.state, CostState::Known { amount: usd(5) });
    }
    let calls = calls(&usage);
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].error.as_deref(), Some("refused: token=***"), "secrets are not stored");
}

fn a_known_cost_of_a_recorded_call_is_settled_without_a_second_call(store: impl Store) {
    let bench = Bench::new(store);
    let (usage, costs) = handles(&bench);
    costs.record(&NewCost::started("replicate", "p1")).unwrap();
    let call = call(&bench, "replicate", "p1");
    let settled = usage.record_once(&call, StatedCost::Amount(usd(9)), &costs).unwrap();
    assert_eq!(settled, RecordCostOutcome::Updated);
    assert_eq!(costs.find("replicate", "p1").unwrap().unwrap().state, CostState::Known { amount: usd(9) });
    assert!(calls(&usage).is_empty(), "the program that recorded the cost has recorded its call");
}

fn the_outcome_and_the_price_table_give_the_cost_that_nobody_states(store: impl Store) {
    let bench = Bench::new(store);
    let (usage, costs) = handles(&bench);
    let price = usd(400_000);
    for (number, (service, outcome, expected)) in [
        ("etsy", Some(CallOutcome::Ok), CostState::Known { amount: price }),
        ("etsy", None, CostState::Known { amount: price }),
        ("etsy", Some(CallOutcome::NoAnswer), CostState::Pending { guess: price }),
        ("etsy", Some(CallOutcome::Refused), CostState::Free),
        ("etsy", Some(CallOutcome::NotSent), CostState::Free),
        ("pinterest", Some(CallOutcome::Ok), CostState::Free),
        ("pinterest", Some(CallOutcome::NoAnswer), CostState::Free),
    ]
    .into_iter()
    .enumerate()
    {
        let id = number.to_string();
        let call = call(&bench, service, &id).outcome(outcome).request_count(2);
        assert_eq!(
            usage.record_once(&call, StatedCost::ByPriceTable, &costs).unwrap(),
            RecordCostOutcome::Inserted,
            "{service} {outcome:?}"
        );
        assert_eq!(costs.find(service, &id).unwrap().unwrap().state, expected, "{service} {outcome:?}");
    }
    assert_eq!(calls(&usage).len(), 7);
    let unknown = call(&bench, "pinterest", "x");
    usage.record_once(&unknown, StatedCost::Charged, &costs).unwrap();
    let stored = costs.find("pinterest", "x").unwrap().unwrap().state;
    assert!(matches!(stored, CostState::Unknown { .. }), "{stored:?}");
}

fn a_blank_service_or_a_missing_id_is_refused(store: impl Store) {
    let bench = Bench::new(store);
    let (usage, costs) = handles(&bench);
    let without_id = ApiCall::new("etsy", bench.now());
    for wrong in [call(&bench, " ", "1"), call(&bench, "etsy", " "), without_id] {
        let error = usage.record_once(&wrong, StatedCost::Free, &costs).unwrap_err();
        assert!(matches!(error, StoreError::Invalid { .. }), "{error}");
    }
    assert!(calls(&usage).is_empty());
}
