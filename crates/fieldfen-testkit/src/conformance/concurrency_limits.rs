//! Limits on the number of jobs that run at the same time.

use fieldfen_domain::file::FileStatus;
use fieldfen_domain::job::{ConcurrencyLimit, JobActionOutcome, JobFilter, JobStatus, NewJob, Partition, Priority};
use fieldfen_domain::store::{JobActions, Store, StoreError};
use fieldfen_domain::{JobId, PageRequest};

use super::operations::{On, ids, numbered};
use super::{Case, named};
use crate::fixtures::{LEASE, account, at, claim_ref, claim_request, job, kind, work};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["concurrency_limits":
        limits_are_listed_changed_and_removed,
        a_kind_has_one_limit_per_file_or_per_account,
        no_more_jobs_of_a_kind_run_than_its_limit,
        no_more_jobs_of_an_account_run_than_the_limit,
        no_more_jobs_of_a_file_run_than_the_limit,
        jobs_without_an_account_are_not_limited_by_it,
        both_limits_of_a_kind_hold,
        jobs_of_other_kinds_do_not_count,
        a_higher_limit_admits_the_jobs_that_waited,
        a_lower_limit_holds_once_enough_jobs_have_ended,
        without_its_limit_a_kind_runs_as_before,
        a_limit_counts_the_jobs_that_run_already,
        a_job_that_must_run_alone_is_passed_over_while_its_account_is_full,
    ]
}

fn limit(partition: Partition, max_running: u32) -> ConcurrencyLimit {
    ConcurrencyLimit::new(work(), partition, max_running).unwrap()
}

pub(super) fn set<S: Store>(on: &On<'_, S>, partition: Partition, max_running: u32) {
    on.write(|s| s.concurrency_limits().set(&limit(partition, max_running)));
}

/// Job `number` of account `of`.
pub(super) fn job_of(number: u64, of: u64) -> NewJob {
    job(number).account(account(of))
}

/// An operator's action that must take effect.
pub(super) fn act<S: Store>(
    on: &On<'_, S>,
    mut act: impl FnMut(&mut dyn JobActions) -> Result<JobActionOutcome, StoreError>,
) {
    assert_eq!(on.write(|s| act(s.job_actions())), JobActionOutcome::Done);
}

fn running<S: Store>(on: &On<'_, S>) -> Vec<JobId> {
    let filter = JobFilter::new().status(JobStatus::Running);
    on.read(|s| s.jobs().page(&filter, &PageRequest::first(100))).items.into_iter().map(|job| job.id).collect()
}

fn limits_are_listed_changed_and_removed<S: Store>(store: &S) {
    let on = On(store);
    let list = || on.read(|s| s.concurrency_limits().list());
    assert_eq!(list(), []);
    set(&on, Partition::Account, 2);
    set(&on, Partition::All, 9);
    let other = ConcurrencyLimit::new(kind("a.kind"), Partition::File, u32::MAX).unwrap();
    on.write(|s| s.concurrency_limits().set(&other));
    assert_eq!(list(), [other.clone(), limit(Partition::Account, 2), limit(Partition::All, 9)]);
    set(&on, Partition::Account, 3);
    assert!(on.write(|s| s.concurrency_limits().remove(&work(), Partition::All)));
    assert!(!on.write(|s| s.concurrency_limits().remove(&work(), Partition::All)));
    assert_eq!(list(), [other, limit(Partition::Account, 3)]);
}

fn a_kind_has_one_limit_per_file_or_per_account<S: Store>(store: &S) {
    let on = On(store);
    set(&on, Partition::Account, 2);
    let error = on.refuse(|s| s.concurrency_limits().set(&limit(Partition::File, 3)));
    assert!(matches!(error, StoreError::Invalid { what: "concurrency limit", .. }), "{error:?}");
    assert!(error.to_string().contains("3 of test.work per file"), "{error}");
    assert!(on.write(|s| s.concurrency_limits().remove(&work(), Partition::Account)));
    set(&on, Partition::File, 3);
}

