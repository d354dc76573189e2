//! Workers whose log, metrics and handlers panic.

use std::cell::RefCell;
use std::panic::panic_any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Once};
use std::time::Duration;

use fieldfen_domain::Timestamp;
use fieldfen_domain::job::{Backoff, Job, JobStatus};
use fieldfen_domain::store::{MaintenanceReport, Store, StoreError};
use fieldfen_services::Environment;
use fieldfen_services::environment::{Clock, ManualClock, SeededRandomness};
use fieldfen_services::overview::QueueFigures;
use fieldfen_services::worker::{
    AppliedOutcome, Metrics, Outcome, ShutdownReport, Task, Worker, WorkerBuilder, WorkerError, WorkerFailure,
};
use fieldfen_testkit::ModelStore;
use fieldfen_testkit::wait::{received, wait_until, with_deadline};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};

use super::store_failures::{Gated, behind, busy, is_thread, lease_of};
use super::worker::AdvanceAfterJobs;
use super::worker_stop::meeting;
use super::{Bench, LEASE, LONG, Note};

thread_local! {
    /// Counts the log's panics on this thread; without a counter, the log does not panic.
    static PANICS: RefCell<Option<Arc<AtomicUsize>>> = const { RefCell::new(None) };
}

/// A log that panics at every call on the threads that enable it.
struct PanickingLog;

impl PanickingLog {
    fn call() {
        let panics = PANICS.try_with(|panics| panics.borrow().clone()).ok().flatten();
        if let Some(panics) = panics {
            panics.fetch_add(1, Ordering::SeqCst);
            panic!("nobody reads the log");
        }
    }
}

impl<S: Subscriber> Layer<S> for PanickingLog {
    fn on_new_span(&self, _: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        Self::call();
    }

    fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
        Self::call();
    }

    fn on_enter(&self, _: &Id, _: Context<'_, S>) {
        Self::call();
    }

    fn on_exit(&self, _: &Id, _: Context<'_, S>) {
        Self::call();
    }

    fn on_close(&self, _: Id, _: Context<'_, S>) {
        Self::call();
    }
}

/// Sets the log of all tests.
pub(crate) fn set_log() {
    static SET: Once = Once::new();
    SET.call_once(|| {
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(PanickingLog)).unwrap()
    });
}

/// Makes the log panic at every further call on this thread.
fn let_log_panic(panics: &Arc<AtomicUsize>) {
    set_log();
    PANICS.set(Some(Arc::clone(panics)));
}

/// The end of a worker, which must come whatever panics.
pub(crate) fn end_of(running: Worker) -> Result<ShutdownReport, WorkerError> {
    with_deadline("the worker has stopped", || running.join())
}

pub(crate) fn ended(running: Worker) {
    assert_eq!(end_of(running), Ok(ShutdownReport::default()));
}

on_every_store!(
    jobs_run_although_the_log_panics_on_the_threads_that_run_them,
    a_worker_goes_on_although_metrics_and_log_panic_on_all_its_threads,
);

fn jobs_run_although_the_log_panics_on_the_threads_that_run_them(store: impl Store) {
    let bench = Bench::new(store);
    for threads in [1, 4] {
        let ids: Vec<_> = (0..20).map(|number| bench.note(&number.to_string())).collect();
        let panics = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&panics);
        let handler = move |task: Task<Note>| {
            let_log_panic(&counted);
            let first = task.job().attempts + task.job().throttled == 0;
            match task.text.parse::<u32>()? % 4 {
                0 if first => Err(Outcome::retry("not yet")),
                1 if first => Err(Outcome::throttled(task.now(), "later")),
                2 if first => panic!("for once"),
                _ => Ok(()),
            }
        };
        let worker = bench.worker().threads(threads).metrics(AdvanceAfterJobs(bench.clock.clone())).handle(handler);
        let running = worker.start().unwrap();
        running.stop_handle().stop_when_idle();
        ended(running);
        assert!(ids.iter().all(|id| bench.status(id) == JobStatus::Completed), "with {threads} threads");
        assert!(panics.load(Ordering::SeqCst) > 20);
    }
}

/// The number of attempts of a service at a write, so that the store is busy for all of them.
const BUSY: usize = 6;

/// A worker whose store is busy for one write on the thread with this name, and whose log panics from then on.
fn busy_once_on(thread: &'static str) -> (Bench<ModelStore>, Bench<Gated>, Arc<AtomicUsize>) {
    let (panics, times) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
    let counted = Arc::clone(&panics);
    let (bench, worker) = behind(move || {
        if !is_thread(thread) || times.fetch_add(1, Ordering::SeqCst) >= BUSY {
            return Ok(());
        }
        let_log_panic(&counted);
        Err(busy())
    });
    (bench, worker, panics)
}

