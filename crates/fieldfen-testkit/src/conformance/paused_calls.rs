//! Pauses and the rate limiter: pauses refuse calls, and answers write pauses.

use std::time::Duration;

use fieldfen_domain::job::{Pause, PauseScope};
use fieldfen_domain::rate_limit::{
    AcquireOutcome, AcquireRequest, Availability, CallAnswer, CallScope, Closed, ClosedBy, ConfiguredLimit, LimitRule,
    PAUSED_BY_LIMITER, PausesOfBudgets, Permit, PermitRequest, RateLimitKey, ReportedLimit, Settlement,
};
use fieldfen_domain::store::Store;
use fieldfen_domain::{PermitId, Timestamp};

use super::operations::{On, ids, numbered};
use super::{Case, named};
use crate::fixtures::{at, job};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["paused_calls":
        a_paused_service_refuses_the_calls_of_all_its_accounts,
        a_paused_account_refuses_its_own_calls,
        the_pause_that_ends_last_says_when_to_ask_again,
        a_refusal_that_lasts_pauses_the_account_for_all_jobs,
        a_short_refusal_writes_no_pause,
        a_refusal_of_one_endpoint_pauses_nothing,
        an_account_whose_limit_is_used_up_is_paused,
        the_limiter_leaves_a_longer_pause_as_it_is,
        answers_to_calls_in_flight_write_one_pause,
        a_lifted_pause_lets_calls_pass_until_the_next_refusal,
        a_part_of_the_program_lifts_only_its_own_pause_and_no_block,
        a_caller_that_asks_the_budgets_ignores_their_pauses_alone,
    ]
}

fn call(account: Option<&str>) -> CallScope {
    CallScope::new("etsy").account(account.map(str::to_owned)).endpoint("GET /x")
}

fn scope(name: &str) -> PauseScope {
    PauseScope::Account(name.parse().unwrap())
}

fn by_ann(name: &str) -> Pause {
    Pause::new(scope(name), "Etsy reviews the account", at(0), "ann")
}

fn outcome<S: Store>(on: &On<'_, S>, number: u64, call: CallScope, now: Timestamp) -> AcquireOutcome {
    let request = AcquireRequest::new(PermitId::from_random(number.into()), PermitRequest::of(call), now);
    on.write(|s| s.rate_limits().acquire(&request))
}

fn acquired<S: Store>(on: &On<'_, S>, number: u64, now: Timestamp) -> Permit {
    outcome(on, number, call(Some("main")), now).permit().unwrap()
}

/// Why a call of this account is refused. The limiter's look gives the same answer.
fn refused<S: Store>(on: &On<'_, S>, account: Option<&str>, now: Timestamp) -> Closed {
    let AcquireOutcome::NotBefore(closed) = outcome(on, 99, call(account), now) else { panic!("a permit") };
    assert_eq!(
        on.read(|s| s.rate_limits().look(&call(account), PausesOfBudgets::Refuse, now)),
        Availability::Closed(closed.clone())
    );
    closed
}

fn is_open<S: Store>(on: &On<'_, S>, account: Option<&str>, now: Timestamp) -> bool {
    on.read(|s| s.rate_limits().look(&call(account), PausesOfBudgets::Refuse, now)) == Availability::Open
}

fn settle<S: Store>(on: &On<'_, S>, permit: Permit, answer: CallAnswer, now: Timestamp) {
    on.write(|s| s.rate_limits().settle(&Settlement::new(permit.clone(), answer.clone(), now)));
}

fn pause<S: Store>(on: &On<'_, S>, pause: &Pause) -> bool {
    on.write(|s| s.pauses().pause(pause))
}

fn lift<S: Store>(on: &On<'_, S>, name: &str, now: Timestamp) -> bool {
    on.write(|s| s.pauses().lift(&scope(name), now))
}

fn pauses<S: Store>(on: &On<'_, S>, now: Timestamp) -> Vec<Pause> {
    on.read(|s| s.pauses().list(now))
}

fn refusal(until: i64) -> CallAnswer {
    CallAnswer::throttled(Vec::new(), at(until))
}

fn a_paused_service_refuses_the_calls_of_all_its_accounts<S: Store>(store: &S) {
    let on = On(store);
    assert!(pause(&on, &by_ann("etsy").until(at(100))));
    for account in [None, Some("main"), Some("second")] {
        let closed = refused(&on, account, at(1));
        assert_eq!(closed.until, at(100));
        let reason = "Etsy reviews the account".to_owned();
        assert_eq!(closed.by, ClosedBy::Paused { scope: scope("etsy"), reason });
    }
    assert!(outcome(&on, 1, CallScope::new("etsy2"), at(1)).permit().is_some());
    assert_eq!(on.read(|s| s.rate_limits().list(Some("etsy"), at(1))).len(), 0, "a refused call leaves no row");
    assert!(is_open(&on, Some("main"), at(100)));
    acquired(&on, 2, at(100));
}

