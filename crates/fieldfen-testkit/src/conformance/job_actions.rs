//! Actions of operators on jobs in each status.

use fieldfen_domain::PageRequest;
use fieldfen_domain::job::{
    FencedResult, HeartbeatOutcome, JobActionOutcome, JobFilter, JobState, JobStatus, JobSummary, Priority, Retry,
    SUMMARY_ERROR_CHARS,
};
use fieldfen_domain::store::Store;

use super::operations::{On, with_nanoseconds};
use super::{Case, named};
use crate::fixtures::{LEASE, at, claim_ref, dedup_key, job, job_id};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["job_actions":
        every_operation_in_every_status_is_as_the_table_says,
        an_operation_on_a_job_that_is_not_there_says_so,
        a_cancelled_pending_job_fails_with_the_reason,
        a_running_job_is_asked_to_stop_and_goes_on_until_it_hears,
        a_second_request_to_stop_leaves_the_first_ones_time,
        a_job_that_was_asked_to_stop_may_still_complete,
        a_killed_job_fails_with_the_reason,
        a_retried_job_begins_anew_and_keeps_what_is_known,
        a_retried_job_is_due_at_once_whenever_it_was_due_before,
        a_retry_meets_the_live_job_that_has_its_dedup_key,
        a_retry_takes_its_dedup_key_back,
        a_request_to_stop_does_not_outlive_a_retry,
        a_page_shows_the_beginning_of_a_long_reason,
    ]
}

/// The answers to retry, cancel, kill, delete, release, reschedule and another priority in each status. Written by hand.
const TABLE: [(JobStatus, [JobActionOutcome; 7]); 4] = {
    use JobActionOutcome::{CancelRequested, Done, Refused};
    const fn refused(status: JobStatus) -> JobActionOutcome {
        Refused { status }
    }
    use JobStatus::{Completed, Failed, Pending, Running};
    [
        (Pending, [refused(Pending), Done, refused(Pending), Done, refused(Pending), Done, Done]),
        (Running, [refused(Running), CancelRequested, Done, refused(Running), Done, refused(Running), Done]),
        (
            Completed,
            [
                refused(Completed),
                refused(Completed),
                refused(Completed),
                Done,
                refused(Completed),
                refused(Completed),
                refused(Completed),
            ],
        ),
        (Failed, [Done, refused(Failed), refused(Failed), Done, refused(Failed), refused(Failed), Done]),
    ]
};

/// Makes a job with this number and brings it into a status.
fn job_in<S: Store>(on: &On<'_, S>, number: u64, status: JobStatus) {
    on.enqueue(&job(number));
    if status == JobStatus::Pending {
        return;
    }
    assert_eq!(on.claim(1, 1, at(0)).len(), 1);
    if status == JobStatus::Completed {
        assert!(on.complete(claim_ref(number, 1), at(1)).is_done());
    } else if status == JobStatus::Failed {
        assert!(on.fail(claim_ref(number, 1), Retry::Never, at(1)).is_done());
    }
}

/// One of the operations, on the job with this number.
type Operation<S> = (&'static str, fn(&On<'_, S>, u64) -> JobActionOutcome);

fn operations<S: Store>() -> [Operation<S>; 7] {
    [
        ("retry", |on, number| on.retry(number, at(9))),
        ("cancel", |on, number| on.cancel(number, at(9))),
        ("kill", |on, number| on.kill(number, at(9))),
        ("delete", |on, number| on.delete(number)),
        ("release", |on, number| on.release_running(number, at(9))),
        ("reschedule", |on, number| on.reschedule(number, at(99), at(9))),
        ("set_priority", |on, number| on.set_priority(number, Priority::Low)),
    ]
}

fn every_operation_in_every_status_is_as_the_table_says<S: Store>(store: &S) {
    let on = On(store);
    let mut number = 0;
    for (status, answers) in TABLE {
        for ((name, operation), expected) in operations::<S>().into_iter().zip(answers) {
            number += 1;
            job_in(&on, number, status);
            let before = on.find_job(number);
            assert_eq!(operation(&on, number), expected, "{name} while {status}");
            let after = on.find_job(number);
            if matches!(expected, JobActionOutcome::Refused { .. }) {
                assert_eq!(after, before, "{name} while {status}");
            } else {
                assert_ne!(after, before, "{name} while {status}");
                assert_eq!(after.is_none(), name == "delete", "{name} while {status}");
            }
            // The next case's claim must find only its own job, whether this one is running, pending or gone.
            let _ = (on.kill(number, at(10)), on.delete(number));
        }
    }
}

fn an_operation_on_a_job_that_is_not_there_says_so<S: Store>(store: &S) {
    let on = On(store);
    for (name, operation) in operations::<S>() {
        assert_eq!(operation(&on, 1), JobActionOutcome::NotFound, "{name}");
    }
}

fn a_cancelled_pending_job_fails_with_the_reason<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    let new = on.job(1);
    assert_eq!(on.cancel(1, with_nanoseconds(at(5))), JobActionOutcome::Done);
    let state = JobState::Failed { at: Some(at(5)) };
    assert_eq!(on.job(1), with!(new, state, last_error: Some("not wanted any more".to_owned())));
    assert_eq!(on.claim(1, 1, at(9)), []);
}