#[test]
fn leases_are_extended_although_the_log_panics_on_the_thread_of_the_heartbeat() {
    let (bench, worker, panics) = busy_once_on("fieldfen-beat");
    let id = bench.note("x");
    let (meet, has_begun, let_go) = meeting();
    let running = worker.worker().lease(LEASE).handle(move |_: Task<Note>| meet()).start().unwrap();
    received("the handler has begun", &has_begun);
    // Enough time for a heartbeat, but not for the dispatcher's look at leases.
    bench.clock.advance(Duration::from_secs(6));
    wait_until("the lease is extended", || lease_of(&bench, &id) == Some(bench.now() + LEASE));
    // A dispatcher that comes first extends the lease too.
    wait_until("the log has panicked", || {
        bench.clock.advance(Duration::from_millis(1));
        panics.load(Ordering::SeqCst) > 0
    });
    let_go.send(()).unwrap();
    running.stop_handle().stop();
    ended(running);
}

#[test]
fn jobs_are_claimed_although_the_log_panics_on_the_thread_that_claims() {
    let (bench, worker, panics) = busy_once_on("fieldfen-work");
    let ids = [bench.note("a"), bench.note("b")];
    let running = worker.worker().handle(|_: Task<Note>| ()).start().unwrap();
    wait_until("both jobs are completed", || ids.iter().all(|id| bench.status(id) == JobStatus::Completed));
    assert!(panics.load(Ordering::SeqCst) > 0);
    running.stop_handle().stop();
    ended(running);
}

#[test]
fn commits_are_watched_for_although_the_log_panics_on_the_thread_that_watches() {
    let (waits, waited) = channel();
    let panics = Arc::new(AtomicUsize::new(0));
    let (counted, times) = (Arc::clone(&panics), AtomicUsize::new(0));
    let (_bench, worker) = behind(move || {
        if !is_thread("fieldfen-watch") {
            return Ok(());
        }
        let_log_panic(&counted);
        if times.fetch_add(1, Ordering::SeqCst) == 0 {
            return Err(busy());
        }
        let _ = waits.send(());
        Ok(())
    });
    let running = worker.worker().handle(|_: Task<Note>| ()).start().unwrap();
    waited.recv_timeout(LONG).unwrap();
    assert!(panics.load(Ordering::SeqCst) > 0);
    running.stop_handle().stop();
    ended(running);
}

/// Metrics that panic at every call, beside a log that does so too.
#[derive(Clone, Default)]
struct PanickingMetrics {
    log: Arc<AtomicUsize>,
    depths: Arc<AtomicUsize>,
}

impl PanickingMetrics {
    fn call(&self) -> ! {
        let_log_panic(&self.log);
        panic!("nobody counts");
    }
}

impl Metrics for PanickingMetrics {
    fn job_started(&self, _: &Job, _: Duration) {
        self.call();
    }

    fn job_ended(&self, _: &Job, _: AppliedOutcome, _: Duration) {
        self.call();
    }

    fn jobs_reclaimed(&self, _: usize) {
        self.call();
    }

    fn store_failed(&self, _: &StoreError) {
        self.call();
    }

    fn store_maintained(&self, _: &MaintenanceReport) {
        self.call();
    }

    fn queue(&self, _: &QueueFigures) {
        self.depths.fetch_add(1, Ordering::SeqCst);
        self.call();
    }

    fn queue_interval(&self) -> Option<Duration> {
        Some(Duration::from_millis(1))
    }
}

fn a_worker_goes_on_although_metrics_and_log_panic_on_all_its_threads(store: impl Store) {
    let bench = Bench::new(store);
    for threads in [1, 4] {
        let metrics = PanickingMetrics::default();
        let ids: Vec<_> = (0..6).map(|number| bench.note(&number.to_string())).collect();
        // One of the jobs belongs to a worker that has died.
        bench.claim_notes(1);
        bench.clock.advance(LEASE);
        let worker = bench.worker().threads(threads).metrics(metrics.clone()).handle(|_: Task<Note>| ());
        let running = worker.start().unwrap();
        wait_until("all jobs are completed and the depth of the queue was measured three times", || {
            bench.clock.advance(Duration::from_millis(2));
            let all = ids.iter().all(|id| bench.status(id) == JobStatus::Completed);
            all && metrics.depths.load(Ordering::SeqCst) > 2
        });
        assert!(metrics.log.load(Ordering::SeqCst) > 12);
        running.stop_handle().stop();
        ended(running);
    }
}

/// Panics at its drop.
pub(crate) struct PanicsWhenDropped;

impl PanicsWhenDropped {
    /// Captures the value in the calling closure.
    pub(crate) const fn hold(&self) {}
}

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic_any(PanicsWhenDropped);
    }
}

