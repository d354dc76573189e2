//! Enqueueing jobs, and reading them.

use fieldfen_domain::file::FileStatus;
use fieldfen_domain::job::{
    EnqueueOutcome, Job, JobActionOutcome, JobCount, JobFilter, JobKind, JobState, JobStatus, Priority, Retry,
};
use fieldfen_domain::store::{Store, StoreError};

use super::operations::{On, numbered, with_nanoseconds};
use super::{Case, named};
use crate::fixtures::{at, claim_ref, dedup_key, file_id, job, job_id, kind, upscale_job, work};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["enqueueing":
        a_new_job_is_read_back_as_it_came,
        everything_that_can_be_set_is_kept,
        a_job_about_a_file_that_is_not_there_is_refused,
        an_id_that_is_taken_is_refused,
        a_live_job_with_the_same_dedup_key_is_met,
        a_dedup_key_is_free_again_when_its_job_has_ended,
        the_same_job_twice_with_a_dedup_key_meets_itself,
        jobs_without_dedup_key_do_not_meet,
        pages_follow_each_other_in_the_order_of_insertion,
        filters_hold_all_at_once,
        jobs_are_counted_by_kind_and_status,
        the_next_due_time_is_that_of_pending_jobs_of_these_kinds,
        times_are_cut_to_microseconds,
    ]
}

fn a_new_job_is_read_back_as_it_came<S: Store>(store: &S) {
    let on = On(store);
    let id = on.file_in(1, FileStatus::Ingested);
    let new = upscale_job(1, id);
    assert_eq!(on.enqueue(&new), EnqueueOutcome::Created(job_id(1)));
    let expected = with!(
        Job::new(job_id(1), JobKind::UpscaleImage, JobState::Pending, at(0)),
        file_id: Some(id),
        payload: new.payload.clone(),
        created_at: Some(at(0)),
    );
    assert_eq!(on.job(1), expected);
    assert_eq!(on.find_job(2), None);
}

fn everything_that_can_be_set_is_kept<S: Store>(store: &S) {
    let on = On(store);
    let levels = Priority::ALL.into_iter().zip(1..);
    for (priority, number) in levels {
        let key = dedup_key(&format!("key of {number}: Füchse"));
        let run_at = at(i64::try_from(number).unwrap() * 3600);
        let mut new = job(number).priority(priority).run_at(run_at).max_retries(9).dedup_key(key.clone());
        new.payload = None;
        on.enqueue(&new);
        let job = on.job(number);
        assert_eq!((job.priority, job.run_at, job.max_retries), (priority, run_at, 9));
        assert_eq!((job.dedup_key, job.payload, job.kind), (Some(key), None, work()));
    }
}

fn a_job_about_a_file_that_is_not_there_is_refused<S: Store>(store: &S) {
    let on = On(store);
    let error = on.refuse(|s| s.jobs().enqueue(&upscale_job(1, file_id(1))));
    assert!(matches!(error, StoreError::MissingReference { .. }), "{error:?}");
    assert_eq!(on.find_job(1), None);
}

fn an_id_that_is_taken_is_refused<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    let error = on.refuse(|s| s.jobs().enqueue(&job(1).priority(Priority::Low)));
    assert!(matches!(error, StoreError::AlreadyExists { .. }), "{error:?}");
    assert_eq!(on.job(1).priority, Priority::Normal);
}

fn a_live_job_with_the_same_dedup_key_is_met<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1).dedup_key(dedup_key("one")));
    on.enqueue(&job(2).dedup_key(dedup_key("two")));
    let mut same = job(3).dedup_key(dedup_key("one"));
    same.kind = kind("another.kind");
    assert_eq!(on.enqueue(&same), EnqueueOutcome::Duplicate(job_id(1)), "whatever its kind");
    on.claim(1, 1, at(0));
    assert_eq!(
        on.enqueue(&job(3).dedup_key(dedup_key("one"))),
        EnqueueOutcome::Duplicate(job_id(1)),
        "also while it runs"
    );
    assert_eq!(on.jobs(&JobFilter::default()), numbered(&[1, 2]));
}

fn a_dedup_key_is_free_again_when_its_job_has_ended<S: Store>(store: &S) {
    let on = On(store);
    let keyed = |number| job(number).dedup_key(dedup_key("one"));
    on.enqueue(&keyed(1));
    on.claim(1, 1, at(0));
    assert!(on.complete(claim_ref(1, 1), at(1)).is_done());
    assert_eq!(on.enqueue(&keyed(2)), EnqueueOutcome::Created(job_id(2)));
    on.claim(2, 1, at(2));
    assert!(on.fail(claim_ref(2, 2), Retry::Never, at(3)).is_done());
    assert_eq!(on.enqueue(&keyed(3)), EnqueueOutcome::Created(job_id(3)));
    assert_eq!(on.cancel(3, at(4)), JobActionOutcome::Done);
    assert_eq!(on.enqueue(&keyed(4)), EnqueueOutcome::Created(job_id(4)));
    assert_eq!(on.delete(4), JobActionOutcome::Done);
    assert_eq!(on.enqueue(&keyed(5)), EnqueueOutcome::Created(job_id(5)));
}

