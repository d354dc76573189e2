//! The report on the calls to external APIs.

use std::time::Duration;

use fieldfen_domain::api_cost::{Budget, BudgetLimit, BudgetPeriod, Currency, Money, Price, PriceTable};
use fieldfen_domain::api_usage::{ApiCall, CallOutcome};
use fieldfen_domain::job::{Pause, PauseScope};
use fieldfen_domain::rate_limit::{AcquireOutcome, ApiLimit, CallAnswer, PermitRequest, ReportedLimit};
use fieldfen_domain::store::Store;
use fieldfen_services::api_costs::{ApiCosts, NewCost};
use fieldfen_services::api_report::{ApiReport, ApiReports, BlockedBy};
use fieldfen_services::rate_limiter::RateLimiter;
use fieldfen_testkit::ModelStore;
use fieldfen_testkit::faults::suspended;

use crate::{Bench, Note};

on_every_store!(
    a_report_adds_up_by_service_endpoint_and_day,
    a_report_tells_what_is_left_and_who_is_blocked,
    a_report_of_an_empty_store_is_empty,
);

const USD: Currency = Currency::USD;

fn usd(micros: u64) -> Money {
    Money::from_micros(micros, USD).unwrap()
}

fn costs<S: Store>(bench: &Bench<S>) -> ApiCosts<S> {
    let prices = [
        Price::per_call("etsy", 200_000, USD),
        Price::per_second("replicate", "predict_time", 225, USD),
        Price::per_call("printer", 1_500_000, Currency::EUR),
    ];
    let money = |micros| BudgetLimit::Money(usd(micros));
    let budgets = [
        Budget::new("all", BudgetPeriod::Month, money(10_000_000)),
        Budget::new("etsy today", BudgetPeriod::Day, money(400_000)).service("etsy"),
        Budget::new("calls", BudgetPeriod::Day, BudgetLimit::Calls(10)).service("etsy"),
    ];
    let costs = ApiCosts::new(bench.queue.store().clone(), bench.queue.environment().clone());
    costs.prices(PriceTable::of(prices).unwrap()).budgets(budgets).unwrap()
}

/// Calls and costs of today, and of yesterday.
fn record<S: Store>(bench: &Bench<S>, costs: &ApiCosts<S>) {
    let (now, yesterday) = (bench.now(), bench.now() - Duration::from_secs(24 * 60 * 60));
    let call = |service: &str, endpoint: &str, outcome: Option<CallOutcome>, millis| {
        let call = ApiCall::new(service, now).endpoint(endpoint.to_owned());
        call.outcome(outcome).duration(Duration::from_millis(millis))
    };
    use CallOutcome::{NoAnswer, NotSent, Ok, Refused, Throttled};
    let calls = [
        call("etsy", "create", Some(Ok), 100).account("main"),
        call("etsy", "create", Some(Ok), 301).account("other").request_count(3),
        call("etsy", "create", Some(Refused), 50),
        call("etsy", "lookup", Some(Throttled), 49).at(yesterday),
        call("replicate", "predict", Some(NoAnswer), 9_000),
        call("replicate", "predict", Some(NotSent), 0),
        call("replicate", "predict", None, 0).at(yesterday),
    ];
    suspended(|| bench.queue.store().write(|s| calls.iter().try_for_each(|call| s.api_usage().record(call)))).unwrap();
    let replicate = |id: &str| NewCost::charged("replicate", id).endpoint("predict");
    for cost in [
        NewCost::charged("etsy", "listing 1").endpoint("create"),
        NewCost::charged("etsy", "listing 2").endpoint("create"),
        replicate("p1").amount("predict_time", 4_000_000).at(yesterday),
        replicate("p2").guess(usd(70)),
        NewCost::free("replicate", "p3").endpoint("predict"),
        NewCost::started("replicate", "p4").endpoint("predict").guess(usd(30)),
        NewCost::charged("printer", "card 1"),
    ] {
        costs.record(&cost).unwrap();
    }
}

fn report<S: Store>(bench: &Bench<S>, costs: &ApiCosts<S>) -> ApiReport {
    let today = bench.now().date_naive();
    ApiReports::new(costs.clone()).report(&(today.pred_opt().unwrap()..=today)).unwrap()
}

