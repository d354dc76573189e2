//! The decisions of one limit against tables written by hand.

use std::time::Duration;

use super::*;
use crate::ids::PermitId;
use crate::time::Timestamp;

const MINUTE: Duration = Duration::from_secs(60);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(1_767_225_600 + seconds, 0).unwrap()
}

fn limit(rule: LimitRule) -> RateLimit {
    RateLimit::new(RateLimitId::new(1), RateLimitKey::new("etsy", "day"), rule)
}

fn window(units: u64) -> RateLimit {
    limit(LimitRule::Window { units, window: MINUTE })
}

fn bucket(burst: u64, per_second: u64) -> RateLimit {
    limit(LimitRule::Refill { burst, micros_per_second: per_second * 1_000_000 })
}

/// A permit of one unit of the limit, acquired at this second, when so many units had been settled.
fn permit(acquired: i64, settled_then: u64) -> Permit {
    let mut permit = Permit::new(PermitId::from_random(1), CallScope::new("etsy"), at(acquired), MINUTE);
    permit.limits.push(PermitLimit::new(RateLimitId::new(1), 1, settled_then));
    permit
}

#[test]
fn a_window_lets_pass_what_keeps_settled_permitted_and_others_within_the_limit() {
    // used, permitted, others until second 30, said limit, wanted: passes at second 0?
    for (used, permitted, others, said, wanted, passes) in [
        (0, 0, 0, None, 1, true),
        (9, 0, 0, None, 1, true),
        (10, 0, 0, None, 1, false),
        (0, 10, 0, None, 1, false),
        (0, 0, 10, None, 1, false),
        (4, 3, 2, None, 1, true),
        (4, 3, 3, None, 1, false),
        (4, 3, 2, None, 2, false),
        (4, 0, 0, Some(5), 1, true),
        (5, 0, 0, Some(5), 1, false),
        (9, 0, 0, Some(500), 1, true),
        (10, 0, 0, Some(500), 1, false),
        (0, 0, 0, None, 11, true),
        (1, 0, 0, None, 11, false),
        (0, 0, 0, Some(0), 1, true),
    ] {
        let mut limit = window(10);
        (limit.used, limit.permitted, limit.reported_units) = (used, permitted, said);
        limit.others = Some(UnitsUntil::new(others, at(30)));
        assert_eq!(limit.refusal(wanted, at(0)).is_none(), passes, "{limit:?}, wanted {wanted}");
        let left = limit.limit().unwrap().saturating_sub(used + permitted + others);
        assert_eq!(limit.available(at(0)), Some(left));
    }
}

#[test]
fn a_window_opens_when_enough_units_are_free() {
    // cells (second, units), others (units, until second), excess over the limit: opens at second
    for (cells, others, wanted, opens) in [
        (vec![(10, 4), (20, 6)], (0, 0), 1, 10),
        (vec![(10, 4), (20, 6)], (0, 0), 4, 10),
        (vec![(10, 4), (20, 6)], (0, 0), 5, 20),
        (vec![(10, 4), (20, 4)], (2, 5), 1, 5),
        (vec![(10, 4), (20, 4)], (2, 5), 3, 10),
        (vec![(10, 4), (20, 4)], (2, 40), 10, 40),
        (vec![(10, 4)], (0, 0), 5, 60),
    ] {
        let mut limit = window(10);
        limit.used = cells.iter().map(|(_, units)| units).sum();
        limit.others = Some(UnitsUntil::new(others.0, at(others.1)));
        limit.permitted = 10 - limit.used - others.0;
        let refusal = limit.refusal(wanted, at(0)).unwrap();
        assert!(refusal.depends_on_cells());
        let cells: Vec<_> = cells.iter().map(|(second, units)| UsageCell::new(at(*second), *units)).collect();
        assert_eq!(refusal.closed(&cells).until, at(opens), "{cells:?} {others:?} {wanted}");
    }
}

