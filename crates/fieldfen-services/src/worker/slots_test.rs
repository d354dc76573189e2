//! Tests which jobs may be claimed and which jobs begin.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use fieldfen_domain::job::{JobKind, WorkerName};
use fieldfen_testkit::wait::wait_until;
use fieldfen_testkit::{ModelStore, fixtures};

use super::claim_ahead::OpenKinds;
use super::events::Events;
use super::heartbeat_signal::HeartbeatSignal;
use super::running_job::RunningJob;
use super::slots::{Capacity, Slots};
use super::stop_signal::{StopLevel, StopSignal};
use crate::Environment;
use crate::queue::{ClaimedJob, Queue};

fn kind(name: &str) -> JobKind {
    JobKind::custom(name).unwrap()
}

struct Fixture {
    slots: Slots,
    stop: Arc<StopSignal>,
    heartbeat: Arc<HeartbeatSignal>,
    _events: Events,
    queue: Queue<ModelStore>,
}

impl Fixture {
    /// Slots of this many threads, all of which wait for a job.
    fn new(threads: usize) -> Self {
        let events = Events::new();
        let stop = Arc::new(StopSignal::new(events.sender()));
        let heartbeat = Arc::new(HeartbeatSignal::default());
        let slots = Slots::new(Arc::clone(&stop), Arc::clone(&heartbeat), events.sender());
        for _ in 0..threads {
            slots.add_thread();
        }
        let queue = Queue::new(ModelStore::new(), Environment::system());
        Self { slots, stop, heartbeat, _events: events, queue }
    }

    /// Claims this many jobs of one kind and passes them to the pool.
    fn dispatch(&self, jobs: u64) -> JobKind {
        self.dispatch_with(jobs, |_| ())
    }

    /// As `dispatch`, but the last job must run alone.
    fn dispatch_before_one_alone(&self, jobs: u64) {
        self.dispatch_with(jobs, |claimed| {
            if let Some(last) = claimed.last_mut() {
                last.job.lost_leases = 2;
            }
        });
    }

    fn dispatch_with(&self, jobs: u64, change: impl FnOnce(&mut [ClaimedJob])) -> JobKind {
        let jobs: Vec<_> = (1..=jobs).map(fixtures::job).collect();
        let kind = jobs[0].kind.clone();
        self.queue.enqueue_many(&jobs).unwrap();
        let (kinds, lease) = (BTreeSet::from([kind.clone()]), Duration::from_secs(1));
        let mut claims = self.queue.claim(&kinds, 100, lease, &WorkerName::new("test")).unwrap();
        change(&mut claims.jobs);
        let running =
            |claimed| Arc::new(RunningJob::new(claimed, None, Arc::clone(&self.stop), Arc::clone(&self.heartbeat)));
        self.slots.dispatch(claims.jobs.into_iter().map(running).collect());
        kind
    }

    /// The next job begins on this thread, and ends at once.
    fn run_next(&self, thread: usize) {
        let job = self.slots.next(thread).unwrap();
        self.slots.handler_returned(thread);
        self.slots.remove([&job].into_iter());
    }
}

#[test]
fn a_limit_on_an_idle_kind_leaves_the_threads_to_the_others() {
    let (build, clean) = (kind("build"), kind("clean"));
    let capacity = Fixture::new(16).slots.capacity([(&build, None), (&clean, Some(1))].into_iter());
    let limits = BTreeMap::from([(clean.clone(), 1)]);
    assert_eq!(capacity, Capacity { kinds: vec![build, clean], limits, jobs: 16 });
}

#[test]
fn what_was_dispatched_before_the_stop_and_has_not_begun_is_given_back() {
    for level in [StopLevel::Graceful, StopLevel::Now] {
        let fixture = Fixture::new(1);
        fixture.dispatch(1);
        fixture.stop.request(level);
        assert_eq!(fixture.slots.capacity([(&kind("clean"), None)].into_iter()), Capacity::default());
        fixture.stop.close();
        assert!(fixture.slots.next(0).is_none());
        assert_eq!(fixture.slots.take_not_begun().len(), 1);
    }
}

