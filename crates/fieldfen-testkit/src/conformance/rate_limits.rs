//! Rate limits: permits that are acquired, settled and lapse.

use std::time::Duration;

use fieldfen_domain::api_cost::{Currency, Money};
use fieldfen_domain::rate_limit::{
    AcquireOutcome, AcquireRequest, Availability, CallAnswer, CallScope, Closed, ClosedBy, ConfiguredLimit, LimitRule,
    PausesOfBudgets, Permit, PermitInFlight, PermitRequest, RateLimit, RateLimitKey, ReportedLimit, SettleOutcome,
    Settlement,
};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{PermitId, Timestamp};

use super::operations::{On, with_nanoseconds};
use super::{Case, named};
use crate::fixtures::{TICK, at};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["rate_limits":
        requests_beyond_those_of_a_permit_count_once,
        a_bucket_that_is_said_to_stand_still_is_full_after_a_day,
        a_permit_is_kept_until_it_is_settled,
        no_permit_beyond_the_limit_until_a_window_after_the_answers,
        a_permit_that_is_not_settled_lapses_and_counts_for_a_window,
        all_limits_let_a_call_pass_or_none_counts_it,
        limits_of_accounts_and_endpoints_count_apart,
        a_call_that_was_never_sent_gives_its_units_back,
        a_call_without_an_answer_is_left_to_lapse,
        a_late_answer_counts_again,
        a_limit_that_only_answers_name_is_kept,
        a_refusal_without_a_name_blocks_what_the_call_counted_in,
        a_refusal_of_a_call_without_limits_blocks_its_account,
        a_bucket_refills,
        another_rule_replaces_the_one_before,
        a_limit_that_is_removed_is_gone,
        limits_are_listed_by_their_keys_as_they_are,
        what_a_clock_ahead_has_written_ends,
        a_service_that_invents_names_fills_no_table,
        an_acquisition_stands_or_falls_with_its_transaction,
    ]
}

const MINUTE: Duration = Duration::from_secs(60);

fn key(bucket: &str) -> RateLimitKey {
    RateLimitKey::new("etsy", bucket)
}

fn a_minute(units: u64) -> ConfiguredLimit {
    ConfiguredLimit::new(key("minute"), LimitRule::Window { units, window: MINUTE })
}

fn permit_id(number: u64) -> PermitId {
    PermitId::from_random(number.into())
}

/// A request for permit `number` that counts in these limits.
fn request(number: u64, limits: &[ConfiguredLimit], now: Timestamp) -> AcquireRequest {
    let request = PermitRequest::new("etsy").account("a").endpoint("GET /x");
    AcquireRequest::new(permit_id(number), request, now)
        .configured(limits.to_vec())
        .call_timeout(Duration::from_secs(9))
}

fn outcome<S: Store>(on: &On<'_, S>, request: &AcquireRequest) -> AcquireOutcome {
    on.write(|s| s.rate_limits().acquire(request))
}

fn acquired<S: Store>(on: &On<'_, S>, request: &AcquireRequest) -> Permit {
    match outcome(on, request) {
        AcquireOutcome::Acquired(permit) => permit,
        other => panic!("no permit: {other:?}"),
    }
}

fn refused<S: Store>(on: &On<'_, S>, request: &AcquireRequest) -> Closed {
    match outcome(on, request) {
        AcquireOutcome::NotBefore(closed) => closed,
        other => panic!("a permit that must be refused: {other:?}"),
    }
}

fn settle<S: Store>(on: &On<'_, S>, permit: &Permit, answer: CallAnswer, now: Timestamp) -> SettleOutcome {
    let settlement = Settlement::new(permit.clone(), answer, now);
    on.write(|s| s.rate_limits().settle(&settlement))
}

fn limits<S: Store>(on: &On<'_, S>, now: Timestamp) -> Vec<RateLimit> {
    on.read(|s| s.rate_limits().list(Some("etsy"), now)).into_iter().map(Result::unwrap).collect()
}

fn in_use<S: Store>(on: &On<'_, S>, now: Timestamp) -> Vec<u64> {
    limits(on, now).iter().map(|limit| limit.in_use(now)).collect()
}

fn look<S: Store>(on: &On<'_, S>, now: Timestamp) -> Availability {
    let call = CallScope::new("etsy").account("a");
    on.read(|s| s.rate_limits().look(&call, PausesOfBudgets::Refuse, now))
}

