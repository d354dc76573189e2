//! Clocks that jump: no job is lost and none runs twice.

use fieldfen_domain::job::{FailOutcome, FencedResult, JobActionOutcome, JobState, Retry};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{CLOCK_TOLERANCE, MAX_TIMESTAMP, MIN_TIMESTAMP, Timestamp};

use super::operations::{On, ids, numbered};
use super::{Case, named};
use crate::fixtures::{LEASE, TICK, at, claim_ref, job, lost_lease_backoff, reclaim_request};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["clock_jumps":
        a_clock_that_jumps_back_makes_jobs_wait_but_loses_none,
        a_clock_that_jumps_back_keeps_leases_longer,
        a_clock_that_jumps_on_ends_leases_early_but_the_fence_holds,
        a_job_may_end_before_it_began,
        a_heartbeat_by_a_slow_clock_shortens_the_lease,
        a_lease_that_ends_later_than_any_may_is_reclaimed,
        waits_that_begin_in_the_future_begin_at_the_reclaim,
        a_reclaim_shortens_no_more_waits_than_its_limit,
        years_before_1970_are_years_like_others,
        a_job_that_is_due_beyond_all_years_is_refused,
        a_next_try_beyond_all_years_is_due_in_the_last_one,
    ]
}

fn a_clock_that_jumps_back_makes_jobs_wait_but_loses_none<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1).run_at(at(100)));
    on.claim(1, 1, at(100));
    assert!(on.fail(claim_ref(1, 1), Retry::At(at(110)), at(100)).is_done());
    assert_eq!(on.claim(2, 1, at(-100)), []);
    assert_eq!(on.claim(2, 1, at(110) - TICK), []);
    assert_eq!(ids(&on.claim(2, 1, at(110))), numbered(&[1]));
}

fn a_clock_that_jumps_back_keeps_leases_longer<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim(1, 1, at(1000));
    assert_eq!(on.reclaim(at(0), 9), []);
    assert_eq!(on.claim(2, 1, at(0)), []);
    assert_eq!(on.complete(claim_ref(1, 1), at(0)), FencedResult::Done(()));
}

fn a_clock_that_jumps_on_ends_leases_early_but_the_fence_holds<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim(1, 1, at(0));
    assert_eq!(on.reclaim(at(1_000_000), 9).len(), 1);
    assert_eq!(on.claim(2, 1, at(1_000_010)).len(), 1);
    assert_eq!(on.complete(claim_ref(1, 1), at(1)), FencedResult::LeaseLost);
    assert_eq!(on.complete(claim_ref(1, 2), at(2)), FencedResult::Done(()));
    assert_eq!(on.complete(claim_ref(1, 1), at(3)), FencedResult::LeaseLost);
}

fn a_job_may_end_before_it_began<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim(1, 1, at(10));
    assert!(on.complete(claim_ref(1, 1), at(-10)).is_done());
    assert_eq!(on.job(1).state, JobState::Completed { at: Some(at(-10)) });
    assert_eq!(on.complete(claim_ref(1, 1), at(20)), FencedResult::AlreadyDone { at: Some(at(-10)) });
}

fn a_heartbeat_by_a_slow_clock_shortens_the_lease<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim(1, 1, at(100));
    assert!(on.heartbeat(claim_ref(1, 1), at(50)).is_done());
    assert_eq!(on.reclaim(at(50) + LEASE - TICK, 9), []);
    assert_eq!(on.reclaim(at(50) + LEASE, 9).len(), 1);
}

fn a_lease_that_ends_later_than_any_may_is_reclaimed<S: Store>(store: &S) {
    let on = On(store);
    let year = chrono::TimeDelta::days(365);
    for number in [1, 2] {
        on.enqueue(&job(number));
    }
    on.claim(1, 1, at(0) + year);
    on.claim(2, 1, at(0));
    let latest = |latest| reclaim_request(at(1), 9).latest(latest);
    assert_eq!(on.reclaim_by(&latest(at(0) + year + LEASE)), []);
    let taken = on.reclaim_by(&latest(at(0) + year + LEASE - TICK));
    assert_eq!(taken.iter().map(|taken| taken.job.id).collect::<Vec<_>>(), numbered(&[1]));
    assert_eq!(on.job(1).run_at, at(11), "it is due by the clock of who has taken it back");
    assert_eq!(on.complete(claim_ref(1, 1), at(2)), FencedResult::LeaseLost);
    assert_eq!(on.complete(claim_ref(2, 2), at(2)), FencedResult::Done(()));
}

