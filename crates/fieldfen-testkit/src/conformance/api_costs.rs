//! Costs of external APIs.

use fieldfen_domain::api_cost::{
    ApiCost, ApiCostFilter, BudgetPeriod, CostState, CostStatus, Currency, MAX_MONEY_MICROS, MeasuredAmounts, Money,
    RecordCostOutcome, Spend, SpendScope, record_cost,
};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{FileId, JobId};

use super::operations::{On, walk, with_nanoseconds};
use super::{Case, named};
use crate::fixtures::{api_cost, at};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["api_costs":
        nothing_recorded_costs_nothing,
        a_cost_is_found_as_it_was_recorded,
        a_cost_that_is_recorded_again_follows_the_table,
        the_same_external_id_of_two_services_is_two_costs,
        a_blank_id_or_service_is_refused,
        costs_are_listed_by_each_field,
        days_and_periods_add_up_and_follow_each_change,
        a_cost_belongs_to_its_own_day_and_month,
        scopes_choose_services_and_accounts,
        sums_beyond_all_numbers_are_the_largest_one,
        the_dearest_cost_is_of_one_endpoint_and_currency,
        what_is_rolled_back_costs_nothing,
    ]
}

const USD: Currency = Currency::USD;
const EUR: Currency = Currency::EUR;
const DAY: i64 = 86_400;

fn money(micros: u64, currency: Currency) -> Money {
    Money::zero(currency).saturating_add_micros(micros)
}

fn state(status: CostStatus, micros: u64, currency: Currency) -> CostState {
    match status {
        CostStatus::Pending => CostState::Pending { guess: money(micros, currency) },
        CostStatus::Known => CostState::Known { amount: money(micros, currency) },
        CostStatus::Unknown => CostState::Unknown { guess: money(micros, currency) },
        CostStatus::Free => CostState::Free,
    }
}

fn record<S: Store>(on: &On<'_, S>, cost: &ApiCost) -> RecordCostOutcome {
    on.write(|s| s.api_costs().record(cost))
}

fn list<S: Store>(on: &On<'_, S>, filter: &ApiCostFilter) -> Vec<ApiCost> {
    walk(|page| on.read(|s| s.api_costs().page(filter, page)))
}

/// The spending of a period in a few words: `USD 5+2 of 3, 1 unknown`.
fn spent<S: Store>(on: &On<'_, S>, length: BudgetPeriod, seconds: i64, scope: &SpendScope) -> Vec<String> {
    let words = |spend: &Spend| {
        let (known, guessed) = (spend.known.micros(), spend.guessed.micros());
        format!("{} {known}+{guessed} of {}, {} unknown", spend.known.currency(), spend.items, spend.unknown_items)
    };
    on.read(|s| s.api_costs().spend(length.of(at(seconds)), scope)).iter().map(words).collect()
}

/// The totals of all days in a few words.
fn days<S: Store>(on: &On<'_, S>) -> Vec<String> {
    let first = at(0).date_naive();
    let days = on.read(|s| s.api_costs().days(&(first..=at(400 * DAY).date_naive())));
    assert_eq!(days.unreadable, []);
    let words = |total: &fieldfen_domain::api_cost::DailyApiCost| {
        let (day, currency) =
            ((total.day - first).num_days(), total.currency.map_or("-".to_owned(), |c| c.to_string()));
        let (known, guessed) = (total.known_micros, total.guessed_micros);
        let (items, unknown) = (total.items, total.unknown_items);
        let (service, account, endpoint) = (&total.service, &total.account, &total.endpoint);
        format!("{day} {service}/{account}/{endpoint} {currency} {known}+{guessed} of {items}, {unknown} unknown")
    };
    days.days.iter().map(words).collect()
}

fn nothing_recorded_costs_nothing<S: Store>(store: &S) {
    let on = On(store);
    assert_eq!(on.read(|s| s.api_costs().find("replicate", "external-1")), None);
    assert_eq!(days(&on), Vec::<String>::new());
    assert_eq!(spent(&on, BudgetPeriod::Month, 0, &SpendScope::new()), Vec::<String>::new());
    assert_eq!(on.read(|s| s.api_costs().dearest("replicate", None, USD)), None);
}

