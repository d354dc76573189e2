//! Only the current token changes a job: each way to lose a claim, against each operation that needs one.

use fieldfen_domain::Timestamp;
use fieldfen_domain::file::{Deletion, FileStatus};
use fieldfen_domain::job::{ClaimRef, FencedResult, JobActionOutcome, JobStatus, PruneRequest, Retry};
use fieldfen_domain::store::Store;

use super::operations::On;
use super::{Case, named};
use crate::fixtures::{LEASE, at, claim_ref, claim_request, file_id, job, job_id, kind, token};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["fence":
        the_current_token_does_it,
        a_lost_claim_changes_nothing_and_says_why,
        the_claims_of_one_request_are_ended_one_by_one,
    ]
}

/// An operation that needs the current token, on the job with the given number and token 1.
type Operation<S> = (&'static str, fn(&On<'_, S>, ClaimRef) -> FencedResult<()>);

fn operations<S: Store>() -> Vec<Operation<S>> {
    vec![
        ("complete", |on, claim| on.complete(claim, at(50))),
        ("fail for now", |on, claim| did(on.fail(claim, Retry::At(at(55)), at(50)))),
        ("fail for good", |on, claim| did(on.fail(claim, Retry::Never, at(50)))),
        ("release", |on, claim| on.release(claim, at(50))),
        ("throttle", |on, claim| on.write(|s| s.jobs().throttle(&claim, at(50), at(50)))),
        ("heartbeat", |on, claim| did(on.heartbeat(claim, at(50)))),
    ]
}

/// The answer without its value.
fn did<T>(answer: FencedResult<T>) -> FencedResult<()> {
    match answer {
        FencedResult::Done(_) => FencedResult::Done(()),
        FencedResult::AlreadyDone { at } => FencedResult::AlreadyDone { at },
        FencedResult::LeaseLost => FencedResult::LeaseLost,
        FencedResult::NotFound => FencedResult::NotFound,
    }
}

/// Enqueues job `number`, of a file with the same number, and of its own kind, so that no other claim takes it.
fn enqueue<S: Store>(on: &On<'_, S>, number: u64, max_retries: u32) {
    let mut new = job(number).max_retries(max_retries).run_at(at(-5000));
    new.kind = kind(&number.to_string());
    new.file_id = Some(on.file_in(number, FileStatus::Ingested));
    on.enqueue(&new);
}

fn claim<S: Store>(on: &On<'_, S>, number: u64, token: u64, now: Timestamp) {
    let request = claim_request(token, 1, now).kinds([kind(&number.to_string())].into());
    assert_eq!(on.claim_by(&request).len(), 1, "job {number} was there to be claimed");
}

fn the_current_token_does_it<S: Store>(store: &S) {
    let on = On(store);
    for ((name, operation), number) in operations::<S>().into_iter().zip(1..) {
        enqueue(&on, number, 5);
        claim(&on, number, 1, at(0));
        let before = on.job(number);
        assert_eq!(operation(&on, claim_ref(number, 1)), FencedResult::Done(()), "{name}");
        assert_ne!(on.job(number), before, "{name}");
    }
}

/// A way to lose token 1: its name, the job's number of retries, the steps, and the answer.
type Loss<S> = (&'static str, u32, fn(&On<'_, S>, u64), FencedResult<()>);

fn losses<S: Store>() -> Vec<Loss<S>> {
    let ended = FencedResult::AlreadyDone { at: Some(at(10)) };
    vec![
        ("deleted before anybody claimed it", 5, deleted_at_once, FencedResult::NotFound),
        ("nobody has claimed it", 5, |_, _| (), FencedResult::LeaseLost),
        ("another token holds it", 5, |on, number| claim(on, number, 2, at(0)), FencedResult::LeaseLost),
        ("completed", 5, completed, ended),
        ("failed for good", 5, dead, ended),
        ("failed with its retries spent", 0, failed, ended),
        ("failed for now", 5, failed, FencedResult::LeaseLost),
        ("failed for now and claimed again", 5, failed_and_claimed, FencedResult::LeaseLost),
        ("released", 5, released, FencedResult::LeaseLost),
        ("released and completed by another", 5, completed_by_another, FencedResult::LeaseLost),
        ("released and failed by another", 5, failed_by_another, FencedResult::LeaseLost),
        ("released and cancelled", 5, cancelled, FencedResult::LeaseLost),
        ("killed", 5, killed, FencedResult::LeaseLost),
        ("reclaimed", 5, reclaimed, FencedResult::LeaseLost),
        ("reclaimed with its retries spent", 0, reclaimed, FencedResult::LeaseLost),
        ("reclaimed and claimed again", 5, reclaimed_and_claimed, FencedResult::LeaseLost),
        ("failed for good and retried", 5, retried, FencedResult::LeaseLost),
        ("failed for good, retried and cancelled", 5, retried_and_cancelled, FencedResult::LeaseLost),
        ("failed for good, retried and claimed again", 5, retried_and_claimed, FencedResult::LeaseLost),
        ("completed and deleted", 5, deleted, FencedResult::NotFound),
        ("completed and pruned", 5, pruned, FencedResult::NotFound),
        ("deleted with its file", 5, deleted_with_its_file, FencedResult::NotFound),
    ]
}

