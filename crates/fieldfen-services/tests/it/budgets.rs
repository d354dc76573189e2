//! Budgets that hold calls back.

use std::time::Duration;

use fieldfen_domain::api_cost::{
    Budget, BudgetLimit, BudgetPeriod, BudgetState, BudgetUse, CostState, Currency, Money, Price, PriceTable,
    SpendScope,
};
use fieldfen_domain::api_usage::{ApiCall, CallOutcome};
use fieldfen_domain::rate_limit::{
    AcquireOutcome, ApiLimit, Availability, CallAnswer, Closed, ClosedBy, Permit, PermitRequest,
};
use fieldfen_domain::store::Store;
use fieldfen_domain::{PageRequest, Timestamp};
use fieldfen_rate_limits::Charge;
use fieldfen_services::api_costs::{ApiCosts, NewCost};
use fieldfen_services::api_usage::{ApiUsage, CallRecorder, CallRefusal, NewCall, OpenCall};
use fieldfen_services::rate_limiter::RateLimiter;
use fieldfen_testkit::faults::suspended;

use crate::Bench;

on_every_store!(
    a_budget_in_money_waits_for_the_calls_in_flight_and_then_for_its_next_period,
    a_budget_in_calls_counts_rows_and_permits,
    calls_that_no_total_contains_are_counted_however_many_they_are,
    a_call_of_unknown_cost_is_never_guessed_to_cost_nothing,
    two_budgets_at_once_both_hold_calls_back,
    a_guess_in_another_currency_does_not_count,
    a_budget_that_is_lowered_below_what_is_used_holds_calls_back,
    the_guess_of_a_killed_process_stays_in_the_budget_until_a_person_corrects_it,
    a_settlement_after_the_lapse_counts_once,
    a_warning_holds_no_call_back,
    budgets_of_accounts_count_apart,
    recorded_calls_count_once,
    a_recorded_call_counts_once_however_it_ends,
    a_call_whose_costs_cannot_be_written_counts_its_guess,
    a_batch_counts_all_its_requests_and_no_call_counts_as_none,
);

const USD: Currency = Currency::USD;

fn usd(micros: u64) -> Money {
    Money::from_micros(micros, USD).unwrap()
}

