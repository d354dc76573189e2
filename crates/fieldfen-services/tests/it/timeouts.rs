//! Handlers that run for longer than the timeout of their kind.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use fieldfen_domain::job::{AttemptOutcome, Job, JobState, JobStatus, ParkedFor};
use fieldfen_domain::store::Store;
use fieldfen_services::worker::{Completion, Interruption, Metrics, Outcome, Task};
use fieldfen_testkit::wait::{received, wait_until};

use super::panics::end_of;
use super::worker_stop::meeting;
use super::{Bench, LEASE, Note};

on_every_store!(
    a_handler_that_is_told_of_its_timeout_and_fails_has_timed_out,
    a_completion_after_the_timeout_counts_and_is_late,
    every_late_outcome_but_a_completion_and_a_failure_for_good_is_a_timed_out_failure,
    a_late_failure_of_a_worker_that_stops_spends_its_attempt,
    no_second_handler_runs_beside_one_that_ignores_its_timeout,
);

const TIMEOUT: Duration = Duration::from_millis(100);

/// The number of handlers that timed out, and of late completions.
#[derive(Clone, Default)]
struct Counted(Arc<[AtomicUsize; 2]>);

impl Counted {
    fn numbers(&self) -> [usize; 2] {
        [&self.0[0], &self.0[1]].map(|number| number.load(Ordering::SeqCst))
    }
}

impl Metrics for Counted {
    fn handler_timed_out(&self, _job: &Job, timeout: Duration) {
        assert_eq!(timeout, TIMEOUT);
        self.0[0].fetch_add(1, Ordering::SeqCst);
    }

    fn completed_late(&self, _job: &Job, took: Duration) {
        assert!(took >= TIMEOUT, "{took:?}");
        self.0[1].fetch_add(1, Ordering::SeqCst);
    }
}

/// Waits until the handler is told of its timeout.
fn until_told(task: &Task<Note>) {
    wait_until("the handler is told of its timeout", || task.is_cancelled());
    assert_eq!((task.interruption(), task.time_left()), (Some(Interruption::TimedOut), Some(Duration::ZERO)));
}

fn a_handler_that_is_told_of_its_timeout_and_fails_has_timed_out(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let counted = Counted::default();
    let handler = |task: Task<Note>| {
        if task.attempt() == 1 {
            until_told(&task);
            return Err("stopped half way");
        }
        Ok(())
    };
    let worker = bench.worker().timeout::<Note>(TIMEOUT).metrics(counted.clone()).handle(handler);
    let running = worker.start().unwrap();
    wait_until("the attempt has failed", || bench.job(&id).attempts == 1);
    let job = bench.job(&id);
    assert_eq!(job.last_error.as_deref(), Some("timed out after 0.1 s: stopped half way"));
    let attempts = bench.queue.attempts(&id).unwrap();
    assert_eq!(attempts.iter().map(|attempt| attempt.outcome).collect::<Vec<_>>(), [AttemptOutcome::TimedOut]);
    bench.clock.advance(LEASE);
    running.stop_handle().stop_when_idle();
    end_of(running).unwrap();
    assert_eq!((bench.status(&id), counted.numbers()), (JobStatus::Completed, [1, 0]));
}

fn a_completion_after_the_timeout_counts_and_is_late(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let counted = Counted::default();
    let handler = |task: Task<Note>| {
        until_told(&task);
        Completion::new().result("done")
    };
    bench.drain(bench.worker().timeout::<Note>(TIMEOUT).metrics(counted.clone()).handle(handler));
    let job = bench.job(&id);
    assert_eq!(job.result.as_ref().map(|json| json.as_str()), Some("\"done\""), "{job:?}");
    assert_eq!(bench.queue.attempts(&id).unwrap(), []);
    assert_eq!(counted.numbers(), [1, 1]);
}