#[test]
fn a_panic_that_carries_what_panics_fails_its_try_and_keeps_no_thread() {
    let bench = Bench::new(ModelStore::new());
    let job = bench.queue.job(&Note::new("x")).unwrap().max_retries(0);
    bench.queue.enqueue(&job).unwrap();
    let after = bench.note("after");
    let handler = |task: Task<Note>| {
        if task.text == "x" {
            panic_any(PanicsWhenDropped);
        }
    };
    let running = bench.worker().threads(1).handle(handler).start().unwrap();
    running.stop_handle().stop_when_idle();
    ended(running);
    assert_eq!(bench.job(&job.id).last_error.as_deref(), Some("the handler panicked: without a message"));
    assert_eq!(bench.status(&after), JobStatus::Completed);
}

/// A clock that panics this often on the thread with this name.
struct PanickingClock {
    clock: ManualClock,
    thread: &'static str,
    times: Arc<AtomicUsize>,
}

impl Clock for PanickingClock {
    fn now(&self) -> Timestamp {
        let panics = is_thread(self.thread)
            && self.times.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |times| times.checked_sub(1)).is_ok();
        assert!(!panics, "the clock of {} panics", self.thread);
        self.clock.now()
    }
}

/// Metrics that request the queue depth and ignore it.
struct Depth;

impl Metrics for Depth {
    fn queue_interval(&self) -> Option<Duration> {
        Some(Duration::from_millis(1))
    }
}

/// A worker with one thread for jobs, on the store of this bench. Its clock panics this often on the thread with this
/// name.
fn with_panicking_clock(
    bench: &Bench<ModelStore>,
    thread: &'static str,
    times: &Arc<AtomicUsize>,
) -> WorkerBuilder<ModelStore> {
    let clock = PanickingClock { clock: bench.clock.clone(), thread, times: Arc::clone(times) };
    let environment = Environment::new(clock, SeededRandomness::new(2));
    Worker::builder(bench.queue.store().clone(), environment).threads(1).lease(LEASE).metrics(Depth)
}

#[test]
fn a_thread_that_panics_for_a_while_goes_on() {
    for thread in ["fieldfen-job", "fieldfen-beat", "fieldfen-work", "fieldfen-queue"] {
        let bench = Bench::new(ModelStore::new());
        let ids: Vec<_> = (0..3).map(|number| bench.note(&number.to_string())).collect();
        let times = Arc::new(AtomicUsize::new(2));
        let worker = with_panicking_clock(&bench, thread, &times).lease(Duration::from_secs(3));
        // Leases are extended only while a handler runs.
        let left = Arc::clone(&times);
        let handler = move |_: Task<Note>| {
            wait_until("the clock has panicked", || thread != "fieldfen-beat" || left.load(Ordering::SeqCst) == 0);
        };
        let running = worker.backoff::<Note>(Backoff::LEAST).handle(handler).start().unwrap();
        // A job whose thread has panicked is reclaimed after its lease has expired. The clock must not seem to leap.
        wait_until("the clock has panicked and all jobs are completed", || {
            bench.clock.advance(Duration::from_millis(2));
            times.load(Ordering::SeqCst) == 0 && ids.iter().all(|id| bench.status(id) == JobStatus::Completed)
        });
        running.stop_handle().stop();
        ended(running);
    }
}

#[test]
fn a_worker_whose_thread_panics_again_and_again_ends_with_an_error() {
    for (thread, name) in [
        ("fieldfen-job", "fieldfen-job-1"),
        ("fieldfen-beat", "fieldfen-beat"),
        ("fieldfen-work", "fieldfen-work"),
        ("fieldfen-queue", "fieldfen-queue"),
    ] {
        let bench = Bench::new(ModelStore::new());
        for number in 0..20 {
            bench.note(&number.to_string());
        }
        let handler =
            move |task: Task<Note>| wait_until("the worker stops", || task.is_stopping() || thread == "fieldfen-job");
        let always = Arc::new(AtomicUsize::new(usize::MAX));
        let running = with_panicking_clock(&bench, thread, &always).handle(handler).start().unwrap();
        let failure = end_of(running).unwrap_err().failure;
        let panic = format!("the clock of {thread} panics");
        assert_eq!(failure, WorkerFailure::Panicked { thread: name.to_owned(), panic });
    }
}

#[test]
fn a_worker_whose_store_panics_again_and_again_when_it_is_watched_ends_with_an_error() {
    let (_bench, worker) = behind(|| {
        assert!(!is_thread("fieldfen-watch"), "cannot be watched");
        Ok(())
    });
    let failure = end_of(worker.worker().handle(|_: Task<Note>| ()).start().unwrap()).unwrap_err().failure;
    let (thread, panic) = ("fieldfen-watch".to_owned(), "cannot be watched".to_owned());
    assert_eq!(failure, WorkerFailure::Panicked { thread, panic });
}
