//! The costs that a recorder of calls records by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fieldfen_domain::api_cost::{
    ApiCostFilter, BudgetPeriod, CostState, CostStatus, Currency, Money, Price, PriceTable, SpendScope,
};
use fieldfen_domain::api_usage::{ApiCallFilter, CallOutcome};
use fieldfen_domain::publication::Platform;
use fieldfen_domain::rate_limit::ApiLimit;
use fieldfen_domain::store::{MaintenanceReport, ReadSession, Session, Store, StoreError, Watch};
use fieldfen_domain::{FileId, JobId, PageRequest};
use fieldfen_rate_limits::{Answer, Charge, Dialect};
use fieldfen_services::Transaction;
use fieldfen_services::api_costs::ApiCosts;
use fieldfen_services::api_usage::{ApiUsage, CallRecorder, CallRefusal, NewCall, OpenCall};
use fieldfen_services::rate_limiter::RateLimiter;
use fieldfen_testkit::ModelStore;
use fieldfen_testkit::faults::suspended;

use super::fake_marketplace::FakeMarketplace;
use super::shop_harness::{approved, on_etsy, publisher};
use crate::Bench;

on_every_store!(
    calls_cost_their_price_by_outcome_and_number_of_requests,
    a_prediction_is_pending_until_its_charge_is_told,
    a_call_whose_answer_is_lost_counts_a_guess,
    a_call_is_recorded_although_its_costs_cannot_be,
    each_listing_costs_its_fee_once,
);

const USD: Currency = Currency::USD;

fn usd(micros: u64) -> Money {
    Money::from_micros(micros, USD).unwrap()
}

fn prices() -> PriceTable {
    let listing = Price::per_call("etsy", 200_000, USD).endpoint("create");
    PriceTable::of([Price::per_second("replicate", "predict_time", 225, USD), listing]).unwrap()
}

struct Recorded<S> {
    usage: ApiUsage<S>,
    costs: ApiCosts<S>,
    calls: CallRecorder<S>,
}

impl<S: Store> Recorded<S> {
    fn new(bench: &Bench<S>) -> Self {
        let (store, environment) = (bench.queue.store().clone(), bench.queue.environment().clone());
        let usage = ApiUsage::new(store.clone(), environment.clone());
        let costs = ApiCosts::new(store, environment).prices(prices());
        let calls = CallRecorder::new(usage.clone()).costs(costs.clone());
        Self { usage, costs, calls }
    }

    /// Makes a call that tells this.
    fn call(&self, call: &NewCall, tell: impl FnOnce(&OpenCall)) {
        let told = |open: &OpenCall| {
            tell(open);
            Ok::<_, String>(())
        };
        self.calls.call(call, told).unwrap();
    }

    /// The state and the id of each cost.
    fn states(&self) -> Vec<(CostState, String)> {
        let page = self.costs.list(&ApiCostFilter::new(), &PageRequest::first(100)).unwrap();
        page.items.into_iter().map(|cost| (cost.state, cost.external_id)).collect()
    }

    fn recorded_calls(&self) -> usize {
        self.usage.list(&ApiCallFilter::new(), &PageRequest::first(100)).unwrap().items.len()
    }
}

