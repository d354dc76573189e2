//! Jobs whose due time or priority an operator changes, and running jobs that an operator gives back to the queue.

use fieldfen_domain::job::{
    AttemptOutcome, FencedResult, HeartbeatOutcome, JobActionOutcome, JobState, Partition, Priority, Retry,
};
use fieldfen_domain::store::Store;
use fieldfen_domain::{MAX_TIMESTAMP, Timestamp};

use super::concurrency_limits::{job_of, set};
use super::operations::{On, ids, numbered, with_nanoseconds};
use super::{Case, named};
use crate::fixtures::{LEASE, at, claim_ref, job, job_id};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["reschedule":
        a_rescheduled_job_is_claimed_at_its_new_due_time,
        a_due_time_is_kept_within_the_range_of_timestamps,
        a_rescheduled_job_of_a_killed_handler_waits_for_it,
        a_later_due_time_outlasts_the_end_of_a_killed_handler,
        a_rescheduled_job_leaves_its_place_in_a_limit,
        an_urgent_job_is_claimed_first,
        an_urgent_job_goes_before_the_others_that_wait_for_a_limit,
        a_released_job_runs_again_when_its_handler_has_ended,
        a_released_job_runs_again_when_its_lease_has_expired,
        a_released_job_keeps_its_retries_and_records_the_attempt,
        a_released_job_gives_its_place_in_a_limit_back,
    ]
}

fn reschedule<S: Store>(on: &On<'_, S>, number: u64, run_at: Timestamp, now: Timestamp) {
    assert_eq!(on.reschedule(number, run_at, now), JobActionOutcome::Done);
}

fn a_rescheduled_job_is_claimed_at_its_new_due_time<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    reschedule(&on, 1, with_nanoseconds(at(20)), at(1));
    assert_eq!(on.job(1).run_at, at(20));
    assert_eq!(on.claim(1, 1, at(19)), []);
    reschedule(&on, 1, at(10), at(2));
    assert_eq!(ids(&on.claim(1, 1, at(10))), numbered(&[1]));
}

fn a_due_time_is_kept_within_the_range_of_timestamps<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    reschedule(&on, 1, Timestamp::MAX_UTC, at(1));
    assert_eq!(on.job(1).run_at, MAX_TIMESTAMP);
}

fn a_rescheduled_job_of_a_killed_handler_waits_for_it<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim(1, 1, at(0));
    assert_eq!(on.kill(1, at(1)), JobActionOutcome::Done);
    assert_eq!(on.retry(1, at(2)), JobActionOutcome::Done);
    reschedule(&on, 1, at(3), at(3));
    assert_eq!(on.job(1).run_at, at(0) + LEASE, "the handler may still run");
    assert_eq!(on.heartbeat(claim_ref(1, 1), at(4)), FencedResult::LeaseLost);
    assert_eq!(on.job(1).run_at, at(4) + LEASE);
    assert_eq!(on.release(claim_ref(1, 1), at(5)), FencedResult::LeaseLost);
    assert_eq!(ids(&on.claim(2, 1, at(5))), numbered(&[1]));
}

fn a_later_due_time_outlasts_the_end_of_a_killed_handler<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim(1, 1, at(0));
    assert_eq!(on.kill(1, at(1)), JobActionOutcome::Done);
    assert_eq!(on.retry(1, at(2)), JobActionOutcome::Done);
    reschedule(&on, 1, at(9000), at(3));
    assert_eq!(on.heartbeat(claim_ref(1, 1), at(4)), FencedResult::LeaseLost);
    assert_eq!(on.release(claim_ref(1, 1), at(5)), FencedResult::LeaseLost);
    assert_eq!(on.job(1).run_at, at(9000));
}

fn a_rescheduled_job_leaves_its_place_in_a_limit<S: Store>(store: &S) {
    let on = On(store);
    set(&on, Partition::Account, 1);
    for number in 1..=3 {
        on.enqueue(&job_of(number, 1));
    }
    assert_eq!(ids(&on.claim(1, 3, at(1))), numbered(&[1]));
    assert_eq!(on.claim(2, 3, at(2)), []);
    reschedule(&on, 2, at(100), at(3));
    assert!(on.complete(claim_ref(1, 1), at(4)).is_done());
    assert_eq!(ids(&on.claim(3, 3, at(5))), numbered(&[3]));
    assert!(on.complete(claim_ref(3, 3), at(6)).is_done());
    assert_eq!(on.claim(4, 3, at(99)), []);
    assert_eq!(ids(&on.claim(5, 3, at(100))), numbered(&[2]));
}