fn a_running_job_is_asked_to_stop_and_goes_on_until_it_hears<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim(1, 1, at(0));
    let running = on.job(1);
    assert_eq!(on.cancel(1, with_nanoseconds(at(5))), JobActionOutcome::CancelRequested);
    let last_error = Some("not wanted any more".to_owned());
    assert_eq!(on.job(1), with!(running, cancel_requested_at: Some(at(5)), last_error));
    let heartbeat = HeartbeatOutcome::new(at(6) + LEASE, true);
    assert_eq!(on.heartbeat(claim_ref(1, 1), at(6)), FencedResult::Done(heartbeat));
}

fn a_second_request_to_stop_leaves_the_first_ones_time<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim(1, 1, at(0));
    assert_eq!(on.cancel(1, at(5)), JobActionOutcome::CancelRequested);
    assert_eq!(
        on.write(|s| s.job_actions().cancel(&job_id(1), "really not", at(6))),
        JobActionOutcome::CancelRequested
    );
    let job = on.job(1);
    assert_eq!((job.cancel_requested_at, job.last_error.as_deref()), (Some(at(5)), Some("really not")));
}

fn a_job_that_was_asked_to_stop_may_still_complete<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim(1, 1, at(0));
    assert_eq!(on.cancel(1, at(5)), JobActionOutcome::CancelRequested);
    assert_eq!(on.complete(claim_ref(1, 1), at(6)), FencedResult::Done(()));
    assert_eq!(on.job(1).state, JobState::Completed { at: Some(at(6)) });
}

fn a_killed_job_fails_with_the_reason<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    let new = on.job(1);
    on.claim(1, 1, at(0));
    assert_eq!(on.kill(1, with_nanoseconds(at(5))), JobActionOutcome::Done);
    let state = JobState::Failed { at: Some(at(5)) };
    assert_eq!(on.job(1), with!(new, state, last_error: Some("its worker hangs".to_owned())));
}

fn a_retried_job_begins_anew_and_keeps_what_is_known<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1).max_retries(1));
    let new = on.job(1);
    on.claim(1, 1, at(0));
    assert!(on.fail(claim_ref(1, 1), Retry::At(at(1)), at(1)).is_done());
    on.claim(2, 1, at(1));
    assert!(on.fail(claim_ref(1, 2), Retry::At(at(2)), at(2)).is_done());
    assert_eq!(on.job(1).attempts, 1);
    assert_eq!(on.retry(1, with_nanoseconds(at(5))), JobActionOutcome::Done);
    assert_eq!(on.job(1), with!(new, run_at: at(5), last_error: Some("lens cap".to_owned())));
    on.claim(3, 1, at(5));
    assert!(on.fail(claim_ref(1, 3), Retry::At(at(6)), at(6)).is_done());
    assert_eq!((on.job(1).state, on.job(1).attempts), (JobState::Pending, 1), "with all its retries");
}

fn a_retried_job_is_due_at_once_whenever_it_was_due_before<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1).run_at(at(1000)));
    assert_eq!(on.cancel(1, at(1)), JobActionOutcome::Done);
    assert_eq!(on.retry(1, at(2)), JobActionOutcome::Done);
    assert_eq!(on.claim(1, 1, at(2)).len(), 1);
}

fn a_retry_meets_the_live_job_that_has_its_dedup_key<S: Store>(store: &S) {
    let on = On(store);
    for number in [1, 2] {
        on.enqueue(&job(number).dedup_key(dedup_key("one")));
        if number == 1 {
            assert_eq!(on.cancel(1, at(1)), JobActionOutcome::Done);
        }
    }
    let before = on.job(1);
    assert_eq!(on.retry(1, at(5)), JobActionOutcome::Duplicate(job_id(2)));
    on.claim(1, 1, at(5));
    assert_eq!(on.retry(1, at(6)), JobActionOutcome::Duplicate(job_id(2)), "also while it runs");
    assert_eq!(on.job(1), before);
    assert!(on.complete(claim_ref(2, 1), at(7)).is_done());
    assert_eq!(on.retry(1, at(8)), JobActionOutcome::Done);
}

fn a_retry_takes_its_dedup_key_back<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1).dedup_key(dedup_key("one")));
    assert_eq!(on.cancel(1, at(1)), JobActionOutcome::Done);
    assert_eq!(on.retry(1, at(2)), JobActionOutcome::Done);
    let met = on.enqueue(&job(2).dedup_key(dedup_key("one")));
    assert_eq!(*met.id(), job_id(1));
}

fn a_request_to_stop_does_not_outlive_a_retry<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    on.claim(1, 1, at(0));
    assert_eq!(on.cancel(1, at(1)), JobActionOutcome::CancelRequested);
    assert!(on.fail(claim_ref(1, 1), Retry::Never, at(2)).is_done());
    assert_eq!(on.retry(1, at(3)), JobActionOutcome::Done);
    assert_eq!(on.job(1).cancel_requested_at, None);
    on.claim(2, 1, at(3));
    let heartbeat = HeartbeatOutcome::new(at(4) + LEASE, false);
    assert_eq!(on.heartbeat(claim_ref(1, 2), at(4)), FencedResult::Done(heartbeat));
}

fn a_page_shows_the_beginning_of_a_long_reason<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    let reason = "é".repeat(SUMMARY_ERROR_CHARS + 1);
    assert_eq!(on.write(|s| s.job_actions().cancel(&job_id(1), &reason, at(1))), JobActionOutcome::Done);
    let page = on.read(|s| s.jobs().page(&JobFilter::default(), &PageRequest::first(9)));
    let whole = on.job(1);
    assert_eq!(whole.last_error.as_deref(), Some(reason.as_str()));
    let beginning = Some("é".repeat(SUMMARY_ERROR_CHARS));
    assert_eq!(page.items, [with!(JobSummary::from(whole), last_error: beginning)]);
}
