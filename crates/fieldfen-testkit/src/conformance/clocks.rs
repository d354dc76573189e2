//! Clocks that jump: nothing is lost, nothing runs twice, whatever they say.

use fieldfen_domain::job::{Fenced, JobState, Retry};
use fieldfen_domain::store::Store;

use super::steps::{On, ids, numbered};
use super::{Case, named};
use crate::fixtures::{LEASE, TICK, at, claim_ref, job};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["clocks":
        a_clock_that_jumps_back_makes_jobs_wait_but_loses_none,
        a_clock_that_jumps_back_keeps_leases_longer,
        a_clock_that_jumps_on_ends_leases_early_but_the_fence_holds,
        a_job_may_end_before_it_began,
        a_heartbeat_by_a_slow_clock_shortens_the_lease,
        years_before_1970_are_years_like_others,
    ]
}

fn a_clock_that_jumps_back_makes_jobs_wait_but_loses_none<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1).run_at(at(100)));
    on.claim(1, 1, at(100));
    on.fail(claim_ref(1, 1), Retry::At(at(110)), at(100));
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
    assert_eq!(on.complete(claim_ref(1, 1), at(0)), Fenced::Done(()));
}

fn a_clock_that_jumps_on_ends_leases_early_but_the_fence_holds<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim(1, 1, at(0));
    assert_eq!(on.reclaim(at(1_000_000), 9).len(), 1);
    assert_eq!(on.claim(2, 1, at(1_000_000)).len(), 1);
    assert_eq!(on.complete(claim_ref(1, 1), at(1)), Fenced::LeaseLost);
    assert_eq!(on.complete(claim_ref(1, 2), at(2)), Fenced::Done(()));
    assert_eq!(on.complete(claim_ref(1, 1), at(3)), Fenced::LeaseLost);
}

fn a_job_may_end_before_it_began<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim(1, 1, at(10));
    on.complete(claim_ref(1, 1), at(-10));
    assert_eq!(on.job(1).state, JobState::Completed { at: Some(at(-10)) });
    assert_eq!(on.complete(claim_ref(1, 1), at(20)), Fenced::AlreadyDone { at: Some(at(-10)) });
}

fn a_heartbeat_by_a_slow_clock_shortens_the_lease<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim(1, 1, at(100));
    assert!(on.heartbeat(claim_ref(1, 1), at(50)).is_done());
    assert_eq!(on.reclaim(at(50) + LEASE - TICK, 9), []);
    assert_eq!(on.reclaim(at(50) + LEASE, 9).len(), 1);
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