fn a_permit_is_kept_until_it_is_settled<S: Store>(store: &S) {
    let on = On(store);
    let mut request = request(1, &[a_minute(5)], with_nanoseconds(at(0))).worker("worker 7");
    request.request = request.request.units(2).guess(Money::zero(Currency::EUR).saturating_add_micros(1_500_000));
    let permit = acquired(&on, &request);
    assert_eq!((permit.acquired_at, permit.start_by, permit.lapses_at), (at(0), at(1), at(10)));
    assert_eq!(permit.limits.iter().map(|taken| taken.units).collect::<Vec<_>>(), [2]);
    let mut expected = PermitInFlight::new(permit.clone(), "worker 7");
    expected.guess = request.request.guess;
    assert_eq!(on.read(|s| s.rate_limits().permit(&permit.id)), Some(expected));
    let error = on.refuse(|s| s.rate_limits().acquire(&request));
    assert!(matches!(error, StoreError::AlreadyExists { .. }), "{error:?}");
    assert_eq!(settle(&on, &permit, CallAnswer::silent(), at(1)), SettleOutcome::Settled);
    assert_eq!(on.read(|s| s.rate_limits().permit(&permit.id)), None);
    assert_eq!(in_use(&on, at(1)), [2]);
}

fn no_permit_beyond_the_limit_until_a_window_after_the_answers<S: Store>(store: &S) {
    let on = On(store);
    let minute = [a_minute(3)];
    let permits: Vec<_> = (1..=3).map(|number| acquired(&on, &request(number, &minute, at(0)))).collect();
    let closed = refused(&on, &request(4, &minute, at(0)));
    assert_eq!(closed.by, ClosedBy::Window { limit: key("minute"), in_use: 3, units: 3 });
    assert_eq!(closed.until, at(60), "no answer has arrived yet");
    for (permit, second) in permits.iter().zip([2, 4, 4]) {
        settle(&on, permit, CallAnswer::silent(), at(second));
    }
    let closed = refused(&on, &request(4, &minute, at(5)));
    assert!(closed.until > at(62) && closed.until < at(63), "{closed}");
    assert_eq!(look(&on, at(5)), Availability::Closed(closed.clone()));
    refused(&on, &request(4, &minute, closed.until - TICK));
    assert_eq!(look(&on, closed.until), Availability::Open);
    acquired(&on, &request(4, &minute, closed.until));
    let second = refused(&on, &request(5, &minute, closed.until));
    assert!(second.until > at(64) && second.until < at(65), "{second}");
    acquired(&on, &request(5, &minute, second.until));
    acquired(&on, &request(6, &minute, second.until));
    refused(&on, &request(7, &minute, second.until));
}

fn a_permit_that_is_not_settled_lapses_and_counts_for_a_window<S: Store>(store: &S) {
    let on = On(store);
    let minute = [a_minute(1)];
    let lost = acquired(&on, &request(1, &minute, at(0)));
    assert_eq!(lost.lapses_at, at(10));
    refused(&on, &request(2, &minute, at(9)));
    let closed = refused(&on, &request(2, &minute, at(10)));
    assert!(closed.until > at(70) && closed.until < at(71), "{closed}");
    assert_eq!(on.read(|s| s.rate_limits().permit(&lost.id)), None);
    assert_eq!(look(&on, at(69)), Availability::Closed(closed.clone()));
    assert_eq!(look(&on, closed.until), Availability::Open);
    acquired(&on, &request(2, &minute, closed.until));
    // A permit that lapsed long ago leaves nothing.
    assert_eq!(look(&on, at(1000)), Availability::Open);
    acquired(&on, &request(3, &minute, at(1000)));
}