fn calls_cost_their_price_by_outcome_and_number_of_requests(store: impl Store) {
    let bench = Bench::new(store);
    let recorded = Recorded::new(&bench);
    let (job, file) = (JobId::from_random(1), FileId::from_random(2));
    let call = NewCall::new("etsy", "create").account("main").job_id(job).file_id(file);
    for (outcome, requests) in [
        (CallOutcome::Ok, 1),
        (CallOutcome::Ok, 3),
        (CallOutcome::NoAnswer, 2),
        (CallOutcome::Refused, 1),
        (CallOutcome::Throttled, 1),
        (CallOutcome::NotSent, 1),
    ] {
        let call = call.clone().request_count(requests);
        if matches!(outcome, CallOutcome::Ok | CallOutcome::NoAnswer) {
            recorded.call(&call, |open| open.outcome(outcome));
        } else {
            // A row without costs cannot be looked for.
            suspended(|| recorded.call(&call, |open| open.outcome(outcome)));
        }
    }
    suspended(|| recorded.call(&NewCall::new("etsy", "lookup"), |open| open.outcome(CallOutcome::Ok)));
    let states: Vec<CostState> = recorded.states().into_iter().map(|(state, _)| state).collect();
    let known = |micros| CostState::Known { amount: usd(micros) };
    assert_eq!(states, [known(200_000), known(600_000), CostState::Pending { guess: usd(400_000) }]);
    assert_eq!(recorded.recorded_calls(), 7);
    let cost = recorded.costs.list(&ApiCostFilter::new(), &PageRequest::first(1)).unwrap().items.remove(0);
    assert_eq!((cost.account.as_deref(), cost.endpoint.as_deref()), (Some("main"), Some("create")));
    assert_eq!((cost.job_id, cost.file_id, cost.at), (Some(job), Some(file), bench.now()));
}

