//! Attempts: each claim that ends without a completion is recorded, and nothing but the end of the job deletes it.

use fieldfen_domain::Timestamp;
use fieldfen_domain::job::{
    AttemptOutcome, FIRST_ATTEMPTS, FencedResult, JobActionOutcome, JobAttempt, JobStatus, MAX_ATTEMPTS_KEPT,
    ParkedFor, PruneRequest, Retry,
};
use fieldfen_domain::store::{Store, StoreError};

use super::operations::{On, with_nanoseconds};
use super::{Case, named};
use crate::fixtures::{LEASE, WORKER, at, claim_ref, failure, job, job_id};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["attempts":
        a_job_that_completes_at_once_has_no_attempts,
        a_retry_deletes_no_attempt,
        every_end_without_success_is_an_attempt,
        a_timeout_is_recorded_as_such,
        a_lost_lease_is_an_attempt_of_the_worker_that_lost_it,
        a_job_that_was_asked_to_stop_ends_its_attempt_as_cancelled,
        a_released_job_has_no_attempt,
        a_report_that_is_refused_is_no_attempt,
        a_write_that_is_rolled_back_leaves_no_attempt,
        the_first_and_the_latest_attempts_are_kept,
        attempts_are_deleted_with_their_job,
    ]
}

fn attempts<S: Store>(on: &On<'_, S>, number: u64) -> Vec<JobAttempt> {
    on.read(|s| s.jobs().attempts(&job_id(number)))
}

fn outcomes<S: Store>(on: &On<'_, S>, number: u64) -> Vec<(u32, AttemptOutcome)> {
    attempts(on, number).into_iter().map(|attempt| (attempt.number, attempt.outcome)).collect()
}

/// The attempt that was claimed and ended at these times with the error of [`On::fail`].
fn failed(number: u32, claimed_at: Timestamp, ended_at: Timestamp) -> JobAttempt {
    with!(
        JobAttempt::new(number, AttemptOutcome::Failed, ended_at),
        claimed_at: Some(claimed_at),
        worker: Some(WORKER.to_owned()),
        error: Some("lens cap".to_owned()),
    )
}

fn claim<S: Store>(on: &On<'_, S>, token: u64, now: Timestamp) {
    assert_eq!(on.claim(token, 1, now).len(), 1);
}

fn a_job_that_completes_at_once_has_no_attempts<S: Store>(store: &S) {
    let on = On(store);
    assert_eq!(attempts(&on, 1), [], "there is no such job");
    on.enqueue(&job(1));
    claim(&on, 1, at(0));
    assert_eq!(attempts(&on, 1), [], "its first attempt has not ended");
    assert!(on.complete(claim_ref(1, 1), at(1)).is_done());
    assert_eq!(attempts(&on, 1), []);
}

fn a_retry_deletes_no_attempt<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    let mut expected = Vec::new();
    for (round, second) in [(1, 0), (2, 10), (3, 20)] {
        claim(&on, round * 2, at(second));
        assert!(on.fail(claim_ref(1, round * 2), Retry::At(at(second)), with_nanoseconds(at(second + 1))).is_done());
        claim(&on, round * 2 + 1, at(second + 2));
        assert!(on.fail(claim_ref(1, round * 2 + 1), Retry::Never, at(second + 3)).is_done());
        let number = u32::try_from(round * 2).unwrap_or_default();
        expected.push(failed(number - 1, at(second), at(second + 1)));
        expected.push(failed(number, at(second + 2), at(second + 3)));
        assert_eq!(attempts(&on, 1), expected);
        assert_eq!(on.retry(1, at(second + 4)), JobActionOutcome::Done);
        assert_eq!(attempts(&on, 1), expected);
    }
    claim(&on, 9, at(30));
    assert!(on.complete(claim_ref(1, 9), at(31)).is_done());
    assert_eq!(attempts(&on, 1), expected, "a completion deletes no attempt either");
}

