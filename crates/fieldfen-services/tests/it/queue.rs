//! The queue.

use std::time::Duration;

use chrono::TimeDelta;
use fieldfen_domain::file::FileStatus;
use fieldfen_domain::job::{
    Backoff, DedupKey, EnqueueOutcome, FailOutcome, FencedResult, GenerateMetadata, InvalidJob, JobActionOutcome,
    JobKind, JobStatus, NewJob, Payload, Priority, RetryPolicy, UpscaleImage,
};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{MAX_TIMESTAMP, PageRequest, RawJson, Timestamp};
use fieldfen_services::Transaction;
use fieldfen_services::queue::{self, Completion, Queue, QueueError, RetryPolicies, WaitOutcome};
use fieldfen_testkit::fixtures::by_ann;
use fieldfen_testkit::wait::scope_with_deadline;

use super::{Bench, LEASE, LONG, LOST_LEASE_WAIT, Note};
use crate::SetUp as _;

on_every_store!(
    a_broken_payload_is_refused_and_leaves_nothing_behind,
    many_jobs_are_enqueued_together_or_not_at_all,
    jobs_come_by_priority_then_due_time_then_insertion,
    a_live_job_with_the_dedup_key_is_met,
    enqueueing_joins_the_callers_transaction,
    a_completion_writes_everything_at_once,
    a_stale_completion_writes_nothing_and_says_why,
    a_completion_whose_write_fails_leaves_the_job_running,
    a_failed_try_waits_as_its_policy_says,
    a_wait_beyond_all_times_ends_with_the_year_9999,
    spent_retries_fail_the_job_and_its_file,
    a_permanent_failure_fails_at_once,
    a_released_job_spends_no_retry,
    the_answer_to_a_release_says_when_the_job_is_due,
    a_pending_job_is_cancelled_at_once_and_a_running_one_when_it_ends,
    a_killed_job_is_lost_to_its_worker,
    dead_letters_are_listed_and_retried,
    waiting_answers_with_the_end_of_the_job,
    waiting_notices_an_end_in_another_thread,
);