fn all_limits_let_a_call_pass_or_none_counts_it<S: Store>(store: &S) {
    let on = On(store);
    let second = ConfiguredLimit::new(key("second"), LimitRule::Window { units: 2, window: Duration::from_secs(1) });
    let both = [a_minute(3), second];
    for number in [1, 2] {
        let permit = acquired(&on, &request(number, &both, at(0)));
        assert_eq!(permit.limits.len(), 2);
        settle(&on, &permit, CallAnswer::silent(), at(0));
    }
    let closed = refused(&on, &request(3, &both, at(0)));
    assert!(matches!(&closed.by, ClosedBy::Window { limit, .. } if limit.bucket == "second"), "{closed}");
    assert_eq!(in_use(&on, at(0)), [2, 2]);
    let permit = acquired(&on, &request(3, &both, closed.until));
    settle(&on, &permit, CallAnswer::silent(), closed.until);
    let closed = refused(&on, &request(4, &both, at(9)));
    assert!(matches!(&closed.by, ClosedBy::Window { limit, .. } if limit.bucket == "minute"), "{closed}");
    assert_eq!(in_use(&on, at(9)), [3, 0]);
}

fn limits_of_accounts_and_endpoints_count_apart<S: Store>(store: &S) {
    let on = On(store);
    let rule = LimitRule::Window { units: 1, window: MINUTE };
    let of = |account: &str| ConfiguredLimit::new(key("minute").account(account.to_owned()), rule);
    acquired(&on, &request(1, &[of("a")], at(0)));
    refused(&on, &request(2, &[of("a")], at(0)));
    let mut other = request(2, &[of("b")], at(0));
    other.request = other.request.account("b");
    acquired(&on, &other);
    // The limit of an account is not asked where no account is named.
    let all = PermitRequest::new("etsy");
    acquired(&on, &AcquireRequest::new(permit_id(3), all, at(0)));
    // A call counts in a limit that another program has configured.
    let endpoint = ConfiguredLimit::new(key("endpoint").endpoint("GET /y"), rule);
    let call = |number, limits: &[ConfiguredLimit]| {
        let mut call = request(number, limits, at(0));
        call.request = call.request.account("c").endpoint("GET /y");
        call
    };
    acquired(&on, &call(4, &[endpoint]));
    refused(&on, &call(5, &[]));
}

fn a_call_that_was_never_sent_gives_its_units_back<S: Store>(store: &S) {
    let on = On(store);
    let permit = acquired(&on, &request(1, &[a_minute(1)], at(0)));
    assert_eq!(settle(&on, &permit, CallAnswer::NotSent, at(1)), SettleOutcome::Settled);
    assert_eq!(in_use(&on, at(1)), [0]);
    assert_eq!(settle(&on, &permit, CallAnswer::NotSent, at(1)), SettleOutcome::Lapsed);
    acquired(&on, &request(2, &[a_minute(1)], at(1)));
    assert_eq!(in_use(&on, at(1)), [1]);
}

fn a_call_without_an_answer_is_left_to_lapse<S: Store>(store: &S) {
    let on = On(store);
    let permit = acquired(&on, &request(1, &[a_minute(1)], at(0)));
    assert_eq!(settle(&on, &permit, CallAnswer::NoAnswer, at(5)), SettleOutcome::Settled);
    assert!(on.read(|s| s.rate_limits().permit(&permit.id)).is_some());
    assert!(refused(&on, &request(2, &[a_minute(1)], at(20))).until > at(70));
}

fn a_late_answer_counts_again<S: Store>(store: &S) {
    let on = On(store);
    let permit = acquired(&on, &request(1, &[a_minute(5)], at(0)));
    acquired(&on, &request(2, &[a_minute(5)], at(20)));
    assert_eq!(settle(&on, &permit, CallAnswer::silent(), at(30)), SettleOutcome::Lapsed);
    assert_eq!(in_use(&on, at(30)), [3], "the lapsed permit, its late answer and the other permit");
}

fn a_limit_that_only_answers_name_is_kept<S: Store>(store: &S) {
    let on = On(store);
    let (first, second) = (acquired(&on, &request(1, &[], at(0))), acquired(&on, &request(2, &[], at(0))));
    let said = |remaining| vec![ReportedLimit::new("day").limit(100).remaining(remaining).resets_at(at(500))];
    settle(&on, &first, CallAnswer::reported(said(2)), at(1));
    let kept = limits(&on, at(1));
    assert_eq!((kept.len(), kept[0].rule, kept[0].reported_units), (1, LimitRule::Reported, Some(100)));
    assert_eq!((kept[0].key.bucket.as_str(), &kept[0].key.account), ("day", &Some("a".to_owned())));
    assert_eq!(kept[0].available(at(1)), Some(1), "the other call in flight takes the other one");
    let third = acquired(&on, &request(3, &[], at(1)));
    assert!(matches!(refused(&on, &request(4, &[], at(1))).by, ClosedBy::Left { left: 0, .. }));
    settle(&on, &second, CallAnswer::reported(said(1)), at(2));
    settle(&on, &third, CallAnswer::reported(said(0)), at(2));
    assert_eq!(refused(&on, &request(4, &[], at(3))).until, at(500));
    acquired(&on, &request(4, &[], at(500)));
}

