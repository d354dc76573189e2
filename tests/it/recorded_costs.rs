//! The recorded answers of Replicate, through the recorder of calls: what they cost.

use fieldfen_domain::api_cost::{ApiCost, ApiCostFilter, CostStatus, Currency, Price, PriceTable, SpendScope};
use fieldfen_domain::store::Store;
use fieldfen_domain::{PageRequest, Timestamp};
use fieldfen_persistence::SqliteStore;
use fieldfen_rate_limits::Answer;
use fieldfen_services::api_costs::ApiCosts;
use fieldfen_services::api_usage::{ApiUsage, CallRecorder, NewCall, OpenCall};
use fieldfen_services::environment::{Environment, ManualClock, SeededRandomness};
use fieldfen_testkit::ModelStore;

/// Status, remaining, reset, date and body of each answer.
const RECORDED: &str = include_str!("../../crates/fieldfen-rate-limits/tests/it/replicate-recorded.tsv");

/// The number of costs that are pending, known, unknown and free.
fn counts(costs: &[ApiCost]) -> [usize; 4] {
    use CostStatus::{Free, Known, Pending, Unknown};
    [Pending, Known, Unknown, Free].map(|status| costs.iter().filter(|cost| cost.state.status() == status).count())
}

fn recorded_answers_cost_what_they_tell(store: impl Store, prices: PriceTable, expected: [usize; 4], spent: u64) {
    let clock = ManualClock::new("2026-11-23T14:05:09Z".parse().unwrap());
    let environment = Environment::new(clock, SeededRandomness::new(1));
    let usage = ApiUsage::new(store.clone(), environment.clone());
    let costs = ApiCosts::new(store, environment).prices(prices);
    let calls = CallRecorder::new(usage.clone()).costs(costs.clone());
    let mut first: Option<Vec<ApiCost>> = None;
    for _ in 0..2 {
        let mut answers = 0;
        for line in RECORDED.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = line.split('\t').collect();
            let [status, _, _, date, body] = *fields else { panic!("{line}") };
            let received_at: Timestamp = date.parse().unwrap();
            let answer = Answer::new(status.parse().unwrap(), received_at).body(body.as_bytes());
            let answered = |open: &OpenCall| {
                open.answered(&answer);
                Ok::<_, String>(())
            };
            calls.call(&NewCall::new("replicate", "POST /v1/predictions"), answered).unwrap();
            answers += 1;
        }
        assert_eq!(answers, 226);
        let all = costs.list(&ApiCostFilter::new(), &PageRequest::first(500)).unwrap().items;
        assert_eq!(counts(&all), expected);
        assert_eq!(first.get_or_insert_with(|| all.clone()), &all, "recorded again, nothing changes");
    }
    let months = costs.month_forecast(&SpendScope::new()).unwrap();
    assert_eq!(months.first().map(|month| month.spend.known.micros()), Some(spent));
}

#[test]
fn recorded_answers_cost_the_seconds_that_they_tell() {
    let prices = || PriceTable::of([Price::per_second("replicate", "predict_time", 225, Currency::USD)]).unwrap();
    let (expected, spent) = ([20, 9, 0, 0], 13_511);
    recorded_answers_cost_what_they_tell(SqliteStore::in_memory().unwrap(), prices(), expected, spent);
    recorded_answers_cost_what_they_tell(ModelStore::new(), prices(), expected, spent);
}

#[test]
fn recorded_answers_without_a_price_cost_an_unknown_amount() {
    let expected = [20, 0, 9, 0];
    recorded_answers_cost_what_they_tell(SqliteStore::in_memory().unwrap(), PriceTable::new(), expected, 0);
    recorded_answers_cost_what_they_tell(ModelStore::new(), PriceTable::new(), expected, 0);
}
