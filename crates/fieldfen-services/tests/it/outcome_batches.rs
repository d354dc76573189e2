//! Outcomes that are applied in one transaction: an outcome that the store refuses, or that is late, affects no other.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fieldfen_domain::JobId;
use fieldfen_domain::job::{JobKind, JobStatus, ParkedFor};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_services::queue::{Completion, QueueError};
use fieldfen_services::worker::{Outcome, ShutdownReport, Task};
use fieldfen_testkit::fixtures::by_ann;
use fieldfen_testkit::wait::{scope_with_deadline, wait_until};

use super::{Bench, Note};

on_every_store!(
    a_write_that_fails_fails_its_own_job_alone,
    a_write_that_panics_fails_its_own_job_alone,
    a_write_that_fails_as_a_store_does_keeps_no_other_job_waiting,
    a_job_that_was_killed_meanwhile_harms_no_other,
    outcomes_of_every_sort_that_come_at_once_are_each_applied,
);

/// Runs one handler for each of these texts. All of them return while the outcome of the first one is being applied, so
/// that the others form one batch. Returns the text of each job.
fn run_together<S: Store>(
    bench: &Bench<S>,
    texts: &'static [&'static str],
    before_the_end: impl Fn(&[JobId]),
    outcome: impl Fn(&Task<Note>) -> Outcome + Send + Sync + 'static,
) -> Vec<JobId> {
    let ids: Vec<_> = texts.iter().map(|text| bench.note(text)).collect();
    let first = bench.note("first");
    let (begun, returned) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let may_end = Arc::new(AtomicUsize::new(0));
    let counts = (Arc::clone(&begun), Arc::clone(&returned), Arc::clone(&may_end));
    let handler = move |task: Task<Note>| {
        let (begun, returned, may_end) = &counts;
        begun.fetch_add(1, Ordering::SeqCst);
        wait_until("the test lets the handlers end", || may_end.load(Ordering::SeqCst) > 0);
        if task.text == "first" {
            let returned = Arc::clone(returned);
            return Outcome::Complete(Completion::new().writing(move |_| {
                wait_until("all other handlers have returned", || returned.load(Ordering::SeqCst) == texts.len());
                // Time for the outcomes of the returned handlers to arrive.
                std::thread::sleep(Duration::from_millis(20));
                Ok::<_, QueueError>(())
            }));
        }
        let outcome = outcome(&task);
        // The first thread is applying outcomes by then, since its handler has nothing else to do.
        std::thread::sleep(Duration::from_millis(10));
        returned.fetch_add(1, Ordering::SeqCst);
        outcome
    };
    let running = bench.worker().threads(texts.len() + 1).handle(handler).start().unwrap();
    wait_until("all handlers have begun", || begun.load(Ordering::SeqCst) == texts.len() + 1);
    before_the_end(&ids);
    may_end.store(1, Ordering::SeqCst);
    wait_until("no job is running", || ids.iter().chain([&first]).all(|id| bench.status(id) != JobStatus::Running));
    running.stop_handle().stop();
    assert_eq!(super::panics::end_of(running).unwrap(), ShutdownReport::default());
    assert_eq!(bench.status(&first), JobStatus::Completed);
    ids
}

/// The number of notes that this job has written.
fn notes_of<S: Store>(bench: &Bench<S>, text: &str) -> usize {
    bench.claim(JobKind::custom("test.written").unwrap(), 100).iter().fold(0, |notes, claimed| {
        let payload = claimed.job.payload.as_ref().unwrap().as_str();
        notes + usize::from(payload.contains(&format!("\"{text}\"")))
    })
}

/// A completion that enqueues a job of a kind that nobody runs.
fn writing(task: &Task<Note>) -> Completion {
    let (id, now) = (task.environment().job_id(), task.now());
    let kind = JobKind::custom("test.written").unwrap();
    let payload = fieldfen_domain::RawJson::from_value(&Note::new(task.text.clone())).unwrap();
    let job = fieldfen_domain::job::NewJob::untyped(id, kind, Some(payload), now).unwrap();
    Completion::new().writing(move |t| t.enqueue(&job).map(drop))
}

const TEXTS: &[&str] = &["a", "b", "broken", "c", "d"];

fn assert_all_but_the_broken_one<S: Store>(bench: &Bench<S>, ids: &[JobId], error: &str) {
    let statuses: Vec<_> = ids.iter().map(|id| bench.status(id)).collect();
    let [completed, pending] = [JobStatus::Completed, JobStatus::Pending];
    assert_eq!(statuses, [completed, completed, pending, completed, completed]);
    let job = bench.job(&ids[2]);
    assert_eq!((job.attempts, job.last_error.as_deref()), (1, Some(error)));
    let counts = bench.queue.count().unwrap();
    let written: u64 = counts.iter().filter(|count| count.kind == "test.written").map(|count| count.jobs).sum();
    assert_eq!(written, 4, "each of the others has written once, the broken one nothing");
    assert_eq!(notes_of(bench, "broken"), 0);
}

fn a_write_that_fails_fails_its_own_job_alone(store: impl Store) {
    let bench = Bench::new(store);
    let ids = run_together(
        &bench,
        TEXTS,
        |_| (),
        |task| {
            let completion = writing(task);
            let broken = task.text == "broken";
            Outcome::Complete(completion.writing(move |_| if broken { Err("sold meanwhile") } else { Ok(()) }))
        },
    );
    assert_all_but_the_broken_one(&bench, &ids, "a write in the completion of a job failed: sold meanwhile");
}

