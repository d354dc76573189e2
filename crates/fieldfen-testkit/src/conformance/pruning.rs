//! Pruning ended jobs by age, by number, and in steps.

use fieldfen_domain::job::{EnqueueOutcome, JobActionOutcome, JobFilter, JobStatus, PruneRequest, Retry};
use fieldfen_domain::store::{Store, StoreError};

use super::operations::{On, numbered, with_nanoseconds};
use super::{Case, named};
use crate::fixtures::{TICK, at, claim_ref, dedup_key, job, job_id};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["pruning":
        what_ended_before_the_time_is_pruned_and_not_what_ended_then,
        only_one_status_is_pruned,
        live_jobs_cannot_be_pruned,
        no_more_than_the_limit_is_pruned_and_the_oldest_first,
        so_many_of_the_oldest_are_pruned,
        what_is_too_old_does_not_count_among_the_oldest,
        a_surplus_beyond_what_there_is_prunes_everything,
        age_and_number_share_the_limit,
        jobs_that_ended_together_are_pruned_in_the_order_of_insertion,
        a_pruned_id_and_dedup_key_can_be_used_again,
    ]
}

/// Jobs that completed at these seconds, numbered from 1.
fn completed_at<S: Store>(on: &On<'_, S>, seconds: &[i64]) {
    for (&second, number) in seconds.iter().zip(1..) {
        on.enqueue(&job(number));
        on.claim(1, 1, at(0));
        assert!(on.complete(claim_ref(number, 1), at(second)).is_done());
    }
}

fn prune<S: Store>(on: &On<'_, S>, ended_before: i64, surplus: u32, limit: u32) -> u64 {
    let request = PruneRequest::new(JobStatus::Completed, at(ended_before), limit).also_oldest(surplus);
    on.write(|s| s.job_actions().prune(&request))
}

fn what_ended_before_the_time_is_pruned_and_not_what_ended_then<S: Store>(store: &S) {
    let on = On(store);
    completed_at(&on, &[9, 10, 11]);
    let request = PruneRequest::new(JobStatus::Completed, with_nanoseconds(at(10)), 9);
    assert_eq!(on.write(|s| s.job_actions().prune(&request)), 1);
    assert_eq!(on.jobs(&JobFilter::default()), numbered(&[2, 3]));
    let request = request.ended_before(at(10) + TICK);
    assert_eq!(on.write(|s| s.job_actions().prune(&request)), 1);
    assert_eq!(on.jobs(&JobFilter::default()), numbered(&[3]));
    assert_eq!(on.write(|s| s.job_actions().prune(&request)), 0);
}

fn only_one_status_is_pruned<S: Store>(store: &S) {
    let on = On(store);
    completed_at(&on, &[1, 2]);
    on.enqueue(&job(3));
    on.claim(1, 1, at(0));
    assert!(on.fail(claim_ref(3, 1), Retry::Never, at(1)).is_done());
    on.enqueue(&job(4));
    assert_eq!(on.cancel(4, at(1)), JobActionOutcome::Done);
    on.enqueue(&job(5));
    on.claim(1, 1, at(0));
    on.enqueue(&job(6));
    assert_eq!(prune(&on, 100, 0, 9), 2);
    assert_eq!(on.jobs(&JobFilter::default()), numbered(&[3, 4, 5, 6]));
    let request = PruneRequest::new(JobStatus::Failed, at(100), 9);
    assert_eq!(on.read(|s| s.jobs().count_ended(JobStatus::Completed)), 0);
    assert_eq!(on.read(|s| s.jobs().count_ended(JobStatus::Failed)), 2);
    assert_eq!(on.write(|s| s.job_actions().prune(&request)), 2);
    assert_eq!(on.jobs(&JobFilter::default()), numbered(&[5, 6]));
}

fn live_jobs_cannot_be_pruned<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    for status in [JobStatus::Pending, JobStatus::Running] {
        let request = PruneRequest::new(status, at(100), 9).also_oldest(9);
        let error = on.refuse(|s| s.job_actions().prune(&request));
        assert!(matches!(&error, StoreError::Invalid { value, .. } if value == status.as_str()), "{error:?}");
        let counted = store.read(|s| s.jobs().count_ended(status));
        assert!(matches!(counted, Err(StoreError::Invalid { .. })), "{counted:?}");
    }
    assert_eq!(on.jobs(&JobFilter::default()), numbered(&[1]));
}

fn no_more_than_the_limit_is_pruned_and_the_oldest_first<S: Store>(store: &S) {
    let on = On(store);
    completed_at(&on, &[5, 3, 4, 1, 2]);
    assert_eq!(prune(&on, 100, 0, 0), 0);
    assert_eq!(prune(&on, 100, 0, 2), 2);
    assert_eq!(on.jobs(&JobFilter::default()), numbered(&[1, 2, 3]));
    assert_eq!(prune(&on, 100, 0, 2), 2);
    assert_eq!(on.jobs(&JobFilter::default()), numbered(&[1]));
}

fn so_many_of_the_oldest_are_pruned<S: Store>(store: &S) {
    let on = On(store);
    completed_at(&on, &[5, 3, 4, 1, 2]);
    assert_eq!(prune(&on, 0, 3, 9), 3);
    assert_eq!(on.jobs(&JobFilter::default()), numbered(&[1, 3]));
    assert_eq!(prune(&on, 0, 0, 9), 0);
    assert_eq!(on.jobs(&JobFilter::default()), numbered(&[1, 3]));
}

fn what_is_too_old_does_not_count_among_the_oldest<S: Store>(store: &S) {
    let on = On(store);
    completed_at(&on, &[1, 2, 3, 4, 5]);
    assert_eq!(prune(&on, 3, 0, 9), 2);
    assert_eq!(on.jobs(&JobFilter::default()), numbered(&[3, 4, 5]));
    assert_eq!(prune(&on, 4, 1, 9), 2);
    assert_eq!(on.jobs(&JobFilter::default()), numbered(&[5]));
}

fn a_surplus_beyond_what_there_is_prunes_everything<S: Store>(store: &S) {
    let on = On(store);
    completed_at(&on, &[1, 2]);
    assert_eq!(prune(&on, 0, u32::MAX, u32::MAX), 2);
    assert_eq!(on.jobs(&JobFilter::default()), numbered(&[]));
}

fn age_and_number_share_the_limit<S: Store>(store: &S) {
    let on = On(store);
    completed_at(&on, &[1, 2, 3, 4, 5]);
    assert_eq!(prune(&on, 3, 2, 3), 3, "two are too old, and one more is the oldest of the others");
    assert_eq!(on.jobs(&JobFilter::default()), numbered(&[4, 5]));
}

fn jobs_that_ended_together_are_pruned_in_the_order_of_insertion<S: Store>(store: &S) {
    let on = On(store);
    completed_at(&on, &[7, 7, 7]);
    assert_eq!(prune(&on, 0, 2, 1), 1);
    assert_eq!(on.jobs(&JobFilter::default()), numbered(&[2, 3]));
    assert_eq!(prune(&on, 0, 1, 9), 1);
    assert_eq!(on.jobs(&JobFilter::default()), numbered(&[3]));
}

fn a_pruned_id_and_dedup_key_can_be_used_again<S: Store>(store: &S) {
    let on = On(store);
    let keyed = job(1).dedup_key(dedup_key("one"));
    on.enqueue(&keyed);
    on.claim(1, 1, at(0));
    assert!(on.complete(claim_ref(1, 1), at(1)).is_done());
    prune(&on, 2, 0, 9);
    assert_eq!(on.enqueue(&keyed), EnqueueOutcome::Created(job_id(1)));
}