fn waits_that_begin_in_the_future_begin_at_the_reclaim<S: Store>(store: &S) {
    let on = On(store);
    let ahead = at(1_000_000);
    for number in 1..=7 {
        on.enqueue(&job(number));
        assert_eq!(ids(&on.claim(number, 1, ahead)), numbered(&[number]));
    }
    let later = |seconds| ahead + chrono::TimeDelta::seconds(seconds);
    assert!(on.fail(claim_ref(1, 1), Retry::At(later(100)), ahead).is_done());
    assert!(on.write(|s| s.jobs().release(&claim_ref(2, 2), later(200), ahead)).is_done());
    assert!(on.write(|s| s.jobs().throttle(&claim_ref(3, 3), later(300), ahead)).is_done());
    assert!(on.write(|s| s.jobs().decline(&claim_ref(4, 4), "too new", later(400), ahead)).is_done());
    assert!(on.fail(claim_ref(5, 5), Retry::Never, ahead).is_done());
    assert_eq!(on.retry(5, ahead), JobActionOutcome::Done);
    assert_eq!(on.reclaim(ahead + LEASE, 9).len(), 2, "6 and 7 wait for 10 seconds from then on");
    on.enqueue(&job(8).run_at(ahead).created_at(ahead));
    on.enqueue(&job(9).run_at(later(1)).created_at(ahead));
    let before = on.job(9);
    let shorten = |now| on.write(|s| s.jobs().reclaim(&reclaim_request(now, 9), &lost_lease_backoff)).shortened;
    assert_eq!(shorten(ahead - CLOCK_TOLERANCE), 2, "those whose waits the reclaim has begun");
    assert_eq!(shorten(ahead - CLOCK_TOLERANCE - TICK), 6);
    assert_eq!(shorten(at(0)), 8);
    assert_eq!(shorten(at(0)), 0);
    let run_at = |number| on.job(number).run_at;
    assert_eq!([1, 2, 3, 4, 5, 6, 7, 8].map(run_at), [100, 200, 300, 400, 0, 10, 10, 0].map(at));
    assert_eq!(on.job(9), before, "somebody has chosen when it is due");
}

fn a_reclaim_shortens_no_more_waits_than_its_limit<S: Store>(store: &S) {
    let on = On(store);
    for number in 1..=3 {
        let ahead = at(1_000_000 - i64::try_from(number).unwrap_or(0));
        on.enqueue(&job(number).run_at(ahead).created_at(ahead));
    }
    let shorten = |limit| on.write(|s| s.jobs().reclaim(&reclaim_request(at(0), limit), &lost_lease_backoff)).shortened;
    assert_eq!(shorten(2), 2);
    assert_eq!(ids(&on.claim(1, 9, at(0))), numbered(&[2, 3]), "the soonest first");
    assert_eq!((shorten(2), shorten(2)), (1, 0));
}

fn years_before_1970_are_years_like_others<S: Store>(store: &S) {
    let on = On(store);
    let long_ago = at(0) - chrono::TimeDelta::days(365 * 100);
    on.enqueue(&job(1).run_at(long_ago - TICK));
    assert_eq!(on.job(1).run_at, long_ago - TICK);
    assert_eq!(on.claim(1, 1, long_ago - TICK * 2), []);
    assert_eq!(on.claim(1, 1, long_ago - TICK).len(), 1);
    assert_eq!(on.reclaim(long_ago + LEASE - TICK * 2, 9), []);
    assert_eq!(on.reclaim(long_ago + LEASE - TICK, 9).len(), 1);
}

fn a_job_that_is_due_beyond_all_years_is_refused<S: Store>(store: &S) {
    let on = On(store);
    for time in [MAX_TIMESTAMP + TICK, MIN_TIMESTAMP - TICK, Timestamp::MAX_UTC, Timestamp::MIN_UTC] {
        let error = on.refuse(|s| s.jobs().enqueue(&job(1).run_at(time)));
        assert!(
            matches!(&error, StoreError::Invalid { what: "time", value, .. } if *value == time.to_string()),
            "{error}"
        );
    }
    assert_eq!(on.find_job(1), None);
    on.enqueue(&job(1).run_at(MAX_TIMESTAMP));
    assert_eq!(ids(&on.claim(1, 9, MAX_TIMESTAMP)), numbered(&[1]));
}

fn a_next_try_beyond_all_years_is_due_in_the_last_one<S: Store>(store: &S) {
    let on = On(store);
    for (number, run_at, kept) in [(1, Timestamp::MAX_UTC, MAX_TIMESTAMP), (2, Timestamp::MIN_UTC, MIN_TIMESTAMP)] {
        on.enqueue(&job(number));
        assert_eq!(ids(&on.claim(number, 1, at(0))), numbered(&[number]));
        let finished = on.fail(claim_ref(number, number), Retry::At(run_at), at(0));
        assert_eq!(finished, FencedResult::Done(FailOutcome::Retrying { run_at: kept, attempts: 1 }));
        on.claim(number + 10, 1, kept);
        assert_eq!(on.release(claim_ref(number, number + 10), run_at), FencedResult::Done(()));
        assert_eq!((on.job(number).state, on.job(number).run_at), (JobState::Pending, kept));
    }
}
