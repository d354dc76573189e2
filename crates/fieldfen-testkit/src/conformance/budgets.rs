//! The sums that budgets count: requests of a period, and permits in flight.

use std::time::Duration;

use fieldfen_domain::PermitId;
use fieldfen_domain::api_cost::{ApiCost, BudgetPeriod, CostState, Currency, Money, Spend, SpendScope};
use fieldfen_domain::rate_limit::{
    AcquireRequest, CallAnswer, InFlightTotal, MAX_CALL_TIMEOUT, Permit, PermitRequest, START_WITHIN, SettledCosts,
    Settlement,
};
use fieldfen_domain::store::Store;

use super::operations::On;
use super::{Case, named};
use crate::fixtures::{TICK, api_call, at};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["budgets":
        requests_of_a_period_are_those_of_its_scope,
        requests_do_not_change_when_rows_are_rolled_up_and_pruned,
        permits_in_flight_add_up_by_scope_and_currency,
        a_permit_that_has_lapsed_or_is_settled_is_not_in_flight,
        a_permit_of_a_clock_ahead_is_not_in_flight,
        large_guesses_add_up_to_the_largest_amount,
        the_guess_of_a_lapsed_permit_becomes_an_unknown_cost,
        a_late_settlement_frees_the_cost_of_the_lapsed_permit,
        the_guess_of_a_call_without_an_answer_counts_until_its_costs_are_on_record,
        the_guess_of_a_call_whose_costs_are_missing_becomes_an_unknown_cost,
        all_lapsed_permits_are_settled_in_rounds,
    ]
}

const DAY: i64 = 86_400;

fn scope(service: Option<&str>, account: Option<&str>) -> SpendScope {
    SpendScope::new().service(service.map(str::to_owned)).account(account.map(str::to_owned))
}

fn money(micros: u64, currency: Currency) -> Money {
    Money::zero(currency).saturating_add_micros(micros)
}

fn requests<S: Store>(on: &On<'_, S>, per: BudgetPeriod, seconds: i64, scope: &SpendScope) -> u64 {
    on.read(|s| s.api_usage().requests(per.of(at(seconds)), scope))
}

fn requests_of_a_period_are_those_of_its_scope<S: Store>(store: &S) {
    let on = On(store);
    // The fixtures begin on the first day of a month.
    let month = (BudgetPeriod::Month.of(at(0)).ends_at() - at(0)).num_seconds();
    let call = |seconds, requests| api_call("etsy", requests, at(seconds));
    for call in [
        call(-1, 1),
        call(0, 2),
        call(1, 4).account("main").endpoint(None),
        call(DAY - 1, 8).outcome(None),
        call(DAY, 16),
        call(month - 1, 32),
        call(month, 64),
        api_call("shopify", 128, at(1)),
    ] {
        on.write(|s| s.api_usage().record(&call));
    }
    let (all, etsy) = (scope(None, None), scope(Some("etsy"), None));
    for rolled_up in [0, 3, 3] {
        on.write(|s| s.api_usage().roll_up(rolled_up));
        for (per, seconds, scope, expected) in [
            (BudgetPeriod::Day, 0, &all, 2 + 4 + 8 + 128),
            (BudgetPeriod::Day, DAY - 1, &etsy, 2 + 4 + 8),
            (BudgetPeriod::Day, DAY, &etsy, 16),
            (BudgetPeriod::Day, 2 * DAY, &etsy, 0),
            (BudgetPeriod::Month, 0, &etsy, 2 + 4 + 8 + 16 + 32),
            (BudgetPeriod::Month, month, &all, 64),
            (BudgetPeriod::Month, -1, &all, 1),
            (BudgetPeriod::Month, 0, &scope(Some("etsy"), Some("main")), 4),
            (BudgetPeriod::Month, 0, &scope(Some("etsy"), Some("")), 2 + 8 + 16 + 32),
            (BudgetPeriod::Month, 0, &scope(None, Some("main")), 4),
            (BudgetPeriod::Month, 0, &scope(Some("ebay"), None), 0),
        ] {
            assert_eq!(requests(&on, per, seconds, scope), expected, "{per:?} {seconds} {scope:?} {rolled_up}");
        }
    }
}