fn a_broken_payload_is_refused_and_leaves_nothing_behind(store: impl Store) {
    let bench = Bench::new(store);
    let error = bench.queue.job(&Note::new("")).unwrap_err();
    assert_eq!(error.to_string(), "payload of test.note: text is \"\"; it must be 1 character or more");

    let upscale = |json: &str| {
        let json = RawJson::parse(json).unwrap();
        NewJob::untyped(bench.queue.environment().job_id(), JobKind::UpscaleImage, Some(json), bench.now()).unwrap()
    };
    let file = bench.file();
    let broken = upscale(&format!(r#"{{"file_id": "{file}", "scale_factor": 0, "target_dpi": 300}}"#));
    let error = bench.queue.enqueue(&broken).unwrap_err();
    assert!(matches!(error, QueueError::Job(InvalidJob::Payload(_))), "{error}");
    assert!(error.to_string().contains("scale_factor is \"0\""), "{error}");
    let without = broken.payload(None);
    assert!(matches!(bench.queue.enqueue(&without), Err(QueueError::Job(_))));
    assert_eq!(bench.queue.count().unwrap(), []);
}

fn many_jobs_are_enqueued_together_or_not_at_all(store: impl Store) {
    let bench = Bench::new(store);
    let jobs: Vec<_> = (0..3000).map(|number| bench.queue.job(&Note::new(number.to_string())).unwrap()).collect();
    let mut with_repetition = jobs.clone();
    with_repetition.push(jobs[0].clone());
    let error = bench.queue.enqueue_many(&with_repetition).unwrap_err();
    assert!(matches!(error, QueueError::Store(StoreError::AlreadyExists { .. })), "{error}");
    assert_eq!(bench.queue.count().unwrap(), []);

    let enqueued = bench.queue.enqueue_many(&jobs).unwrap();
    assert!(enqueued.iter().zip(&jobs).all(|(answer, job)| *answer == EnqueueOutcome::Created(job.id)));
    assert_eq!(bench.queue.count().unwrap()[0].jobs, 3000);
}

fn jobs_come_by_priority_then_due_time_then_insertion(store: impl Store) {
    let bench = Bench::new(store);
    let note = |text: &str, priority, seconds: i64| {
        let job = bench.queue.job(&Note::new(text)).unwrap();
        let job = job.priority(priority).run_at(bench.now() + TimeDelta::seconds(seconds));
        bench.queue.enqueue(&job).unwrap();
    };
    note("low", Priority::Low, -100);
    note("second", Priority::Normal, -1);
    note("third", Priority::Normal, -1);
    note("first", Priority::Normal, -2);
    note("later", Priority::Urgent, 1);
    note("high", Priority::High, 0);
    let texts = |jobs: Vec<queue::ClaimedJob>| -> Vec<String> {
        jobs.iter().map(|claimed| Note::from_json(claimed.job.payload.as_ref().unwrap()).unwrap().text).collect()
    };
    assert_eq!(texts(bench.claim_notes(3)), ["high", "first", "second"]);
    assert_eq!(texts(bench.claim_notes(9)), ["third", "low"]);
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(texts(bench.claim_notes(9)), ["later"]);
}

fn a_live_job_with_the_dedup_key_is_met(store: impl Store) {
    let bench = Bench::new(store);
    let note = || bench.queue.job(&Note::new("x")).unwrap().dedup_key(DedupKey::new("only one").unwrap());
    let first = note();
    assert_eq!(bench.queue.enqueue(&first).unwrap(), EnqueueOutcome::Created(first.id));
    assert_eq!(bench.queue.enqueue(&note()).unwrap(), EnqueueOutcome::Duplicate(first.id));
    let claimed = bench.claim_notes(1);
    assert_eq!(bench.queue.enqueue(&note()).unwrap(), EnqueueOutcome::Duplicate(first.id));
    assert!(bench.queue.complete(&claimed[0], &mut Completion::new()).unwrap().is_done());
    let second = note();
    assert_eq!(bench.queue.enqueue(&second).unwrap(), EnqueueOutcome::Created(second.id));
}

fn enqueueing_joins_the_callers_transaction(store: impl Store) {
    let bench = Bench::new(store);
    let job = bench.queue.job(&Note::new("x")).unwrap();
    let given_up = bench.queue.store().try_set_up(|s| {
        Transaction::new(s).enqueue(&job)?;
        Err::<(), _>(QueueError::from(StoreError::Nested))
    });
    assert!(given_up.is_err());
    assert_eq!(bench.queue.find(&job.id).unwrap(), None);
    bench.queue.store().try_set_up(|s| Transaction::new(s).enqueue(&job)).unwrap();
    assert_eq!(bench.status(&job.id), JobStatus::Pending);
}

fn a_completion_writes_everything_at_once(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("first");
    let claimed = bench.claim_notes(1).remove(0);
    let follow_up = bench.queue.job(&Note::new("second")).unwrap();
    let written = bench.queue.job(&Note::new("written")).unwrap();
    let (follow_up_id, written_id) = (follow_up.id, written.id);
    let mut completion = Completion::new()
        .result(&serde_json::json!({"width": 8000}))
        .writing(move |t| t.enqueue(&written).map(drop))
        .then(follow_up);
    assert_eq!(bench.queue.complete(&claimed, &mut completion).unwrap(), FencedResult::Done(()));
    assert_eq!(bench.status(&id), JobStatus::Completed);
    assert_eq!(bench.job(&id).result.unwrap().as_str(), r#"{"width":8000}"#);
    assert_eq!((bench.status(&follow_up_id), bench.status(&written_id)), (JobStatus::Pending, JobStatus::Pending));
}

fn a_stale_completion_writes_nothing_and_says_why(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("first");
    let first = bench.claim_notes(1).remove(0);
    bench.clock.advance(LEASE);
    assert_eq!(bench.queue.reclaim(10).unwrap().len(), 1);
    let complete = |claimed| {
        let follow_up = bench.queue.job(&Note::new("must not be")).unwrap();
        let follow_up_id = follow_up.id;
        let fenced = bench.queue.complete(claimed, &mut Completion::new().then(follow_up)).unwrap();
        let enqueued = bench.queue.find(&follow_up_id).unwrap().is_some();
        assert_eq!(enqueued, fenced.is_done());
        fenced
    };
    assert_eq!(complete(&first), FencedResult::LeaseLost);
    bench.clock.advance(LOST_LEASE_WAIT);
    let second = bench.claim_notes(1).remove(0);
    assert_eq!(complete(&first), FencedResult::LeaseLost);
    assert_eq!(complete(&second), FencedResult::Done(()));
    assert_eq!(complete(&second), FencedResult::AlreadyDone { at: Some(bench.now()) });
    assert_eq!(complete(&first), FencedResult::LeaseLost);
    assert_eq!(bench.queue.delete(&id, &by_ann("as asked")).unwrap(), JobActionOutcome::Done);
    assert_eq!(complete(&second), FencedResult::NotFound);
}

fn a_completion_whose_write_fails_leaves_the_job_running(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("first");
    let claimed = bench.claim_notes(1).remove(0);
    let missing_file = bench.queue.environment().file_id();
    let metadata = GenerateMetadata::new(missing_file);
    let orphan = bench.queue.job(&metadata).unwrap();
    let error = bench.queue.complete(&claimed, &mut Completion::new().then(orphan)).unwrap_err();
    assert!(matches!(error, QueueError::Store(StoreError::MissingReference { .. })), "{error}");
    assert_eq!(bench.status(&id), JobStatus::Running);
    assert!(bench.queue.complete(&claimed, &mut Completion::new()).unwrap().is_done());
}

fn a_failed_try_waits_as_its_policy_says(store: impl Store) {
    let backoff = Backoff::new(Duration::from_secs(8), Duration::from_secs(10));
    let policy = RetryPolicy::new(backoff, 2);
    let bench = Bench::new(store);
    let policies = RetryPolicies::default().with(Note::kind(), policy);
    let queue = Queue::new(bench.queue.store().clone(), bench.queue.environment().clone()).with_policies(policies);
    let job = queue.job(&Note::new("x")).unwrap();
    assert_eq!(job.max_retries, 2);
    queue.enqueue(&job).unwrap();
    for (attempts, longest) in [(1, 8), (2, 10)] {
        let claimed = bench.claim_notes(1).remove(0);
        let FencedResult::Done(FailOutcome::Retrying { run_at, attempts: counted }) =
            queue.fail(&claimed, "no").unwrap()
        else {
            panic!("retries are left");
        };
        assert_eq!(counted, attempts);
        let wait = (run_at - bench.now()).to_std().unwrap();
        assert!(wait >= Duration::from_secs(longest) / 2 && wait <= Duration::from_secs(longest), "{wait:?}");
        assert_eq!(bench.claim_notes(1), []);
        bench.clock.advance(wait);
    }
    let claimed = bench.claim_notes(1).remove(0);
    assert_eq!(queue.fail(&claimed, "no again").unwrap(), FencedResult::Done(FailOutcome::DeadLetter));
    assert_eq!(bench.job(&job.id).last_error.as_deref(), Some("no again"));
}

/// An upscale job without retries, claimed.
fn claimed_upscale<S: Store>(bench: &Bench<S>) -> (fieldfen_domain::FileId, queue::ClaimedJob) {
    let file_id = bench.file();
    let payload = UpscaleImage::new(file_id, 4, 300);
    bench.queue.enqueue(&bench.queue.job(&payload).unwrap().max_retries(0)).unwrap();
    (file_id, bench.claim(JobKind::UpscaleImage, 1).remove(0))
}

fn a_wait_beyond_all_times_ends_with_the_year_9999(store: impl Store) {
    let bench = Bench::new(store);
    let backoff = Backoff::new(Duration::MAX, Duration::MAX);
    let policies = RetryPolicies::new(RetryPolicy::new(backoff, 5));
    let queue = bench.queue.clone().with_policies(policies);
    let id = bench.note("x");
    let answer = queue.fail(&bench.claim_notes(1)[0], "no").unwrap();
    assert_eq!(answer, FencedResult::Done(FailOutcome::Retrying { run_at: MAX_TIMESTAMP, attempts: 1 }));
    assert_eq!((bench.status(&id), bench.job(&id).run_at), (JobStatus::Pending, MAX_TIMESTAMP));
}

fn spent_retries_fail_the_job_and_its_file(store: impl Store) {
    let bench = Bench::new(store);
    let (file, claimed) = claimed_upscale(&bench);
    assert_eq!(bench.queue.fail(&claimed, "no memory").unwrap(), FencedResult::Done(FailOutcome::DeadLetter));
    assert_eq!(bench.status(&claimed.claim.id), JobStatus::Failed);
    assert_eq!(bench.file_status(&file), FileStatus::Failed);
    assert_eq!(bench.queue.fail(&claimed, "again").unwrap(), FencedResult::AlreadyDone { at: Some(bench.now()) });
}

fn a_permanent_failure_fails_at_once(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let claimed = bench.claim_notes(1).remove(0);
    assert_eq!(
        bench.queue.fail_for_good(&claimed, "not a picture").unwrap(),
        FencedResult::Done(FailOutcome::DeadLetter)
    );
    let job = bench.job(&id);
    assert_eq!((job.state.status(), job.attempts), (JobStatus::Failed, 0));
    assert_eq!(job.last_error.as_deref(), Some("not a picture"));
}

fn the_answer_to_a_release_says_when_the_job_is_due(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    for run_at in [Timestamp::MIN_UTC, bench.now() + Duration::from_nanos(1), Timestamp::MAX_UTC] {
        let _ = bench.queue.cancel(&id, &by_ann("done")).unwrap();
        assert_eq!(bench.queue.retry(&id, &by_ann("as asked")).unwrap(), JobActionOutcome::Done);
        let claimed = bench.claim_notes(1).remove(0);
        let FencedResult::Done(FailOutcome::Retrying { run_at, .. }) = bench.queue.snooze(&claimed, run_at).unwrap()
        else {
            panic!("it was not given back")
        };
        assert_eq!(bench.job(&id).run_at, run_at);
    }
}

fn a_released_job_spends_no_retry(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let claimed = bench.claim_notes(1).remove(0);
    let run_at = bench.now() + TimeDelta::seconds(30);
    let released = bench.queue.snooze(&claimed, run_at).unwrap();
    assert_eq!(released, FencedResult::Done(FailOutcome::Retrying { run_at, attempts: 0 }));
    assert_eq!((bench.job(&id).attempts, bench.job(&id).run_at), (0, run_at));
    assert_eq!(bench.claim_notes(1), []);
    assert_eq!(bench.queue.snooze(&claimed, run_at).unwrap(), FencedResult::LeaseLost);
    bench.clock.advance(Duration::from_secs(30));
    assert_eq!(bench.claim_notes(1).len(), 1);
}

fn a_pending_job_is_cancelled_at_once_and_a_running_one_when_it_ends(store: impl Store) {
    let bench = Bench::new(store);
    let file_id = bench.file();
    let upscale = UpscaleImage::new(file_id, 2, 72);
    let pending = bench.queue.job(&upscale).unwrap();
    bench.queue.enqueue(&pending).unwrap();
    assert_eq!(bench.queue.cancel(&pending.id, &by_ann("wrong picture")).unwrap(), JobActionOutcome::Done);
    assert_eq!(bench.status(&pending.id), JobStatus::Failed);
    assert_eq!(bench.file_status(&file_id), FileStatus::Failed);

    let endings = [
        |queue: &Queue<_>, claimed: &_| queue.fail(claimed, "interrupted").unwrap(),
        |queue: &Queue<_>, claimed: &_| queue.snooze(claimed, queue.environment().now()).unwrap(),
    ];
    for ending in endings {
        let id = bench.note("x");
        let claimed = bench.claim_notes(1).remove(0);
        assert_eq!(bench.queue.cancel(&id, &by_ann("not wanted")).unwrap(), JobActionOutcome::CancelRequested);
        let beats = bench.queue.heartbeat(&[(claimed.claim, None)], LEASE).unwrap();
        assert!(matches!(beats[0], FencedResult::Done(beat) if beat.cancel_requested));
        assert_eq!(ending(&bench.queue, &claimed), FencedResult::Done(FailOutcome::DeadLetter));
        assert!(bench.job(&id).last_error.unwrap().starts_with("not wanted"));
        assert_eq!(
            bench.queue.cancel(&id, &by_ann("again")).unwrap(),
            JobActionOutcome::Refused { status: JobStatus::Failed }
        );
    }
    let unknown = bench.queue.environment().job_id();
    assert_eq!(bench.queue.cancel(&unknown, &by_ann("x")).unwrap(), JobActionOutcome::NotFound);
}

fn a_killed_job_is_lost_to_its_worker(store: impl Store) {
    let bench = Bench::new(store);
    let (file, claimed) = claimed_upscale(&bench);
    assert_eq!(bench.queue.kill(&claimed.claim.id, &by_ann("hangs")).unwrap(), JobActionOutcome::Done);
    assert_eq!(bench.file_status(&file), FileStatus::Failed);
    assert_eq!(bench.queue.complete(&claimed, &mut Completion::new()).unwrap(), FencedResult::LeaseLost);
    assert_eq!(bench.job(&claimed.claim.id).last_error.as_deref(), Some("hangs"));
}

fn dead_letters_are_listed_and_retried(store: impl Store) {
    let bench = Bench::new(store);
    let ids: Vec<_> = (0..5).map(|number| bench.note(&number.to_string())).collect();
    for claimed in bench.claim_notes(4) {
        assert!(bench.queue.fail_for_good(&claimed, "no").unwrap().is_done());
    }
    let first = bench.queue.dead_letters(&PageRequest::first(3)).unwrap();
    let rest = bench.queue.dead_letters(&PageRequest::first(3).after(first.next.unwrap())).unwrap();
    let listed: Vec<_> = first.items.iter().chain(&rest.items).map(|job| job.id).collect();
    assert_eq!((listed, rest.next), (ids[..4].to_vec(), None));
    assert_eq!(bench.queue.retry(&ids[0], &by_ann("as asked")).unwrap(), JobActionOutcome::Done);
    assert_eq!(
        bench.queue.retry(&ids[4], &by_ann("as asked")).unwrap(),
        JobActionOutcome::Refused { status: JobStatus::Pending }
    );
    assert_eq!(bench.claim_notes(9).len(), 2);
}

fn waiting_answers_with_the_end_of_the_job(store: impl Store) {
    let bench = Bench::new(store);
    let (completed, failed, pending) = (bench.note("a"), bench.note("b"), bench.note("c"));
    let claimed = bench.claim_notes(2);
    assert!(bench.queue.complete(&claimed[0], &mut Completion::new().result("done")).unwrap().is_done());
    assert!(bench.queue.fail_for_good(&claimed[1], "torn").unwrap().is_done());
    let wait = |id| bench.queue.wait_for(&id, Duration::ZERO).unwrap();
    assert_eq!(wait(completed), WaitOutcome::Completed { result: Some(RawJson::parse(r#""done""#).unwrap()) });
    assert_eq!(wait(failed), WaitOutcome::Failed { reason: "torn".to_owned() });
    assert_eq!(wait(pending), WaitOutcome::TimedOut);
    assert_eq!(wait(bench.queue.environment().job_id()), WaitOutcome::NotFound);
}

fn waiting_notices_an_end_in_another_thread(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let claimed = bench.claim_notes(1).remove(0);
    scope_with_deadline("the waiting thread has its answer", |scope| {
        let waiting = scope.spawn(|| bench.queue.wait_for(&id, LONG).unwrap());
        assert!(bench.queue.complete(&claimed, &mut Completion::new()).unwrap().is_done());
        assert_eq!(waiting.join().unwrap(), WaitOutcome::Completed { result: None });
    });
}