fn no_more_jobs_of_a_kind_run_than_its_limit<S: Store>(store: &S) {
    let on = On(store);
    set(&on, Partition::All, 2);
    on.enqueue_all(&[job(1), job(2), job(3), job(4)]);
    assert_eq!(ids(&on.claim(1, 9, at(0))), numbered(&[1, 2]));
    assert_eq!(on.claim(2, 9, at(0)), []);
    assert!(on.complete(claim_ref(2, 1), at(1)).is_done());
    assert_eq!(ids(&on.claim(3, 9, at(1))), numbered(&[3]));
    assert_eq!(running(&on), numbered(&[1, 3]));
}

fn no_more_jobs_of_an_account_run_than_the_limit<S: Store>(store: &S) {
    let on = On(store);
    set(&on, Partition::Account, 1);
    on.enqueue_all(&[job_of(1, 1), job_of(2, 1), job_of(3, 2), job_of(4, 2), job_of(5, 1)]);
    assert_eq!(ids(&on.claim(1, 9, at(0))), numbered(&[1, 3]));
    assert_eq!(on.claim(2, 9, at(0)), []);
    assert!(on.complete(claim_ref(3, 1), at(1)).is_done());
    assert_eq!(ids(&on.claim(3, 9, at(1))), numbered(&[4]));
    assert!(on.complete(claim_ref(1, 1), at(1)).is_done());
    assert_eq!(ids(&on.claim(4, 1, at(1))), numbered(&[2]));
    assert_eq!(on.claim(5, 9, at(1)), []);
}

fn no_more_jobs_of_a_file_run_than_the_limit<S: Store>(store: &S) {
    let on = On(store);
    set(&on, Partition::File, 2);
    let files = [1, 2].map(|number| on.file_in(number, FileStatus::Processing));
    for number in 1..=6 {
        on.enqueue(&job(number).file_id(files[usize::from(number > 4)]));
    }
    assert_eq!(ids(&on.claim(1, 9, at(0))), numbered(&[1, 2, 5, 6]));
    assert!(on.complete(claim_ref(1, 1), at(1)).is_done());
    assert!(on.complete(claim_ref(6, 1), at(1)).is_done());
    assert_eq!(ids(&on.claim(2, 9, at(1))), numbered(&[3]));
}

fn jobs_without_an_account_are_not_limited_by_it<S: Store>(store: &S) {
    let on = On(store);
    set(&on, Partition::Account, 1);
    on.enqueue_all(&[job(1), job_of(2, 1), job(3), job_of(4, 1), job(5)]);
    assert_eq!(ids(&on.claim(1, 9, at(0))), numbered(&[1, 2, 3, 5]));
}

fn both_limits_of_a_kind_hold<S: Store>(store: &S) {
    let on = On(store);
    set(&on, Partition::Account, 2);
    set(&on, Partition::All, 3);
    on.enqueue_all(&[job_of(1, 1), job_of(2, 1), job_of(3, 1), job_of(4, 2), job_of(5, 2), job(6)]);
    assert_eq!(ids(&on.claim(1, 9, at(0))), numbered(&[1, 2, 4]));
    assert!(on.complete(claim_ref(4, 1), at(1)).is_done());
    assert_eq!(ids(&on.claim(2, 9, at(1))), numbered(&[5]));
    assert!(on.complete(claim_ref(1, 1), at(1)).is_done());
    assert_eq!(ids(&on.claim(3, 9, at(1))), numbered(&[3]));
}

fn jobs_of_other_kinds_do_not_count<S: Store>(store: &S) {
    let on = On(store);
    set(&on, Partition::Account, 1);
    let other = kind("b.kind");
    on.enqueue_all(&[job_of(1, 1), job_of(2, 1), job_of(3, 1).kind(other.clone()), job_of(4, 1).kind(other.clone())]);
    let both = claim_request(1, 9, at(0)).kinds([work(), other].into());
    assert_eq!(ids(&on.claim_by(&both)), numbered(&[1, 3, 4]));
}