fn requests_do_not_change_when_rows_are_rolled_up_and_pruned<S: Store>(store: &S) {
    let on = On(store);
    let month = || requests(&on, BudgetPeriod::Month, 0, &scope(Some("etsy"), None));
    for second in 0..9 {
        on.write(|s| s.api_usage().record(&api_call("etsy", 3, at(second))));
    }
    on.write(|s| s.api_usage().roll_up(5));
    assert_eq!(month(), 27);
    on.write(|s| s.api_usage().prune(at(100), 100));
    assert_eq!(month(), 27);
    on.write(|s| s.api_usage().roll_up(100));
    on.write(|s| s.api_usage().prune(at(100), 100));
    assert_eq!(month(), 27);
    assert_eq!(on.write(|s| s.api_usage().requests(BudgetPeriod::Day.of(at(0)), &scope(None, None))), 27);
}

/// A permit of this number whose call ends within 9 seconds after its start.
fn acquire<S: Store>(on: &On<'_, S>, number: u128, request: &PermitRequest, seconds: i64) -> Permit {
    let request = AcquireRequest::new(PermitId::from_random(number), request.clone(), at(seconds))
        .call_timeout(Duration::from_secs(9));
    on.write(|s| s.rate_limits().acquire(&request)).permit().unwrap()
}

fn in_flight<S: Store>(
    on: &On<'_, S>,
    scope: &SpendScope,
    currency: impl Into<Option<Currency>>,
    seconds: i64,
) -> InFlightTotal {
    let currency = currency.into();
    on.read(|s| s.rate_limits().in_flight(scope, currency, at(seconds)))
}

fn permits_in_flight_add_up_by_scope_and_currency<S: Store>(store: &S) {
    let on = On(store);
    let (eur, usd) = (|micros| money(micros, Currency::EUR), |micros| money(micros, Currency::USD));
    let etsy = || PermitRequest::new("etsy");
    for (number, request) in [
        etsy().guess(usd(1)),
        etsy().units(2).guess(usd(2)).account("main"),
        etsy().units(4).guess(eur(4)).account("main"),
        etsy().units(8),
        PermitRequest::new("shopify").units(16).guess(usd(16)),
    ]
    .into_iter()
    .enumerate()
    {
        let seconds = i64::try_from(number).unwrap();
        acquire(&on, number as u128, &request, seconds);
    }
    for (scope, currency, units, micros, first) in [
        (scope(None, None), Some(Currency::USD), 31, 19, 10),
        (scope(None, None), Some(Currency::EUR), 31, 4, 10),
        (scope(None, None), None, 31, 0, 10),
        (scope(Some("etsy"), None), Some(Currency::USD), 15, 3, 10),
        (scope(Some("etsy"), Some("main")), Some(Currency::USD), 6, 2, 11),
        (scope(Some("etsy"), Some("")), Some(Currency::USD), 9, 1, 10),
        (scope(Some("shopify"), None), Some(Currency::USD), 16, 16, 14),
    ] {
        let expected = InFlightTotal::new(units, micros, Some(at(first)));
        assert_eq!(in_flight(&on, &scope, currency, 5), expected, "{scope:?} {currency:?}");
    }
    assert_eq!(in_flight(&on, &scope(Some("ebay"), None), Currency::USD, 5), InFlightTotal::default());
}

fn a_permit_that_has_lapsed_or_is_settled_is_not_in_flight<S: Store>(store: &S) {
    let on = On(store);
    let request = PermitRequest::new("etsy").guess(money(5, Currency::USD));
    let first = acquire(&on, 1, &request, 0);
    acquire(&on, 2, &request, 1);
    let total = |seconds| {
        let total = in_flight(&on, &scope(None, None), Currency::USD, seconds);
        (total.units, total.guess_micros, total.first_lapse)
    };
    assert_eq!(total(1), (2, 10, Some(at(10))));
    assert_eq!(total(10), (1, 5, Some(at(11))));
    assert_eq!(total(11), (0, 0, None));
    on.write(|s| s.rate_limits().settle(&Settlement::new(first.clone(), CallAnswer::silent(), at(2))));
    assert_eq!(total(2), (1, 5, Some(at(11))));
}

