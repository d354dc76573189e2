//! Workers that stop or lose their jobs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use fieldfen_domain::RawJson;
use fieldfen_domain::job::{Job, JobActionOutcome, JobStatus};
use fieldfen_domain::store::Store;
use fieldfen_services::environment::{Environment, ManualClock, SeededRandomness};
use fieldfen_services::queue::{Completion, Queue, WaitOutcome};
use fieldfen_services::worker::{AppliedOutcome, Interruption, Metrics, Outcome, ShutdownReport, StopHandle, Task};
use fieldfen_testkit::ModelStore;
use fieldfen_testkit::fixtures::by_ann;
use fieldfen_testkit::wait::{PATIENCE, received, wait_for, wait_until};
use fieldfen_testkit::with;

use super::panics::end_of;
use super::store_failures::lease_of;
use super::{Bench, LEASE, LONG, LOST_LEASE_WAIT, Note};

on_every_store!(
    a_graceful_stop_lets_handlers_finish_and_claims_nothing_more,
    a_handler_that_is_asked_to_end_and_fails_gives_its_job_back,
    a_handler_that_does_not_end_keeps_its_job_and_its_outcome_counts,
    a_handler_that_sees_the_stop_may_give_its_job_back_itself,
    a_cancelled_job_is_told_and_fails_for_good,
    a_cancelled_job_that_was_finished_anyway_is_completed,
    a_handler_that_outlives_its_lease_writes_nothing,
    a_killed_job_is_told,
    progress_is_kept_while_the_handler_runs,
    a_stop_ends_a_reclaim_between_two_batches,
);

/// The handler's and the test's side of a meeting: the handler reports that it has begun, and waits to be released.
pub(crate) fn meeting() -> (impl Fn() + Send + Sync + 'static, Receiver<()>, Sender<()>) {
    let (begun, has_begun) = channel();
    let (let_go, go) = channel::<()>();
    let go = Mutex::new(go);
    let meet = move || {
        begun.send(()).unwrap();
        // The test may have ended already. The channel then has no sender.
        let gone_on = go.lock().unwrap().recv_timeout(PATIENCE);
        assert_ne!(gone_on, Err(RecvTimeoutError::Timeout), "waited in vain until the test lets the handler go on");
    };
    (meet, has_begun, let_go)
}

fn a_graceful_stop_lets_handlers_finish_and_claims_nothing_more(store: impl Store) {
    let bench = Bench::new(store);
    let (first, second) = (bench.note("first"), bench.note("second"));
    let (meet, has_begun, let_go) = meeting();
    let running = bench.worker().threads(1).grace(LONG).handle(move |_: Task<Note>| meet()).start().unwrap();
    received("the handler has begun", &has_begun);
    running.stop_handle().stop();
    assert!(running.stop_handle().is_stopping());
    let_go.send(()).unwrap();
    assert_eq!(end_of(running).unwrap(), ShutdownReport::default());
    assert_eq!((bench.status(&first), bench.status(&second)), (JobStatus::Completed, JobStatus::Pending));
    assert_eq!(bench.job(&second).attempts, 0);
}

fn a_handler_that_is_asked_to_end_and_fails_gives_its_job_back(store: impl Store) {
    let bench = Bench::new(store);
    let ids = ["retries", "fails", "completes"].map(|text| bench.note(text));
    let interruptions = Arc::new(Mutex::new(Vec::new()));
    let (seen, begun) = (Arc::clone(&interruptions), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&begun);
    let handler = move |task: Task<Note>| {
        count.fetch_add(1, Ordering::SeqCst);
        wait_until("the job is told to stop", || task.is_cancelled());
        seen.lock().unwrap().push(task.interruption());
        match task.text.as_str() {
            "retries" => Err(Outcome::retry("told to stop")),
            "fails" => Err(Outcome::fail("told to stop")),
            _ => Ok(()),
        }
    };
    let running = bench.worker().threads(3).grace(Duration::ZERO).handle(handler).start().unwrap();
    wait_until("three handlers have begun", || begun.load(Ordering::SeqCst) == 3);
    running.stop_handle().stop();
    assert_eq!(end_of(running).unwrap(), with!(ShutdownReport::default(), released: 2));
    assert_eq!(*interruptions.lock().unwrap(), [Some(Interruption::WorkerStops); 3]);
    assert_eq!(ids.map(|id| bench.status(&id)), [JobStatus::Pending, JobStatus::Pending, JobStatus::Completed]);
    for id in &ids[..2] {
        let job = bench.job(id);
        assert_eq!((job.attempts, job.run_at <= bench.now()), (0, true));
    }
    bench.drain(bench.worker().handle(|_: Task<Note>| ()));
    assert!(ids.iter().all(|id| bench.status(id) == JobStatus::Completed));
}