fn a_report_adds_up_by_service_endpoint_and_day(store: impl Store) {
    let bench = Bench::new(store);
    let costs = costs(&bench);
    record(&bench, &costs);
    let before = report(&bench, &costs);
    suspended(|| bench.queue.store().write(|s| s.api_usage().roll_up(3))).unwrap();
    assert_eq!(report(&bench, &costs), before, "a roll-up changes nothing");

    let services: Vec<_> = before
        .services
        .iter()
        .map(|of| (of.service.as_str(), of.figures.calls, of.figures.requests, of.figures.errors))
        .collect();
    assert_eq!(services, [("etsy", 4, 6, 2), ("printer", 0, 0, 0), ("replicate", 3, 3, 2)]);
    let endpoints: Vec<_> = before
        .endpoints
        .iter()
        .map(|of| (of.service.as_str(), of.endpoint.as_str(), of.figures.calls, of.figures.mean_duration_ms))
        .collect();
    let expected = [
        ("etsy", "create", 3, Some(150)),
        ("etsy", "lookup", 1, Some(49)),
        ("printer", "", 0, None),
        ("replicate", "predict", 3, Some(3000)),
    ];
    assert_eq!(endpoints, expected);
    let days: Vec<_> = before.days.iter().map(|of| (of.figures.calls, of.figures.costs.len())).collect();
    assert_eq!(days, [(2, 1), (5, 2)]);
    let replicate = &before.services[2].figures;
    let cost = replicate.costs[0];
    assert_eq!((cost.known_micros, cost.guessed_micros, cost.items, cost.unknown_items), (900, 100, 3, 1));
    assert_eq!((replicate.free_items, replicate.outcomes.no_answer, replicate.outcomes.unstated), (1, 1, 1));
    for sum in [
        before.services.iter().map(|of| of.figures.calls).sum::<u64>(),
        before.endpoints.iter().map(|of| of.figures.calls).sum(),
        before.days.iter().map(|of| of.figures.calls).sum(),
    ] {
        assert_eq!(sum, 7);
    }
    let month: Vec<_> = before.month.iter().map(|of| (of.currency, of.known_micros, of.guessed_micros)).collect();
    assert_eq!(month, [(Currency::EUR, 1_500_000, 0), (USD, 400_900, 100)]);
    assert!(before.month.iter().all(|of| of.forecast_micros > of.known_micros && of.ends_at > bench.now()));
    let budgets: Vec<_> = before.budgets.iter().map(|of| (of.status.used, of.status.share_basis_points)).collect();
    assert_eq!(budgets, [(401_000, 401), (400_000, 10_000), (5, 5000)]);
    let today = bench.now().date_naive();
    let of_today = ApiReports::new(costs).report(&(today..=today)).unwrap();
    assert_eq!((of_today.days.len(), of_today.services[0].figures.calls), (1, 3));
}

/// Limits of which one is used up and one was stated by the service, and two pauses.
fn limit_and_pause<S: Store>(bench: &Bench<S>) {
    let limit = ApiLimit::new("etsy", "per_minute", 2, Duration::from_secs(60)).unwrap();
    let limiter = RateLimiter::new(bench.queue.store().clone(), bench.queue.environment().clone()).limit(limit);
    let said = ReportedLimit::new(None).remaining(599).resets_at(bench.now() + Duration::from_secs(30));
    let answers = [
        ("etsy", CallAnswer::silent()),
        ("etsy", CallAnswer::silent()),
        ("replicate", CallAnswer::reported(vec![said])),
    ];
    suspended(|| {
        for (service, answer) in answers {
            let AcquireOutcome::Acquired(permit) = limiter.acquire(&PermitRequest::new(service)).unwrap() else {
                panic!("{service} is closed");
            };
            limiter.settle(permit, answer).unwrap();
        }
    });
    let pause = |scope, until| Pause::new(scope, "holidays", bench.now(), "ann").until(until);
    let until = bench.now() + Duration::from_secs(3600);
    let pauses = [
        pause(PauseScope::Account("ebay/main".parse().unwrap()), Some(until)),
        pause(PauseScope::Kind(<Note as fieldfen_domain::job::Payload>::kind()), None),
    ];
    let write = || bench.queue.store().write(|s| pauses.iter().try_for_each(|pause| s.pauses().pause(pause).map(drop)));
    suspended(write).unwrap();
}

fn a_report_tells_what_is_left_and_who_is_blocked(store: impl Store) {
    let bench = Bench::new(store);
    let costs = costs(&bench);
    record(&bench, &costs);
    limit_and_pause(&bench);
    let report = report(&bench, &costs);
    let limits: Vec<_> =
        report.limits.iter().map(|of| (of.service.as_str(), of.limit, of.in_use, of.left, of.window_ms)).collect();
    assert_eq!(limits, [("etsy", Some(2), 2, Some(0), Some(60_000)), ("replicate", None, 0, Some(599), None)]);
    assert_eq!(report.limits[1].left_until, Some(bench.now() + Duration::from_secs(30)));
    let blocked: Vec<_> = report
        .blocked
        .iter()
        .map(|of| (of.by, of.service.as_deref(), of.account.as_deref(), of.kind.as_deref(), of.until.is_some()))
        .collect();
    assert_eq!(
        blocked,
        [
            (BlockedBy::RateLimit, Some("etsy"), None, None, true),
            (BlockedBy::Pause, Some("ebay"), Some("main"), None, true),
            (BlockedBy::Pause, None, None, Some("test.note"), false),
            (BlockedBy::Budget, Some("etsy"), None, None, true),
        ]
    );
    bench.clock.advance(Duration::from_secs(24 * 60 * 60));
    let blocked = ApiReports::new(costs).report(&(report.first_day..=report.last_day)).unwrap().blocked;
    let rules: Vec<BlockedBy> = blocked.iter().map(|of| of.by).collect();
    assert_eq!(rules, [BlockedBy::Pause], "the next day only the pause without an end is left");
}

fn a_report_of_an_empty_store_is_empty(store: impl Store) {
    let bench = Bench::new(store);
    let costs = ApiCosts::new(bench.queue.store().clone(), bench.queue.environment().clone());
    let report = report(&bench, &costs);
    assert!(report.services.is_empty() && report.endpoints.is_empty() && report.days.is_empty());
    assert!(report.limits.is_empty() && report.blocked.is_empty() && report.month.is_empty());
    assert!(report.budgets.is_empty() && report.unreadable.is_empty() && report.uncounted_calls == 0);
}

#[test]
fn the_json_of_a_report_is_stable() {
    let bench = Bench::new(ModelStore::new());
    let costs = costs(&bench);
    record(&bench, &costs);
    limit_and_pause(&bench);
    insta::assert_json_snapshot!(report(&bench, &costs));
}