fn a_permit_of_a_clock_ahead_is_not_in_flight<S: Store>(store: &S) {
    let on = On(store);
    let ahead = at(3 * DAY);
    let request = AcquireRequest::new(PermitId::from_random(1), PermitRequest::new("etsy"), ahead);
    let permit = on.write(|s| s.rate_limits().acquire(&request)).permit().unwrap();
    let total = |now| on.read(|s| s.rate_limits().in_flight(&scope(None, None), None, now));
    assert_eq!(total(at(0)).units, 0);
    let first = permit.lapses_at - (START_WITHIN + MAX_CALL_TIMEOUT + Duration::from_secs(60));
    assert_eq!((total(first).units, total(first - TICK).units), (1, 0));
}

fn large_guesses_add_up_to_the_largest_amount<S: Store>(store: &S) {
    let on = On(store);
    for number in 0..3 {
        acquire(&on, number, &PermitRequest::new("etsy").guess(money(u64::MAX, Currency::USD)), 0);
    }
    assert_eq!(in_flight(&on, &scope(None, None), Currency::USD, 0).guess_micros, i64::MAX.unsigned_abs());
}

/// The known costs and the guesses of the month, in dollars, and those of the permits in flight.
fn counted<S: Store>(on: &On<'_, S>, seconds: i64) -> (u64, u64, u64) {
    let spend = on.read(|s| s.api_costs().spend(BudgetPeriod::Month.of(at(0)), &scope(None, None)));
    let micros = |of: fn(&Spend) -> Money| spend.iter().map(|spend| of(spend).micros()).sum();
    let flying = in_flight(on, &scope(None, None), Currency::USD, seconds).guess_micros;
    (micros(|spend| spend.known), micros(|spend| spend.guessed), flying)
}

fn cost_of<S: Store>(on: &On<'_, S>, permit: &Permit) -> Option<ApiCost> {
    on.read(|s| s.api_costs().find(&permit.call.service, &permit.cost_id()))
}

fn settle<S: Store>(on: &On<'_, S>, permit: &Permit, answer: CallAnswer, costs: SettledCosts, seconds: i64) {
    let settlement = Settlement::new(permit.clone(), answer, at(seconds)).costs(costs);
    on.write(|s| s.rate_limits().settle(&settlement));
}

fn guessed(micros: u64) -> PermitRequest {
    PermitRequest::new("etsy").guess(money(micros, Currency::USD))
}

fn the_guess_of_a_lapsed_permit_becomes_an_unknown_cost<S: Store>(store: &S) {
    let on = On(store);
    let request = guessed(5).account("main").endpoint("create");
    let (lapses, stays) = (acquire(&on, 1, &request, 0), acquire(&on, 2, &guessed(7), 1));
    let without = [guessed(0), PermitRequest::new("etsy"), PermitRequest::new(" ").guess(money(9, Currency::USD))];
    let without: Vec<Permit> =
        without.into_iter().zip(3..).map(|(request, number)| acquire(&on, number, &request, 0)).collect();
    assert!(!on.write(|s| s.rate_limits().settle_lapsed(at(9))));
    assert_eq!((counted(&on, 9), cost_of(&on, &lapses)), ((0, 0, 21), None));
    for seconds in [10, 10] {
        assert!(!on.write(|s| s.rate_limits().settle_lapsed(at(seconds))));
        assert_eq!(counted(&on, seconds), (0, 5, 7));
    }
    let guess = money(5, Currency::USD);
    let expected =
        ApiCost::new("etsy", lapses.cost_id(), CostState::Unknown { guess }, at(0)).account("main").endpoint("create");
    assert_eq!(cost_of(&on, &lapses), Some(expected));
    assert!(without.iter().all(|permit| cost_of(&on, permit).is_none()));
    // An acquisition settles lapsed permits too.
    acquire(&on, 9, &PermitRequest::new("ebay"), 11);
    assert_eq!((counted(&on, 11), cost_of(&on, &stays).is_some()), ((0, 12, 0), true));
    // A person records the charge.
    let charge = ApiCost::new("etsy", lapses.cost_id(), CostState::Known { amount: money(3, Currency::USD) }, at(12));
    on.write(|s| s.api_costs().record(&charge));
    assert_eq!(counted(&on, 12), (3, 7, 0));
}