fn an_urgent_job_is_claimed_first<S: Store>(store: &S) {
    let on = On(store);
    for number in 1..=3 {
        on.enqueue(&job(number));
    }
    assert_eq!(on.set_priority(3, Priority::Urgent), JobActionOutcome::Done);
    assert_eq!(on.set_priority(1, Priority::Low), JobActionOutcome::Done);
    assert_eq!(ids(&on.claim(1, 3, at(1))), numbered(&[3, 2, 1]));
    // The priority of a running or failed job counts when it runs again.
    assert_eq!(on.set_priority(2, Priority::Urgent), JobActionOutcome::Done);
    assert!(on.fail(claim_ref(1, 1), Retry::Never, at(2)).is_done());
    assert_eq!(on.set_priority(1, Priority::High), JobActionOutcome::Done);
    assert_eq!(on.release(claim_ref(2, 1), at(3)), FencedResult::Done(()));
    assert_eq!(on.retry(1, at(3)), JobActionOutcome::Done);
    assert_eq!(ids(&on.claim(2, 3, at(4))), numbered(&[2, 1]));
}

fn an_urgent_job_goes_before_the_others_that_wait_for_a_limit<S: Store>(store: &S) {
    let on = On(store);
    set(&on, Partition::Account, 1);
    for number in 1..=4 {
        on.enqueue(&job_of(number, 1));
    }
    assert_eq!(ids(&on.claim(1, 4, at(1))), numbered(&[1]));
    assert_eq!(on.claim(2, 4, at(2)), []);
    assert_eq!(on.set_priority(4, Priority::Urgent), JobActionOutcome::Done);
    assert_eq!(on.claim(3, 4, at(3)), []);
    assert!(on.complete(claim_ref(1, 1), at(4)).is_done());
    assert_eq!(ids(&on.claim(4, 4, at(5))), numbered(&[4]));
    assert_eq!(on.claim(5, 4, at(6)), []);
}

fn a_released_job_runs_again_when_its_handler_has_ended<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim(1, 1, at(0));
    assert_eq!(on.release_running(1, at(1)), JobActionOutcome::Done);
    assert_eq!((on.job(1).state, on.job(1).run_at), (JobState::Pending, at(0) + LEASE));
    assert_eq!(on.heartbeat(claim_ref(1, 1), at(2)), FencedResult::LeaseLost);
    assert_eq!(on.job(1).run_at, at(2) + LEASE, "its handler runs");
    assert_eq!(on.claim(2, 1, at(3)), []);
    assert_eq!(on.complete(claim_ref(1, 1), at(4)), FencedResult::LeaseLost);
    assert_eq!(ids(&on.claim(3, 1, at(4))), numbered(&[1]));
    let heartbeat = HeartbeatOutcome::new(at(5) + LEASE, false);
    assert_eq!(on.heartbeat(claim_ref(1, 3), at(5)), FencedResult::Done(heartbeat));
}

fn a_released_job_runs_again_when_its_lease_has_expired<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim(1, 1, at(0));
    assert_eq!(on.release_running(1, at(0) + LEASE), JobActionOutcome::Done);
    assert_eq!(ids(&on.claim(2, 1, at(0) + LEASE)), numbered(&[1]), "no handler can run");
}

fn a_released_job_keeps_its_retries_and_records_the_attempt<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    let new = on.job(1);
    on.claim(1, 1, at(0));
    assert_eq!(on.release_running(1, with_nanoseconds(at(1))), JobActionOutcome::Done);
    assert_eq!(on.job(1), with!(new, run_at: at(0) + LEASE));
    let attempts = on.read(|s| s.jobs().attempts(&job_id(1)));
    let [attempt] = &*attempts else { panic!("{attempts:?}") };
    assert_eq!((attempt.outcome, attempt.ended_at), (AttemptOutcome::Released, at(1)));
    assert_eq!(attempt.error.as_deref(), Some("another worker is faster"));
}

fn a_released_job_gives_its_place_in_a_limit_back<S: Store>(store: &S) {
    let on = On(store);
    set(&on, Partition::Account, 1);
    for number in 1..=2 {
        on.enqueue(&job_of(number, 1));
    }
    assert_eq!(ids(&on.claim(1, 2, at(1))), numbered(&[1]));
    assert_eq!(on.claim(2, 2, at(2)), []);
    assert_eq!(on.release_running(1, at(3)), JobActionOutcome::Done);
    assert_eq!(ids(&on.claim(3, 2, at(4))), numbered(&[2]));
    assert!(on.complete(claim_ref(2, 3), at(5)).is_done());
    assert_eq!(ids(&on.claim(4, 2, at(1) + LEASE)), numbered(&[1]));
}
