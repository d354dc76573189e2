//! Limits that only answers have named are pruned.

use std::time::Duration;

use fieldfen_domain::PermitId;
use fieldfen_domain::rate_limit::{
    AcquireRequest, CallAnswer, ConfiguredLimit, LimitRule, Permit, PermitRequest, RateLimitKey, ReportedLimit,
    Settlement,
};
use fieldfen_domain::store::Store;

use super::operations::On;
use super::{Case, named};
use crate::fixtures::at;

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["rate_limit_pruning":
        limits_that_no_answer_names_any_more_are_pruned,
        configured_limits_are_kept,
        a_limit_with_a_permit_in_flight_is_kept,
        a_limit_that_only_refusals_made_is_pruned,
    ]
}

fn acquire<S: Store>(on: &On<'_, S>, number: u128, configured: Option<ConfiguredLimit>, seconds: i64) -> Permit {
    let request = AcquireRequest::new(PermitId::from_random(number), PermitRequest::new("etsy"), at(seconds))
        .configured(configured.into_iter().collect());
    on.write(|s| s.rate_limits().acquire(&request)).permit().unwrap()
}

/// An answer at this time that names these buckets.
fn answer<S: Store>(on: &On<'_, S>, permit: &Permit, buckets: &[&str], seconds: i64) {
    let said = buckets.iter().map(|bucket| ReportedLimit::new((*bucket).to_owned()).limit(100).remaining(50)).collect();
    let settlement = Settlement::new(permit.clone(), CallAnswer::reported(said), at(seconds));
    on.write(|s| s.rate_limits().settle(&settlement));
}

fn prune<S: Store>(on: &On<'_, S>, before: i64, limit: u32) -> u64 {
    on.write(|s| s.rate_limits().prune(at(before), limit))
}

fn buckets<S: Store>(on: &On<'_, S>) -> Vec<String> {
    let limits = on.read(|s| s.rate_limits().list(None, at(9)));
    limits.into_iter().map(|limit| limit.unwrap().key.bucket).collect()
}

fn limits_that_no_answer_names_any_more_are_pruned<S: Store>(store: &S) {
    let on = On(store);
    let permit = acquire(&on, 1, None, 0);
    answer(&on, &permit, &["a", "b", "c", "d"], 0);
    let permit = acquire(&on, 2, None, 5);
    answer(&on, &permit, &["c"], 5);
    assert_eq!((prune(&on, 0, 9), buckets(&on).len()), (0, 4), "none is older");
    assert_eq!((prune(&on, 5, 2), buckets(&on)), (2, vec!["c".to_owned(), "d".to_owned()]));
    assert_eq!((prune(&on, 5, 9), buckets(&on)), (1, vec!["c".to_owned()]));
    assert_eq!((prune(&on, 5, 9), prune(&on, 6, 0)), (0, 0));
    assert_eq!((prune(&on, 6, 9), buckets(&on)), (1, vec![]));
    let permit = acquire(&on, 3, None, 7);
    answer(&on, &permit, &["a"], 7);
    assert_eq!(buckets(&on), ["a"]);
}

fn configured_limits_are_kept<S: Store>(store: &S) {
    let on = On(store);
    let rule = LimitRule::Window { units: 9, window: Duration::from_secs(1) };
    let configured = ConfiguredLimit::new(RateLimitKey::new("etsy", "mine"), rule);
    let permit = acquire(&on, 1, Some(configured), 0);
    answer(&on, &permit, &["mine", "other"], 0);
    assert_eq!((prune(&on, 1000, 9), buckets(&on)), (1, vec!["mine".to_owned()]));
}

fn a_limit_with_a_permit_in_flight_is_kept<S: Store>(store: &S) {
    let on = On(store);
    let permit = acquire(&on, 1, None, 0);
    answer(&on, &permit, &["a"], 0);
    let permit = acquire(&on, 2, None, 1);
    assert_eq!((prune(&on, 1000, 9), buckets(&on)), (0, vec!["a".to_owned()]));
    let settlement = Settlement::new(permit, CallAnswer::NotSent, at(2));
    on.write(|s| s.rate_limits().settle(&settlement));
    assert_eq!(prune(&on, 1000, 9), 1);
}

fn a_limit_that_only_refusals_made_is_pruned<S: Store>(store: &S) {
    let on = On(store);
    let permit = acquire(&on, 1, None, 0);
    let settlement = Settlement::new(permit, CallAnswer::throttled(Vec::new(), Some(at(4))), at(3));
    on.write(|s| s.rate_limits().settle(&settlement));
    assert_eq!((prune(&on, 3, 9), prune(&on, 4, 9)), (0, 1));
}