fn money(micros: u64) -> BudgetLimit {
    BudgetLimit::Money(usd(micros))
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// A handle whose calls to `replicate` cost 40, and to `status` nothing.
fn costs<S: Store>(bench: &Bench<S>, budgets: impl IntoIterator<Item = Budget>) -> ApiCosts<S> {
    let prices = [Price::per_call("replicate", 40, USD), Price::per_call("status", 0, USD)];
    let costs = ApiCosts::new(bench.queue.store().clone(), bench.queue.environment().clone());
    costs.prices(PriceTable::of(prices).unwrap()).budgets(budgets).unwrap()
}

fn limiter<S: Store>(bench: &Bench<S>, costs: &ApiCosts<S>) -> RateLimiter<S> {
    RateLimiter::new(bench.queue.store().clone(), bench.queue.environment().clone())
        .call_timeout(Duration::from_secs(29))
        .budgets(costs.clone())
}

fn permit<S: Store>(limiter: &RateLimiter<S>, request: &PermitRequest) -> Permit {
    match limiter.acquire(request).unwrap() {
        AcquireOutcome::Acquired(permit) => permit,
        other => panic!("no permit: {other:?}"),
    }
}

fn refused<S: Store>(limiter: &RateLimiter<S>, request: &PermitRequest) -> (Timestamp, BudgetUse) {
    match limiter.acquire(request).unwrap() {
        AcquireOutcome::NotBefore(Closed { until, by: ClosedBy::BudgetSpent { in_use, .. }, .. }) => (until, in_use),
        other => panic!("no refusal by a budget: {other:?}"),
    }
}

/// The number used, in flight and wanted.
fn numbers(in_use: BudgetUse) -> (u64, u64, u64) {
    (in_use.used, in_use.in_flight, in_use.wanted)
}

fn is_open<S: Store>(limiter: &RateLimiter<S>, service: &str) -> bool {
    limiter.look(service, None).unwrap() == Availability::Open
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn a_budget_in_money_waits_for_the_calls_in_flight_and_then_for_its_next_period(store: impl Store) {
    let bench = Bench::new(store);
    let costs = costs(&bench, [Budget::new("images", BudgetPeriod::Month, money(100))]);
    let (limiter, request) = (limiter(&bench, &costs), PermitRequest::new("replicate"));
    let permits = [permit(&limiter, &request), permit(&limiter, &request)];
    let (until, in_use) = refused(&limiter, &request);
    assert_eq!((until, numbers(in_use)), (permits[0].lapses_at, (0, 80, 40)));
    assert!(is_open(&limiter, "replicate"), "a cheaper call may pass");
    for (number, permit) in permits.into_iter().enumerate() {
        let cost = NewCost::started("replicate", number.to_string()).guess(usd(30));
        costs.record(&cost).unwrap();
        limiter.settle(permit, CallAnswer::silent()).unwrap();
    }
    let last = permit(&limiter, &request);
    assert!(!is_open(&limiter, "replicate"), "all is used or in flight");
    costs.record(&NewCost::charged("replicate", "last")).unwrap();
    limiter.settle(last, CallAnswer::silent()).unwrap();
    let (until, in_use) = refused(&limiter, &request);
    assert_eq!((until, numbers(in_use)), (time("2026-12-01T00:00:00Z"), (100, 0, 40)));
    assert!(in_use.is_spent() && !is_open(&limiter, "replicate"));
    assert!(is_open(&limiter, "status"), "a call that costs nothing passes");
    permit(&limiter, &PermitRequest::new("status"));
    // The last moment of the month, and the first of the next one.
    bench.clock.set(time("2026-11-30T23:59:59.999999Z"));
    assert_eq!(refused(&limiter, &request).0, time("2026-12-01T00:00:00Z"));
    bench.clock.set(time("2026-12-01T00:00:00Z"));
    assert!(is_open(&limiter, "replicate"));
    permit(&limiter, &request);
}

fn a_budget_in_calls_counts_rows_and_permits(store: impl Store) {
    let bench = Bench::new(store);
    let costs = costs(&bench, [Budget::new("calls", BudgetPeriod::Day, BudgetLimit::Calls(5)).service(some("etsy"))]);
    let (limiter, usage) =
        (limiter(&bench, &costs), ApiUsage::new(bench.queue.store().clone(), bench.queue.environment().clone()));
    let request = PermitRequest::new("etsy").units(2);
    let first = permit(&limiter, &request);
    permit(&limiter, &request);
    assert_eq!(numbers(refused(&limiter, &request).1), (0, 4, 2));
    suspended(|| usage.record(&ApiCall::new("etsy", bench.now()).request_count(2))).unwrap();
    assert_eq!(
        numbers(refused(&limiter, &PermitRequest::new("etsy")).1),
        (2, 4, 1),
        "counted twice until it is settled"
    );
    limiter.settle(first, CallAnswer::silent()).unwrap();
    permit(&limiter, &PermitRequest::new("etsy"));
    assert!(!is_open(&limiter, "etsy") && is_open(&limiter, "ebay"));
    bench.clock.set(time("2026-11-24T00:00:00Z"));
    permit(&limiter, &request);
}

fn calls_that_no_total_contains_are_counted_however_many_they_are(store: impl Store) {
    let bench = Bench::new(store);
    let costs = costs(&bench, [Budget::new("calls", BudgetPeriod::Day, BudgetLimit::Calls(2501))]);
    let limiter = limiter(&bench, &costs);
    let call = ApiCall::new("etsy", bench.now());
    bench.queue.store().write(|s| (0..2500).try_for_each(|_| s.api_usage().record(&call))).unwrap();
    let last = permit(&limiter, &PermitRequest::new("etsy"));
    assert_eq!(numbers(refused(&limiter, &PermitRequest::new("etsy")).1), (2500, 1, 1));
    limiter.settle(last, CallAnswer::NotSent).unwrap();
    permit(&limiter, &PermitRequest::new("etsy"));
}

fn a_call_of_unknown_cost_is_never_guessed_to_cost_nothing(store: impl Store) {
    let bench = Bench::new(store);
    let costs = costs(&bench, [Budget::new("all", BudgetPeriod::Month, money(2_500_000))]);
    let limiter = limiter(&bench, &costs);
    for request in [PermitRequest::new("openai"), PermitRequest::new("openai").guess(usd(0))] {
        permit(&limiter, &request);
    }
    let unknown = PermitRequest::new("openai");
    assert_eq!(numbers(refused(&limiter, &unknown).1), (0, 2_000_000, 1_000_000));
    permit(&limiter, &unknown.clone().guess(usd(300_000)));
    costs.record(&NewCost::charged("replicate", "1").endpoint(some("upscale"))).unwrap();
    assert_eq!(
        numbers(refused(&limiter, &PermitRequest::new("openai").guess(usd(200_000))).1),
        (40, 2_300_000, 200_000)
    );
}

fn two_budgets_at_once_both_hold_calls_back(store: impl Store) {
    let bench = Bench::new(store);
    let budgets = [
        Budget::new("month", BudgetPeriod::Month, money(100)),
        Budget::new("day", BudgetPeriod::Day, money(40)).service(some("replicate")),
    ];
    let costs = costs(&bench, budgets);
    let (limiter, request) = (limiter(&bench, &costs), PermitRequest::new("replicate"));
    costs.record(&NewCost::charged("replicate", "1")).unwrap();
    assert_eq!(refused(&limiter, &request).0, time("2026-11-24T00:00:00Z"), "the day is spent");
    bench.clock.set(time("2026-11-24T00:00:00Z"));
    costs.record(&NewCost::charged("replicate", "2")).unwrap();
    assert_eq!(refused(&limiter, &request).0, time("2026-12-01T00:00:00Z"), "20 are left of the month");
    bench.clock.set(time("2026-11-25T00:00:00Z"));
    permit(&limiter, &request.clone().guess(usd(20)));
}

fn a_guess_in_another_currency_does_not_count(store: impl Store) {
    let bench = Bench::new(store);
    let euros = BudgetLimit::Money(Money::from_micros(10, Currency::EUR).unwrap());
    let costs = costs(&bench, [Budget::new("euros", BudgetPeriod::Month, euros)]);
    let (limiter, request) = (limiter(&bench, &costs), PermitRequest::new("replicate"));
    for _ in 0..3 {
        permit(&limiter, &request);
    }
    let in_euros = |micros| request.clone().guess(Money::from_micros(micros, Currency::EUR).unwrap());
    permit(&limiter, &in_euros(10));
    assert_eq!(numbers(refused(&limiter, &in_euros(1)).1), (0, 10, 1));
    permit(&limiter, &request);
    assert!(is_open(&limiter, "replicate"));
}

fn a_budget_that_is_lowered_below_what_is_used_holds_calls_back(store: impl Store) {
    let bench = Bench::new(store);
    let with = |micros| {
        let costs = costs(&bench, [Budget::new("all", BudgetPeriod::Month, money(micros))]);
        (limiter(&bench, &costs), costs)
    };
    let ((before, costs), request) = (with(100), PermitRequest::new("replicate"));
    costs.record(&NewCost::charged("replicate", "1")).unwrap();
    permit(&before, &request);
    let (lowered, _) = with(30);
    let (until, in_use) = refused(&lowered, &request.guess(usd(1)));
    assert_eq!((until, numbers(in_use)), (time("2026-12-01T00:00:00Z"), (40, 40, 1)));
    assert!(!is_open(&lowered, "replicate"));
}

fn the_guess_of_a_killed_process_stays_in_the_budget_until_a_person_corrects_it(store: impl Store) {
    let bench = Bench::new(store);
    let costs = costs(&bench, [Budget::new("all", BudgetPeriod::Month, money(50))]);
    let (limiter, request) = (limiter(&bench, &costs), PermitRequest::new("replicate"));
    let killed = permit(&limiter, &request);
    bench.clock.advance(Duration::from_secs(29));
    assert_eq!(refused(&limiter, &request).0, killed.lapses_at);
    bench.clock.set(killed.lapses_at);
    let month = time("2026-12-01T00:00:00Z");
    for _ in 0..2 {
        let (until, in_use) = refused(&limiter, &request);
        assert_eq!((until, numbers(in_use)), (month, (40, 0, 40)));
    }
    let state = || costs.find("replicate", &killed.cost_id()).unwrap().unwrap().state;
    assert_eq!(state(), CostState::Unknown { guess: usd(40) });
    costs.record(&NewCost::free("replicate", killed.cost_id())).unwrap();
    let next = permit(&limiter, &request);
    bench.clock.set(next.lapses_at);
    refused(&limiter, &request);
    let priced = suspended(|| costs.price_again(&PageRequest::first(9))).unwrap();
    let next = costs.find("replicate", &next.cost_id()).unwrap().unwrap().state;
    assert_eq!((priced.priced, state(), next), (1, CostState::Free, CostState::Known { amount: usd(40) }));
}

fn a_settlement_after_the_lapse_counts_once(store: impl Store) {
    let bench = Bench::new(store);
    let costs = costs(&bench, [Budget::new("all", BudgetPeriod::Month, money(100))]);
    let (limiter, request) = (limiter(&bench, &costs), PermitRequest::new("replicate"));
    let late = permit(&limiter, &request);
    bench.clock.set(late.lapses_at);
    let other = permit(&limiter, &request);
    assert_eq!(numbers(refused(&limiter, &request).1), (40, 40, 40));
    costs.record(&NewCost::charged("replicate", "1")).unwrap();
    limiter.settle(late, CallAnswer::silent()).unwrap();
    assert_eq!(numbers(refused(&limiter, &request).1), (40, 40, 40));
    limiter.settle(other, CallAnswer::NotSent).unwrap();
    permit(&limiter, &request);
}

fn a_warning_holds_no_call_back(store: impl Store) {
    let bench = Bench::new(store);
    let costs = costs(&bench, [Budget::new("all", BudgetPeriod::Month, money(100)).warn_at_percent(40)]);
    costs.record(&NewCost::charged("replicate", "1")).unwrap();
    assert_eq!(costs.budget_reports().unwrap()[0].status.state, BudgetState::Warning);
    permit(&limiter(&bench, &costs), &PermitRequest::new("replicate"));
}

fn budgets_of_accounts_count_apart(store: impl Store) {
    let bench = Bench::new(store);
    let costs = costs(&bench, [Budget::new("main", BudgetPeriod::Month, money(40)).account(some("main"))]);
    let limiter = limiter(&bench, &costs);
    let of = |account: &str| PermitRequest::new("replicate").account(account.to_owned());
    permit(&limiter, &of("main"));
    assert_eq!(numbers(refused(&limiter, &of("main")).1), (0, 40, 40));
    permit(&limiter, &of("other"));
    permit(&limiter, &PermitRequest::new("replicate"));
}

fn recorded_calls_count_once(store: impl Store) {
    let bench = Bench::new(store);
    let (store, environment) = (bench.queue.store().clone(), bench.queue.environment().clone());
    let costs = costs(&bench, [Budget::new("calls", BudgetPeriod::Month, BudgetLimit::Calls(3))]);
    let limiter = limiter(&bench, &costs).limit(ApiLimit::new("etsy", "day", 9, Duration::from_secs(86_400)).unwrap());
    let recorder = CallRecorder::new(ApiUsage::new(store, environment)).rate_limiter(limiter.clone());
    let call = || recorder.limited_call(&NewCall::new("etsy", "GET /x"), |_| Ok::<_, Refusal>(()));
    for _ in 0..3 {
        call().unwrap();
    }
    assert!(call().unwrap_err().0.starts_with("budget \"calls\": 3 of 3 calls are used, 0 are in flight"));
    assert_eq!(costs.budget_reports().unwrap()[0].status.used, 3);
    let limits = limiter.list(None).unwrap();
    assert_eq!(limits[0].as_ref().unwrap().in_use(bench.now()), 3);
}

/// A recorder with these costs and their budgets.
fn recorder<S: Store>(bench: &Bench<S>, costs: &ApiCosts<S>) -> CallRecorder<S> {
    let usage = ApiUsage::new(bench.queue.store().clone(), bench.queue.environment().clone());
    CallRecorder::new(usage).rate_limiter(limiter(bench, costs)).costs(costs.clone())
}

fn a_recorded_call_counts_once_however_it_ends(store: impl Store) {
    use CallOutcome::{NoAnswer, NotSent, Ok as Answered, Refused};
    let bench = Bench::new(store);
    let prices = PriceTable::of([Price::per_call("etsy", 40, USD).endpoint("create")]).unwrap();
    let costs = costs(&bench, [Budget::new("all", BudgetPeriod::Month, money(1_000_000_000))]).prices(prices);
    let recorder = recorder(&bench, &costs);
    let ends = [
        ("create", Answered),
        ("create", NoAnswer),
        ("create", Refused),
        ("create", NotSent),
        ("GET /x", Answered),
        ("GET /x", NoAnswer),
    ];
    let rounds = 12;
    for _ in 0..rounds {
        for (endpoint, outcome) in ends {
            let call = |open: &OpenCall| {
                open.outcome(outcome);
                Ok::<_, Refusal>(())
            };
            recorder.limited_call(&NewCall::new("etsy", endpoint), call).unwrap();
        }
    }
    let store = bench.queue.store();
    let month = BudgetPeriod::Month.of(bench.now());
    let flying = store.read(|s| s.rate_limits().in_flight(&SpendScope::new(), Some(USD), bench.now())).unwrap();
    assert_eq!(
        (flying.units, flying.guess_micros),
        (2 * rounds, 0),
        "calls without an answer, whose costs are on record"
    );
    assert_eq!(store.read(|s| s.api_usage().requests(month, &SpendScope::new())).unwrap(), 6 * rounds);
    bench.clock.advance(Duration::from_secs(30));
    permit(&limiter(&bench, &costs), &PermitRequest::new("status"));
    let spend = costs.spend(month, &SpendScope::new()).unwrap().remove(0);
    assert_eq!((spend.known, spend.guessed), (usd(40 * rounds), usd(40 * rounds)));
    assert_eq!(spend.items, 2 * rounds);
}

fn a_call_whose_costs_cannot_be_written_counts_its_guess(store: impl Store) {
    let bench = Bench::new(store);
    let costs = costs(&bench, [Budget::new("all", BudgetPeriod::Month, money(100))]);
    let recorder = recorder(&bench, &costs);
    let month = BudgetPeriod::Month.of(bench.now());
    for guessed in [40, 80] {
        let call = |open: &OpenCall| {
            // A blank id breaks a rule of costs.
            open.charge(Charge::new(" ", true));
            Ok::<_, Refusal>(())
        };
        recorder.limited_call(&NewCall::new("replicate", "POST /v1/predictions"), call).unwrap();
        let spend = costs.spend(month, &SpendScope::new()).unwrap();
        assert_eq!((spend[0].guessed, spend[0].unknown_items), (usd(guessed), guessed / 40));
    }
    let store = bench.queue.store();
    assert_eq!(store.read(|s| s.api_usage().requests(month, &SpendScope::new())).unwrap(), 2);
    let refusal = recorder.limited_call(&NewCall::new("replicate", "GET /"), |_| Ok::<_, Refusal>(())).unwrap_err().0;
    assert!(refusal.contains("0.00008 USD of 0.0001 USD are used, 0.00 USD are in flight"), "{refusal}");
}

fn a_batch_counts_all_its_requests_and_no_call_counts_as_none(store: impl Store) {
    let bench = Bench::new(store);
    let (store, environment) = (bench.queue.store().clone(), bench.queue.environment().clone());
    let costs = costs(&bench, [Budget::new("calls", BudgetPeriod::Month, BudgetLimit::Calls(50))]);
    let limiter = limiter(&bench, &costs).limit(ApiLimit::new("etsy", "day", 50, Duration::from_secs(86_400)).unwrap());
    let recorder = CallRecorder::new(ApiUsage::new(store, environment)).rate_limiter(limiter.clone());
    let in_use = || limiter.list(None).unwrap()[0].as_ref().unwrap().in_use(bench.now());
    for (planned, told, expected) in [(0, None, 1), (2, Some(40), 41), (9, Some(3), 50)] {
        let call = NewCall::new("etsy", "POST /batch").request_count(planned);
        let made = suspended(|| {
            recorder.limited_call(&call, |open| {
                told.into_iter().for_each(|told| open.request_count(told));
                Ok::<_, Refusal>(())
            })
        });
        made.unwrap();
        assert_eq!(in_use(), expected, "{planned} {told:?}");
    }
    assert_eq!(costs.budget_reports().unwrap()[0].status.used, 44);
}

#[derive(Debug)]
struct Refusal(String);

impl From<CallRefusal> for Refusal {
    fn from(refusal: CallRefusal) -> Self {
        Self(refusal.to_string())
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