fn a_prediction_is_pending_until_its_charge_is_told(store: impl Store) {
    let bench = Bench::new(store);
    let recorded = Recorded::new(&bench);
    let answered = |endpoint: &str, body: &str| {
        let answer = Answer::new(200, bench.now()).body(body.as_bytes());
        recorded.call(&NewCall::new("replicate", endpoint), |open| open.answered(&answer));
    };
    let state = |id: &str| recorded.costs.find("replicate", id).unwrap().map(|cost| cost.state);
    for id in ["p1", "p2"] {
        answered(
            "POST /v1/predictions",
            &format!(r#"{{"id": "{id}", "status": "starting", "model": "acme/upscale"}}"#),
        );
        assert_eq!(state(id), Some(CostState::Pending { guess: usd(1_000_000) }));
    }
    let ended = r#"{"id": "p1", "status": "succeeded", "metrics": {"predict_time": 3.8}}"#;
    for endpoint in ["GET /v1/predictions/{id}", "GET /v1/predictions/{id}", "GET /v1/predictions"] {
        answered(endpoint, ended);
        assert_eq!(state("p1"), Some(CostState::Known { amount: usd(855) }));
    }
    answered("GET /v1/account", "{}");
    recorded.call(&NewCall::new("replicate", "other"), |open| {
        open.charge(Charge::new("p3", true).amount("predict_time", 1_000_000));
    });
    assert_eq!(state("p3"), Some(CostState::Known { amount: usd(225) }));
    // A webhook tells the end of the other one.
    let body = r#"{"id": "p2", "status": "aborted"}"#;
    let reading = fieldfen_rate_limits::read(Dialect::Replicate, &Answer::new(200, bench.now()).body(body.as_bytes()));
    for _ in 0..2 {
        let record = || {
            bench.queue.store().write(|s| {
                recorded.costs.record_charges_in(&mut Transaction::new(s), "replicate", &reading)?;
                Ok(())
            })
        };
        suspended(record).unwrap();
    }
    assert_eq!((state("p2"), recorded.states().len()), (Some(CostState::Free), 3));
    let cost = recorded.costs.find("replicate", "p1").unwrap().unwrap();
    let bought = (cost.item.as_deref(), cost.endpoint.as_deref());
    assert_eq!(bought, (Some("acme/upscale"), Some("POST /v1/predictions")));
}

fn a_call_whose_answer_is_lost_counts_a_guess(store: impl Store) {
    let bench = Bench::new(store);
    let recorded = Recorded::new(&bench);
    let lost = |call: NewCall| recorded.call(&call, |open| open.outcome(CallOutcome::NoAnswer));
    lost(NewCall::new("replicate", "GET /v1/predictions"));
    lost(NewCall::new("replicate", "POST /v1/predictions"));
    lost(NewCall::new("replicate", "POST /v1/predictions").guess(usd(7)));
    lost(NewCall::new("etsy", "lookup"));
    let states: Vec<CostState> = recorded.states().into_iter().map(|(state, _)| state).collect();
    assert_eq!(states, [1_000_000, 7].map(|guess| CostState::Pending { guess: usd(guess) }));
}

fn a_call_is_recorded_although_its_costs_cannot_be(store: impl Store) {
    let bench = Bench::new(store);
    let recorded = Recorded::new(&bench);
    // A blank id breaks a rule of costs.
    let answer = Answer::new(200, bench.now()).body(br#"{"id": " ", "status": "succeeded"}"#);
    suspended(|| recorded.call(&NewCall::new("replicate", "GET /v1/predictions"), |open| open.answered(&answer)));
    assert_eq!((recorded.recorded_calls(), recorded.states().len()), (1, 0));
}

fn each_listing_costs_its_fee_once(store: impl Store) {
    let (shop, id) = approved(store, &[]);
    let etsy = FakeMarketplace::new(Platform::Etsy);
    let recorded = Recorded::new(&shop.bench);
    let publisher = publisher(&shop, &[&etsy]).record_calls(recorded.calls.clone());
    for variant in ["a", "b", "a"] {
        suspended(|| publisher.list(&on_etsy(id).variant(variant))).unwrap();
    }
    let states = recorded.states();
    assert_eq!(states.iter().map(|(state, _)| state.status()).collect::<Vec<_>>(), [CostStatus::Known; 2]);
    assert!(states.iter().all(|(_, id)| !id.starts_with("call ")), "the ids are those of the listings: {states:?}");
}

/// A store that carries out a number of writes and refuses all others.
#[derive(Clone)]
struct FirstWrites {
    inner: ModelStore,
    left: Arc<AtomicU32>,
}

impl Store for FirstWrites {
    fn try_read<T, E, F>(&self, f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn ReadSession) -> Result<T, E>,
    {
        self.inner.try_read(f)
    }

    fn try_write<T, E, F>(&self, f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn Session) -> Result<T, E>,
    {
        let left = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        match left {
            Ok(_) => self.inner.try_write(f),
            Err(_) => Err(StoreError::Database("no more writes".into()).into()),
        }
    }

    fn maintain(&self) -> Result<MaintenanceReport, StoreError> {
        self.inner.maintain()
    }

    fn watch(&self) -> Result<Box<dyn Watch>, StoreError> {
        self.inner.watch()
    }
}

#[test]
fn a_call_its_costs_and_the_settlement_of_its_permit_are_recorded_together() {
    // Acquire, record.
    for (writes, recorded_calls, spent, in_flight) in [(1, 0, 0, 1), (2, 1, 200_000, 0)] {
        let store = FirstWrites { inner: ModelStore::new(), left: Arc::new(AtomicU32::new(writes)) };
        let bench = Bench::new(store);
        let (store, environment) = (bench.queue.store().clone(), bench.queue.environment().clone());
        let limit = ApiLimit::new("etsy", "per_minute", 10, Duration::from_secs(60)).unwrap();
        let limiter = RateLimiter::new(store, environment).limit(limit);
        let recorded = Recorded::new(&bench);
        let calls = recorded.calls.clone().rate_limiter(limiter.clone());
        let made = calls.limited_call(&NewCall::new("etsy", "create"), |_| Ok::<_, Refused>(()));
        assert!(made.is_ok());
        let spend = recorded.costs.spend(BudgetPeriod::Month.of(bench.now()), &SpendScope::new()).unwrap();
        let permitted = limiter.list(None).unwrap().remove(0).unwrap().permitted;
        let known = spend.first().map_or(0, |spend| spend.known.micros());
        let found = (recorded.recorded_calls(), known, permitted);
        assert_eq!(found, (recorded_calls, spent, in_flight), "after {writes} writes");
    }
}

#[derive(Debug)]
struct Refused;

impl From<CallRefusal> for Refused {
    fn from(_: CallRefusal) -> Self {
        Self
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused")
    }
}