#[test]
fn what_the_answer_says_is_held_against_what_is_surely_own_and_what_may_be() {
    // used (own one included), settled since the permit, permitted, others known, said limit, remaining: others
    for (used, since, permitted, known, said, remaining, others) in [
        (5, 0, 0, 0, 10, 5, 0),
        (5, 0, 0, 0, 10, 3, 2),
        (5, 0, 0, 4, 10, 3, 2),
        (5, 0, 0, 0, 10, 9, 0),
        (5, 0, 0, 0, 8, 0, 3),
        (5, 0, 0, 0, 4, 0, 0),
        // The calls that were settled since, or are in flight, can explain it.
        (5, 2, 0, 0, 10, 5, 0),
        (5, 0, 4, 0, 10, 3, 0),
        (5, 0, 4, 1, 10, 3, 1),
        (5, 9, 0, 0, 20, 15, 0),
        // They cannot, and the worst is assumed.
        (5, 2, 0, 0, 10, 4, 3),
        (5, 0, 4, 0, 20, 10, 5),
        (5, 2, 2, 1, 20, 11, 6),
        // Less than was known.
        (5, 2, 0, 9, 20, 14, 3),
    ] {
        let mut limit = window(10);
        (limit.used, limit.permitted, limit.settled) = (used, permitted, 100);
        limit.others = Some(UnitsUntil::new(known, at(30)));
        let said = ReportedLimit::new("day").limit(said).remaining(remaining);
        limit.correct(&said, &permit(0, 99 - since), 0, at(1));
        let corrected = limit.others_at(at(1)).filter(|others| others.units > 0);
        assert_eq!(corrected.map_or(0, |others| others.units), others, "{used} {since} {permitted} {known}");
        assert!(corrected.is_none_or(|others| others.until == at(61)));
    }
}

#[test]
fn what_is_left_without_a_limit_is_shared_among_the_calls_in_flight() {
    // remaining, permits in flight, settled since the permit: left
    for (remaining, permitted, since, left) in
        [(10, 0, 0, 10), (10, 3, 0, 7), (10, 3, 2, 5), (2, 3, 0, 0), (0, 0, 0, 0)]
    {
        let mut limit = limit(LimitRule::Reported);
        (limit.permitted, limit.settled) = (permitted, 100);
        let said = ReportedLimit::new(None).remaining(remaining).resets_at(at(31));
        limit.correct(&said, &permit(0, 99 - since), 0, at(1));
        assert_eq!(limit.left, Some(UnitsUntil::new(left, at(31))));
        assert_eq!(limit.refusal(1, at(1)).is_none(), left >= 1);
        if let Some(refusal) = limit.refusal(1, at(1)) {
            assert_eq!(refusal.closed(&[]).until, at(31));
        }
        assert!(limit.refusal(1, at(31)).is_none(), "nothing is known after the reset");
    }
    let mut limit = limit(LimitRule::Reported);
    limit.correct(&ReportedLimit::new(None).remaining(2), &permit(0, 0), 0, at(1));
    let first = limit.take(1, at(1));
    limit.take(1, at(1));
    assert_eq!(limit.left, Some(UnitsUntil::new(0, at(61))));
    limit.give_back(&first, at(2));
    assert_eq!((limit.left, limit.permitted), (Some(UnitsUntil::new(1, at(61))), 1));
}

#[test]
fn an_answer_that_may_be_older_lowers_and_does_not_raise() {
    let said = |limit, remaining| ReportedLimit::new("day").limit(limit).remaining(remaining);
    let mut limit = window(500);
    (limit.used, limit.settled) = (100, 100);
    limit.correct(&said(250, 150), &permit(5, 99), 0, at(10));
    assert_eq!((limit.limit(), limit.tightened_at), (Some(250), Some(at(10))));
    limit.correct(&said(500, 400), &permit(9, 99), 0, at(11));
    assert_eq!(limit.limit(), Some(250), "the call may have been made before the limit fell");
    limit.correct(&said(250, 120), &permit(9, 99), 0, at(12));
    assert_eq!(limit.others.unwrap().units, 30);
    limit.correct(&said(250, 150), &permit(11, 99), 0, at(13));
    assert_eq!(limit.others.unwrap().units, 30);
    limit.correct(&said(500, 400), &permit(12, 99), 0, at(14));
    assert_eq!((limit.limit(), limit.others), (Some(500), None), "the call was made after what is known was said");
    limit.correct(&said(1000, 900), &permit(14, 99), 0, at(15));
    assert_eq!(limit.limit(), Some(500), "the configured number holds too");
}

