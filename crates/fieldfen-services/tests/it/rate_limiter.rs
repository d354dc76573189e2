//! The rate limiter: configured limits, answers, and waiting for a permit.

use std::time::Duration;

use fieldfen_domain::rate_limit::{
    AcquireOutcome, ApiLimit, Availability, CallAnswer, Closed, ClosedBy, Permit, PermitRequest, RateLimitKey,
    ReportedLimit, SettleOutcome,
};
use fieldfen_domain::store::Store;
use fieldfen_services::Environment;
use fieldfen_services::rate_limiter::RateLimiter;
use fieldfen_testkit::ModelStore;
use fieldfen_testkit::faults::suspended;

use crate::Bench;

on_every_store!(
    a_call_counts_once_although_its_permit_is_acquired_and_settled_again,
    accounts_have_counts_of_their_own_and_share_that_of_the_service,
    a_call_that_starts_too_late_needs_a_new_permit,
    a_clock_that_is_set_back_prolongs_no_permit,
    what_an_answer_says_holds_for_every_handle,
    a_limit_that_nobody_configures_is_removed,
);

const MINUTE: Duration = Duration::from_secs(60);

fn limiter<S: Store>(bench: &Bench<S>) -> RateLimiter<S> {
    RateLimiter::new(bench.queue.store().clone(), bench.queue.environment().clone())
}

fn permit<S: Store>(limiter: &RateLimiter<S>, request: &PermitRequest) -> Permit {
    match limiter.acquire(request).unwrap() {
        AcquireOutcome::Acquired(permit) => permit,
        other => panic!("no permit: {other:?}"),
    }
}

fn closed<S: Store>(limiter: &RateLimiter<S>, request: &PermitRequest) -> Closed {
    match limiter.acquire(request).unwrap() {
        AcquireOutcome::NotBefore(closed) => closed,
        other => panic!("a permit that must be refused: {other:?}"),
    }
}

fn in_use<S: Store>(bench: &Bench<S>) -> Vec<u64> {
    let limits = limiter(bench).list(None).unwrap();
    limits.into_iter().map(|limit| limit.unwrap().in_use(bench.now())).collect()
}

fn a_call_counts_once_although_its_permit_is_acquired_and_settled_again(store: impl Store) {
    let bench = Bench::new(store);
    let limiter = limiter(&bench).limit(ApiLimit::new("etsy", "minute", 3, MINUTE).unwrap());
    let request = PermitRequest::new("etsy");
    for calls in 1..=3 {
        let permit = permit(&limiter, &request);
        assert_eq!(limiter.settle(permit, CallAnswer::silent()).unwrap(), SettleOutcome::Settled);
        assert_eq!(in_use(&bench), [calls]);
    }
    assert!(matches!(closed(&limiter, &request).by, ClosedBy::Window { in_use: 3, units: 3, .. }));
    assert!(matches!(limiter.look("etsy", None).unwrap(), Availability::Closed(_)));
    bench.clock.advance(Duration::from_secs(61));
    assert_eq!(limiter.look("etsy", None).unwrap(), Availability::Open);
    let permit = permit(&limiter, &request);
    assert_eq!(limiter.settle(permit, CallAnswer::NotSent).unwrap(), SettleOutcome::Settled);
    assert_eq!(in_use(&bench), [0]);
}

fn accounts_have_counts_of_their_own_and_share_that_of_the_service(store: impl Store) {
    let bench = Bench::new(store);
    let limiter = limiter(&bench)
        .limit(ApiLimit::new("shop", "account", 1, MINUTE).unwrap().each_account())
        .limit(ApiLimit::new("shop", "service", 2, MINUTE).unwrap())
        .limit(ApiLimit::new("shop", "search", 1, MINUTE).unwrap().endpoint("search"));
    let of = |account: &str| PermitRequest::new("shop").account(account.to_owned());
    permit(&limiter, &of("a"));
    assert!(matches!(closed(&limiter, &of("a")).by, ClosedBy::Window { limit, .. } if limit.bucket == "account"));
    permit(&limiter, &of("b"));
    assert!(matches!(closed(&limiter, &of("c")).by, ClosedBy::Window { limit, .. } if limit.bucket == "service"));
    let names: Vec<_> =
        limiter.list(Some("shop")).unwrap().into_iter().map(|limit| limit.unwrap().key.to_string()).collect();
    assert_eq!(names, ["shop (service)", "shop/a (account)", "shop/b (account)", "shop/c (account)"]);
}

fn a_call_that_starts_too_late_needs_a_new_permit(store: impl Store) {
    let bench = Bench::new(store);
    let limiter = limiter(&bench).limit(ApiLimit::new("etsy", "minute", 1, MINUTE).unwrap());
    let late = permit(&limiter, &PermitRequest::new("etsy"));
    bench.clock.advance(Duration::from_secs(1));
    assert!(limiter.start(&late).is_ok());
    bench.clock.advance(Duration::from_micros(1));
    assert!(limiter.start(&late).is_err());
    limiter.settle(late, CallAnswer::NotSent).unwrap();
    permit(&limiter, &PermitRequest::new("etsy"));
}

fn a_clock_that_is_set_back_prolongs_no_permit(store: impl Store) {
    let bench = Bench::new(store);
    let limiter = limiter(&bench);
    let permit = permit(&limiter, &PermitRequest::new("etsy"));
    bench.clock.advance(Duration::from_secs(20));
    bench.clock.set(permit.acquired_at + Duration::from_millis(500));
    assert!(limiter.start(&permit).is_err());
}

fn what_an_answer_says_holds_for_every_handle(store: impl Store) {
    let bench = Bench::new(store);
    let (one, other) = (limiter(&bench), limiter(&bench));
    let answered = permit(&one, &PermitRequest::new("replicate"));
    let reset = bench.now() + Duration::from_secs(20);
    let said = ReportedLimit::new(None).remaining(1).resets_at(reset);
    one.settle(answered, CallAnswer::reported(vec![said])).unwrap();
    permit(&other, &PermitRequest::new("replicate"));
    assert_eq!(closed(&one, &PermitRequest::new("replicate")).until, reset);
}

fn a_limit_that_nobody_configures_is_removed(store: impl Store) {
    let bench = Bench::new(store);
    let limiter = limiter(&bench).limit(ApiLimit::new("etsy", "minute", 1, MINUTE).unwrap());
    permit(&limiter, &PermitRequest::new("etsy"));
    let key = RateLimitKey::new("etsy", "minute");
    assert!(suspended(|| limiter.remove(&key)).unwrap());
    assert!(!suspended(|| limiter.remove(&key)).unwrap());
    permit(&limiter, &PermitRequest::new("etsy"));
}

#[test]
fn a_thread_waits_for_a_permit_as_long_as_it_may() {
    let limiter = RateLimiter::new(ModelStore::new(), Environment::system())
        .limit(ApiLimit::new("etsy", "window", 1, Duration::from_millis(300)).unwrap())
        .limit(ApiLimit::new("ebay", "day", 1, Duration::from_secs(86_400)).unwrap());
    let (soon, late) = (PermitRequest::new("etsy"), PermitRequest::new("ebay"));
    for request in [&soon, &late] {
        limiter.settle(permit(&limiter, request), CallAnswer::silent()).unwrap();
    }
    let refused = limiter.acquire_within(&late, Duration::from_secs(3600)).unwrap();
    assert!(refused.permit().is_none(), "a wait of an hour would not be enough");
    assert!(limiter.acquire_within(&soon, crate::LONG).unwrap().permit().is_some());
}