fn a_late_settlement_frees_the_cost_of_the_lapsed_permit<S: Store>(store: &S) {
    use CallAnswer::{NoAnswer, NotSent};
    use SettledCosts::{IfAnswered, Missing, Recorded};
    let on = On(store);
    for (number, (answer, costs, is_freed)) in (1..).zip([
        (CallAnswer::silent(), IfAnswered, true),
        (CallAnswer::silent(), Recorded, true),
        (CallAnswer::silent(), Missing, false),
        (NotSent, IfAnswered, true),
        (NotSent, Missing, true),
        (NoAnswer, IfAnswered, false),
        (NoAnswer, Recorded, true),
        (NoAnswer, Missing, false),
    ]) {
        let permit = acquire(&on, number, &guessed(5), 0);
        on.write(|s| s.rate_limits().settle_lapsed(at(10)));
        for _ in 0..2 {
            settle(&on, &permit, answer.clone(), costs, 11);
            let state = cost_of(&on, &permit).unwrap().state;
            assert_eq!(state == CostState::Free, is_freed, "{answer:?} {costs:?}: {state:?}");
        }
    }
    assert_eq!(counted(&on, 11), (0, 3 * 5, 0));
}

fn the_guess_of_a_call_without_an_answer_counts_until_its_costs_are_on_record<S: Store>(store: &S) {
    let on = On(store);
    let permits: Vec<Permit> = (1..4).map(|number| acquire(&on, number, &guessed(5), 0)).collect();
    for (permit, costs) in permits.iter().zip([SettledCosts::IfAnswered, SettledCosts::Missing, SettledCosts::Recorded])
    {
        settle(&on, permit, CallAnswer::NoAnswer, costs, 1);
    }
    let total = in_flight(&on, &scope(None, None), Currency::USD, 1);
    assert_eq!((total.units, total.guess_micros), (3, 10), "the limits count all of them until they lapse");
    on.write(|s| s.rate_limits().settle_lapsed(at(10)));
    let is_on_record = |permit: &Permit| cost_of(&on, permit).is_some();
    assert_eq!(permits.iter().map(is_on_record).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(counted(&on, 10), (0, 10, 0));
}

fn the_guess_of_a_call_whose_costs_are_missing_becomes_an_unknown_cost<S: Store>(store: &S) {
    let on = On(store);
    let (answered, not_sent) = (acquire(&on, 1, &guessed(5), 0), acquire(&on, 2, &guessed(7), 0));
    settle(&on, &answered, CallAnswer::silent(), SettledCosts::Missing, 1);
    settle(&on, &not_sent, CallAnswer::NotSent, SettledCosts::Missing, 1);
    assert_eq!(counted(&on, 1), (0, 5, 0));
    assert_eq!((cost_of(&on, &answered).is_some(), cost_of(&on, &not_sent)), (true, None));
}

fn all_lapsed_permits_are_settled_in_rounds<S: Store>(store: &S) {
    let on = On(store);
    for number in 0..150 {
        acquire(&on, number, &guessed(1), 0);
    }
    let mut rounds = 1;
    while on.write(|s| s.rate_limits().settle_lapsed(at(10))) {
        rounds += 1;
    }
    assert_eq!((rounds, counted(&on, 10)), (2, (0, 150, 0)));
}
