//! The jobs that a claim takes, and their order.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use fieldfen_domain::job::{ClaimRequest, JobFilter, JobState, JobStatus, Lease, Priority, Retry};
use fieldfen_domain::store::Store;

use super::operations::{On, ids, numbered, with_nanoseconds};
use super::{Case, named};
use crate::fixtures::{LEASE, TICK, WORKER, at, claim_ref, claim_request, job, kind, token, work};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["claims":
        a_claim_goes_by_priority_then_due_time_then_insertion,
        the_order_holds_across_kinds,
        a_claim_takes_no_more_than_its_limit_and_leaves_the_rest_alone,
        a_limit_of_zero_takes_nothing,
        a_kind_with_a_limit_of_its_own_does_not_hold_others_back,
        no_kinds_take_nothing,
        other_kinds_are_left_alone,
        a_job_is_due_at_its_time_and_not_a_tick_before,
        what_is_due_later_does_not_stand_in_the_way,
        a_claimed_job_carries_its_lease,
        nothing_is_claimed_twice,
        a_job_keeps_its_place_when_it_comes_back,
        a_job_can_be_claimed_in_the_transaction_that_enqueues_it,
    ]
}

fn a_claim_goes_by_priority_then_due_time_then_insertion<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1).priority(Priority::Low).run_at(at(-90)));
    on.enqueue(&job(2).priority(Priority::Normal).run_at(at(5)));
    on.enqueue(&job(3).priority(Priority::Normal).run_at(at(4)));
    on.enqueue(&job(4).priority(Priority::Urgent).run_at(at(9)));
    on.enqueue(&job(5).priority(Priority::Normal).run_at(at(4)));
    on.enqueue(&job(6).priority(Priority::High).run_at(at(9)));
    on.enqueue(&job(7).priority(Priority::Normal).run_at(at(4) - TICK));
    assert_eq!(ids(&on.claim(1, 10, at(9))), numbered(&[4, 6, 7, 3, 5, 2, 1]));
}

/// A claim of these kinds.
fn of_kinds(kinds: &[&str], token: u64, limit: u32) -> ClaimRequest {
    claim_request(token, limit, at(9)).kinds(kinds.iter().map(|name| kind(name)).collect())
}

fn the_order_holds_across_kinds<S: Store>(store: &S) {
    let on = On(store);
    let all = [
        (1, "b.kind", Priority::Normal, 3),
        (2, "a.kind", Priority::Normal, 3),
        (3, "c.kind", Priority::Normal, 1),
        (4, "b.kind", Priority::High, 8),
        (5, "a.kind", Priority::Normal, 2),
        (6, "c.kind", Priority::Low, 0),
        (7, "d.kind", Priority::Urgent, 0),
    ];
    for (number, name, priority, second) in all {
        on.enqueue(&job(number).priority(priority).run_at(at(second)).kind(kind(name)));
    }
    assert_eq!(ids(&on.claim_by(&of_kinds(&["a.kind", "b.kind", "c.kind"], 1, 3))), numbered(&[4, 3, 5]));
    assert_eq!(ids(&on.claim_by(&of_kinds(&["c.kind", "a.kind", "b.kind"], 2, 9))), numbered(&[1, 2, 6]));
}

fn a_claim_takes_no_more_than_its_limit_and_leaves_the_rest_alone<S: Store>(store: &S) {
    let on = On(store);
    for number in 1..=5 {
        on.enqueue(&job(number));
    }
    let before = on.job(3);
    assert_eq!(ids(&on.claim(1, 2, at(0))), numbered(&[1, 2]));
    assert_eq!(on.job(3), before);
    assert_eq!(ids(&on.claim(2, 1, at(0))), numbered(&[3]));
    assert_eq!(ids(&on.claim(3, 9, at(0))), numbered(&[4, 5]));
    assert_eq!(on.claim(4, 9, at(0)), []);
}

fn a_limit_of_zero_takes_nothing<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    assert_eq!(on.claim(1, 0, at(9)), []);
    assert_eq!(on.claim_by(&of_kinds(&["test.work", "test.other"], 1, 0)), []);
    assert_eq!(on.job(1).state, JobState::Pending);
}

