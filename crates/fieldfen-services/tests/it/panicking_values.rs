//! Workers whose randomness, payloads, handlers and outcomes panic, also at their drop.

use std::fmt;
use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fieldfen_domain::job::{Backoff, JobStatus, Payload};
use fieldfen_domain::store::StoreError;
use fieldfen_services::Environment;
use fieldfen_services::environment::{Randomness, SeededRandomness};
use fieldfen_services::queue::{Completion, Queue, RetryPolicies};
use fieldfen_services::worker::{IntoOutcome, Metrics, Outcome, Task, Worker, WorkerBuilder, WorkerFailure};
use fieldfen_testkit::ModelStore;
use fieldfen_testkit::wait::wait_until;
use serde::{Deserialize, Serialize};

use super::panics::{PanicsWhenDropped, end_of, ended};
use super::store_failures::is_thread;
use super::{Bench, LEASE, Note};

/// Randomness that panics this often on the thread with this name.
struct PanickingRandomness {
    random: SeededRandomness,
    thread: &'static str,
    times: Arc<AtomicUsize>,
}

impl Randomness for PanickingRandomness {
    fn bits(&self) -> u128 {
        let panics = is_thread(self.thread)
            && self.times.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |times| times.checked_sub(1)).is_ok();
        assert!(!panics, "the randomness of {} panics", self.thread);
        self.random.bits()
    }
}

fn with_panicking_randomness(
    bench: &Bench<ModelStore>,
    thread: &'static str,
    times: &Arc<AtomicUsize>,
) -> WorkerBuilder<ModelStore> {
    let random = PanickingRandomness { random: SeededRandomness::new(3), thread, times: Arc::clone(times) };
    let environment = Environment::new(bench.clock.clone(), random);
    Worker::builder(bench.queue.store().clone(), environment).threads(1).lease(LEASE)
}

#[test]
fn jobs_are_done_although_the_randomness_panics_for_a_while() {
    for thread in ["fieldfen-job", "fieldfen-work"] {
        let bench = Bench::new(ModelStore::new());
        let ids: Vec<_> = (0..3).map(|number| bench.note(&number.to_string())).collect();
        // The backoff of a failed attempt is random.
        let handler = |task: Task<Note>| if task.attempt() == 1 { Err("not yet") } else { Ok(()) };
        let times = Arc::new(AtomicUsize::new(2));
        let worker = with_panicking_randomness(&bench, thread, &times).lease(Duration::from_secs(3));
        let running = worker.backoff::<Note>(Backoff::LEAST).handle(handler).start().unwrap();
        // A job whose outcome cannot be written is reclaimed after its lease has expired. The clock must not seem to
        // leap.
        wait_until("all jobs are completed", || {
            bench.clock.advance(Duration::from_millis(2));
            ids.iter().all(|id| bench.status(id) == JobStatus::Completed)
        });
        assert_eq!(times.load(Ordering::SeqCst), 0, "the randomness of {thread} has panicked twice");
        running.stop_handle().stop();
        ended(running);
    }
}

#[test]
fn a_worker_that_can_draw_no_token_ends_with_an_error() {
    let bench = Bench::new(ModelStore::new());
    bench.note("x");
    let always = Arc::new(AtomicUsize::new(usize::MAX));
    let worker = with_panicking_randomness(&bench, "fieldfen-work", &always).handle(|_: Task<Note>| ());
    let failure = end_of(worker.start().unwrap()).unwrap_err().failure;
    let panic = "the randomness of fieldfen-work panics".to_owned();
    assert_eq!(failure, WorkerFailure::Panicked { thread: "fieldfen-work".to_owned(), panic });
}

/// A payload that panics at its drop, unless it is disarmed.
#[derive(Debug, Serialize, Deserialize)]
struct Armed {
    armed: bool,
}

impl Drop for Armed {
    fn drop(&mut self) {
        if self.armed {
            panic_any(PanicsWhenDropped);
        }
    }
}

impl Payload for Armed {
    const KIND: &'static str = "test.armed";
}

/// Panics when it is formatted.
#[derive(Debug)]
struct PanicsWhenShown;

impl fmt::Display for PanicsWhenShown {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("it cannot be said");
    }
}

impl std::error::Error for PanicsWhenShown {}