fn a_cost_is_found_as_it_was_recorded<S: Store>(store: &S) {
    let on = On(store);
    for (number, status) in (0..).zip(CostStatus::ALL.iter().copied()) {
        let cost = api_cost("replicate", number, state(status, 7 + number, EUR), at(5))
            .account("main")
            .item("acme/upscale")
            .amounts(MeasuredAmounts::new().with("predict_time", 3_800_000).with("image \"count\"", 0))
            .job_id(JobId::from_random(1))
            .file_id(FileId::from_random(2));
        let mut fine = cost.clone();
        fine.at = with_nanoseconds(cost.at);
        fine.settled_at = cost.settled_at.map(with_nanoseconds);
        assert_eq!(record(&on, &fine), RecordCostOutcome::Inserted);
        let found = on.read(|s| s.api_costs().find("replicate", &format!("external-{number}")));
        assert_eq!(found, Some(cost.clone()));
        assert_eq!(on.write(|s| s.api_costs().find("replicate", &cost.external_id)), Some(cost), "while writing, too");
    }
    let bare = ApiCost::new("etsy", "1", state(CostStatus::Known, 0, USD), at(6));
    record(&on, &bare);
    assert_eq!(on.read(|s| s.api_costs().find("etsy", "1")), Some(bare));
}

fn a_cost_that_is_recorded_again_follows_the_table<S: Store>(store: &S) {
    let on = On(store);
    let mut number = 0;
    for before in CostStatus::ALL.iter().copied() {
        for again in CostStatus::ALL.iter().copied() {
            number += 1;
            let stored = api_cost("replicate", number, state(before, 5, USD), at(0));
            let told = api_cost("replicate", number, state(again, 7, USD), at(9)).item("acme/upscale");
            assert_eq!(record(&on, &stored), RecordCostOutcome::Inserted);
            let (outcome, after) = match record_cost(&stored, &told) {
                Some(after) => (RecordCostOutcome::Updated, after),
                None => (RecordCostOutcome::Unchanged(Box::new(stored.clone())), stored),
            };
            assert_eq!(record(&on, &told), outcome, "{before} recorded as {again}");
            let find = || on.read(|s| s.api_costs().find("replicate", &told.external_id));
            assert_eq!(find(), Some(after.clone()), "{before} recorded as {again}");
            let totals = (days(&on), spent(&on, BudgetPeriod::Month, 0, &SpendScope::new()));
            assert_eq!(record(&on, &told), RecordCostOutcome::Unchanged(Box::new(after)), "recorded twice");
            assert_eq!((days(&on), spent(&on, BudgetPeriod::Month, 0, &SpendScope::new())), totals);
        }
    }
}

fn the_same_external_id_of_two_services_is_two_costs<S: Store>(store: &S) {
    let on = On(store);
    for service in ["etsy", "replicate"] {
        let cost = api_cost(service, 1, state(CostStatus::Known, 5, USD), at(0));
        assert_eq!(record(&on, &cost), RecordCostOutcome::Inserted);
    }
    assert_eq!(spent(&on, BudgetPeriod::Day, 0, &SpendScope::new()), ["USD 10+0 of 2, 0 unknown"]);
}

fn a_blank_id_or_service_is_refused<S: Store>(store: &S) {
    let on = On(store);
    for (service, id, message) in [
        ("etsy", " ", "external id of a cost \" \": it must not be blank"),
        ("", "1", "service of a cost \"\": it must not be blank"),
    ] {
        let cost = ApiCost::new(service, id, CostState::Free, at(0));
        assert_eq!(on.refuse(|s| s.api_costs().record(&cost)).to_string(), message);
    }
    assert_eq!(list(&on, &ApiCostFilter::new()), []);
}

fn costs_are_listed_by_each_field<S: Store>(store: &S) {
    let on = On(store);
    let recorded: Vec<ApiCost> = (0..40_u64)
        .map(|number| {
            let status = CostStatus::ALL[number as usize % 4];
            api_cost(if number % 3 == 0 { "etsy" } else { "replicate" }, number, state(status, number, USD), at(0))
                .job_id((number % 5 > 0).then(|| JobId::from_random((number % 5).into())))
                .file_id((number % 7 > 0).then(|| FileId::from_random((number % 7).into())))
        })
        .collect();
    for cost in &recorded {
        record(&on, cost);
    }
    let (job, file) = (JobId::from_random(2), FileId::from_random(3));
    let all = ApiCostFilter::new();
    let mut filters = vec![
        all.clone(),
        all.clone().service("etsy"),
        all.clone().service("ets"),
        all.clone().job_id(job),
        all.clone().file_id(file),
        all.clone().service("replicate").job_id(job).file_id(file).status(CostStatus::Unknown),
    ];
    filters.extend(CostStatus::ALL.iter().map(|status| all.clone().status(*status)));
    for filter in filters {
        let passes = |cost: &&ApiCost| {
            filter.service.as_ref().is_none_or(|service| cost.service == *service)
                && filter.status.is_none_or(|status| cost.state.status() == status)
                && filter.job_id.is_none_or(|job| cost.job_id == Some(job))
                && filter.file_id.is_none_or(|file| cost.file_id == Some(file))
        };
        let expected: Vec<_> = recorded.iter().filter(passes).cloned().collect();
        assert_eq!(list(&on, &filter), expected, "{filter:?}");
    }
}