fn a_refusal_without_a_name_blocks_what_the_call_counted_in<S: Store>(store: &S) {
    let on = On(store);
    let permit = acquired(&on, &request(1, &[a_minute(5)], at(0)));
    settle(&on, &permit, CallAnswer::throttled(Vec::new(), at(30)), at(1));
    let closed = refused(&on, &request(2, &[a_minute(5)], at(29)));
    assert_eq!((closed.until, matches!(closed.by, ClosedBy::Blocked { .. })), (at(30), true));
    assert_eq!(look(&on, at(29)), Availability::Closed(closed));
    assert_eq!(limits(&on, at(29)).len(), 1);
    let permit = acquired(&on, &request(2, &[a_minute(5)], at(30)));
    settle(&on, &permit, CallAnswer::throttled(Vec::new(), None), at(31));
    assert_eq!(refused(&on, &request(3, &[a_minute(5)], at(31))).until, at(33), "the second refusal in a row");
}

fn a_refusal_of_a_call_without_limits_blocks_its_account<S: Store>(store: &S) {
    let on = On(store);
    let permit = acquired(&on, &request(1, &[], at(0)));
    settle(&on, &permit, CallAnswer::throttled(Vec::new(), None), at(1));
    assert_eq!(refused(&on, &request(2, &[], at(1))).until, at(2));
    let mut other = request(2, &[], at(1));
    other.request = other.request.account("b");
    acquired(&on, &other);
}

fn a_bucket_refills<S: Store>(store: &S) {
    let on = On(store);
    let bucket = [ConfiguredLimit::new(key("bucket"), LimitRule::Refill { burst: 2, micros_per_second: 500_000 })];
    for number in [1, 2] {
        let permit = acquired(&on, &request(number, &bucket, at(0)));
        settle(&on, &permit, CallAnswer::silent(), at(0));
    }
    assert_eq!(refused(&on, &request(3, &bucket, at(0))).until, at(2));
    refused(&on, &request(3, &bucket, at(2) - TICK));
    let permit = acquired(&on, &request(3, &bucket, at(2)));
    settle(&on, &permit, CallAnswer::silent(), at(2));
    assert_eq!(limits(&on, at(6))[0].available(at(6)), Some(2));
}

fn another_rule_replaces_the_one_before<S: Store>(store: &S) {
    let on = On(store);
    let permit = acquired(&on, &request(1, &[a_minute(1)], at(0)));
    settle(&on, &permit, CallAnswer::silent(), at(0));
    refused(&on, &request(2, &[a_minute(1)], at(1)));
    acquired(&on, &request(2, &[a_minute(2)], at(1)));
    refused(&on, &request(3, &[], at(1)));
    assert_eq!(limits(&on, at(1))[0].rule, a_minute(2).rule);
}

fn a_limit_that_is_removed_is_gone<S: Store>(store: &S) {
    let on = On(store);
    let permit = acquired(&on, &request(1, &[a_minute(1)], at(0)));
    settle(&on, &permit, CallAnswer::silent(), at(0));
    let late = acquired(&on, &request(2, &[a_minute(2)], at(0)));
    assert!(!on.write(|s| s.rate_limits().remove(&key("hour"))));
    assert!(on.write(|s| s.rate_limits().remove(&key("minute"))));
    assert!(!on.write(|s| s.rate_limits().remove(&key("minute"))));
    assert_eq!(limits(&on, at(0)), []);
    acquired(&on, &request(3, &[a_minute(1)], at(1)));
    settle(&on, &late, CallAnswer::silent(), at(2));
    assert_eq!(in_use(&on, at(2)), [1], "the new limit has another number");
}