#[test]
fn a_bucket_refills_and_pays_for_permits_in_flight_until_they_are_settled() {
    let mut limit = bucket(40, 2);
    assert_eq!(limit.available(at(0)), Some(40));
    let taken = limit.take(30, at(0));
    assert_eq!(limit.available(at(5)), Some(10), "a full bucket does not refill while a call is under way");
    assert!(limit.settle(&taken, at(5), at(5)).is_none());
    assert_eq!(
        (limit.available(at(5)), limit.available(at(10)), limit.available(at(60))),
        (Some(10), Some(20), Some(40))
    );
    let refusal = limit.refusal(31, at(10)).unwrap();
    assert_eq!(refusal.closed(&[]).until, at(15) + Duration::from_millis(500));
    assert!(limit.refusal(31, at(16)).is_none());
    // A call of more than a full bucket passes when the bucket is full and no call is under way.
    assert!(limit.refusal(100, at(19)).is_some());
    assert!(limit.refusal(100, at(20)).is_none());
    limit.take(1, at(20));
    assert!(limit.refusal(100, at(60)).is_some());
}

#[test]
fn answers_that_are_settled_out_of_order_refill_no_time_twice() {
    let mut limit = bucket(40, 2);
    let (first, second) = (limit.take(20, at(0)), limit.take(20, at(0)));
    limit.settle(&second, at(10), at(10));
    limit.settle(&first, at(2), at(10));
    assert_eq!(limit.available(at(10)), Some(0));
}

#[test]
fn an_answer_sets_a_bucket_and_its_speed() {
    let mut limit = bucket(1000, 50);
    let taken = limit.take(100, at(0));
    limit.settle(&taken, at(1), at(1));
    let said = ReportedLimit::new(None).limit(1000).remaining(300).refill_micros_per_second(10_000_000);
    limit.correct(&said, &permit(0, 100), 0, at(1));
    assert_eq!((limit.available(at(1)), limit.available(at(2))), (Some(300), Some(310)));
    // A bucket that nobody has configured is known as soon as an answer tells its size and speed.
    let mut limit = self::limit(LimitRule::Reported);
    limit.correct(&said, &permit(0, 0), 0, at(1));
    assert_eq!(limit.available(at(2)), Some(310));
}

#[test]
fn refusals_pause_for_longer_each_time_and_calls_in_flight_say_nothing_new() {
    let mut limit = window(500);
    let until = |limit: &RateLimit| limit.blocked.as_ref().map(|block| block.until);
    limit.throttle(None, at(0), at(1));
    assert_eq!(until(&limit), Some(at(2)));
    limit.throttle(None, at(0), at(1));
    limit.throttle(None, at(0), at(2));
    assert_eq!((until(&limit), limit.throttles), (Some(at(2)), 1));
    limit.throttle(Some(at(9)), at(0), at(2));
    assert_eq!((until(&limit), limit.throttles), (Some(at(9)), 1), "a later time that the service says holds");
    for (acquired, pause) in [(10, 2), (20, 4), (40, 8), (80, 16), (160, 32), (320, 60), (640, 60)] {
        limit.throttle(None, at(acquired), at(acquired + 1));
        assert_eq!(until(&limit), Some(at(acquired + 1 + pause)));
        assert!(limit.refusal(1, at(acquired + pause)).is_some());
        assert!(limit.refusal(1, at(acquired + 1 + pause)).is_none());
    }
    limit.taken_again(at(0));
    assert_eq!(limit.throttles, 8);
    limit.taken_again(at(700));
    limit.throttle(None, at(710), at(711));
    assert_eq!(until(&limit), Some(at(712)));
    let far = at(1_000_000);
    limit.throttle(Some(far), at(720), at(721));
    assert_eq!(until(&limit), Some(at(721) + MAX_REPORTED_SPAN), "an absurd time is cut");
}