fn a_handler_that_sees_the_stop_may_give_its_job_back_itself(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let (begun, has_begun) = channel();
    let handler = move |task: Task<Note>| {
        begun.send(()).unwrap();
        wait_until("the worker stops", || task.is_stopping());
        Outcome::throttled(task.now(), "the worker stops")
    };
    let running = bench.worker().grace(LONG).handle(handler).start().unwrap();
    received("the handler has begun", &has_begun);
    running.stop_handle().stop();
    end_of(running).unwrap();
    assert_eq!((bench.status(&id), bench.job(&id).attempts), (JobStatus::Pending, 0));
}

fn a_cancelled_job_is_told_and_fails_for_good(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let (begun, has_begun) = channel();
    let handler = move |task: Task<Note>| {
        begun.send(()).unwrap();
        wait_until("the job is told to stop", || task.is_cancelled());
        Err::<(), _>(format!("{:?}", task.interruption().unwrap()))
    };
    let running = bench.worker().handle(handler).start().unwrap();
    received("the handler has begun", &has_begun);
    assert_eq!(bench.queue.cancel(&id, &by_ann("wrong picture")).unwrap(), JobActionOutcome::CancelRequested);
    bench.clock.advance(Duration::from_secs(5));
    let waited = bench.queue.wait_for(&id, LONG).unwrap();
    assert_eq!(waited, WaitOutcome::Failed { reason: "wrong picture (CancelRequested)".to_owned() });
    assert_eq!(bench.job(&id).attempts, 0);
    running.stop_handle().stop();
    end_of(running).unwrap();
}

fn a_cancelled_job_that_was_finished_anyway_is_completed(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let (meet, has_begun, let_go) = meeting();
    let running = bench.worker().handle(move |_: Task<Note>| meet()).start().unwrap();
    received("the handler has begun", &has_begun);
    assert_eq!(bench.queue.cancel(&id, &by_ann("too late")).unwrap(), JobActionOutcome::CancelRequested);
    let_go.send(()).unwrap();
    assert_eq!(bench.queue.wait_for(&id, LONG).unwrap(), WaitOutcome::Completed { result: None });
    running.stop_handle().stop();
    end_of(running).unwrap();
}

fn a_handler_that_outlives_its_lease_writes_nothing(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let queue = bench.queue.clone();
    let (meet, has_begun, let_go) = meeting();
    let handler = move |task: Task<Note>| {
        meet();
        let note = queue.job(&Note::new(format!("written by try {}", task.attempt()))).unwrap();
        if task.text == "x" { Completion::new().result(&task.attempt()).then(note) } else { Completion::new() }
    };
    let running = bench.worker().threads(1).handle(handler).start().unwrap();
    received("the handler has begun", &has_begun);
    // Another process, whose clock is ahead, finds the lease expired and reclaims the job.
    let ahead = Environment::new(ManualClock::new(bench.now() + LEASE), SeededRandomness::new(2));
    let other = Queue::new(bench.queue.store().clone(), ahead);
    assert_eq!(other.reclaim(10).unwrap().len(), 1);
    let_go.send(()).unwrap();
    // The outcome of the first run is refused. The second run and its note end the test.
    bench.clock.advance(LEASE + LOST_LEASE_WAIT);
    for _ in 0..2 {
        received("the handler has begun", &has_begun);
        let_go.send(()).unwrap();
    }
    assert!(matches!(bench.queue.wait_for(&id, LONG).unwrap(), WaitOutcome::Completed { .. }));
    assert_eq!(bench.job(&id).result, Some(RawJson::parse("2").unwrap()));
    running.stop_handle().stop_when_idle();
    assert_eq!(end_of(running).unwrap(), ShutdownReport::default());
    let counts = bench.queue.count().unwrap();
    assert_eq!((counts.len(), counts[0].jobs), (1, 2), "the job and the one note that it may write");
}

fn a_killed_job_is_told(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let interruption = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&interruption);
    let (begun, has_begun) = channel();
    let handler = move |task: Task<Note>| {
        begun.send(()).unwrap();
        wait_until("the job is told to stop", || task.is_cancelled());
        *seen.lock().unwrap() = task.interruption();
    };
    let running = bench.worker().handle(handler).start().unwrap();
    received("the handler has begun", &has_begun);
    assert_eq!(bench.queue.kill(&id, &by_ann("hangs")).unwrap(), JobActionOutcome::Done);
    bench.clock.advance(Duration::from_secs(5));
    wait_until("the handler has been told why", || interruption.lock().unwrap().is_some());
    assert_eq!(*interruption.lock().unwrap(), Some(Interruption::LeaseLost));
    running.stop_handle().stop();
    end_of(running).unwrap();
    assert_eq!(bench.job(&id).last_error.as_deref(), Some("hangs"));
}

