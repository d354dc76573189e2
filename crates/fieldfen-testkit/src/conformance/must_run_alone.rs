//! Jobs that must run alone: a job that has lost leases may kill its workers, and no other job may fail because of
//! it.

use chrono::TimeDelta;
use fieldfen_domain::Timestamp;
use fieldfen_domain::job::{FailOutcome, FencedResult, JobActionOutcome, JobState, JobStatus, Priority, Retry};
use fieldfen_domain::store::Store;

use super::operations::{On, ids, numbered};
use super::{Case, named};
use crate::fixtures::{LEASE, at, claim_ref, claim_request, job, kind};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["must_run_alone":
        the_wait_grows_with_the_lost_leases,
        a_job_that_has_lost_two_leases_is_claimed_alone,
        a_claim_takes_what_is_due_before_a_job_that_must_run_alone,
        jobs_of_several_kinds_are_kept_apart_too,
        a_job_that_kills_every_worker_ends_in_failed,
        a_job_that_was_never_alone_outlives_its_retries,
        a_job_runs_alone_only_when_its_holder_says_so,
        a_claim_forgets_that_an_earlier_one_ran_alone,
        only_the_holder_says_that_a_job_runs_alone,
        a_job_that_must_run_alone_fails_and_completes_like_others,
        an_operators_retry_forgets_who_ran_alone,
    ]
}

/// Lets the leases of these jobs expire together, `times` times. Returns the time at which all of them are due again.
fn lose<S: Store>(on: &On<'_, S>, numbers: &[u64], times: u64) -> Timestamp {
    let mut now = at(0);
    for time in 0..times {
        let claimed = on.claim(1000 + time, 99, now);
        assert_eq!(ids(&claimed), numbered(numbers), "the jobs are claimed together");
        now += LEASE;
        assert_eq!(on.reclaim(now, 99).len(), numbers.len());
        now += TimeDelta::seconds(1000);
    }
    now
}

fn the_wait_grows_with_the_lost_leases<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    let mut now = at(0);
    for lost in 1..=3 {
        on.claim(u64::from(lost), 1, now);
        now += LEASE;
        on.reclaim(now, 9);
        let job = on.job(1);
        let due = now + TimeDelta::seconds(10 * i64::from(lost));
        assert_eq!((job.attempts, job.lost_leases, job.run_at), (lost, lost, due));
        now = due;
    }
}

fn a_job_that_has_lost_two_leases_is_claimed_alone<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue_all(&[job(1), job(2), job(3)]);
    let now = lose(&on, &[1, 2, 3], 2);
    let before = on.job(2);
    for number in 1..=3 {
        assert_eq!(ids(&on.claim(number, 99, now)), numbered(&[number]));
    }
    assert_eq!(on.claim(4, 99, now), []);
    assert_eq!(before.state, JobState::Pending);
    for number in 1..=3 {
        assert!(on.complete(claim_ref(number, number), now).is_done());
    }
}

fn a_claim_takes_what_is_due_before_a_job_that_must_run_alone<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    let now = lose(&on, &[1], 2);
    for number in [2, 3] {
        on.enqueue(&job(number).priority(Priority::High));
    }
    for number in [4, 5] {
        on.enqueue(&job(number).run_at(now));
    }
    assert_eq!(ids(&on.claim(1, 2, now)), numbered(&[2, 3]));
    on.enqueue(&job(6).priority(Priority::High));
    assert_eq!(ids(&on.claim(2, 99, now)), numbered(&[6]));
    assert_eq!(ids(&on.claim(3, 99, now)), numbered(&[1]));
    assert_eq!(ids(&on.claim(4, 99, now)), numbered(&[4, 5]));
}

fn jobs_of_several_kinds_are_kept_apart_too<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    let now = lose(&on, &[1], 2);
    let other = kind("test.other");
    for number in [2, 3] {
        on.enqueue(&job(number).run_at(now).kind(other.clone()));
    }
    let claim = |token| {
        let request = claim_request(token, 99, now);
        let kinds = request.kinds.iter().cloned().chain([other.clone()]).collect();
        ids(&on.claim_by(&request.kinds(kinds)))
    };
    assert_eq!(claim(1), numbered(&[1]));
    assert_eq!(claim(2), numbered(&[2, 3]));
}

fn a_job_that_kills_every_worker_ends_in_failed<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1).max_retries(5));
    let mut now = at(0);
    for token in 1..=6 {
        assert_eq!(on.claim(token, 1, now).len(), 1, "try {token}");
        now += LEASE;
        on.reclaim(now, 9);
        now += TimeDelta::seconds(1000);
    }
    assert_eq!(on.claim(7, 1, now), []);
    let job = on.job(1);
    assert_eq!((job.state.status(), job.attempts, job.lost_leases), (JobStatus::Failed, 5, 6));
}