#[test]
fn a_share_of_all_blocks_until_the_reset() {
    let mut limit = limit(LimitRule::Reported);
    limit.correct(&ReportedLimit::new(None).used_basis_points(9_999), &permit(0, 0), 0, at(1));
    assert!(limit.refusal(1, at(1)).is_none());
    limit.correct(&ReportedLimit::new(None).used_basis_points(10_050).resets_at(at(600)), &permit(0, 0), 0, at(1));
    let closed = limit.refusal(1, at(1)).unwrap().closed(&[]);
    assert_eq!(
        closed.to_string(),
        "etsy (day): the service says that 100.50 % are used, until 2026-01-01 00:10:00 UTC"
    );
}

#[test]
fn what_a_clock_ahead_has_written_does_not_hold() {
    let year = 365 * 24 * 60 * 60;
    let mut limit = window(1);
    limit.blocked = Some(Block::new(at(year), at(year), "ahead"));
    limit.others = Some(UnitsUntil::new(1, at(year)));
    limit.left = Some(UnitsUntil::new(0, at(year)));
    limit.tightened_at = Some(at(year));
    assert!(limit.refusal(1, at(0)).is_none());
    limit.correct(&ReportedLimit::new(None).limit(7), &permit(0, 0), 0, at(1));
    assert_eq!(limit.reported_units, Some(7));
    limit.throttle(None, at(0), at(1));
    assert_eq!(limit.blocked.as_ref().map(|block| block.until), Some(at(2)));
    let mut bucket = bucket(40, 2);
    bucket.level = Some(BucketLevel::new(0, at(year)));
    assert_eq!(bucket.available(at(0)), Some(40));
    let taken = bucket.take(10, at(0));
    bucket.settle(&taken, at(1), at(1));
    assert_eq!(bucket.available(at(1)), Some(30));
}

#[test]
fn an_answer_speaks_of_the_limit_that_it_names_or_of_the_only_one() {
    let limit = |number, bucket: &str, seconds| {
        let rule = LimitRule::Window { units: 1, window: Duration::from_secs(seconds) };
        RateLimit::new(RateLimitId::new(number), RateLimitKey::new("etsy", bucket), rule)
    };
    let of_account = |mut limit: RateLimit| {
        limit.key = limit.key.account("a");
        limit
    };
    let settlement = |taken: &[i64]| {
        let mut permit = permit(0, 0);
        permit.limits = taken.iter().map(|id| PermitLimit::new(RateLimitId::new(*id), 1, 0)).collect();
        Settlement::new(permit, CallAnswer::silent(), at(1))
    };
    let limits =
        [limit(1, "second", 1), limit(2, "day", 86_400), of_account(limit(3, "day", 86_400)), limit(4, "other", 5)];
    let second = Duration::from_secs(1);
    for (taken, said, expected) in [
        (vec![1, 2], ReportedLimit::new("second"), Ok(1)),
        (vec![1, 2], ReportedLimit::new("day"), Ok(3)),
        (vec![1], ReportedLimit::new(None), Ok(1)),
        (vec![1, 2], ReportedLimit::new(None).window(second), Ok(1)),
        (vec![1, 2], ReportedLimit::new(None), Err("etsy")),
        (vec![1, 2], ReportedLimit::new("hour"), Err("etsy (hour)")),
        (vec![1], ReportedLimit::new("day").endpoint("GET /x"), Err("etsy GET /x (day)")),
    ] {
        let found = settlement(&taken).limit_of(&said, &limits).map(RateLimitId::number).map_err(|key| key.to_string());
        assert_eq!(found, expected.map_err(str::to_owned), "{taken:?} {said:?}");
    }
    let blocked = |taken: &[i64], bucket| {
        settlement(taken).blocked_limits(bucket, &limits).into_iter().map(RateLimitId::number).collect::<Vec<_>>()
    };
    assert_eq!(blocked(&[1, 2], Some("second")), [1]);
    assert_eq!(blocked(&[1, 2], Some("unknown")), [1, 2]);
    assert_eq!(blocked(&[1, 2], None), [1, 2]);
    assert_eq!(blocked(&[], None), [0; 0]);
}