fn a_write_that_panics_fails_its_own_job_alone(store: impl Store) {
    let bench = Bench::new(store);
    let ids = run_together(
        &bench,
        TEXTS,
        |_| (),
        |task| {
            let completion = writing(task);
            let broken = task.text == "broken";
            Outcome::Complete(completion.writing(move |_| {
                assert!(!broken, "torn");
                Ok::<_, QueueError>(())
            }))
        },
    );
    assert_all_but_the_broken_one(&bench, &ids, "its writes panicked: torn");
}

fn a_write_that_fails_as_a_store_does_keeps_no_other_job_waiting(store: impl Store) {
    let bench = Bench::new(store);
    let others_have_ended = Arc::new(AtomicBool::new(false));
    let may_succeed = Arc::clone(&others_have_ended);
    let outcome = move |task: &Task<Note>| {
        let (is_broken, may_succeed) = (task.text == "broken", Arc::clone(&may_succeed));
        Outcome::Complete(writing(task).writing(move |_| match is_broken && !may_succeed.load(Ordering::SeqCst) {
            true => Err(StoreError::Io("the disk of another store".into())),
            false => Ok(()),
        }))
    };
    scope_with_deadline("the other jobs are completed", |scope| {
        let watch = |ids: &[JobId]| {
            let (ids, bench, others_have_ended) = (ids.to_vec(), &bench, &others_have_ended);
            scope.spawn(move || {
                wait_until("all jobs but one are completed", || {
                    ids.iter().filter(|id| bench.status(id) == JobStatus::Completed).count() == ids.len() - 1
                });
                others_have_ended.store(true, Ordering::SeqCst);
            });
        };
        let ids = run_together(&bench, TEXTS, watch, outcome);
        assert!(ids.iter().all(|id| bench.status(id) == JobStatus::Completed && bench.job(id).attempts == 0));
    });
    let counts = bench.queue.count().unwrap();
    let written: u64 = counts.iter().filter(|count| count.kind == "test.written").map(|count| count.jobs).sum();
    assert_eq!(written, 5, "each has written once");
}

fn a_job_that_was_killed_meanwhile_harms_no_other(store: impl Store) {
    let bench = Bench::new(store);
    let kill = |ids: &[JobId]| assert!(bench.queue.kill(&ids[2], &by_ann("not wanted")).is_ok());
    let ids = run_together(&bench, TEXTS, kill, |task| match task.text.as_str() {
        // With writes and without them.
        "a" | "c" => Outcome::Complete(Completion::new().result(&task.text)),
        _ => Outcome::Complete(writing(task)),
    });
    let statuses: Vec<_> = ids.iter().map(|id| bench.status(id)).collect();
    let [completed, failed] = [JobStatus::Completed, JobStatus::Failed];
    assert_eq!(statuses, [completed, completed, failed, completed, completed]);
    assert_eq!(bench.job(&ids[2]).last_error.as_deref(), Some("not wanted"));
    let results: Vec<_> = ids.iter().map(|id| bench.job(id).result.map(|json| json.as_str().to_owned())).collect();
    assert_eq!(results, [Some(r#""a""#.to_owned()), None, None, Some(r#""c""#.to_owned()), None]);
    assert_eq!([notes_of(&bench, "b")], [1]);
}

fn outcomes_of_every_sort_that_come_at_once_are_each_applied(store: impl Store) {
    let bench = Bench::new(store);
    let until_then = bench.now() + Duration::from_secs(90);
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let kept = Arc::clone(&seen);
    let outcome = move |task: &Task<Note>| {
        kept.lock().unwrap().insert(task.id());
        match task.text.as_str() {
            "plain" => Outcome::Complete(Completion::new()),
            "retry" => Outcome::retry("not yet"),
            "fail" => Outcome::fail("never"),
            "throttled" => Outcome::throttled(until_then, "0 calls left"),
            "declined" => Outcome::decline("another one can"),
            "parked" => Outcome::park(ParkedFor::Person, "whose is it?"),
            _ => Outcome::Complete(writing(task).result(&1)),
        }
    };
    let texts = &["plain", "retry", "fail", "throttled", "declined", "parked", "writes"];
    let ids = run_together(&bench, texts, |_| (), outcome);
    let jobs: Vec<_> = ids.iter().map(|id| bench.job(id)).collect();
    let [completed, pending, failed] = [JobStatus::Completed, JobStatus::Pending, JobStatus::Failed];
    let statuses: Vec<_> = jobs.iter().map(|job| job.state.status()).collect();
    assert_eq!(statuses, [completed, pending, failed, pending, pending, failed, completed]);
    let attempts: Vec<_> = jobs.iter().map(|job| job.attempts).collect();
    assert_eq!(attempts, [0, 1, 0, 0, 0, 0, 0]);
    assert_eq!((jobs[3].run_at, jobs[3].throttled), (until_then, 1));
    assert_eq!(jobs[4].declined_since, Some(bench.now()));
    assert_eq!(jobs[5].state.parked_for(), Some(ParkedFor::Person));
    assert_eq!(jobs[6].result.as_ref().map(|json| json.as_str().to_owned()).as_deref(), Some("1"));
    assert_eq!(seen.lock().unwrap().len(), texts.len(), "no handler has run twice");
}