fn limits_are_listed_by_their_keys_as_they_are<S: Store>(store: &S) {
    let on = On(store);
    let rule = a_minute(9).rule;
    for (number, service, bucket) in [(1, "etsy", "b"), (2, "ebay", "z"), (3, "etsy", "a")] {
        let limit = ConfiguredLimit::new(RateLimitKey::new(service, bucket), rule);
        let request = AcquireRequest::new(permit_id(number), PermitRequest::new(service), at(0));
        let permit = acquired(&on, &request.configured(vec![limit]));
        settle(&on, &permit, CallAnswer::silent(), at(0));
    }
    let names = |service| {
        let limits = on.read(|s| s.rate_limits().list(service, at(0)));
        limits.into_iter().map(|limit| limit.unwrap().key.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(None), ["ebay (z)", "etsy (a)", "etsy (b)"]);
    assert_eq!(names(Some("etsy")), ["etsy (a)", "etsy (b)"]);
    assert_eq!(names(Some("amazon")), [""; 0]);
    assert_eq!((in_use(&on, at(60)), in_use(&on, at(61))), (vec![1, 2], vec![0, 0]));
}

fn what_a_clock_ahead_has_written_ends<S: Store>(store: &S) {
    let on = On(store);
    let (year, minute) = (365 * 24 * 60 * 60, [a_minute(2)]);
    let permit = acquired(&on, &request(1, &minute, at(year)));
    settle(&on, &permit, CallAnswer::throttled(Vec::new(), at(year + 9)), at(year));
    acquired(&on, &request(2, &minute, at(year + 10)));
    assert_eq!(look(&on, at(0)), Availability::Open);
    let closed = refused(&on, &request(3, &minute, at(0)));
    assert!(closed.until > at(60) && closed.until < at(61), "{closed}");
    assert_eq!(look(&on, at(1)), Availability::Closed(closed.clone()));
    acquired(&on, &request(3, &minute, closed.until));
}

fn a_service_that_invents_names_fills_no_table<S: Store>(store: &S) {
    let on = On(store);
    for round in 0..3 {
        let permit = acquired(&on, &request(round, &[], at(0)));
        let said = (0..500).map(|number| ReportedLimit::new(format!("{round}-{number}")).remaining(100));
        settle(&on, &permit, CallAnswer::reported(said.collect()), at(0));
    }
    assert_eq!(limits(&on, at(0)).len(), 600);
}

fn an_acquisition_stands_or_falls_with_its_transaction<S: Store>(store: &S) {
    let on = On(store);
    let call = request(1, &[a_minute(1)], at(0));
    on.refuse(|s| {
        s.rate_limits().acquire(&call)?;
        Err::<(), _>(StoreError::Nested)
    });
    assert_eq!(limits(&on, at(0)), []);
    acquired(&on, &call);
}

fn requests_beyond_those_of_a_permit_count_once<S: Store>(store: &S) {
    let on = On(store);
    let minute = [a_minute(100)];
    let permit = acquired(&on, &request(1, &minute, at(0)));
    // The service has counted the 40 requests of this call and no others.
    let said = ReportedLimit::new("minute").limit(100).remaining(60);
    let settlement = Settlement::new(permit, CallAnswer::reported(vec![said]), at(1)).further_requests(39);
    on.write(|s| s.rate_limits().settle(&settlement));
    assert_eq!(in_use(&on, at(1)), [40]);
    let mut next = request(2, &minute, at(2));
    next.request = next.request.units(61);
    refused(&on, &next);
    next.request = next.request.units(60);
    acquired(&on, &next);
    assert_eq!(in_use(&on, at(62)), [60], "all requests of the first call stop counting together");
}

fn a_bucket_that_is_said_to_stand_still_is_full_after_a_day<S: Store>(store: &S) {
    let on = On(store);
    for (number, burst) in [(10, 1), (20, 40), (30, 1_000_000)] {
        let permit = acquired(&on, &request(number, &[], at(0)));
        let said = ReportedLimit::new("bucket").limit(burst).remaining(0).refill_micros_per_second(0);
        settle(&on, &permit, CallAnswer::reported(vec![said]), at(1));
        let mut next = request(number + 1, &[], at(2));
        next.request = next.request.units(burst);
        let closed = refused(&on, &next);
        assert!(closed.until <= at(24 * 60 * 60 + 2), "{burst}: {closed}");
        next.now = closed.until;
        let permit = acquired(&on, &next);
        settle(&on, &permit, CallAnswer::NotSent, next.now);
        on.write(|s| s.rate_limits().remove(&key("bucket").account("a")));
    }
}
