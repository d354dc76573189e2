//! Killed jobs, whose handlers may still run when the jobs are retried.

use std::time::Duration;

use fieldfen_domain::job::{FencedResult, JobActionOutcome, JobState, LONGEST_LEASE, Retry};
use fieldfen_domain::store::Store;

use super::operations::On;
use super::{Case, named};
use crate::fixtures::{LEASE, at, claim_ref, claim_request, job};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["kill":
        a_killed_job_that_is_retried_is_not_due_before_its_lease_ends,
        a_killed_job_that_is_retried_waits_while_its_handler_still_sends_heartbeats,
        a_killed_job_whose_handler_has_returned_is_retried_at_once,
        a_killed_job_that_was_retried_is_due_once_its_handler_returns,
        a_handler_that_lost_its_killed_job_to_a_new_claim_holds_it_back_no_more,
        a_killed_job_with_a_lease_longer_than_any_lease_is_retried_at_once,
    ]
}

/// Claims job 1 at second 0 and kills it at second 5.
fn kill_one<S: Store>(on: &On<'_, S>) {
    on.enqueue(&job(1));
    on.claim(1, 1, at(0));
    assert_eq!(on.kill(1, at(5)), JobActionOutcome::Done);
}

fn a_killed_job_that_is_retried_is_not_due_before_its_lease_ends<S: Store>(store: &S) {
    let on = On(store);
    kill_one(&on);
    assert_eq!(on.retry(1, at(6)), JobActionOutcome::Done);
    assert_eq!((on.job(1).state, on.job(1).run_at), (JobState::Pending, at(0) + LEASE));
    // The same if the job is killed and retried once more; it is due at once if the lease has expired meanwhile.
    for (second, run_at) in [(8, at(0) + LEASE), (60, at(60))] {
        assert_eq!(on.cancel(1, at(7)), JobActionOutcome::Done);
        assert_eq!(on.retry(1, at(second)), JobActionOutcome::Done);
        assert_eq!(on.job(1).run_at, run_at, "retried at second {second}");
    }
    assert_eq!(on.claim(2, 1, at(60)).len(), 1);
}

fn a_killed_job_that_is_retried_waits_while_its_handler_still_sends_heartbeats<S: Store>(store: &S) {
    let on = On(store);
    kill_one(&on);
    let killed = on.job(1);
    assert_eq!(on.heartbeat(claim_ref(1, 1), at(6)), FencedResult::LeaseLost);
    assert_eq!(on.job(1), killed);
    assert_eq!(on.retry(1, at(7)), JobActionOutcome::Done);
    assert_eq!(on.job(1).run_at, at(6) + LEASE);
    assert_eq!(on.heartbeat(claim_ref(1, 1), at(8)), FencedResult::LeaseLost);
    assert_eq!(on.heartbeat(claim_ref(1, 2), at(9)), FencedResult::LeaseLost);
    assert_eq!(on.job(1).run_at, at(8) + LEASE);
    assert_eq!(on.claim(2, 1, at(7) + LEASE), []);
    assert_eq!(on.claim(2, 1, at(8) + LEASE).len(), 1);
}

/// Each way in which a handler reports at second 6 that it has ended.
fn ends<S: Store>() -> [fn(&On<'_, S>); 5] {
    [
        |on| assert_eq!(on.complete(claim_ref(1, 1), at(6)), FencedResult::LeaseLost),
        |on| assert_eq!(on.fail(claim_ref(1, 1), Retry::At(at(7)), at(6)), FencedResult::LeaseLost),
        |on| assert_eq!(on.fail(claim_ref(1, 1), Retry::Never, at(6)), FencedResult::LeaseLost),
        |on| assert_eq!(on.release(claim_ref(1, 1), at(6)), FencedResult::LeaseLost),
        |on| {
            let declined = on.write(|s| s.jobs().decline(&claim_ref(1, 1), "what is this", at(7), at(6)));
            assert_eq!(declined, FencedResult::LeaseLost);
        },
    ]
}

fn a_killed_job_whose_handler_has_returned_is_retried_at_once<S: Store>(store: &S) {
    let on = On(store);
    for end in ends() {
        kill_one(&on);
        let killed = on.job(1);
        end(&on);
        end(&on);
        assert_eq!(on.job(1), killed);
        assert_eq!(on.retry(1, at(8)), JobActionOutcome::Done);
        assert_eq!(on.job(1).run_at, at(8));
        assert_eq!(on.delete(1), JobActionOutcome::Done);
    }
}

fn a_killed_job_that_was_retried_is_due_once_its_handler_returns<S: Store>(store: &S) {
    let on = On(store);
    for end in ends() {
        kill_one(&on);
        assert_eq!(on.retry(1, at(6)), JobActionOutcome::Done);
        let retried = on.job(1);
        assert_eq!(on.release(claim_ref(1, 2), at(6)), FencedResult::LeaseLost);
        assert_eq!(on.job(1), retried, "another claim's handler has returned");
        end(&on);
        assert_eq!(on.job(1), with!(retried, run_at: at(6)));
        assert_eq!(on.heartbeat(claim_ref(1, 1), at(7)), FencedResult::LeaseLost);
        assert_eq!(on.job(1).run_at, at(6), "a late heartbeat");
        assert_eq!(on.claim(2, 1, at(6)).len(), 1);
        assert_eq!(on.complete(claim_ref(1, 2), at(8)), FencedResult::Done(()));
        assert_eq!(on.delete(1), JobActionOutcome::Done);
    }
}

fn a_handler_that_lost_its_killed_job_to_a_new_claim_holds_it_back_no_more<S: Store>(store: &S) {
    let on = On(store);
    kill_one(&on);
    assert_eq!(on.retry(1, at(6)), JobActionOutcome::Done);
    assert_eq!(on.claim(2, 1, at(0) + LEASE).len(), 1);
    let taken = on.job(1);
    assert_eq!(on.heartbeat(claim_ref(1, 1), at(61)), FencedResult::LeaseLost);
    assert_eq!(on.job(1), taken);
    assert_eq!(on.release(claim_ref(1, 2), at(62)), FencedResult::Done(()));
    assert_eq!(on.heartbeat(claim_ref(1, 1), at(63)), FencedResult::LeaseLost);
    assert_eq!(on.job(1).run_at, at(62));
}

fn a_killed_job_with_a_lease_longer_than_any_lease_is_retried_at_once<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    let lease = LONGEST_LEASE + Duration::from_secs(10);
    on.claim_by(&claim_request(1, 1, at(0)).lease(lease));
    assert_eq!(on.kill(1, at(5)), JobActionOutcome::Done);
    assert_eq!(on.retry(1, at(6)), JobActionOutcome::Done);
    assert_eq!(on.job(1).run_at, at(6));
}
