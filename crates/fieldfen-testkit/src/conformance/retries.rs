//! Failures and retries, and jobs that are released without a retry.

use fieldfen_domain::job::{FailOutcome, FencedResult, JobActionOutcome, JobState, Retry};
use fieldfen_domain::store::Store;
use fieldfen_domain::{MAX_REASON_BYTES, RawJson};

use super::operations::{On, with_nanoseconds};
use super::{Case, named};
use crate::fixtures::{TICK, at, claim_ref, dedup_key, failure, job, job_id};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["retries":
        a_job_without_retries_fails_at_once,
        a_job_with_one_retry_is_tried_twice,
        a_job_with_five_retries_is_tried_six_times,
        a_failed_try_goes_back_with_its_error_and_one_retry_spent,
        a_failure_for_good_spends_no_retry_and_keeps_its_end,
        a_failure_for_now_ends_a_job_that_was_asked_to_stop,
        a_completion_keeps_its_result_and_its_end,
        a_completion_without_result_has_none,
        a_released_job_has_spent_nothing,
        a_released_job_that_was_asked_to_stop_is_still_asked,
        a_declined_job_keeps_its_error_and_since_when_it_is_declined,
        a_throttled_job_counts_how_often_until_it_fails_or_is_retried,
        a_dedup_key_is_kept_by_a_job_that_goes_back,
        a_message_that_is_too_long_is_cut,
    ]
}

fn fails_after<S: Store>(store: &S, max_retries: u32) {
    let on = On(store);
    on.enqueue(&job(1).max_retries(max_retries));
    for attempt in 1..=max_retries {
        let now = at(i64::from(attempt));
        assert_eq!(on.claim(attempt.into(), 1, now).len(), 1);
        let finished = FailOutcome::Retrying { run_at: now + TICK, attempts: attempt };
        let answer = on.fail(claim_ref(1, attempt.into()), Retry::At(now + TICK), now);
        assert_eq!(answer, FencedResult::Done(finished));
        assert_eq!(on.job(1).attempts, attempt);
    }
    assert_eq!(on.claim(99, 1, at(100)).len(), 1, "the last try");
    assert_eq!(on.fail(claim_ref(1, 99), Retry::At(at(200)), at(101)), FencedResult::Done(FailOutcome::DeadLetter));
    let job = on.job(1);
    assert_eq!((job.state, job.attempts), (JobState::Failed { at: Some(at(101)) }, max_retries));
    assert_eq!(on.claim(100, 1, at(1000)), []);
}

fn a_job_without_retries_fails_at_once<S: Store>(store: &S) {
    fails_after(store, 0);
}

fn a_job_with_one_retry_is_tried_twice<S: Store>(store: &S) {
    fails_after(store, 1);
}

fn a_job_with_five_retries_is_tried_six_times<S: Store>(store: &S) {
    fails_after(store, 5);
}

fn a_failed_try_goes_back_with_its_error_and_one_retry_spent<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    let new = on.job(1);
    on.claim(1, 1, at(0));
    let answer = on.fail(claim_ref(1, 1), Retry::At(with_nanoseconds(at(7))), at(1));
    assert_eq!(answer, FencedResult::Done(FailOutcome::Retrying { run_at: at(7), attempts: 1 }));
    let expected = with!(new, attempts: 1, run_at: at(7), last_error: Some("lens cap".to_owned()));
    assert_eq!(on.job(1), expected);
    assert_eq!(on.claim(2, 1, at(7) - TICK), []);
    assert_eq!(on.claim(2, 1, at(7)).len(), 1);
}

fn a_failure_for_good_spends_no_retry_and_keeps_its_end<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    let new = on.job(1);
    on.claim(1, 1, at(0));
    assert_eq!(
        on.fail(claim_ref(1, 1), Retry::Never, with_nanoseconds(at(3))),
        FencedResult::Done(FailOutcome::DeadLetter)
    );
    let state = JobState::Failed { at: Some(at(3)) };
    assert_eq!(on.job(1), with!(new, state, last_error: Some("lens cap".to_owned())));
}

