//! Jobs that would run again at once, or never.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use fieldfen_domain::job::{Backoff, JobKind, JobStatus, NewJob};
use fieldfen_domain::store::{MaintenanceReport, ReadSession, Session, Store, StoreError, Watch};
use fieldfen_domain::{JobId, MAX_TIMESTAMP, MIN_TIMESTAMP, Timestamp};
use fieldfen_services::queue::{Queue, RetryPolicies};
use fieldfen_services::worker::{Outcome, Task, WorkerBuilder};
use fieldfen_testkit::fixtures::by_ann;

use fieldfen_testkit::ModelStore;
use fieldfen_testkit::wait::wait_until;

use super::panics::end_of;
use super::{Bench, Note};

on_every_store!(
    a_job_that_is_throttled_until_now_waits_longer_each_time_also_after_a_restart,
    a_job_that_is_throttled_until_long_ago_waits,
    a_job_that_is_throttled_for_years_is_due_after_the_longest_throttle,
    a_time_between_the_least_wait_and_the_longest_throttle_is_kept_to,
    a_job_without_backoff_waits_before_each_retry,
);

/// Runs a worker whose handler returns this outcome `tries` times. Returns the wait of the job after each of them.
///
/// The clock stands still until the job waits, and then moves to the due time of the job.
fn waits<S: Store>(
    bench: &Bench<S>,
    worker: WorkerBuilder<S>,
    id: &JobId,
    tries: usize,
    end: fn(Timestamp) -> Outcome,
) -> Vec<TimeDelta> {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let handler = move |task: Task<Note>| {
        counted.fetch_add(1, Ordering::SeqCst);
        end(task.now())
    };
    let running = worker.threads(1).handle(handler).start().unwrap();
    let mut waits = Vec::new();
    for tries in 1..=tries {
        wait_until("the job is pending after its next call", || {
            calls.load(Ordering::SeqCst) >= tries && bench.status(id) == JobStatus::Pending
        });
        let run_at = bench.job(id).run_at;
        waits.push(run_at.signed_duration_since(bench.now()));
        assert_eq!(calls.load(Ordering::SeqCst), tries, "calls before the clock went on");
        bench.clock.set(run_at);
    }
    running.stop_handle().stop();
    end_of(running).unwrap();
    waits
}

/// Asserts that these waits are the shortest ones, from the first or from a later one on.
fn assert_least(waits: &[TimeDelta], first: u32) {
    for (doublings, wait) in (first..).zip(waits) {
        let shortest = TimeDelta::milliseconds(100 << doublings);
        assert!((shortest..=shortest * 2).contains(wait), "wait {doublings}: {wait}");
    }
}

fn a_job_that_is_throttled_until_now_waits_longer_each_time_also_after_a_restart(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    for first in [0, 3] {
        let waits = waits(&bench, bench.worker(), &id, 3, |now| Outcome::throttled(now, "429"));
        assert_least(&waits, first);
    }
    assert_eq!(bench.job(&id).attempts, 0);
}

fn a_job_that_is_throttled_until_long_ago_waits(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    assert_least(&waits(&bench, bench.worker(), &id, 2, |_| Outcome::throttled(MIN_TIMESTAMP, "429")), 0);
}

fn a_job_that_is_throttled_for_years_is_due_after_the_longest_throttle(store: impl Store) {
    let bench = Bench::new(store);
    for (policies, expected) in [
        (RetryPolicies::default(), TimeDelta::days(1)),
        (RetryPolicies::default().longest_throttle(Duration::from_secs(3600)), TimeDelta::hours(1)),
    ] {
        let id = bench.note("x");
        let worker = bench.worker().retry_policies(policies);
        let waits = waits(&bench, worker, &id, 2, |_| Outcome::throttled(MAX_TIMESTAMP, "429"));
        assert_eq!(waits, [expected; 2]);
        assert!(bench.queue.cancel(&id, &by_ann("seen")).is_ok());
    }
}

fn a_time_between_the_least_wait_and_the_longest_throttle_is_kept_to(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let wait = |now| Outcome::throttled(now + TimeDelta::minutes(20), "429");
    assert_eq!(waits(&bench, bench.worker(), &id, 2, wait), [TimeDelta::minutes(20); 2]);
}