fn every_end_without_success_is_an_attempt<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    claim(&on, 1, at(0));
    assert!(on.write(|s| s.jobs().throttle(&claim_ref(1, 1), at(1), at(1))).is_done());
    claim(&on, 2, at(1));
    assert!(on.write(|s| s.jobs().decline(&claim_ref(1, 2), "newer", at(2), at(2))).is_done());
    claim(&on, 3, at(2));
    assert!(on.fail(claim_ref(1, 3), Retry::Parked(ParkedFor::Person), at(3)).is_done());
    assert_eq!(on.retry(1, at(3)), JobActionOutcome::Done);
    claim(&on, 4, at(3));
    assert_eq!(on.kill(1, at(4)), JobActionOutcome::Done);
    let late = on.fail(claim_ref(1, 4), Retry::Never, at(5));
    assert_eq!(late, FencedResult::LeaseLost, "the end of a killed job's handler is no second attempt");
    let of = |attempt: JobAttempt| (attempt.outcome, attempt.claimed_at, attempt.ended_at, attempt.error);
    let expected = [
        (AttemptOutcome::Throttled, Some(at(0)), at(1), None),
        (AttemptOutcome::Declined, Some(at(1)), at(2), Some("newer".to_owned())),
        (AttemptOutcome::Parked, Some(at(2)), at(3), Some("lens cap".to_owned())),
        (AttemptOutcome::Killed, Some(at(3)), at(4), Some("its worker hangs".to_owned())),
    ];
    assert_eq!(attempts(&on, 1).into_iter().map(of).collect::<Vec<_>>(), expected);
}

fn a_timeout_is_recorded_as_such<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    claim(&on, 1, at(0));
    let report = failure("it took 10 minutes", Retry::At(at(2)), at(1)).timed_out(true);
    assert!(on.write(|s| s.jobs().fail(&claim_ref(1, 1), &report)).is_done());
    assert_eq!(outcomes(&on, 1), [(1, AttemptOutcome::TimedOut)]);
}

fn a_lost_lease_is_an_attempt_of_the_worker_that_lost_it<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    claim(&on, 1, at(0));
    let expired = at(0) + LEASE;
    assert_eq!(on.reclaim(expired, 9).len(), 1);
    let lost = attempts(&on, 1);
    let [attempt] = &*lost else { panic!("not one attempt: {lost:?}") };
    assert_eq!((attempt.number, attempt.outcome), (1, AttemptOutcome::LeaseLost));
    assert_eq!((attempt.claimed_at, attempt.ended_at, attempt.worker.as_deref()), (Some(at(0)), expired, Some(WORKER)));
    assert_eq!(attempt.error, on.job(1).last_error);
    on.enqueue(&job(2).max_retries(0));
    assert_eq!(on.claim(2, 2, at(1000)).len(), 2);
    assert_eq!(on.reclaim(at(1000) + LEASE, 9).len(), 2);
    assert_eq!(outcomes(&on, 1), [(1, AttemptOutcome::LeaseLost), (2, AttemptOutcome::LeaseLost)]);
    assert_eq!(on.job(2).state.status(), JobStatus::Failed);
    assert_eq!(outcomes(&on, 2), [(1, AttemptOutcome::LeaseLost)]);
}

fn a_job_that_was_asked_to_stop_ends_its_attempt_as_cancelled<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    assert_eq!(on.cancel(1, at(0)), JobActionOutcome::Done);
    assert_eq!(attempts(&on, 1), [], "nobody had claimed it");
    assert_eq!(on.retry(1, at(0)), JobActionOutcome::Done);
    for (token, retry) in [(1, Retry::At(at(3))), (2, Retry::Parked(ParkedFor::Approval))] {
        claim(&on, token, at(1));
        assert_eq!(on.cancel(1, at(1)), JobActionOutcome::CancelRequested);
        assert!(on.fail(claim_ref(1, token), retry, at(2)).is_done());
        assert_eq!(on.retry(1, at(1)), JobActionOutcome::Done);
    }
    assert_eq!(outcomes(&on, 1), [(1, AttemptOutcome::Cancelled), (2, AttemptOutcome::Cancelled)]);
}

