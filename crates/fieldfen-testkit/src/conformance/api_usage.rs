//! Calls to external APIs.

use std::time::Duration;

use fieldfen_domain::api_usage::{
    ApiCall, ApiCallFilter, ApiUsageDays, ApiUsageTotal, ApiUsageTotals, CallOutcome, Day,
};
use fieldfen_domain::store::Store;
use fieldfen_domain::{FileId, JobId, MAX_REASON_BYTES};

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
        each_field_filters_and_all_combine,
        days_add_up_by_service_account_endpoint_and_outcome,
        days_do_not_change_when_rows_are_rolled_up_and_pruned,
        only_old_rolled_up_rows_are_pruned,
        long_errors_and_durations_are_cut,
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
        (ApiCallFilter::new().service("etsy").since(since).until(until), &[3]),
        (ApiCallFilter::new().since(until).until(since), &[]),
    ] {
        let expected: Vec<_> = numbers.iter().map(|&number: &usize| recorded[number].clone()).collect();
        assert_eq!(list(&filter), expected, "{filter:?}");
    }
}

/// A call in which every value is set.
fn known_call(number: u32) -> ApiCall {
    let outcomes = CallOutcome::ALL;
    let outcome = outcomes[number as usize % outcomes.len()];
    api_call(if number.is_multiple_of(2) { "etsy" } else { "shopify" }, number, at(i64::from(number)))
        .account(format!("account {}", number % 3))
        .endpoint(format!("endpoint {}", number % 4))
        .outcome(outcome)
        .http_status(u16::try_from(200 + number).unwrap_or_default())
        .error((!outcome.is_ok()).then(|| format!("error {number}")))
        .duration(Duration::from_millis(number.into()))
        .job_id(JobId::from_random((number % 5).into()))
        .file_id(FileId::from_random((number % 6).into()))
        .external_id(format!("external {number}"))
}

fn each_field_filters_and_all_combine<S: Store>(store: &S) {
    let on = On(store);
    let mut recorded: Vec<ApiCall> = (0..60).map(known_call).collect();
    recorded.push(ApiCall::new("etsy", at(7)));
    for call in &recorded {
        record(&on, call);
    }
    let list = |filter: &ApiCallFilter| walk(|page| on.read(|s| s.api_usage().page(filter, page)));
    assert_eq!(list(&ApiCallFilter::new()), recorded);
    let sample = known_call(37);
    let filters = [
        ApiCallFilter::new().service(sample.service.clone()),
        ApiCallFilter::new().account(sample.account.clone()),
        ApiCallFilter::new().endpoint(sample.endpoint.clone()),
        ApiCallFilter::new().outcome(sample.outcome),
        ApiCallFilter::new().outcome(CallOutcome::Ok),
        ApiCallFilter::new().job_id(sample.job_id),
        ApiCallFilter::new().file_id(sample.file_id),
    ];
    let passes = |filter: &ApiCallFilter, call: &ApiCall| {
        filter.service.as_ref().is_none_or(|service| call.service == *service)
            && (filter.account.is_none() || call.account == filter.account)
            && (filter.endpoint.is_none() || call.endpoint == filter.endpoint)
            && (filter.outcome.is_none() || call.outcome == filter.outcome)
            && (filter.job_id.is_none() || call.job_id == filter.job_id)
            && (filter.file_id.is_none() || call.file_id == filter.file_id)
    };
    let expected =
        |filter: &ApiCallFilter| -> Vec<_> { recorded.iter().filter(|call| passes(filter, call)).cloned().collect() };
    for filter in &filters {
        let expected = expected(filter);
        assert!(!expected.is_empty() && expected.len() < recorded.len(), "{filter:?}");
        assert_eq!(list(filter), expected, "{filter:?}");
    }
    let mut all = filters[0].clone().account(sample.account.clone()).endpoint(sample.endpoint.clone());
    all = all.outcome(sample.outcome).job_id(sample.job_id).file_id(sample.file_id);
    for filter in [all.clone(), all.clone().since(sample.at).until(at(38))] {
        assert_eq!(list(&filter), std::slice::from_ref(&sample), "{filter:?}");
    }
    assert_eq!(list(&all.account("another")), []);
}

/// The day of [`at`]`(0)`.
fn first_day() -> Day {
    at(0).date_naive()
}