fn a_failure_for_now_ends_a_job_that_was_asked_to_stop<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim(1, 1, at(0));
    assert_eq!(on.cancel(1, at(1)), JobActionOutcome::CancelRequested);
    assert_eq!(on.fail(claim_ref(1, 1), Retry::At(at(9)), at(2)), FencedResult::Done(FailOutcome::DeadLetter));
    assert_eq!(on.job(1).state, JobState::Failed { at: Some(at(2)) });
}

fn a_completion_keeps_its_result_and_its_end<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    let new = on.job(1);
    on.claim(1, 1, at(0));
    let result = RawJson::unchecked(r#"{"id": 9007199254740993, "ratio": 1.10}"#.to_owned());
    let answer = on.write(|s| s.jobs().complete(&claim_ref(1, 1), Some(&result), with_nanoseconds(at(3))));
    assert_eq!(answer, FencedResult::Done(()));
    let state = JobState::Completed { at: Some(at(3)) };
    assert_eq!(on.job(1), with!(new, state, result: Some(result)), "to the letter");
}

fn a_completion_without_result_has_none<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim(1, 1, at(0));
    assert!(on.write(|s| s.jobs().complete(&claim_ref(1, 1), None, at(3))).is_done());
    let job = on.job(1);
    assert_eq!((job.state, job.result), (JobState::Completed { at: Some(at(3)) }, None));
}

fn a_released_job_has_spent_nothing<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    let new = on.job(1);
    on.claim(1, 1, at(0));
    assert_eq!(on.release(claim_ref(1, 1), with_nanoseconds(at(9))), FencedResult::Done(()));
    assert_eq!(on.job(1), with!(new, run_at: at(9)));
}

fn a_released_job_that_was_asked_to_stop_is_still_asked<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim(1, 1, at(0));
    assert_eq!(on.cancel(1, at(1)), JobActionOutcome::CancelRequested);
    assert!(on.release(claim_ref(1, 1), at(2)).is_done());
    let job = on.job(1);
    assert_eq!((&job.state, job.cancel_requested_at), (&JobState::Pending, Some(at(1))));
    let claimed = on.claim(2, 1, at(2));
    assert_eq!(claimed[0].cancel_requested_at, Some(at(1)), "who claims it next sees so at once");
}

fn a_declined_job_keeps_its_error_and_since_when_it_is_declined<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    let new = on.job(1);
    on.claim(1, 1, at(0));
    let decline = |token, run_at, now| {
        let claim = claim_ref(1, token);
        on.write(|s| s.jobs().decline(&claim, "a field that is not known", run_at, now))
    };
    assert_eq!(decline(2, at(2), at(1)), FencedResult::LeaseLost);
    assert_eq!(decline(1, with_nanoseconds(at(2)), with_nanoseconds(at(1))), FencedResult::Done(()));
    let last_error = Some("a field that is not known".to_owned());
    let declined = with!(new, run_at: at(2), last_error, declined_since: Some(at(1)));
    assert_eq!(on.job(1), declined);

    on.claim(2, 1, at(2));
    assert!(decline(2, at(4), at(3)).is_done());
    assert_eq!(on.job(1), with!(declined.clone(), run_at: at(4)), "the first time stays");
    on.claim(3, 1, at(4));
    assert!(decline(3, at(4), at(0)).is_done());
    assert_eq!(on.job(1).declined_since, Some(at(0)), "unless the clock was set back");

    on.claim(4, 1, at(4));
    assert!(on.release(claim_ref(1, 4), at(5)).is_done());
    assert_eq!(on.job(1).declined_since, None, "a release ends the row");
    on.claim(5, 1, at(5));
    assert!(decline(5, at(6), at(5)).is_done());
    on.claim(6, 1, at(6));
    assert!(on.fail(claim_ref(1, 6), Retry::At(at(7)), at(6)).is_done());
    assert_eq!(on.job(1).declined_since, None, "and so does a failed try");
    on.claim(7, 1, at(7));
    assert!(decline(7, at(8), at(7)).is_done());
    on.claim(8, 1, at(8));
    assert!(on.fail(claim_ref(1, 8), Retry::Never, at(8)).is_done());
    assert_eq!(on.retry(1, at(9)), JobActionOutcome::Done);
    assert_eq!(on.job(1).declined_since, None, "and an operator's retry");
}