fn deleted_at_once<S: Store>(on: &On<'_, S>, number: u64) {
    assert_eq!(on.delete(number), JobActionOutcome::Done);
}

fn completed<S: Store>(on: &On<'_, S>, number: u64) {
    claim(on, number, 1, at(0));
    assert!(on.complete(claim_ref(number, 1), at(10)).is_done());
}

fn dead<S: Store>(on: &On<'_, S>, number: u64) {
    claim(on, number, 1, at(0));
    assert!(on.fail(claim_ref(number, 1), Retry::Never, at(10)).is_done());
}

fn failed<S: Store>(on: &On<'_, S>, number: u64) {
    claim(on, number, 1, at(0));
    assert!(on.fail(claim_ref(number, 1), Retry::At(at(11)), at(10)).is_done());
}

fn failed_and_claimed<S: Store>(on: &On<'_, S>, number: u64) {
    failed(on, number);
    claim(on, number, 2, at(11));
}

fn released<S: Store>(on: &On<'_, S>, number: u64) {
    claim(on, number, 1, at(0));
    assert!(on.release(claim_ref(number, 1), at(10)).is_done());
}

fn completed_by_another<S: Store>(on: &On<'_, S>, number: u64) {
    released(on, number);
    claim(on, number, 2, at(11));
    assert!(on.complete(claim_ref(number, 2), at(12)).is_done());
}

fn failed_by_another<S: Store>(on: &On<'_, S>, number: u64) {
    released(on, number);
    claim(on, number, 2, at(11));
    assert!(on.fail(claim_ref(number, 2), Retry::Never, at(12)).is_done());
}

fn cancelled<S: Store>(on: &On<'_, S>, number: u64) {
    released(on, number);
    assert_eq!(on.cancel(number, at(11)), JobActionOutcome::Done);
}

fn killed<S: Store>(on: &On<'_, S>, number: u64) {
    claim(on, number, 1, at(0));
    assert_eq!(on.kill(number, at(10)), JobActionOutcome::Done);
}

fn reclaimed<S: Store>(on: &On<'_, S>, number: u64) {
    claim(on, number, 1, at(-1000));
    on.reclaim(at(-1000) + LEASE, 1000);
}

fn reclaimed_and_claimed<S: Store>(on: &On<'_, S>, number: u64) {
    reclaimed(on, number);
    claim(on, number, 2, at(10));
}

fn retried<S: Store>(on: &On<'_, S>, number: u64) {
    dead(on, number);
    assert_eq!(on.retry(number, at(11)), JobActionOutcome::Done);
}

fn retried_and_cancelled<S: Store>(on: &On<'_, S>, number: u64) {
    retried(on, number);
    assert_eq!(on.cancel(number, at(12)), JobActionOutcome::Done);
}

fn retried_and_claimed<S: Store>(on: &On<'_, S>, number: u64) {
    retried(on, number);
    claim(on, number, 2, at(12));
}

fn deleted<S: Store>(on: &On<'_, S>, number: u64) {
    completed(on, number);
    assert_eq!(on.delete(number), JobActionOutcome::Done);
}

fn pruned<S: Store>(on: &On<'_, S>, number: u64) {
    claim(on, number, 1, at(-2000));
    assert!(on.complete(claim_ref(number, 1), at(-2000)).is_done());
    let request = PruneRequest::new(JobStatus::Completed, at(-1999), 9);
    on.write(|s| s.job_actions().prune(&request));
}

fn deleted_with_its_file<S: Store>(on: &On<'_, S>, number: u64) {
    claim(on, number, 1, at(0));
    on.write(|s| s.files().delete(&file_id(number), Deletion::Forced));
}

fn a_lost_claim_changes_nothing_and_says_why<S: Store>(store: &S) {
    let on = On(store);
    let mut number = 0;
    for (loss, max_retries, lose, expected) in losses::<S>() {
        for (operation, run) in operations::<S>() {
            number += 1;
            enqueue(&on, number, max_retries);
            lose(&on, number);
            let before = on.find_job(number);
            assert_eq!(run(&on, claim_ref(number, 1)), expected, "{operation} after: {loss}");
            assert_eq!(on.find_job(number), before, "{operation} after: {loss}");
            // The current token, if there is one, is not affected.
            let current = ClaimRef { id: job_id(number), token: token(2) };
            let runs = before.is_some_and(|job| job.state.status() == JobStatus::Running);
            assert_eq!(on.heartbeat(current, at(20)).is_done(), runs, "{operation} after: {loss}");
        }
    }
}

fn the_claims_of_one_request_are_ended_one_by_one<S: Store>(store: &S) {
    let on = On(store);
    for number in 1..=3 {
        on.enqueue(&job(number));
    }
    on.claim(1, 3, at(0));
    assert_eq!(on.complete(claim_ref(2, 1), at(1)), FencedResult::Done(()));
    assert_eq!(on.complete(claim_ref(2, 1), at(2)), FencedResult::AlreadyDone { at: Some(at(1)) });
    assert_eq!(on.release(claim_ref(3, 1), at(2)), FencedResult::Done(()));
    assert!(on.heartbeat(claim_ref(1, 1), at(2)).is_done());
    assert_eq!(on.complete(claim_ref(4, 1), at(2)), FencedResult::NotFound);
}
