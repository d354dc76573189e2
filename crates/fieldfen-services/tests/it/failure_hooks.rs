//! Writes in the transaction in which a job fails for good.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fieldfen_domain::file::FileStatus;
use fieldfen_domain::job::{FailOutcome, FencedResult, JobActionOutcome, JobKind, JobStatus, Payload, UpscaleImage};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{FileId, JobId, Timestamp};
use fieldfen_services::Transaction;
use fieldfen_services::queue::{ClaimedJob, FailedJob, FailureHook, Queue};
use fieldfen_services::worker::{Outcome, Task};
use fieldfen_testkit::fixtures::by_ann;

use super::panics::end_of;
use super::{Bench, LEASE, Note};

on_every_store! {
    a_queue_with_the_hook_of_the_pipeline_fails_the_file_and_one_without_touches_no_file,
    a_hook_that_fails_takes_back_what_the_hooks_before_it_wrote_and_the_failure_of_the_job,
    hooks_are_told_of_every_way_to_fail_in_the_order_in_which_they_were_given,
    the_hook_of_a_worker_is_told_of_what_its_handlers_fail,
}

/// Records the hook's name, and the kind and reason of each failed job.
#[derive(Debug, Clone)]
struct RecordingHook(&'static str, Arc<Mutex<Vec<String>>>);

impl FailureHook for RecordingHook {
    fn job_failed(&self, _: &mut Transaction<'_>, job: &FailedJob<'_>, _: Timestamp) -> Result<(), StoreError> {
        self.1.lock().unwrap().push(format!("{}: {} {}", self.0, job.kind.unwrap(), job.reason));
        Ok(())
    }
}

#[derive(Debug)]
struct Refuses;

impl FailureHook for Refuses {
    fn job_failed(&self, _: &mut Transaction<'_>, _: &FailedJob<'_>, _: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::Full("no room for the hook".into()))
    }
}

/// An upscale job without retries.
fn upscale<S: Store>(bench: &Bench<S>) -> (FileId, JobId) {
    let file_id = bench.file();
    let payload = UpscaleImage::new(file_id, 4, 300);
    let job = bench.queue.job(&payload).unwrap().max_retries(0);
    (file_id, *bench.queue.enqueue(&job).unwrap().id())
}

fn claimed<S: Store>(bench: &Bench<S>) -> ClaimedJob {
    bench.claim(JobKind::UpscaleImage, 1).remove(0)
}

type Failing<S> = fn(&Bench<S>, &Queue<S>, &JobId);

