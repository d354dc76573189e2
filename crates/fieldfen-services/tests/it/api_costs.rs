//! Costs of external APIs: priced, recorded once, and counted by budgets.

use fieldfen_domain::PageRequest;
use fieldfen_domain::api_cost::{
    Budget, BudgetLimit, BudgetPeriod, BudgetState, CostState, Currency, Money, Price, PriceTable, RecordCostOutcome,
    SpendScope,
};
use fieldfen_domain::api_usage::ApiCall;
use fieldfen_domain::store::Store;
use fieldfen_rate_limits::Charge;
use fieldfen_services::api_costs::{ApiCosts, NewCost};
use fieldfen_testkit::faults::suspended;

use crate::Bench;

on_every_store!(
    a_charge_of_a_response_is_priced_once,
    a_cost_without_a_price_is_unknown_until_it_is_priced_again,
    the_price_of_the_day_and_endpoint_on_record_holds,
    a_guess_is_the_best_that_is_known,
    budgets_count_costs_guesses_and_calls,
);

const USD: Currency = Currency::USD;

fn usd(micros: u64) -> Money {
    Money::from_micros(micros, USD).unwrap()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn costs<S: Store>(bench: &Bench<S>, prices: impl IntoIterator<Item = Price>) -> ApiCosts<S> {
    let costs = ApiCosts::new(bench.queue.store().clone(), bench.queue.environment().clone());
    costs.prices(PriceTable::of(prices).unwrap())
}

fn a_charge_of_a_response_is_priced_once(store: impl Store) {
    let bench = Bench::new(store);
    let costs = costs(&bench, [Price::per_second("replicate", "predict_time", 225, USD)]);
    let charge = Charge::new("p1", true).amount("predict_time", 3_800_000);
    let started = costs.record(&NewCost::started("replicate", "p1").endpoint(some("predictions"))).unwrap();
    assert_eq!(started, RecordCostOutcome::Inserted);
    assert_eq!(costs.record(&NewCost::of_charge("replicate", &charge)).unwrap(), RecordCostOutcome::Updated);
    let stored = costs.find("replicate", "p1").unwrap().unwrap();
    assert_eq!(
        (stored.state, stored.endpoint.as_deref()),
        (CostState::Known { amount: usd(855) }, Some("predictions"))
    );
    assert_eq!(stored.amounts.get("predict_time"), Some(3_800_000));
    for again in [charge.clone(), charge.amount("predict_time", 9_000_000), Charge::new("p1", false)] {
        let outcome = costs.record(&NewCost::of_charge("replicate", &again)).unwrap();
        assert_eq!(outcome, RecordCostOutcome::Unchanged(Box::new(stored.clone())));
    }
    costs.record(&NewCost::of_charge("replicate", &Charge::new("p2", false))).unwrap();
    assert_eq!(costs.find("replicate", "p2").unwrap().unwrap().state, CostState::Free);
    let spend = costs.spend(BudgetPeriod::Month.of(bench.now()), &SpendScope::new()).unwrap();
    assert_eq!((spend.len(), spend[0].known, spend[0].guessed, spend[0].items), (1, usd(855), usd(0), 1));
    let forecast = costs.month_forecast(&SpendScope::new()).unwrap();
    assert!(forecast[0].forecast >= usd(855), "{forecast:?}");
}

fn a_cost_without_a_price_is_unknown_until_it_is_priced_again(store: impl Store) {
    let bench = Bench::new(store);
    let without = costs(&bench, []);
    for number in 0..5 {
        let cost = NewCost::charged("replicate", number.to_string()).amount("predict_time", number * 1_000_000);
        without.record(&cost).unwrap();
    }
    without.record(&NewCost::charged("replicate", "no amount")).unwrap();
    let unknown = CostState::Unknown { guess: usd(1_000_000) };
    assert_eq!(without.find("replicate", "4").unwrap().unwrap().state, unknown);
    let with = costs(&bench, [Price::per_second("replicate", "predict_time", 225, USD)]);
    let (mut page, mut priced, mut pages) = (PageRequest::first(2), 0, 0);
    loop {
        let answer = suspended(|| with.price_again(&page)).unwrap();
        (priced, pages) = (priced + answer.priced, pages + 1);
        let Some(next) = answer.next.filter(|_| pages < 99) else { break };
        page = PageRequest::first(2).after(next);
    }
    assert_eq!((priced, with.price_again(&PageRequest::first(9)).unwrap().unknown), (5, 1));
    assert_eq!(with.find("replicate", "4").unwrap().unwrap().state, CostState::Known { amount: usd(900) });
    assert_eq!(with.find("replicate", "no amount").unwrap().unwrap().state, unknown);
}

fn the_price_of_the_day_and_endpoint_on_record_holds(store: impl Store) {
    let bench = Bench::new(store);
    let day = bench.now().date_naive();
    let costs = costs(
        &bench,
        [
            Price::per_call("replicate", 1, USD),
            Price::per_call("replicate", 5, USD).endpoint(some("create")),
            Price::per_call("replicate", 7, USD).endpoint(some("create")).from(day.succ_opt()),
        ],
    );
    costs.record(&NewCost::started("replicate", "p1").endpoint(some("create"))).unwrap();
    let tomorrow = bench.now() + chrono::TimeDelta::days(1);
    let poll = |id: &str| NewCost::charged("replicate", id).endpoint(some("get")).at(tomorrow);
    for (id, micros) in [("p1", 5), ("p2", 1)] {
        costs.record(&poll(id)).unwrap();
        assert_eq!(costs.find("replicate", id).unwrap().unwrap().state, CostState::Known { amount: usd(micros) });
    }
    costs.record(&poll("p3").endpoint(some("create"))).unwrap();
    assert_eq!(costs.find("replicate", "p3").unwrap().unwrap().state, CostState::Known { amount: usd(7) });
}

fn a_guess_is_the_best_that_is_known(store: impl Store) {
    let bench = Bench::new(store);
    let prices = [
        Price::per_call("etsy", 7, USD),
        Price::per_call("free", 0, USD),
        Price::per_output("openai", "tokens", 3, Currency::EUR),
    ];
    let costs = costs(&bench, prices);
    let started = |service: &str| NewCost::started(service, "new").endpoint(some("create"));
    let guess = |cost: NewCost| costs.guess(&cost).unwrap();
    let eur = |micros| Money::from_micros(micros, Currency::EUR).unwrap();
    assert_eq!(guess(started("etsy")), usd(7), "the price of the call");
    assert_eq!(guess(started("etsy").guess(usd(9))), usd(9), "the program's own guess");
    assert_eq!(guess(started("etsy").guess(usd(0))), usd(7), "a guess is never 0");
    assert_eq!(guess(started("free")), usd(0), "a price of 0 is known");
    assert_eq!(guess(started("openai")), eur(1_000_000), "nothing is known");
    assert_eq!(guess(started("other")), usd(1_000_000), "nothing is known");
    for (id, amount) in [("1", 5), ("2", 20), ("3", 10)] {
        costs
            .record(&NewCost::charged("openai", id).endpoint(some("create")).amount("tokens", amount * 1_000_000))
            .unwrap();
    }
    assert_eq!(guess(started("openai")), eur(60), "the dearest on record");
    assert_eq!(guess(started("openai").endpoint(some("other"))), eur(1_000_000), "of the same endpoint");
}

fn budgets_count_costs_guesses_and_calls(store: impl Store) {
    let bench = Bench::new(store);
    let now = bench.now();
    let money = |micros| BudgetLimit::Money(usd(micros));
    let budgets = [
        Budget::new("month", BudgetPeriod::Month, money(100)),
        Budget::new("etsy", BudgetPeriod::Day, money(10)).service(some("etsy")),
        Budget::new("calls", BudgetPeriod::Day, BudgetLimit::Calls(4)).service(some("etsy")).account(some("main")),
    ];
    let costs = costs(&bench, [Price::per_call("etsy", 8, USD), Price::per_call("dear", 5, Currency::EUR)]);
    let costs = costs.budgets(budgets).unwrap();
    let status = || {
        let reports = costs.budget_reports().unwrap();
        let of = |report: &fieldfen_services::api_costs::BudgetReport| {
            (report.status.used, report.status.share_basis_points, report.status.state)
        };
        (reports.iter().map(of).collect::<Vec<_>>(), reports)
    };
    use BudgetState::{Ok, Spent, Warning};
    assert_eq!(status().0, [(0, 0, Ok), (0, 0, Ok), (0, 0, Ok)]);
    costs.record(&NewCost::charged("etsy", "1")).unwrap();
    assert_eq!(status().0, [(8, 800, Ok), (8, 8000, Warning), (0, 0, Ok)]);
    costs.record(&NewCost::started("replicate", "1").guess(usd(80))).unwrap();
    costs.record(&NewCost::charged("dear", "1")).unwrap();
    for (account, requests) in [("main", 3), ("other", 9), ("main", 1)] {
        let call = ApiCall::new("etsy", now).account(account.to_owned()).request_count(requests);
        suspended(|| bench.queue.store().write(|s| s.api_usage().record(&call))).unwrap();
    }
    let (figures, reports) = status();
    assert_eq!(figures, [(88, 8800, Warning), (8, 8000, Warning), (4, 10_000, Spent)]);
    assert_eq!(reports[0].other_currencies.len(), 1);
    assert!(reports.iter().all(|report| report.status.ends_at > now && report.forecast >= report.status.used));
    let names = |service: &str, account: Option<&str>| -> Vec<String> {
        costs.budgets_of(service, account).map(|budget| budget.name.clone()).collect()
    };
    assert_eq!(names("etsy", None), ["month", "etsy"]);
    assert_eq!(names("etsy", Some("main")), ["month", "etsy", "calls"]);
    assert_eq!(names("ebay", None), ["month"]);
    costs.record(&NewCost::free("replicate", "1")).unwrap();
    assert_eq!(status().0[0], (8, 800, Ok), "the guess is gone");
}