fn days_and_periods_add_up_and_follow_each_change<S: Store>(store: &S) {
    use CostStatus::{Free, Known, Pending, Unknown};
    let on = On(store);
    let all = SpendScope::new();
    let cost = |number, status, micros, currency| {
        api_cost("replicate", number, state(status, micros, currency), at(number as i64))
    };
    let step = |cost: &ApiCost, day: &[&str], sums: &[&str]| {
        record(&on, cost);
        assert_eq!(days(&on), day);
        assert_eq!(spent(&on, BudgetPeriod::Day, 0, &all), sums);
        assert_eq!(spent(&on, BudgetPeriod::Month, 0, &all), sums);
    };
    step(
        &cost(1, Pending, 100, USD),
        &["0 replicate//predictions USD 0+100 of 1, 0 unknown"],
        &["USD 0+100 of 1, 0 unknown"],
    );
    step(
        &cost(2, Pending, 50, USD),
        &["0 replicate//predictions USD 0+150 of 2, 0 unknown"],
        &["USD 0+150 of 2, 0 unknown"],
    );
    step(
        &cost(1, Known, 7, USD),
        &["0 replicate//predictions USD 7+50 of 2, 0 unknown"],
        &["USD 7+50 of 2, 0 unknown"],
    );
    step(
        &cost(2, Unknown, 60, USD),
        &["0 replicate//predictions USD 7+60 of 2, 1 unknown"],
        &["USD 7+60 of 2, 1 unknown"],
    );
    // It was guessed in one currency and is charged in another.
    step(
        &cost(2, Known, 40, EUR),
        &["0 replicate//predictions EUR 40+0 of 1, 0 unknown", "0 replicate//predictions USD 7+0 of 1, 0 unknown"],
        &["EUR 40+0 of 1, 0 unknown", "USD 7+0 of 1, 0 unknown"],
    );
    step(
        &cost(3, Free, 0, USD),
        &[
            "0 replicate//predictions - 0+0 of 1, 0 unknown",
            "0 replicate//predictions EUR 40+0 of 1, 0 unknown",
            "0 replicate//predictions USD 7+0 of 1, 0 unknown",
        ],
        &["EUR 40+0 of 1, 0 unknown", "USD 7+0 of 1, 0 unknown"],
    );
    record(&on, &api_cost("etsy", 4, state(Pending, 9, USD), at(4)));
    record(&on, &api_cost("etsy", 4, CostState::Free, at(5)));
    assert_eq!(days(&on)[0], "0 etsy//predictions - 0+0 of 1, 0 unknown", "no line without items stays");
    assert_eq!((days(&on).len(), spent(&on, BudgetPeriod::Month, 0, &all).len()), (4, 2));
}

fn a_cost_belongs_to_its_own_day_and_month<S: Store>(store: &S) {
    let on = On(store);
    // 2026-01-31 and 2026-02-01.
    let (last, next) = (31 * DAY - 1, 31 * DAY);
    record(&on, &api_cost("replicate", 1, state(CostStatus::Pending, 5, USD), at(last)));
    record(&on, &api_cost("replicate", 2, state(CostStatus::Known, 7, USD), at(next)));
    record(&on, &api_cost("replicate", 1, state(CostStatus::Known, 6, USD), at(next)));
    assert_eq!(
        days(&on),
        ["30 replicate//predictions USD 6+0 of 1, 0 unknown", "31 replicate//predictions USD 7+0 of 1, 0 unknown"]
    );
    for (length, seconds, sums) in [
        (BudgetPeriod::Day, last, &["USD 6+0 of 1, 0 unknown"][..]),
        (BudgetPeriod::Month, 0, &["USD 6+0 of 1, 0 unknown"]),
        (BudgetPeriod::Day, next, &["USD 7+0 of 1, 0 unknown"]),
        (BudgetPeriod::Month, 40 * DAY, &["USD 7+0 of 1, 0 unknown"]),
        (BudgetPeriod::Day, 0, &[]),
        (BudgetPeriod::Month, 60 * DAY, &[]),
    ] {
        assert_eq!(spent(&on, length, seconds, &SpendScope::new()), sums, "{length} {seconds}");
    }
    let day = at(last).date_naive();
    assert_eq!(on.read(|s| s.api_costs().days(&(day..=day))).days.len(), 1);
}