fn a_kind_with_a_limit_of_its_own_does_not_hold_others_back<S: Store>(store: &S) {
    let on = On(store);
    for number in 1..=4 {
        on.enqueue(&job(number).kind(kind("rare.kind")));
        on.enqueue(&job(number + 4).kind(kind("a.kind")));
    }
    let limited = |kinds: &[&str], token, limit, of_rare: u32| {
        of_kinds(kinds, token, limit).limits([(kind("rare.kind"), of_rare), (kind("not.asked-for"), 9)].into())
    };
    assert_eq!(ids(&on.claim_by(&limited(&["a.kind", "rare.kind"], 1, 4, 1))), numbered(&[1, 5, 6, 7]));
    assert_eq!(ids(&on.claim_by(&limited(&["rare.kind"], 2, 9, 2))), numbered(&[2, 3]), "also when it is alone");
    assert_eq!(ids(&on.claim_by(&limited(&["a.kind", "rare.kind"], 3, 9, 0))), numbered(&[8]));
    assert_eq!(ids(&on.claim_by(&limited(&["rare.kind"], 4, 1, 9))), numbered(&[4]), "the limit of all holds too");
}

fn no_kinds_take_nothing<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    assert_eq!(on.claim_by(&claim_request(1, 9, at(9)).kinds(BTreeSet::new())), []);
    assert_eq!(on.job(1).state, JobState::Pending);
}

fn other_kinds_are_left_alone<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1).priority(Priority::Urgent).kind(kind("test.other")));
    on.enqueue(&job(2));
    assert_eq!(ids(&on.claim(1, 9, at(9))), numbered(&[2]));
    assert_eq!(on.job(1).state, JobState::Pending);
}

fn a_job_is_due_at_its_time_and_not_a_tick_before<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1).run_at(at(10)));
    assert_eq!(on.claim(1, 1, at(10) - TICK), []);
    assert_eq!(on.claim(1, 1, with_nanoseconds(at(10) - TICK)), [], "a fraction of a tick is no tick");
    assert_eq!(ids(&on.claim(1, 1, at(10))), numbered(&[1]));
}

fn what_is_due_later_does_not_stand_in_the_way<S: Store>(store: &S) {
    let on = On(store);
    for number in 1..=20 {
        on.enqueue(&job(number).priority(Priority::Urgent).run_at(at(100)));
    }
    on.enqueue(&job(21).priority(Priority::Low));
    assert_eq!(ids(&on.claim(1, 1, at(0))), numbered(&[21]));
}

fn a_claimed_job_carries_its_lease<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    let pending = on.job(1);
    let claimed = on.claim(1, 1, with_nanoseconds(at(7)));
    let lease = Lease::new(token(1), at(7) + LEASE, WORKER.to_owned());
    let state = JobState::Running { started_at: Some(at(7)), lease: Some(lease) };
    assert_eq!(claimed[0].state, state);
    assert_eq!(on.job(1), claimed[0], "the claim returns the job as it stands now");
    assert_eq!(with!(pending, state), claimed[0], "and has changed nothing else");
}

fn nothing_is_claimed_twice<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    assert_eq!(on.claim(1, 1, at(0)).len(), 1);
    assert_eq!(on.claim(2, 1, at(0)), []);
    assert_eq!(on.claim(2, 1, at(0) + LEASE * 2), [], "an expired lease is for the reclaim");
    assert!(on.complete(claim_ref(1, 1), at(1)).is_done());
    assert_eq!(on.claim(2, 1, at(0) + LEASE * 2), []);
}

fn a_job_keeps_its_place_when_it_comes_back<S: Store>(store: &S) {
    let on = On(store);
    for number in 1..=3 {
        on.enqueue(&job(number));
    }
    on.claim(1, 1, at(0));
    assert!(on.release(claim_ref(1, 1), at(0)).is_done());
    assert_eq!(ids(&on.claim(2, 1, at(0))), numbered(&[1]), "insertion counts, not when it came back");
    assert!(on.fail(claim_ref(1, 2), Retry::At(at(0) + TICK), at(0)).is_done());
    assert_eq!(ids(&on.claim(3, 9, at(1))), numbered(&[2, 3, 1]), "but its due time comes before");
}

fn a_job_can_be_claimed_in_the_transaction_that_enqueues_it<S: Store>(store: &S) {
    let on = On(store);
    let request = claim_request(1, 1, at(0) + TimeDelta::seconds(1)).kinds([work()].into());
    let claimed = on.write(|s| {
        s.jobs().enqueue(&job(1))?;
        s.jobs().claim(&request)
    });
    assert_eq!(ids(&claimed.jobs), numbered(&[1]));
    assert_eq!(on.jobs(&JobFilter::new().status(JobStatus::Running)), numbered(&[1]));
}