fn a_released_job_has_no_attempt<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue_all(&[job(1), job(2)]);
    assert_eq!(on.claim(1, 2, at(0)).len(), 2);
    assert!(on.release(claim_ref(1, 1), at(0)).is_done());
    claim(&on, 2, at(0));
    let released = on.write(|s| s.jobs().release_many(&[claim_ref(1, 2), claim_ref(2, 1)], at(0), at(0)));
    assert!(released.iter().all(FencedResult::is_done));
    assert_eq!((attempts(&on, 1), attempts(&on, 2)), (Vec::new(), Vec::new()));
}

fn a_report_that_is_refused_is_no_attempt<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    claim(&on, 1, at(0));
    assert_eq!(on.fail(claim_ref(1, 2), Retry::Never, at(1)), FencedResult::LeaseLost);
    assert_eq!(on.write(|s| s.jobs().throttle(&claim_ref(1, 2), at(1), at(1))), FencedResult::LeaseLost);
    assert_eq!(on.write(|s| s.jobs().decline(&claim_ref(1, 2), "no", at(1), at(1))), FencedResult::LeaseLost);
    assert_eq!(on.fail(claim_ref(2, 1), Retry::Never, at(1)), FencedResult::NotFound);
    assert_eq!(on.write(|s| s.job_actions().kill(&job_id(2), "no", at(1))), JobActionOutcome::NotFound);
    assert_eq!(attempts(&on, 1), []);
    assert!(on.fail(claim_ref(1, 1), Retry::Never, at(1)).is_done());
    let again = on.fail(claim_ref(1, 1), Retry::Never, at(2));
    assert_eq!(again, FencedResult::AlreadyDone { at: Some(at(1)) });
    assert_eq!(attempts(&on, 1), [failed(1, at(0), at(1))]);
}

fn a_write_that_is_rolled_back_leaves_no_attempt<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    claim(&on, 1, at(0));
    on.refuse(|s| {
        let _ = s.jobs().fail(&claim_ref(1, 1), &failure("no", Retry::Never, at(1)))?;
        assert_eq!(s.reads().jobs().attempts(&job_id(1))?.len(), 1);
        Err::<(), _>(StoreError::Nested)
    });
    assert_eq!(attempts(&on, 1), []);
    assert!(on.fail(claim_ref(1, 1), Retry::Never, at(1)).is_done());
    assert_eq!(attempts(&on, 1), [failed(1, at(0), at(1))]);
}

fn the_first_and_the_latest_attempts_are_kept<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1).max_retries(1000));
    let numbers = |on: &On<'_, S>| outcomes(on, 1).iter().map(|(number, _)| *number).collect::<Vec<_>>();
    for round in 1..=MAX_ATTEMPTS_KEPT + 7 {
        claim(&on, u64::from(round), at(0));
        assert!(on.fail(claim_ref(1, u64::from(round)), Retry::At(at(0)), at(0)).is_done());
        if round == MAX_ATTEMPTS_KEPT {
            assert_eq!(numbers(&on), (1..=MAX_ATTEMPTS_KEPT).collect::<Vec<_>>());
        }
    }
    let latest = FIRST_ATTEMPTS + 8..=MAX_ATTEMPTS_KEPT + 7;
    assert_eq!(numbers(&on), (1..=FIRST_ATTEMPTS).chain(latest).collect::<Vec<_>>());
}

fn attempts_are_deleted_with_their_job<S: Store>(store: &S) {
    let on = On(store);
    for prunes in [false, true] {
        on.enqueue_all(&[job(1), job(2)]);
        assert_eq!(on.claim(1, 2, at(0)).len(), 2);
        for number in [1, 2] {
            assert!(on.fail(claim_ref(number, 1), Retry::Never, at(1)).is_done());
            assert_eq!(attempts(&on, number).len(), 1);
        }
        if prunes {
            let request = PruneRequest::new(JobStatus::Failed, at(9), 9);
            assert_eq!(on.write(|s| s.job_actions().prune(&request)), 2);
        } else {
            for number in [1, 2] {
                assert_eq!(on.delete(number), JobActionOutcome::Done);
            }
        }
        assert_eq!((attempts(&on, 1), attempts(&on, 2)), (Vec::new(), Vec::new()));
    }
}