fn scopes_choose_services_and_accounts<S: Store>(store: &S) {
    let on = On(store);
    for (number, service, account) in
        [(1, "etsy", Some("main")), (2, "etsy", Some("posters")), (4, "etsy", None), (8, "ebay", Some("main"))]
    {
        let cost = api_cost(service, number, state(CostStatus::Known, number, USD), at(0));
        record(&on, &cost.account(account.map(str::to_owned)));
    }
    let some = |text: &str| Some(text.to_owned());
    for (scope, sum) in [
        (SpendScope::new(), 15),
        (SpendScope::new().service(some("etsy")), 7),
        (SpendScope::new().service(some("etsy")).account(some("posters")), 2),
        (SpendScope::new().service(some("etsy")).account(some("")), 4),
        (SpendScope::new().account(some("main")), 9),
        (SpendScope::new().service(some("tiktok")), 0),
    ] {
        for length in [BudgetPeriod::Day, BudgetPeriod::Month] {
            let spend = on.read(|s| s.api_costs().spend(length.of(at(0)), &scope));
            assert_eq!(spend.first().map_or(0, |spend| spend.known.micros()), sum, "{length} {scope:?}");
        }
    }
}

fn sums_beyond_all_numbers_are_the_largest_one<S: Store>(store: &S) {
    let on = On(store);
    for number in 0..3 {
        let status = [CostStatus::Known, CostStatus::Unknown][number as usize % 2];
        record(&on, &api_cost("etsy", number, state(status, MAX_MONEY_MICROS, USD), at(0)));
        record(&on, &api_cost("ebay", number, state(status, MAX_MONEY_MICROS, USD), at(0)));
    }
    let max = MAX_MONEY_MICROS;
    for length in [BudgetPeriod::Day, BudgetPeriod::Month] {
        let sums = spent(&on, length, 0, &SpendScope::new());
        assert_eq!(sums, [format!("USD {max}+{max} of 6, 2 unknown")], "{length}");
        let spend = on.read(|s| s.api_costs().spend(length.of(at(0)), &SpendScope::new()));
        assert_eq!(spend[0].total().micros(), max);
    }
    assert_eq!(days(&on)[1], format!("0 etsy//predictions USD {max}+{max} of 3, 1 unknown"));
}

fn the_dearest_cost_is_of_one_endpoint_and_currency<S: Store>(store: &S) {
    let on = On(store);
    let known = |number, micros, currency| api_cost("etsy", number, state(CostStatus::Known, micros, currency), at(0));
    for cost in [
        known(1, 5, USD),
        known(2, 9, USD),
        known(3, 7, USD),
        known(4, 20, EUR),
        known(5, 30, USD).endpoint("list"),
        known(6, 40, USD).endpoint(None),
        api_cost("ebay", 7, state(CostStatus::Known, 50, USD), at(0)),
        api_cost("etsy", 8, state(CostStatus::Unknown, 60, USD), at(0)),
        api_cost("etsy", 9, CostState::Free, at(0)),
    ] {
        record(&on, &cost);
    }
    for (service, endpoint, currency, micros) in [
        ("etsy", Some("predictions"), USD, Some(9)),
        ("etsy", Some("predictions"), EUR, Some(20)),
        ("etsy", Some("list"), USD, Some(30)),
        ("etsy", None, USD, Some(40)),
        ("etsy", Some("other"), USD, None),
        ("ebay", Some("predictions"), USD, Some(50)),
        ("ebay", Some("predictions"), EUR, None),
    ] {
        let dearest = on.read(|s| s.api_costs().dearest(service, endpoint, currency));
        assert_eq!(dearest, micros.map(|micros| money(micros, currency)), "{service} {endpoint:?} {currency}");
    }
}

fn what_is_rolled_back_costs_nothing<S: Store>(store: &S) {
    let on = On(store);
    let cost = api_cost("etsy", 1, state(CostStatus::Pending, 5, USD), at(0));
    let settled = api_cost("etsy", 1, state(CostStatus::Known, 7, USD), at(1));
    let fails = |cost: &ApiCost| {
        on.refuse(|s| {
            s.api_costs().record(cost)?;
            Err::<(), _>(StoreError::Nested)
        })
    };
    fails(&cost);
    assert_eq!(list(&on, &ApiCostFilter::new()), []);
    assert_eq!(days(&on), Vec::<String>::new());
    record(&on, &cost);
    fails(&settled);
    assert_eq!(spent(&on, BudgetPeriod::Month, 0, &SpendScope::new()), ["USD 0+5 of 1, 0 unknown"]);
    assert_eq!(list(&on, &ApiCostFilter::new()), [cost]);
}