fn a_message_that_is_too_long_is_cut<S: Store>(store: &S) {
    let on = On(store);
    let long = "é".repeat(MAX_REASON_BYTES);
    let kept = || on.job(1).last_error.unwrap();
    on.enqueue(&job(1));
    for (token, retry) in [(1, Retry::At(at(1))), (2, Retry::Never)] {
        on.claim(token, 1, at(1));
        let report = failure(&long, retry, at(1));
        assert!(on.write(|s| s.jobs().fail(&claim_ref(1, token), &report)).is_done());
        assert!(kept().len() <= MAX_REASON_BYTES && kept().starts_with("éé") && kept().ends_with(" more bytes)"));
    }
    assert_eq!(on.retry(1, at(2)), JobActionOutcome::Done);
    on.claim(3, 1, at(2));
    assert!(on.write(|s| s.jobs().decline(&claim_ref(1, 3), &long, at(2), at(2))).is_done());
    assert!(kept().len() <= MAX_REASON_BYTES, "of a declined job");
    on.claim(4, 1, at(2));
    assert_eq!(on.write(|s| s.job_actions().cancel(&job_id(1), &long, at(3))), JobActionOutcome::CancelRequested);
    assert!(kept().len() <= MAX_REASON_BYTES, "of a job that was asked to stop");
    on.reclaim(at(1000), 9);
    assert!(kept().len() <= MAX_REASON_BYTES, "of a reclaimed job that was asked to stop");
}

fn a_dedup_key_is_kept_by_a_job_that_goes_back<S: Store>(store: &S) {
    let on = On(store);
    let keyed = |number| job(number).dedup_key(dedup_key("one"));
    on.enqueue(&keyed(1));
    on.claim(1, 1, at(0));
    assert!(on.fail(claim_ref(1, 1), Retry::At(at(9)), at(1)).is_done());
    on.claim(2, 1, at(9));
    assert!(on.release(claim_ref(1, 2), at(10)).is_done());
    on.claim(3, 1, at(10));
    on.reclaim(at(1000), 9);
    on.enqueue(&keyed(2));
    assert_eq!(on.find_job(2), None);
}

fn a_throttled_job_counts_how_often_until_it_fails_or_is_retried<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    let new = on.job(1);
    let throttled = |token: u64, run_at| {
        assert_eq!(on.claim(token, 1, at(1000)).len(), 1);
        assert_eq!(on.write(|s| s.jobs().throttle(&claim_ref(1, token), run_at, at(0))), FencedResult::Done(()));
        on.job(1)
    };
    assert_eq!(throttled(1, with_nanoseconds(at(7))), with!(new.clone(), run_at: at(7), throttled: 1));
    assert_eq!(throttled(2, at(8)), with!(new.clone(), run_at: at(8), throttled: 2));
    assert_eq!(on.write(|s| s.jobs().throttle(&claim_ref(1, 1), at(9), at(0))), FencedResult::LeaseLost);
    on.claim(3, 1, at(1000));
    assert_eq!(on.release(claim_ref(1, 3), at(9)), FencedResult::Done(()));
    assert_eq!(on.job(1).throttled, 2, "a job that is given back was not throttled");
    on.claim(4, 1, at(1000));
    assert!(on.fail(claim_ref(1, 4), Retry::At(at(10)), at(9)).is_done());
    assert_eq!((on.job(1).throttled, throttled(5, at(11)).throttled), (0, 1));
    on.claim(6, 1, at(1000));
    assert!(on.fail(claim_ref(1, 6), Retry::Never, at(12)).is_done());
    assert_eq!(on.retry(1, at(13)), JobActionOutcome::Done);
    assert_eq!(on.job(1).throttled, 0);
}