fn every_late_outcome_but_a_completion_and_a_failure_for_good_is_a_timed_out_failure(store: impl Store) {
    let bench = Bench::new(store);
    let late = ["retry", "park", "decline", "throttle", "panic"].map(|text| bench.note(text));
    let failing = bench.note("fail");
    let handler = |task: Task<Note>| {
        until_told(&task);
        match task.text.as_str() {
            "retry" => Outcome::retry("busy"),
            "park" => Outcome::park(ParkedFor::Person, "busy"),
            "decline" => Outcome::decline("busy"),
            "throttle" => Outcome::throttled(task.now(), "busy"),
            "panic" => panic!("busy"),
            _ => Outcome::fail("busy"),
        }
    };
    let running = bench.worker().threads(3).timeout::<Note>(TIMEOUT).handle(handler).start().unwrap();
    wait_until("all handlers have returned", || {
        late.iter().all(|id| bench.job(id).attempts == 1) && bench.status(&failing) == JobStatus::Failed
    });
    running.stop_handle().stop();
    end_of(running).unwrap();
    for id in &late {
        let (job, attempts) = (bench.job(id), bench.queue.attempts(id).unwrap());
        let error = job.last_error.unwrap_or_default();
        assert!(error.starts_with("timed out after 0.1 s: ") && error.ends_with("busy"), "{error}");
        assert_eq!(attempts.iter().map(|attempt| attempt.outcome).collect::<Vec<_>>(), [AttemptOutcome::TimedOut]);
    }
    assert_eq!(bench.job(&failing).last_error.as_deref(), Some("busy"));
    assert_eq!(bench.queue.attempts(&failing).unwrap()[0].outcome, AttemptOutcome::Failed);
}

fn a_late_failure_of_a_worker_that_stops_spends_its_attempt(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let (meet, has_begun, let_go) = meeting();
    let handler = move |task: Task<Note>| {
        until_told(&task);
        meet();
        Err::<(), _>("too late")
    };
    let running = bench.worker().timeout::<Note>(TIMEOUT).handle(handler).start().unwrap();
    received("the handler has been told", &has_begun);
    running.stop_handle().stop_now();
    let_go.send(()).unwrap();
    end_of(running).unwrap();
    wait_until("the outcome is applied", || bench.job(&id).attempts == 1);
    assert_eq!(bench.queue.attempts(&id).unwrap()[0].outcome, AttemptOutcome::TimedOut);
}

fn no_second_handler_runs_beside_one_that_ignores_its_timeout(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let (at_once, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(0)));
    let (meet, has_begun, let_go) = meeting();
    let (counting, highest) = (Arc::clone(&at_once), Arc::clone(&most));
    let handler = move |task: Task<Note>| {
        let now = counting.fetch_add(1, Ordering::SeqCst) + 1;
        let mut most = highest.lock().unwrap();
        *most = now.max(*most);
        drop(most);
        if task.attempt() == 1 {
            meet();
        }
        counting.fetch_sub(1, Ordering::SeqCst);
        if task.attempt() == 1 { Err("ended at last") } else { Ok(()) }
    };
    let handler = Arc::new(handler);
    let worker = |name: &str| {
        let handler = Arc::clone(&handler);
        let worker = bench.worker().name(name).threads(2).timeout::<Note>(TIMEOUT).stuck_after(Duration::ZERO);
        worker.handle(move |task| handler(task)).start().unwrap()
    };
    let (first, second) = (worker("first"), worker("second"));
    received("the handler has begun", &has_begun);
    // Each step is less than a lease. Both workers look at the clock in between.
    let lease_end = |job: &Job| match &job.state {
        JobState::Running { lease: Some(lease), .. } => Some(lease.expires_at),
        _ => None,
    };
    let began = bench.now();
    while bench.now() < began + 4 * LEASE {
        bench.clock.advance(LEASE / 4);
        wait_until("a heartbeat has extended the lease", || {
            lease_end(&bench.job(&id)).is_none_or(|end| end >= bench.now() + LEASE)
        });
        thread::sleep(Duration::from_millis(5));
        assert_eq!((bench.status(&id), at_once.load(Ordering::SeqCst)), (JobStatus::Running, 1));
    }
    let_go.send(()).unwrap();
    wait_until("the outcome of the first handler is applied", || bench.job(&id).attempts == 1);
    bench.clock.advance(LEASE);
    wait_until("the second attempt has completed", || bench.status(&id) == JobStatus::Completed);
    for running in [first, second] {
        running.stop_handle().stop();
        end_of(running).unwrap();
    }
    assert_eq!(*most.lock().unwrap(), 1);
}