fn progress_is_kept_while_the_handler_runs(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let (begun, has_begun) = channel();
    let (let_go, go) = channel::<()>();
    let go = Mutex::new(go);
    let handler = move |task: Task<Note>| {
        task.progress(&serde_json::json!({"done": 3})).unwrap();
        begun.send(()).unwrap();
        received("the handler may go on", &go.lock().unwrap());
    };
    let running = bench.worker().handle(handler).start().unwrap();
    received("the handler has begun", &has_begun);
    wait_until("the job has progress", || bench.job(&id).progress.is_some());
    assert_eq!(bench.job(&id).progress, Some(RawJson::parse(r#"{"done":3}"#).unwrap()));
    let_go.send(()).unwrap();
    running.stop_handle().stop();
    end_of(running).unwrap();
    assert_eq!(bench.status(&id), JobStatus::Completed);
}

fn a_handler_that_does_not_end_keeps_its_job_and_its_outcome_counts(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let (meet, has_begun, let_go) = meeting();
    let handler = move |_: Task<Note>| {
        meet();
        Completion::new().result(&"late")
    };
    let running = bench.worker().lease(LEASE).handle(handler).start().unwrap();
    received("the handler has begun", &has_begun);
    running.stop_handle().stop_now();
    assert_eq!(end_of(running).unwrap(), with!(ShutdownReport::default(), still_running: vec![id]));
    // The worker is gone, and the lease is extended while the handler runs, so that nobody reclaims the job.
    for _ in 0..4 {
        bench.clock.advance(LEASE / 3);
        wait_until("the lease is extended", || lease_of(&bench, &id) == Some(bench.now() + LEASE));
    }
    assert_eq!(bench.queue.reclaim(9).unwrap(), []);
    let_go.send(()).unwrap();
    let result = Some(RawJson::parse(r#""late""#).unwrap());
    assert_eq!(bench.queue.wait_for(&id, LONG).unwrap(), WaitOutcome::Completed { result });
    assert_eq!(bench.job(&id).attempts, 0);
}

#[test]
fn a_worker_that_is_dropped_lets_its_handlers_finish() {
    let bench = Bench::new(ModelStore::new());
    let id = bench.note("x");
    let (begun, has_begun) = channel();
    let handler = move |task: Task<Note>| {
        begun.send(()).unwrap();
        wait_until("the worker stops", || task.is_stopping());
    };
    let running = bench.worker().grace(LONG).handle(handler).start().unwrap();
    received("the handler has begun", &has_begun);
    drop(running);
    assert_eq!(bench.status(&id), JobStatus::Completed);
}

/// Metrics that panic and block.
struct Panicking;

impl Metrics for Panicking {
    fn job_started(&self, _job: &Job, _waited: Duration) {
        panic!("nobody listens");
    }

    fn job_ended(&self, _job: &Job, _ended: AppliedOutcome, _took: Duration) {
        panic!("still nobody");
    }
}

#[test]
fn metrics_that_panic_do_not_hold_the_worker_up() {
    let bench = Bench::new(ModelStore::new());
    let ids = [bench.note("a"), bench.note("b"), bench.note("c")];
    bench.drain(bench.worker().threads(1).metrics(Panicking).handle(|_: Task<Note>| ()));
    assert!(ids.iter().all(|id| bench.status(id) == JobStatus::Completed));
}

/// Stops the worker as soon as it has reclaimed jobs, and keeps their number.
#[derive(Clone, Default)]
struct StopAtReclaim(Arc<(OnceLock<StopHandle>, Mutex<Vec<usize>>)>);

impl Metrics for StopAtReclaim {
    fn jobs_reclaimed(&self, jobs: usize) {
        let (worker, reclaimed) = &*self.0;
        reclaimed.lock().unwrap().push(jobs);
        wait_for("the test has set the stop handle", || worker.get()).stop();
    }
}

fn a_stop_ends_a_reclaim_between_two_batches(store: impl Store) {
    let bench = Bench::new(store);
    let ids: Vec<_> = (0..150).map(|number| bench.note(&number.to_string())).collect();
    assert_eq!(bench.claim_notes(150).len(), 150);
    bench.clock.advance(LEASE);
    let stop = StopAtReclaim::default();
    let running = bench.worker().metrics(stop.clone()).handle(|_: Task<Note>| ()).start().unwrap();
    stop.0.0.set(running.stop_handle()).unwrap();
    assert_eq!(end_of(running).unwrap(), ShutdownReport::default());
    assert_eq!(*stop.0.1.lock().unwrap(), [100]);
    assert_eq!(ids.iter().filter(|id| bench.status(id) == JobStatus::Pending).count(), 100);
}
