//! Enqueueing many jobs at once: each job gets the answer that it would get alone.

use chrono::TimeDelta;
use fieldfen_domain::file::FileStatus;
use fieldfen_domain::job::{EnqueueOutcome, JobActionOutcome, JobFilter, NewJob, Priority};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{MAX_TIMESTAMP, RawJson};

use super::operations::{On, numbered};
use super::{Case, named};
use crate::fixtures::{at, dedup_key, file_id, job, job_id, upscale_job};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["enqueue_many":
        a_batch_of_nothing_has_no_answers,
        ten_thousand_jobs_are_enqueued_at_once_in_their_order,
        each_job_of_a_batch_is_created_or_meets_a_live_one,
        jobs_of_one_batch_with_the_same_dedup_key_meet_each_other,
        any_dedup_key_is_compared_letter_by_letter,
        everything_that_can_be_set_is_kept_of_a_batch,
        a_job_that_is_refused_refuses_its_batch,
        the_first_job_that_is_refused_decides,
    ]
}

fn keyed(number: u64, key: &str) -> NewJob {
    job(number).dedup_key(dedup_key(key))
}

fn a_batch_of_nothing_has_no_answers<S: Store>(store: &S) {
    let on = On(store);
    assert_eq!(on.enqueue_all(&[]), []);
    assert_eq!(on.jobs(&JobFilter::default()), []);
}

fn ten_thousand_jobs_are_enqueued_at_once_in_their_order<S: Store>(store: &S) {
    let on = On(store);
    let jobs: Vec<NewJob> = (0..10_000).map(job).collect();
    let answers = on.enqueue_all(&jobs);
    assert!(answers.into_iter().eq((0..10_000).map(|number| EnqueueOutcome::Created(job_id(number)))));
    assert_eq!(on.read(|s| s.jobs().count())[0].jobs, 10_000);
    let claimed = on.claim(1, 20_000, at(1));
    assert!(claimed.iter().map(|job| job.id).eq((0..10_000).map(job_id)), "claimed in the order of insertion");
}

fn each_job_of_a_batch_is_created_or_meets_a_live_one<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue_all(&[keyed(1, "runs"), keyed(2, "has ended"), keyed(3, "pending")]);
    on.claim(1, 1, at(0));
    assert_eq!(on.cancel(2, at(1)), JobActionOutcome::Done);
    // More jobs than any store puts into one statement, and not a round number.
    let mut batch: Vec<NewJob> = (10..1047).map(job).collect();
    batch[5] = keyed(15, "runs");
    batch[500] = keyed(510, "has ended");
    batch[1036] = keyed(1046, "pending");
    let answers = on.enqueue_all(&batch);
    let mut expected: Vec<EnqueueOutcome> = (10..1047).map(|number| EnqueueOutcome::Created(job_id(number))).collect();
    expected[5] = EnqueueOutcome::Duplicate(job_id(1));
    expected[1036] = EnqueueOutcome::Duplicate(job_id(3));
    assert_eq!(answers, expected);
    assert_eq!((on.find_job(15), on.find_job(1046)), (None, None));
    assert_eq!(on.read(|s| s.jobs().count()).iter().map(|count| count.jobs).sum::<u64>(), 1038);
}

fn jobs_of_one_batch_with_the_same_dedup_key_meet_each_other<S: Store>(store: &S) {
    let on = On(store);
    let batch = [keyed(1, "one"), job(2), keyed(3, "two"), keyed(4, "one"), keyed(1, "one"), keyed(5, "one")];
    let (created, met) =
        (|number| EnqueueOutcome::Created(job_id(number)), |number| EnqueueOutcome::Duplicate(job_id(number)));
    assert_eq!(on.enqueue_all(&batch), [created(1), created(2), created(3), met(1), met(1), met(1)]);
    assert_eq!(on.jobs(&JobFilter::default()), numbered(&[1, 2, 3]));
    assert_eq!(on.enqueue_all(&batch[3..]), [met(1), met(1), met(1)]);
}