fn a_higher_limit_admits_the_jobs_that_waited<S: Store>(store: &S) {
    let on = On(store);
    set(&on, Partition::Account, 1);
    on.enqueue_all(&[job_of(1, 1), job_of(2, 1), job_of(3, 1), job_of(4, 1), job_of(5, 2), job_of(6, 2)]);
    assert_eq!(ids(&on.claim(1, 9, at(0))), numbered(&[1, 5]));
    set(&on, Partition::Account, 3);
    assert_eq!(ids(&on.claim(2, 9, at(0))), numbered(&[2, 3, 6]));
    assert_eq!(on.claim(3, 9, at(0)), []);
}

fn a_lower_limit_holds_once_enough_jobs_have_ended<S: Store>(store: &S) {
    let on = On(store);
    set(&on, Partition::Account, 3);
    let jobs: Vec<NewJob> = (1..=5).map(|number| job_of(number, 1)).collect();
    on.enqueue_all(&jobs);
    assert_eq!(ids(&on.claim(1, 9, at(0))), numbered(&[1, 2, 3]));
    set(&on, Partition::Account, 1);
    for number in [1, 2] {
        assert!(on.complete(claim_ref(number, 1), at(1)).is_done());
        assert_eq!(on.claim(2, 9, at(1)), []);
    }
    assert!(on.complete(claim_ref(3, 1), at(1)).is_done());
    assert_eq!(ids(&on.claim(3, 9, at(1))), numbered(&[4]));
}

fn without_its_limit_a_kind_runs_as_before<S: Store>(store: &S) {
    let on = On(store);
    for partition in [Partition::Account, Partition::All] {
        set(&on, partition, 1);
        on.enqueue_all(&[job_of(1, 1), job_of(2, 1), job_of(3, 1)]);
        assert_eq!(ids(&on.claim(1, 9, at(0))), numbered(&[1]));
        assert_eq!(on.claim(2, 9, at(0)), []);
        assert!(on.write(|s| s.concurrency_limits().remove(&work(), partition)));
        assert_eq!(ids(&on.claim(3, 9, at(0))), numbered(&[2, 3]));
        for (number, token) in [(1, 1), (2, 3), (3, 3)] {
            assert!(on.complete(claim_ref(number, token), at(1)).is_done());
            act(&on, |jobs| jobs.delete(&claim_ref(number, token).id));
        }
    }
}

fn a_limit_counts_the_jobs_that_run_already<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue_all(&[job_of(1, 1), job_of(2, 1)]);
    assert_eq!(ids(&on.claim(1, 9, at(0))), numbered(&[1, 2]));
    on.enqueue_all(&[job_of(3, 1), job_of(4, 2)]);
    set(&on, Partition::Account, 2);
    assert_eq!(ids(&on.claim(2, 9, at(0))), numbered(&[4]));
    assert!(on.complete(claim_ref(1, 1), at(1)).is_done());
    assert_eq!(ids(&on.claim(3, 9, at(1))), numbered(&[3]));
}

fn a_job_that_must_run_alone_is_passed_over_while_its_account_is_full<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job_of(1, 1).priority(Priority::Urgent));
    for token in [1, 2] {
        let now = at(0) + LEASE * i32::try_from(token).unwrap() * 10;
        assert_eq!(ids(&on.claim(token, 9, now)), numbered(&[1]));
        assert_eq!(on.reclaim(now + LEASE, 9).len(), 1);
    }
    set(&on, Partition::Account, 1);
    let later = at(0) + LEASE * 90;
    on.enqueue(&job_of(2, 1).priority(Priority::Urgent).run_at(at(-9)));
    on.enqueue_all(&[job(3), job(4)]);
    assert_eq!(ids(&on.claim(3, 1, later)), numbered(&[2]));
    assert_eq!(ids(&on.claim(4, 9, later)), numbered(&[3, 4]));
    assert!(on.complete(claim_ref(2, 3), later).is_done());
    assert_eq!(ids(&on.claim(5, 9, later)), numbered(&[1]));
}