fn a_paused_account_refuses_its_own_calls<S: Store>(store: &S) {
    let on = On(store);
    pause(&on, &by_ann("etsy/main"));
    assert_eq!(refused(&on, Some("main"), at(1)).until, at(3601), "without an end, a call asks again after an hour");
    assert!(is_open(&on, Some("second"), at(1)) && is_open(&on, None, at(1)));
    assert!(lift(&on, "etsy/main", at(2)));
    acquired(&on, 1, at(2));
}

fn the_pause_that_ends_last_says_when_to_ask_again<S: Store>(store: &S) {
    let on = On(store);
    pause(&on, &by_ann("etsy").until(at(100)));
    pause(&on, &by_ann("etsy/main").until(at(50)));
    assert!(matches!(refused(&on, Some("main"), at(1)).by, ClosedBy::Paused { scope: by, .. } if by == scope("etsy")));
    pause(&on, &by_ann("etsy/main"));
    let closed = refused(&on, Some("main"), at(1));
    assert!(matches!(closed.by, ClosedBy::Paused { scope: by, .. } if by == scope("etsy/main")));
}

fn a_refusal_that_lasts_pauses_the_account_for_all_jobs<S: Store>(store: &S) {
    let on = On(store);
    let of = |number, account: &str| job(number).account(Some(account.parse().unwrap()));
    on.enqueue_all(&[of(1, "etsy/main"), of(2, "etsy/second"), of(3, "etsy")]);
    let permit = acquired(&on, 1, at(1));
    settle(&on, permit, refusal(200), at(2));
    let [written] = &pauses(&on, at(2))[..] else { panic!("one pause") };
    assert_eq!((&written.scope, written.since, written.until), (&scope("etsy/main"), at(2), Some(at(200))));
    assert_eq!(written.by, PAUSED_BY_LIMITER);
    assert!(written.reason.starts_with("etsy/main: the service refused a call"), "{}", written.reason);
    assert_eq!(refused(&on, Some("main"), at(3)).until, at(200));
    assert!(is_open(&on, Some("second"), at(3)));
    assert_eq!(ids(&on.claim(1, 9, at(3))), numbered(&[2, 3]));
    assert_eq!(on.claim(2, 9, at(199)), []);
    assert_eq!((pauses(&on, at(200)), ids(&on.claim(3, 9, at(200)))), (vec![], numbered(&[1])));
    acquired(&on, 2, at(200));
}

fn a_short_refusal_writes_no_pause<S: Store>(store: &S) {
    let on = On(store);
    let permit = acquired(&on, 1, at(1));
    settle(&on, permit, refusal(62), at(2));
    assert_eq!(pauses(&on, at(2)), []);
    let closed = refused(&on, Some("main"), at(3));
    assert_eq!((closed.until, matches!(closed.by, ClosedBy::Blocked { .. })), (at(62), true));
    let permit = acquired(&on, 2, at(62));
    settle(&on, permit, CallAnswer::silent(), at(62));
    assert_eq!(pauses(&on, at(62)), []);
}

fn a_refusal_of_one_endpoint_pauses_nothing<S: Store>(store: &S) {
    let on = On(store);
    let key = RateLimitKey::new("etsy", "").endpoint("GET /x");
    let limit = ConfiguredLimit::new(key, LimitRule::Window { units: 9, window: Duration::from_secs(300) });
    let request = PermitRequest::of(call(Some("main")));
    let request = AcquireRequest::new(PermitId::from_random(1), request, at(1)).configured(vec![limit]);
    let permit = on.write(|s| s.rate_limits().acquire(&request)).permit().unwrap();
    settle(&on, permit, refusal(200), at(2));
    assert_eq!(pauses(&on, at(2)), []);
    assert!(matches!(refused(&on, Some("main"), at(3)).by, ClosedBy::Blocked { .. }));
    let other = call(Some("main")).endpoint("GET /y");
    assert!(outcome(&on, 2, other, at(3)).permit().is_some());
}

fn an_account_whose_limit_is_used_up_is_paused<S: Store>(store: &S) {
    let on = On(store);
    let permit = acquired(&on, 1, at(1));
    let used_up = ReportedLimit::new("calls").used_basis_points(10_000).resets_at(at(300));
    settle(&on, permit, CallAnswer::reported(vec![used_up]), at(2));
    let [written] = &pauses(&on, at(2))[..] else { panic!("one pause") };
    assert_eq!((&written.scope, written.until), (&scope("etsy/main"), Some(at(300))));
    assert!(written.reason.starts_with("etsy/main (calls): "), "{}", written.reason);
}