fn any_dedup_key_is_compared_letter_by_letter<S: Store>(store: &S) {
    let on = On(store);
    let keys = ["\"", "\\", "'", "a\0b", "a\0c", "a", "1", "1.0", "null", "Füchse", "FÜCHSE", "\u{1f98a}", "\n"];
    let batch: Vec<NewJob> = keys.iter().zip(1..).map(|(key, number)| keyed(number, key)).collect();
    let again: Vec<NewJob> = keys.iter().zip(101..).map(|(key, number)| keyed(number, key)).collect();
    let count = u64::try_from(keys.len()).unwrap();
    assert!(on.enqueue_all(&batch).into_iter().eq((1..=count).map(|number| EnqueueOutcome::Created(job_id(number)))));
    assert!(on.enqueue_all(&again).into_iter().eq((1..=count).map(|number| EnqueueOutcome::Duplicate(job_id(number)))));
    let without_nul: Vec<NewJob> = again.into_iter().filter(|job| !format!("{job:?}").contains("\\0")).collect();
    assert_eq!(
        on.enqueue_all(&without_nul).iter().filter(|answer| matches!(answer, EnqueueOutcome::Duplicate(_))).count(),
        11
    );
}

fn everything_that_can_be_set_is_kept_of_a_batch<S: Store>(store: &S) {
    let on = On(store);
    let id = on.file_in(1, FileStatus::Ingested);
    let priorities = Priority::ALL.into_iter().cycle();
    let batch: Vec<NewJob> = (0..40_u64)
        .zip(priorities)
        .map(|(number, priority)| {
            let new = upscale_job(number, id).priority(priority).max_retries(u32::try_from(number).unwrap());
            let new = new.run_at(at(i64::try_from(number).unwrap()));
            if number % 3 == 0 { new.payload(None).file_id(None) } else { new }
        })
        .collect();
    on.enqueue_all(&batch);
    for (new, number) in batch.iter().zip(0..) {
        let job = on.job(number);
        assert_eq!((job.priority, job.max_retries, job.run_at), (new.priority, new.max_retries, new.run_at));
        assert_eq!((job.kind, job.payload, job.file_id), (new.kind.clone(), new.payload.clone(), new.file_id));
        assert_eq!(job.created_at, Some(new.created_at));
    }
}

fn a_job_that_is_refused_refuses_its_batch<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(7));
    for wrong in [0, 100, 199] {
        let batch = |wrong_job: NewJob| {
            let mut batch: Vec<NewJob> = (1000..1200).map(job).collect();
            batch[wrong] = wrong_job;
            on.refuse(|s| s.jobs().enqueue_many(&batch))
        };
        let error = batch(upscale_job(1, file_id(1)));
        assert!(matches!(error, StoreError::MissingReference { .. }), "{wrong}: {error:?}");
        let error = batch(job(7));
        assert!(matches!(error, StoreError::AlreadyExists { .. }), "{wrong}: {error:?}");
        let error = batch(job(if wrong == 0 { 1001 } else { 1000 }));
        assert!(matches!(error, StoreError::AlreadyExists { .. }), "{wrong}: {error:?}");
        let error = batch(job(1).run_at(MAX_TIMESTAMP + TimeDelta::days(1)));
        assert!(matches!(error, StoreError::Invalid { .. }), "{wrong}: {error:?}");
        let error = batch(job(1).payload(RawJson::unchecked("{".to_owned())));
        assert!(matches!(error, StoreError::Invalid { .. }), "{wrong}: {error:?}");
        assert_eq!(on.jobs(&JobFilter::default()), numbered(&[7]), "{wrong}");
    }
}

fn the_first_job_that_is_refused_decides<S: Store>(store: &S) {
    let on = On(store);
    let invalid = job(1).payload(RawJson::unchecked("{".to_owned()));
    let missing = upscale_job(2, file_id(1));
    let error = on.refuse(|s| s.jobs().enqueue_many(&[job(3), missing.clone(), invalid.clone()]));
    assert!(matches!(error, StoreError::MissingReference { .. }), "{error:?}");
    let error = on.refuse(|s| s.jobs().enqueue_many(&[job(3), invalid.clone(), missing.clone()]));
    assert!(matches!(error, StoreError::Invalid { .. }), "{error:?}");
}