#[test]
fn a_worker_that_stops_when_idle_begins_what_it_has_claimed() {
    let fixture = Fixture::new(1);
    fixture.dispatch(1);
    fixture.stop.request(StopLevel::WhenIdle);
    assert!(fixture.slots.next(0).is_some());
}

#[test]
fn only_kinds_without_a_limit_whose_run_times_are_known_and_short_are_claimed_ahead() {
    let fixture = Fixture::new(2);
    let short = fixture.dispatch(1);
    let open = |limit| fixture.slots.open_kinds([(&short, limit)].into_iter());
    let others = OpenKinds { short: vec![], others: vec![short.clone()] };
    assert_eq!(open(None), others);
    fixture.run_next(0);
    assert_eq!(open(None), OpenKinds { short: vec![short.clone()], others: vec![] });
    assert_eq!(open(Some(3)), others);
    assert!(fixture.slots.capacity_ahead(std::slice::from_ref(&short), Instant::now()) > 2);
    assert_eq!(fixture.slots.capacity_ahead(&[kind("unknown")], Instant::now()), 1, "one for the thread that waits");
}

#[test]
fn threads_whose_handlers_run_for_long_begin_no_job_that_is_claimed_ahead() {
    let fixture = Fixture::new(2);
    let short = fixture.dispatch(3);
    fixture.run_next(0);
    let now = Instant::now();
    let _running = [fixture.slots.next(0).unwrap(), fixture.slots.next(1).unwrap()];
    assert!(fixture.slots.capacity_ahead(std::slice::from_ref(&short), now) > 0);
    let later = now + Duration::from_secs(1);
    assert_eq!(fixture.slots.capacity_ahead(&[short], later), 0);
}

#[test]
fn jobs_that_wait_although_all_threads_are_busy_are_given_back() {
    let fixture = Fixture::new(1);
    fixture.dispatch(4);
    let later = Instant::now() + Duration::from_secs(1);
    assert_eq!(fixture.slots.take_stalled(later).len(), 0, "a thread is about to begin them");
    let _running = fixture.slots.next(0).unwrap();
    assert_eq!(fixture.slots.take_stalled(Instant::now() - Duration::from_secs(1)).len(), 0, "it may end soon");
    assert_eq!(fixture.slots.take_stalled(later).len(), 3);
    assert_eq!(fixture.slots.take_stalled(later).len(), 0);
}

#[test]
fn jobs_that_were_lost_or_cancelled_before_they_began_are_given_back_at_once() {
    let fixture = Fixture::new(1);
    fixture.dispatch(4);
    let jobs = fixture.slots.in_hand();
    jobs[0].mark_lost();
    jobs[2].request_cancel();
    let mut keys: Vec<_> = fixture.slots.take_stalled(Instant::now()).iter().map(|job| job.key()).collect();
    keys.sort_unstable_by_key(|(id, _)| *id);
    let mut expected = vec![jobs[0].key(), jobs[2].key()];
    expected.sort_unstable_by_key(|(id, _)| *id);
    assert_eq!(keys, expected);
    assert_eq!(fixture.slots.take_not_begun().len(), 2);
}

#[test]
fn a_thread_that_applies_outcomes_for_long_begins_no_job_that_is_claimed_ahead() {
    let fixture = Fixture::new(1);
    let short = fixture.dispatch(1);
    let _running = fixture.slots.next(0).unwrap();
    fixture.slots.handler_returned(0);
    let now = Instant::now();
    assert!(fixture.slots.capacity_ahead(std::slice::from_ref(&short), now) > 0);
    assert_eq!(fixture.slots.capacity_ahead(&[short], now + Duration::from_secs(1)), 0);
}

#[test]
fn jobs_that_wait_although_all_threads_are_busy_are_given_back_also_before_one_that_must_run_alone() {
    let fixture = Fixture::new(1);
    fixture.dispatch_before_one_alone(4);
    let _running = fixture.slots.next(0).unwrap();
    let later = Instant::now() + Duration::from_secs(1);
    assert_eq!(fixture.slots.until_stalled(later), Some(Duration::ZERO));
    assert_eq!(fixture.slots.take_stalled(later).len(), 3);
}