fn the_same_job_twice_with_a_dedup_key_meets_itself<S: Store>(store: &S) {
    let on = On(store);
    let keyed = job(1).dedup_key(dedup_key("one"));
    on.enqueue(&keyed);
    assert_eq!(on.enqueue(&keyed), EnqueueOutcome::Duplicate(job_id(1)));
}

fn jobs_without_dedup_key_do_not_meet<S: Store>(store: &S) {
    let on = On(store);
    for number in 1..=3 {
        let twin = job(7).id(job_id(number));
        assert_eq!(on.enqueue(&twin), EnqueueOutcome::Created(job_id(number)));
    }
}

fn pages_follow_each_other_in_the_order_of_insertion<S: Store>(store: &S) {
    let on = On(store);
    for number in [5, 2, 9, 4, 7] {
        on.enqueue(&job(number).priority(if number % 2 == 0 { Priority::Urgent } else { Priority::Low }));
    }
    on.claim(1, 2, at(0));
    assert_eq!(on.jobs(&JobFilter::default()), numbered(&[5, 2, 9, 4, 7]));
}

fn filters_hold_all_at_once<S: Store>(store: &S) {
    let on = On(store);
    let file = on.file_in(1, FileStatus::Ingested);
    for number in 0..12 {
        let mut new = job(number);
        new.kind = if number % 2 == 0 { work() } else { kind("test.other") };
        new.file_id = (number % 3 == 0).then_some(file);
        on.enqueue(&new);
        if number >= 6 {
            assert_eq!(on.cancel(number, at(1)), JobActionOutcome::Done);
        }
    }
    let status = |status| JobFilter::new().status(status);
    let of_file = JobFilter::new().file_id(file);
    let of_kind = JobFilter::new().kind(kind("test.other"));
    assert_eq!(on.jobs(&status(JobStatus::Failed)), numbered(&[6, 7, 8, 9, 10, 11]));
    assert_eq!(on.jobs(&status(JobStatus::Running)), numbered(&[]));
    assert_eq!(on.jobs(&of_file), numbered(&[0, 3, 6, 9]));
    assert_eq!(on.jobs(&of_kind), numbered(&[1, 3, 5, 7, 9, 11]));
    assert_eq!(on.jobs(&of_kind.clone().status(JobStatus::Pending)), numbered(&[1, 3, 5]));
    assert_eq!(on.jobs(&of_file.clone().status(JobStatus::Failed)), numbered(&[6, 9]));
    let all = of_kind.status(JobStatus::Failed).file_id(file);
    assert_eq!(on.jobs(&all), numbered(&[9]));
    assert_eq!(on.jobs(&of_file.file_id(file_id(2))), numbered(&[]));
}

fn jobs_are_counted_by_kind_and_status<S: Store>(store: &S) {
    let on = On(store);
    assert_eq!(on.read(|s| s.jobs().count()), []);
    for number in 0..5 {
        let mut new = job(number);
        new.kind = if number == 4 { kind("a.kind") } else { work() };
        on.enqueue(&new);
    }
    on.claim(1, 1, at(0));
    let mut counts = on.read(|s| s.jobs().count());
    counts.sort_by_key(|count| (count.kind.clone(), count.status));
    let count = |kind: &str, status, jobs| JobCount::new(kind.to_owned(), status, None, jobs);
    let expected = [
        count("a.kind", JobStatus::Pending, 1),
        count("test.work", JobStatus::Pending, 3),
        count("test.work", JobStatus::Running, 1),
    ];
    assert_eq!(counts, expected);
}

fn the_next_due_time_is_that_of_pending_jobs_of_these_kinds<S: Store>(store: &S) {
    let on = On(store);
    let next_due = |kinds: &[JobKind]| on.read(|s| s.jobs().next_due(kinds));
    assert_eq!(next_due(&[work()]), None);
    on.enqueue(&job(1).run_at(at(30)));
    on.enqueue(&job(2).run_at(at(10)).priority(Priority::Low));
    on.enqueue(&job(3).run_at(at(20)).priority(Priority::Urgent));
    let mut other = job(4).run_at(at(5));
    other.kind = kind("test.other");
    on.enqueue(&other);
    assert_eq!(next_due(&[work()]), Some(at(10)));
    assert_eq!(next_due(&[work(), kind("test.other")]), Some(at(5)));
    assert_eq!((next_due(&[]), next_due(&[kind("test.none")])), (None, None));
    on.claim(1, 2, at(100));
    assert_eq!(next_due(&[work()]), Some(at(10)), "the low one is left");
    assert_eq!(on.cancel(2, at(100)), JobActionOutcome::Done);
    assert_eq!(next_due(&[work()]), None);
}

fn times_are_cut_to_microseconds<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1).run_at(with_nanoseconds(at(2))).created_at(with_nanoseconds(at(1))));
    let job = on.job(1);
    assert_eq!((job.created_at, job.run_at), (Some(at(1)), at(2)));
}