fn days_add_up_by_service_account_endpoint_and_outcome<S: Store>(store: &S) {
    const DAY: i64 = 86_400;
    let on = On(store);
    let call = |seconds| api_call("etsy", 2, at(seconds)).outcome(CallOutcome::Ok).duration(Duration::from_millis(5));
    for call in [
        call(0),
        call(DAY - 1).duration(None),
        call(DAY),
        call(1).account("main"),
        call(1).endpoint(None),
        call(1).outcome(None),
        call(1).outcome(CallOutcome::Throttled),
        ApiCall::new("shopify", at(1)),
    ] {
        record(&on, &call);
    }
    let last = first_day() + chrono::Days::new(1);
    let days = |from, to| on.read(|s| s.api_usage().days(&(from..=to)));
    let lines = |days: &ApiUsageDays| -> Vec<String> {
        let outcome = |outcome: Option<CallOutcome>| outcome.map_or("-", CallOutcome::as_str);
        let line = |total: &fieldfen_domain::api_usage::DailyApiUsage| {
            let (day, millis) = ((total.day - first_day()).num_days(), total.duration.as_millis());
            let (service, account, endpoint) = (&total.service, &total.account, &total.endpoint);
            let (calls, requests) = (total.calls, total.requests);
            format!("{day} {service}/{account}/{endpoint} {}: {calls} {requests} {millis}", outcome(total.outcome))
        };
        days.days.iter().map(line).collect()
    };
    let everything = days(first_day(), last);
    assert_eq!(
        lines(&everything),
        [
            "0 etsy// ok: 1 2 5",
            "0 etsy//predictions -: 1 2 5",
            "0 etsy//predictions ok: 2 4 5",
            "0 etsy//predictions throttled: 1 2 5",
            "0 etsy/main/predictions ok: 1 2 5",
            "0 shopify// -: 1 1 0",
            "1 etsy//predictions ok: 1 2 5",
        ]
    );
    assert_eq!((everything.uncounted, everything.first_uncounted), (0, None));
    assert_eq!(lines(&days(last, last)), ["1 etsy//predictions ok: 1 2 5"]);
    assert_eq!(days(last, first_day()), ApiUsageDays::default());
    assert_eq!(on.write(|s| s.api_usage().days(&(first_day()..=last))), everything, "in a session that writes, too");
}

fn days_do_not_change_when_rows_are_rolled_up_and_pruned<S: Store>(store: &S) {
    let on = On(store);
    let days = || on.read(|s| s.api_usage().days(&(first_day()..=first_day())));
    let roll_up = |limit| on.write(|s| s.api_usage().roll_up(limit));
    assert_eq!(roll_up(10), 0);
    for number in 0..25 {
        record(&on, &known_call(number));
    }
    let before = days();
    assert_eq!(roll_up(10), 10);
    assert_eq!(days(), before);
    assert_eq!(on.write(|s| s.api_usage().prune(at(100), 4)), 4);
    assert_eq!(days(), before);
    assert_eq!((roll_up(10), roll_up(10), roll_up(10)), (10, 5, 0));
    assert_eq!(on.write(|s| s.api_usage().prune(at(100), 100)), 21);
    assert_eq!(days(), before);
    assert_eq!(walk(|page| on.read(|s| s.api_usage().page(&ApiCallFilter::new(), page))), []);
    record(&on, &known_call(1));
    let calls = |days: &ApiUsageDays| days.days.iter().map(|total| total.calls).sum::<u64>();
    assert_eq!((calls(&before), calls(&days())), (25, 26));
    assert_eq!(roll_up(10), 1);
    assert_eq!(calls(&days()), 26);
}

fn only_old_rolled_up_rows_are_pruned<S: Store>(store: &S) {
    let on = On(store);
    for second in [3, 1, 2, 0] {
        record(&on, &api_call("etsy", 1, at(second)));
    }
    let left = || {
        let calls = walk(|page| on.read(|s| s.api_usage().page(&ApiCallFilter::new(), page)));
        calls.iter().map(|call| (call.at - at(0)).num_seconds()).collect::<Vec<_>>()
    };
    let prune = |before, limit| on.write(|s| s.api_usage().prune(at(before), limit));
    assert_eq!((prune(9, 9), left()), (0, vec![3, 1, 2, 0]), "no row is rolled up");
    on.write(|s| s.api_usage().roll_up(3));
    assert_eq!((prune(0, 9), left()), (0, vec![3, 1, 2, 0]), "no row is older");
    assert_eq!((prune(3, 1), left()), (1, vec![3, 2, 0]), "the oldest first");
    assert_eq!((prune(3, 9), left()), (1, vec![3, 0]), "the last row is not rolled up");
    on.write(|s| s.api_usage().roll_up(9));
    assert_eq!((prune(3, 0), prune(3, 9), left()), (0, 1, vec![3]));
}

fn long_errors_and_durations_are_cut<S: Store>(store: &S) {
    let on = On(store);
    record(&on, &ApiCall::new("etsy", at(0)).error("no".repeat(MAX_REASON_BYTES)).duration(Duration::MAX));
    record(&on, &ApiCall::new("etsy", at(0)).error(String::new()).duration(Duration::from_nanos(1_999_999)));
    let calls = walk(|page| on.read(|s| s.api_usage().page(&ApiCallFilter::new(), page)));
    let error = |call: &ApiCall| call.error.clone().unwrap_or_default();
    assert!(error(&calls[0]).len() <= MAX_REASON_BYTES && error(&calls[0]).ends_with("more bytes)"));
    let millis: Vec<_> = calls.iter().map(|call| call.duration.unwrap_or_default().as_millis()).collect();
    assert_eq!((error(&calls[1]), millis), (String::new(), vec![u128::from(u32::MAX), 1]));
}