/// The ways in which a queue fails a job for good.
fn ways_to_fail<S: Store>() -> [(&'static str, Failing<S>); 5] {
    [
        ("spent", |bench, queue, _| {
            assert_eq!(queue.fail(&claimed(bench), "spent").unwrap(), FencedResult::Done(FailOutcome::DeadLetter));
        }),
        ("given up", |bench, queue, _| {
            assert_eq!(
                queue.fail_for_good(&claimed(bench), "given up").unwrap(),
                FencedResult::Done(FailOutcome::DeadLetter)
            );
        }),
        ("cancelled", |_, queue, id| {
            assert_eq!(queue.cancel(id, &by_ann("cancelled")).unwrap(), JobActionOutcome::Done)
        }),
        ("killed", |bench, queue, id| {
            claimed(bench);
            assert_eq!(queue.kill(id, &by_ann("killed")).unwrap(), JobActionOutcome::Done);
        }),
        ("the lease of test expired", |bench, queue, _| {
            claimed(bench);
            bench.clock.advance(LEASE + Duration::from_secs(1));
            assert_eq!(queue.reclaim(10).unwrap().len(), 1);
        }),
    ]
}

fn a_queue_with_the_hook_of_the_pipeline_fails_the_file_and_one_without_touches_no_file(store: impl Store) {
    let bench = Bench::new(store);
    let without = Queue::new(bench.queue.store().clone(), bench.queue.environment().clone());
    for (queue, expected) in [(&without, FileStatus::Ingested), (&bench.queue, FileStatus::Failed)] {
        for (way, fail) in ways_to_fail() {
            let (file, job) = upscale(&bench);
            fail(&bench, queue, &job);
            assert_eq!((bench.status(&job), bench.file_status(&file)), (JobStatus::Failed, expected), "{way}");
        }
    }
}

fn a_hook_that_fails_takes_back_what_the_hooks_before_it_wrote_and_the_failure_of_the_job(store: impl Store) {
    let bench = Bench::new(store);
    let (file, job) = upscale(&bench);
    let held = claimed(&bench);
    let error = bench.queue.clone().with_failure_hook(Refuses).fail_for_good(&held, "out of paint").unwrap_err();
    assert!(matches!(error, StoreError::Full(_)), "{error:?}");
    assert_eq!((bench.status(&job), bench.file_status(&file)), (JobStatus::Running, FileStatus::Ingested));
    assert_eq!(bench.queue.fail_for_good(&held, "out of paint").unwrap(), FencedResult::Done(FailOutcome::DeadLetter));
    assert_eq!((bench.status(&job), bench.file_status(&file)), (JobStatus::Failed, FileStatus::Failed));
}

/// Takes the recorded lines, each once, since a store may run a closure again.
fn once(told: &Mutex<Vec<String>>) -> Vec<String> {
    let mut lines = std::mem::take(&mut *told.lock().unwrap());
    let mut seen = BTreeSet::new();
    lines.retain(|line| seen.insert(line.clone()));
    lines
}

fn hooks_are_told_of_every_way_to_fail_in_the_order_in_which_they_were_given(store: impl Store) {
    let bench = Bench::new(store);
    let told = Arc::new(Mutex::new(Vec::new()));
    let hook = |name| RecordingHook(name, Arc::clone(&told));
    let queue = bench.queue.clone().with_failure_hook(hook("first")).with_failure_hook(hook("second"));
    for (reason, fail) in ways_to_fail() {
        let (_, job) = upscale(&bench);
        fail(&bench, &queue, &job);
        let expected = ["first", "second"].map(|name| format!("{name}: UpscaleImage {reason}"));
        assert_eq!(once(&told), expected);
    }
    // Neither success nor a retry is a failure.
    bench.note("a");
    assert!(queue.complete(&bench.claim_notes(1)[0], &mut Default::default()).unwrap().is_done());
    bench.note("b");
    assert!(queue.fail(&bench.claim_notes(1)[0], "once more").unwrap().is_done());
    assert_eq!(*told.lock().unwrap(), Vec::<String>::new());
}

fn the_hook_of_a_worker_is_told_of_what_its_handlers_fail(store: impl Store) {
    let bench = Bench::new(store);
    let told = Arc::new(Mutex::new(Vec::new()));
    bench.note("x");
    let worker = bench.worker().failure_hook(RecordingHook("hook", Arc::clone(&told)));
    let running = worker.handle(|_: Task<Note>| Outcome::fail("illegible")).start().unwrap();
    running.stop_handle().stop_when_idle();
    end_of(running).unwrap();
    assert_eq!(once(&told), [format!("hook: {} illegible", Note::kind())]);
}

#[test]
fn the_queue_and_the_worker_name_nothing_of_the_shop() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut lines_read = 0;
    let modules = ["queue", "worker"].map(|module| std::fs::read_dir(source.join(module)).unwrap());
    let paths = modules.into_iter().flatten().map(|entry| entry.unwrap().path());
    for path in paths.chain(["transaction.rs", "write_retry.rs", "action_row.rs"].map(|file| source.join(file))) {
        let text = std::fs::read_to_string(&path).unwrap();
        for line in text.lines().map(str::trim_start).filter(|line| !line.starts_with("//")) {
            let modules = ["pipeline", "publishing", "domain::file", "domain::publication"];
            let mut named = modules.into_iter().chain(JobKind::SPECIFIED.iter().map(JobKind::as_str));
            assert!(!named.any(|name| line.contains(name)), "{}: {line}", path.display());
            lines_read += 1;
        }
    }
    assert!(lines_read > 1000, "{lines_read} lines were read");
}