fn the_limiter_leaves_a_longer_pause_as_it_is<S: Store>(store: &S) {
    let on = On(store);
    let (first, second) = (acquired(&on, 1, at(1)), acquired(&on, 2, at(1)));
    let longer = by_ann("etsy/main").until(at(300));
    pause(&on, &longer);
    settle(&on, first, refusal(200), at(2));
    assert_eq!(pauses(&on, at(2)), [longer]);
    settle(&on, second, refusal(400), at(3));
    let [written] = &pauses(&on, at(3))[..] else { panic!("one pause") };
    assert_eq!((written.by.as_str(), written.until), (PAUSED_BY_LIMITER, Some(at(400))));
    let endless = by_ann("etsy/main");
    assert!(pause(&on, &endless), "a person may pause for longer");
    assert_eq!(pauses(&on, at(3)), [endless]);
}

fn answers_to_calls_in_flight_write_one_pause<S: Store>(store: &S) {
    let on = On(store);
    let permits = [1, 2, 3].map(|number| acquired(&on, number, at(1)));
    for (permit, seconds) in permits.into_iter().zip([2, 3, 5]) {
        settle(&on, permit, refusal(seconds + 100), at(seconds));
    }
    let [written] = &pauses(&on, at(5))[..] else { panic!("one pause") };
    assert_eq!((written.since, written.until), (at(5), Some(at(105))), "the second answer said nearly the same");
}

fn a_lifted_pause_lets_calls_pass_until_the_next_refusal<S: Store>(store: &S) {
    let on = On(store);
    let (first, second) = (acquired(&on, 1, at(1)), acquired(&on, 2, at(1)));
    settle(&on, first, refusal(200), at(2));
    refused(&on, Some("main"), at(3));
    assert!(lift(&on, "etsy/main", at(4)));
    assert_eq!(pauses(&on, at(4)), []);
    settle(&on, second, CallAnswer::silent(), at(5));
    let permit = acquired(&on, 3, at(6));
    assert_eq!(pauses(&on, at(6)), [], "the answer from before the lift is not read again");
    settle(&on, permit, refusal(300), at(7));
    assert_eq!(refused(&on, Some("main"), at(8)).until, at(300));
    assert_eq!(pauses(&on, at(8)).len(), 1);
}

fn by_budget(name: &str) -> Pause {
    Pause::new(scope(name), "5 of 5 calls are used", at(0), "budget calls").until(at(900))
}

fn a_part_of_the_program_lifts_only_its_own_pause_and_no_block<S: Store>(store: &S) {
    let on = On(store);
    let lift_own = |by: &str, now| on.write(|s| s.pauses().lift_own(&scope("etsy/main"), by, now));
    on.enqueue_all(&[job(1).account(Some("etsy/main".parse().unwrap()))]);
    let permit = acquired(&on, 1, at(1));
    settle(&on, permit, refusal(200), at(2));
    pause(&on, &by_budget("etsy/main"));
    assert_eq!(on.claim(1, 9, at(3)), []);
    assert!(!lift_own("ann", at(3)) && !lift_own("budget other", at(3)));
    assert_eq!(pauses(&on, at(3)).len(), 1);
    assert!(lift_own("budget calls", at(4)) && !lift_own("budget calls", at(4)));
    assert_eq!((pauses(&on, at(4)), ids(&on.claim(2, 9, at(4)))), (vec![], numbered(&[1])));
    assert!(matches!(refused(&on, Some("main"), at(5)).by, ClosedBy::Blocked { .. }));
    pause(&on, &by_budget("etsy/main"));
    assert!(!lift_own("budget calls", at(900)), "a pause that is over is not lifted");
}

fn a_caller_that_asks_the_budgets_ignores_their_pauses_alone<S: Store>(store: &S) {
    let on = On(store);
    pause(&on, &by_budget("etsy"));
    let call = call(Some("main"));
    let ignoring = |number: u64| {
        let request = AcquireRequest::new(PermitId::from_random(number.into()), PermitRequest::of(call.clone()), at(1));
        let request = request.pauses_of_budgets(PausesOfBudgets::Ignore);
        let look = on.read(|s| s.rate_limits().look(&call, PausesOfBudgets::Ignore, at(1)));
        let permit = on.write(|s| s.rate_limits().acquire(&request)).permit();
        assert_eq!(permit.is_some(), look == Availability::Open);
        permit.is_some()
    };
    assert!(ignoring(1));
    assert_eq!(refused(&on, Some("main"), at(1)).until, at(900));
    pause(&on, &by_ann("etsy/main").until(at(10)));
    assert!(!ignoring(2));
    assert_eq!(refused(&on, Some("main"), at(1)).until, at(900));
}