fn a_job_without_backoff_waits_before_each_retry(store: impl Store) {
    let bench = Bench::new(store);
    for (base, cap) in [(Duration::ZERO, Duration::ZERO), (Duration::ZERO, Duration::MAX)] {
        let job = bench.queue.job(&Note::new("x")).unwrap().max_retries(9);
        bench.queue.enqueue(&job).unwrap();
        let worker = bench.worker().backoff::<Note>(Backoff::new(base, cap));
        assert_least(&waits(&bench, worker, &job.id, 3, |_| Outcome::retry("not yet")), 0);
        assert!(bench.queue.cancel(&job.id, &by_ann("seen")).is_ok());
    }
}

/// A store that writes into another store than it reads, so that claims never get the due jobs. It counts its reads and
/// writes.
#[derive(Clone)]
struct TakesNothing {
    read: ModelStore,
    written: ModelStore,
    reads: Arc<AtomicUsize>,
    writes: Arc<AtomicUsize>,
}

impl TakesNothing {
    /// A worker's side of this bench.
    fn of(bench: &Bench<ModelStore>) -> Bench<Self> {
        let read = bench.queue.store().clone();
        let store = Self { read, written: ModelStore::new(), reads: Arc::default(), writes: Arc::default() };
        Bench { queue: Queue::new(store, bench.queue.environment().clone()), clock: bench.clock.clone() }
    }
}

impl Store for TakesNothing {
    fn try_read<T, E, F>(&self, f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn ReadSession) -> Result<T, E>,
    {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.read.try_read(f)
    }

    fn try_write<T, E, F>(&self, f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn Session) -> Result<T, E>,
    {
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.written.try_write(f)
    }

    fn watch(&self) -> Result<Box<dyn Watch>, StoreError> {
        self.read.watch()
    }

    fn maintain(&self) -> Result<MaintenanceReport, StoreError> {
        self.read.maintain()
    }
}

#[test]
fn a_worker_whose_claims_take_nothing_of_what_is_due_claims_less_than_30_times_a_second() {
    let bench = Bench::new(ModelStore::new());
    bench.note("x");
    let worker = TakesNothing::of(&bench);
    let writes = &worker.queue.store().writes;
    let running = worker.worker().handle(|_: Task<Note>| ()).start().unwrap();
    wait_until("the worker has written three times", || writes.load(Ordering::SeqCst) > 2);
    let before = writes.load(Ordering::SeqCst);
    let began = Instant::now();
    // Other commits do not cause more claims.
    while began.elapsed() < Duration::from_secs(2) {
        bench.note("another");
        std::thread::sleep(Duration::from_millis(5));
    }
    let claims = writes.load(Ordering::SeqCst) - before;
    assert!(claims < 60, "{claims} claims in two seconds");
    running.stop_handle().stop();
    end_of(running).unwrap();
}

#[test]
fn a_worker_with_nothing_to_do_looks_rarely_while_others_commit_all_the_time() {
    let bench = Bench::new(ModelStore::new());
    let worker = TakesNothing::of(&bench);
    let reads = &worker.queue.store().reads;
    let running = worker.worker().handle(|_: Task<Note>| ()).start().unwrap();
    wait_until("the worker has looked", || reads.load(Ordering::SeqCst) > 0);
    let (before, began) = (reads.load(Ordering::SeqCst), Instant::now());
    let kind = JobKind::custom("test.other").unwrap();
    for _ in 0..500 {
        let id = bench.queue.environment().job_id();
        bench.queue.enqueue(&NewJob::untyped(id, kind.clone(), None, bench.now()).unwrap()).unwrap();
        std::thread::sleep(Duration::from_millis(2));
    }
    let (looks, elapsed) = (reads.load(Ordering::SeqCst) - before, began.elapsed());
    // One every 50 ms after the first few, and some that no commit has caused.
    assert!(looks as u128 <= 50 + elapsed.as_millis() / 40, "{looks} looks in {elapsed:?}");
    running.stop_handle().stop();
    end_of(running).unwrap();
}