#[test]
fn a_job_that_must_run_alone_waits_for_the_others_unless_it_is_cancelled() {
    let fixture = Fixture::new(1);
    fixture.dispatch_before_one_alone(2);
    let _running = fixture.slots.next(0).unwrap();
    let later = Instant::now() + Duration::from_secs(1);
    assert_eq!((fixture.slots.take_stalled(later).len(), fixture.slots.until_stalled(later)), (0, None));
    for job in fixture.slots.in_hand().iter().filter(|job| job.claimed.job.must_run_alone()) {
        job.request_cancel();
    }
    assert_eq!(fixture.slots.take_stalled(later).len(), 1);
}

#[test]
fn the_place_of_a_stuck_thread_is_free_again_and_its_number_is_used_again() {
    let fixture = Fixture::new(1);
    let kind = fixture.dispatch(1);
    let capacity = || fixture.slots.capacity([(&kind, Some(2))].into_iter());
    let hangs = fixture.slots.next(0).unwrap();
    let later = Instant::now() + Duration::from_secs(10);
    assert!(fixture.slots.mark_stuck(later, Duration::ZERO).is_empty(), "nobody has asked the handler to end");
    hangs.mark_lost();
    assert!(fixture.slots.mark_stuck(Instant::now(), Duration::from_secs(10)).is_empty(), "it may still return");
    assert_eq!(capacity().jobs, 0);
    assert_eq!(fixture.slots.mark_stuck(later, Duration::ZERO).len(), 1);
    assert_eq!(fixture.slots.stuck().len(), 1);
    assert_eq!(fixture.slots.add_thread(), 1);
    assert_eq!(capacity(), Capacity { kinds: vec![kind.clone()], limits: [(kind.clone(), 1)].into(), jobs: 1 });
    fixture.slots.handler_returned(0);
    assert!(fixture.slots.next(0).is_none(), "another thread has taken its place");
    assert_eq!(fixture.slots.stuck(), []);
    fixture.slots.remove([&hangs].into_iter());
    assert_eq!(capacity(), Capacity { kinds: vec![kind.clone()], limits: [(kind.clone(), 2)].into(), jobs: 1 });
    fixture.slots.pool_thread_ended(0);
    assert_eq!(fixture.slots.add_thread(), 0);
}

#[test]
fn the_watching_thread_sleeps_while_no_handler_runs_and_wakes_for_the_next_and_for_the_end() {
    let fixture = Fixture::new(1);
    fixture.dispatch(2);
    let sleeps = || wait_until("the watching thread sleeps", || fixture.slots.lock().watcher_sleeps);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| fixture.slots.wait_until_running());
        sleeps();
        let _short = fixture.slots.next(0).unwrap();
        fixture.slots.handler_returned(0);
        assert!(watcher.join().unwrap(), "it wakes when a handler begins, however short that runs");
        let _running = fixture.slots.next(0).unwrap();
        assert!(!fixture.slots.wait_until_running(), "it does not sleep while one runs");
        fixture.slots.handler_returned(0);
        let watcher = scope.spawn(|| fixture.slots.wait_until_running());
        sleeps();
        fixture.stop.close();
        fixture.slots.wake_all();
        assert!(watcher.join().unwrap(), "it wakes when the worker is closed");
    });
}

#[test]
fn a_job_that_must_run_alone_waits_for_no_handler_that_is_stuck() {
    let fixture = Fixture::new(1);
    fixture.dispatch_before_one_alone(2);
    let hangs = fixture.slots.next(0).unwrap();
    assert!(fixture.slots.take_waiting_alone(|_| false).is_none(), "the other job may still end");
    hangs.mark_lost();
    assert_eq!(fixture.slots.mark_stuck(Instant::now() + Duration::from_secs(10), Duration::ZERO).len(), 1);
    let waiting = fixture.slots.take_waiting_alone(|_| false).unwrap();
    assert!(waiting.claimed.job.must_run_alone());
    fixture.slots.remove([&waiting].into_iter());
    fixture.slots.add_thread();
    assert_eq!(fixture.slots.capacity([(&kind("clean"), None)].into_iter()).jobs, 1, "the worker serves others");
}