fn a_job_that_was_never_alone_outlives_its_retries<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue_all(&[job(1).max_retries(1), job(2).max_retries(1)]);
    let now = lose(&on, &[1, 2], 2);
    // Both ran together when the last retry was spent. Either may have killed the worker, so each must run alone.
    for number in [1, 2] {
        assert_eq!((on.job(number).attempts, on.job(number).state), (2, JobState::Pending));
    }
    assert_eq!(ids(&on.claim(1, 9, now)), numbered(&[1]));
    assert_eq!(ids(&on.claim(2, 9, now)), numbered(&[2]));
    assert!(on.complete(claim_ref(2, 2), now).is_done());
    assert_eq!(on.reclaim(now + LEASE, 9).len(), 1);
    let dead = on.job(1);
    assert_eq!((dead.state, dead.attempts), (JobState::Failed { at: Some(now + LEASE) }, 2));
}

fn a_job_runs_alone_only_when_its_holder_says_so<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1).max_retries(1));
    let mut now = lose(&on, &[1], 2);
    for token in 1..=3 {
        let claimed = on.claim_by(&claim_request(token, 9, now).alone(false));
        assert_eq!(ids(&claimed), numbered(&[1]));
        now += LEASE;
        on.reclaim(now, 9);
        assert_eq!(on.job(1).state, JobState::Pending, "it waited beside others for its turn");
        now += TimeDelta::seconds(1000);
    }
    on.claim_by(&claim_request(4, 9, now).alone(false));
    assert_eq!(on.run_alone(claim_ref(1, 4)), FencedResult::Done(()));
    on.reclaim(now + LEASE, 9);
    assert_eq!(on.job(1).state, JobState::Failed { at: Some(now + LEASE) });
}

fn a_claim_forgets_that_an_earlier_one_ran_alone<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue_all(&[job(1).max_retries(1), job(2).max_retries(1)]);
    on.claim(1, 9, at(0));
    assert_eq!(on.write(|s| s.jobs().run_alone(&claim_ref(1, 1))), FencedResult::Done(()));
    assert_eq!(on.reclaim(at(0) + LEASE, 9).len(), 2);
    let now = at(1000);
    assert_eq!(ids(&on.claim(2, 9, now)), numbered(&[1, 2]));
    assert_eq!(on.reclaim(now + LEASE, 9).len(), 2);
    for number in [1, 2] {
        assert_eq!((on.job(number).attempts, on.job(number).state), (2, JobState::Pending), "job {number}");
    }
}

fn only_the_holder_says_that_a_job_runs_alone<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    assert_eq!(on.run_alone(claim_ref(1, 1)), FencedResult::LeaseLost);
    assert_eq!(on.run_alone(claim_ref(2, 1)), FencedResult::NotFound);
    on.claim(1, 1, at(0));
    let held = on.job(1);
    assert_eq!(on.run_alone(claim_ref(1, 2)), FencedResult::LeaseLost);
    assert_eq!(on.run_alone(claim_ref(1, 1)), FencedResult::Done(()));
    assert_eq!(on.job(1), held);
    assert!(on.complete(claim_ref(1, 1), at(1)).is_done());
    assert_eq!(on.run_alone(claim_ref(1, 1)), FencedResult::AlreadyDone { at: Some(at(1)) });
}

fn a_job_that_must_run_alone_fails_and_completes_like_others<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    let now = lose(&on, &[1], 2);
    on.claim(1, 9, now);
    let retrying = FailOutcome::Retrying { run_at: now, attempts: 3 };
    assert_eq!(on.fail(claim_ref(1, 1), Retry::At(now), now), FencedResult::Done(retrying));
    assert_eq!((on.job(1).lost_leases, on.job(1).must_run_alone()), (2, true), "a failure does not clear it");
    on.claim(2, 9, now);
    assert!(on.release(claim_ref(1, 2), now).is_done());
    assert!(on.job(1).must_run_alone());
    on.claim(3, 9, now);
    assert!(on.complete(claim_ref(1, 3), now).is_done());
}

fn an_operators_retry_forgets_who_ran_alone<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1).max_retries(1));
    let fail = |token, now| {
        on.claim(token, 9, now);
        assert!(on.fail(claim_ref(1, token), Retry::At(now), now).is_done());
    };
    fail(1, at(0));
    on.claim(2, 9, at(0));
    on.reclaim(at(100), 9);
    on.claim(3, 9, at(200));
    assert_eq!(on.run_alone(claim_ref(1, 3)), FencedResult::Done(()));
    assert_eq!(on.kill(1, at(200)), JobActionOutcome::Done);
    assert_eq!(on.retry(1, at(300)), JobActionOutcome::Done);
    let retried = on.job(1);
    assert_eq!((retried.attempts, retried.lost_leases, retried.must_run_alone()), (0, 1, false));
    fail(4, at(300));
    on.claim(5, 9, at(300));
    on.reclaim(at(400), 9);
    assert_eq!(on.job(1).state, JobState::Pending, "it ran beside others again");
}
