//! Pruning of jobs that other programs have ended without an end time.

use fieldfen_domain::JobId;
use fieldfen_domain::job::{FencedResult, JobFilter, JobStatus, NewJob, PruneRequest};
use fieldfen_domain::store::Store;

use super::operations::{On, numbered};
use crate::fixtures::{TICK, at, claim_ref, job, job_id, kind};

/// Tests how a store handles ended jobs without an end time: they count as if they had ended when they were created.
///
/// Every store that `make_store` returns must be empty. `end` gives a job a status as a program does that knows only
/// the specification, and changes nothing else.
///
/// # Panics
/// If the store breaks a rule.
pub fn foreign_job_pruning<S: Store>(make_store: impl Fn() -> S, end: impl Fn(&S, JobId, JobStatus)) {
    for case in [what_was_created_before_the_time_is_pruned, both_sorts_are_pruned_in_one_order, other_statuses_stay] {
        let store = make_store();
        case(&On(&store), &|number, status| end(&store, job_id(number), status));
    }
}

type End<'e> = &'e dyn Fn(u64, JobStatus);

/// A job that no claim of these cases takes.
fn created_at(number: u64, second: i64) -> NewJob {
    job(number).created_at(at(second)).kind(kind("test.foreign"))
}

fn prune<S: Store>(on: &On<'_, S>, request: PruneRequest) -> (u64, Vec<JobId>) {
    (on.write(|s| s.job_actions().prune(&request)), on.jobs(&JobFilter::default()))
}

fn what_was_created_before_the_time_is_pruned<S: Store>(on: &On<'_, S>, end: End<'_>) {
    for (number, second) in [(1, 9), (2, 10), (3, 11)] {
        on.enqueue(&created_at(number, second));
        end(number, JobStatus::Failed);
    }
    let request = PruneRequest::new(JobStatus::Failed, at(10), 9);
    assert_eq!(prune(on, request), (1, numbered(&[2, 3])), "not what ended exactly then");
    assert_eq!(prune(on, request.ended_before(at(10) + TICK)), (1, numbered(&[3])));
}

fn both_sorts_are_pruned_in_one_order<S: Store>(on: &On<'_, S>, end: End<'_>) {
    for (number, second) in [(1, 5), (3, 7), (5, 2), (7, 3)] {
        on.enqueue(&created_at(number, second));
        end(number, JobStatus::Completed);
    }
    for (number, second) in [(2, 4), (4, 6), (6, 1)] {
        on.enqueue(&job(number));
        on.claim(number, 1, at(0));
        assert_eq!(on.complete(claim_ref(number, number), at(second)), FencedResult::Done(()));
    }
    assert_eq!(on.read(|s| s.jobs().count_ended(JobStatus::Completed)), 7);
    // They ended in the order 6, 5, 7, 2, 1, 4, 3.
    let request = PruneRequest::new(JobStatus::Completed, at(3), 9).also_oldest(1);
    assert_eq!(prune(on, request.limit(1)), (1, numbered(&[1, 3, 5, 7, 2, 4])));
    assert_eq!(prune(on, request), (2, numbered(&[1, 3, 2, 4])), "one is too old, and one is the oldest of the others");
    assert_eq!(prune(on, request.also_oldest(2)), (2, numbered(&[3, 4])));
    assert_eq!(on.read(|s| s.jobs().count_ended(JobStatus::Completed)), 2);
    assert_eq!(prune(on, request.also_oldest(u32::MAX)), (2, numbered(&[])));
}

fn other_statuses_stay<S: Store>(on: &On<'_, S>, end: End<'_>) {
    for (number, &status) in (0..).zip(JobStatus::ALL) {
        on.enqueue(&created_at(number, 1));
        end(number, status);
    }
    let request = PruneRequest::new(JobStatus::Completed, at(9), 9).also_oldest(9);
    assert_eq!(prune(on, request), (1, numbered(&[0, 1, 3])));
    assert_eq!(prune(on, request.status(JobStatus::Failed)), (1, numbered(&[0, 1])));
}