/// Runs one job on this worker, which has one thread, and a note after it. Returns the error of the job.
fn error_of(
    job: impl FnOnce(&Queue<ModelStore>) -> fieldfen_domain::job::NewJob,
    set_up: impl FnOnce(WorkerBuilder<ModelStore>) -> WorkerBuilder<ModelStore>,
) -> Option<String> {
    let bench = Bench::new(ModelStore::new());
    let job = job(&bench.queue).max_retries(0);
    bench.queue.enqueue(&job).unwrap();
    let after = bench.note("after");
    let running = set_up(bench.worker().threads(1)).start().unwrap();
    running.stop_handle().stop_when_idle();
    ended(running);
    assert_eq!(bench.status(&after), JobStatus::Completed);
    bench.job(&job.id).last_error
}

#[test]
fn a_payload_that_panics_when_it_is_dropped_fails_its_try_and_keeps_no_thread() {
    let error = error_of(
        |queue| {
            let armed = RawArmed { armed: true };
            queue.job(&armed).unwrap()
        },
        |worker| worker.handle(|_: Task<Armed>| ()).handle(|_: Task<Note>| ()),
    );
    assert_eq!(error.as_deref(), Some("the handler panicked: without a message"));
}

/// The same payload, whose drop does not panic.
#[derive(Debug, Serialize, Deserialize)]
struct RawArmed {
    armed: bool,
}

impl Payload for RawArmed {
    const KIND: &'static str = Armed::KIND;
}

/// The error of the note "x" whose handler returns this outcome. Every other note completes.
fn error_of_note(outcome: impl Fn() -> Outcome + Send + Sync + 'static) -> Option<String> {
    let handler = move |task: Task<Note>| if task.text == "x" { outcome() } else { ().into_outcome() };
    error_of(|queue| queue.job(&Note::new("x")).unwrap(), |worker| worker.handle(handler))
}

#[test]
fn errors_and_writes_that_panic_fail_their_try_and_keep_no_thread() {
    let not_shown = error_of_note(|| Outcome::retry(PanicsWhenShown));
    assert_eq!(not_shown.as_deref(), Some("the handler panicked: it cannot be said"));
    let not_shown = error_of_note(|| Completion::new().writing(|_| Err::<(), _>(PanicsWhenShown)).into_outcome());
    assert_eq!(not_shown.as_deref(), Some("its writes panicked: it cannot be said"));
    let held = || {
        let (first, second) = (PanicsWhenDropped, PanicsWhenDropped);
        let write = |bomb: PanicsWhenDropped| {
            move |_: &mut fieldfen_services::Transaction<'_>| {
                bomb.hold();
                Ok::<_, StoreError>(())
            }
        };
        Completion::new().writing(write(first)).writing(write(second)).into_outcome()
    };
    assert_eq!(error_of_note(held), None, "the writes were written before they were dropped");
}

/// Metrics that panic at their drop.
struct ArmedMetrics(PanicsWhenDropped);

impl Metrics for ArmedMetrics {}

#[test]
fn a_worker_whose_handlers_and_metrics_panic_when_they_are_dropped_ends() {
    let (first, second) = (PanicsWhenDropped, PanicsWhenDropped);
    let error = error_of(
        |queue| queue.job(&RawArmed { armed: false }).unwrap(),
        |worker| {
            let worker = worker.metrics(ArmedMetrics(PanicsWhenDropped)).retry_policies(RetryPolicies::default());
            let holding = |bomb: PanicsWhenDropped| move || bomb.hold();
            let (first, second) = (holding(first), holding(second));
            worker.handle(move |_: Task<RawArmed>| first()).handle(move |_: Task<Note>| second())
        },
    );
    assert_eq!(error, None);
}

#[cfg(feature = "tokio")]
#[test]
fn futures_that_panic_with_or_return_what_panics_fail_their_try_and_keep_no_thread() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let x = |queue: &Queue<ModelStore>| queue.job(&Note::new("x")).unwrap();
    let thrown = |task: Task<Note>| async move {
        tokio::task::yield_now().await;
        if task.text == "x" {
            panic_any(PanicsWhenDropped);
        }
    };
    let error = error_of(x, |worker| worker.handle_async(runtime.handle(), thrown));
    assert_eq!(error.as_deref(), Some("the handler panicked: without a message"));
    let returned = |task: Task<Note>| async move { if task.text == "x" { Err(PanicsWhenShown) } else { Ok(()) } };
    let error = error_of(x, |worker| worker.handle_async(runtime.handle(), returned));
    assert_eq!(error.as_deref(), Some("the handler panicked: it cannot be said"));
    let held = |task: Task<Note>| {
        let held = (task.text == "x").then(|| PanicsWhenDropped);
        async move {
            tokio::task::yield_now().await;
            drop(held);
        }
    };
    let error = error_of(x, |worker| worker.handle_async(runtime.handle(), held));
    assert_eq!(error.as_deref(), Some("the handler panicked: without a message"));
}
