//! Calls to external APIs.

use fieldfen_domain::api_usage::{ApiCall, ApiCallFilter, ApiUsageTotal, ApiUsageTotals};
use fieldfen_domain::store::Store;

use super::operations::{On, walk, with_nanoseconds};
use super::{Case, named};
use crate::fixtures::{TICK, api_call, at};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["api_usage":
        nothing_used_has_no_totals,
        totals_add_up_by_service_in_the_order_of_names,
        totals_begin_with_the_time_they_are_asked_for,
        large_numbers_add_up,
        calls_are_listed_as_they_were_recorded,
    ]
}

fn total(service: &str, requests: u64, calls: u64) -> ApiUsageTotal {
    ApiUsageTotal::new(service.to_owned(), requests, calls)
}

fn record<S: Store>(on: &On<'_, S>, call: &ApiCall) {
    on.write(|s| s.api_usage().record(call));
}

fn nothing_used_has_no_totals<S: Store>(store: &S) {
    assert_eq!(On(store).read(|s| s.api_usage().totals(at(0))), ApiUsageTotals::default());
}

fn totals_add_up_by_service_in_the_order_of_names<S: Store>(store: &S) {
    let on = On(store);
    for (service, requests) in [("shopify", 2), ("etsy", 1), ("shopify", 5), ("replicate", 0)] {
        record(&on, &api_call(service, requests, at(1)));
    }
    let known = api_call("etsy", 1, at(2)).endpoint(None).rate_limit_remaining(-1).rate_limit_reset_at(Some(at(60)));
    record(&on, &known);
    let totals = on.read(|s| s.api_usage().totals(at(0)));
    assert_eq!(totals.services, [total("etsy", 2, 2), total("replicate", 0, 1), total("shopify", 7, 2)]);
    assert_eq!(on.write(|s| s.api_usage().totals(at(0))), totals, "in a session that writes, too");
}

fn totals_begin_with_the_time_they_are_asked_for<S: Store>(store: &S) {
    let on = On(store);
    for second in [3, 1, 2] {
        record(&on, &api_call("etsy", 1, at(second)));
    }
    let calls = |since| on.read(|s| s.api_usage().totals(since)).services.first().map_or(0, |total| total.calls);
    assert_eq!([calls(at(1)), calls(at(1) + TICK), calls(at(2)), calls(at(3)), calls(at(3) + TICK)], [3, 2, 2, 1, 0]);
}

fn large_numbers_add_up<S: Store>(store: &S) {
    let on = On(store);
    for _ in 0..3 {
        record(&on, &api_call("etsy", u32::MAX, at(1)));
    }
    assert_eq!(on.read(|s| s.api_usage().totals(at(1))).services, [total("etsy", 3 * u64::from(u32::MAX), 3)]);
}

fn calls_are_listed_as_they_were_recorded<S: Store>(store: &S) {
    let on = On(store);
    let recorded: Vec<ApiCall> = (0..7_u32)
        .map(|number| {
            api_call(if number % 3 == 0 { "etsy" } else { "shopify" }, number, at(100 - i64::from(number)))
                .endpoint((number != 3).then(|| format!("predictions/{number}")))
                .rate_limit_remaining((number != 4).then(|| i64::from(number) - 1))
                .rate_limit_reset_at((number != 5).then(|| at(i64::from(number))))
        })
        .collect();
    for call in &recorded {
        let rate_limit_reset_at = call.rate_limit_reset_at.map(with_nanoseconds);
        record(&on, &call.clone().at(with_nanoseconds(call.at)).rate_limit_reset_at(rate_limit_reset_at));
    }
    let list = |filter: &ApiCallFilter| walk(|page| on.read(|s| s.api_usage().page(filter, page)));
    let page = |service: Option<&str>| list(&ApiCallFilter::new().service(service.map(str::to_owned)));
    let of = |service: &str| recorded.iter().filter(|call| call.service == service).cloned().collect::<Vec<_>>();
    assert_eq!(page(None), recorded);
    assert_eq!((page(Some("etsy")), page(Some("shopify"))), (of("etsy"), of("shopify")));
    assert_eq!(page(Some("ets")), []);
    let (since, until) = (at(96), at(99));
    for (filter, numbers) in [
        (ApiCallFilter::new().since(with_nanoseconds(since)), &[0, 1, 2, 3, 4][..]),
        (ApiCallFilter::new().until(until), &[2, 3, 4, 5, 6]),
        (ApiCallFilter::new().since(since).until(until), &[2, 3, 4]),
        (ApiCallFilter::new().service("etsy".to_owned()).since(since).until(until), &[3]),
        (ApiCallFilter::new().since(until).until(since), &[]),
    ] {
        let expected: Vec<_> = numbers.iter().map(|&number: &usize| recorded[number].clone()).collect();
        assert_eq!(list(&filter), expected, "{filter:?}");
    }
}
