//! Workers: the jobs that run, the number of their attempts, and their outcomes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use fieldfen_domain::RawJson;
use fieldfen_domain::file::FileStatus;
use fieldfen_domain::job::{Backoff, GenerateMetadata, Job, JobKind, JobStatus, NewJob, Payload, UpscaleImage};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_services::environment::ManualClock;
use fieldfen_services::overview::QueueFigures;
use fieldfen_services::pipeline::FileFailureHook;
use fieldfen_services::queue::{Completion, QueueError, WaitOutcome};
use fieldfen_services::worker::{
    AppliedOutcome, IntoOutcome, Metrics, Outcome, ShutdownReport, StartError, Task, Worker, WorkerBuilder,
};
use fieldfen_testkit::wait::wait_until;
use serde::{Deserialize, Serialize};

use super::panics::end_of;
use super::{Bench, LONG, Note};

on_every_store!(
    every_job_runs_exactly_once_on_many_threads,
    a_result_and_what_follows_are_kept,
    what_a_handler_returns_decides,
    a_handler_that_panics_fails_its_try,
    a_write_that_panics_fails_its_try,
    a_write_that_finds_another_transaction_busy_fails_its_try,
    retries_are_spent_and_then_the_file_fails,
    a_throttled_job_waits_without_a_spent_retry,
    a_limit_holds_and_other_kinds_pass_by,
    a_delayed_job_runs_when_its_time_has_come,
    jobs_of_a_dead_worker_are_taken_over,
    follow_ups_wake_the_worker,
    a_worker_takes_only_its_own_kinds,
    metrics_count_the_jobs_that_start_end_and_wait,
);

impl<S: Store> Bench<S> {
    pub(crate) fn worker(&self) -> WorkerBuilder<S> {
        let (store, environment) = (self.queue.store().clone(), self.queue.environment().clone());
        Worker::builder(store, environment).failure_hook(FileFailureHook).name("test worker").threads(2)
    }

    /// Runs a worker until no job is left.
    pub(crate) fn drain(&self, worker: WorkerBuilder<S>) {
        let running = worker.start().unwrap();
        running.stop_handle().stop_when_idle();
        assert_eq!(end_of(running).unwrap(), ShutdownReport::default());
    }
}

fn every_job_runs_exactly_once_on_many_threads(store: impl Store) {
    let bench = Bench::new(store);
    let jobs: Vec<_> = (0..400).map(|number| bench.queue.job(&Note::new(number.to_string())).unwrap()).collect();
    bench.queue.enqueue_many(&jobs).unwrap();
    let runs = Arc::new(Mutex::new(HashMap::new()));
    let workers: Vec<_> = (0..2)
        .map(|_| {
            let runs = Arc::clone(&runs);
            let count = move |task: Task<Note>| *runs.lock().unwrap().entry(task.text.clone()).or_insert(0) += 1;
            bench.worker().threads(4).handle(count).start().unwrap()
        })
        .collect();
    for running in workers {
        running.stop_handle().stop_when_idle();
        assert_eq!(end_of(running).unwrap(), ShutdownReport::default());
    }
    let runs = runs.lock().unwrap();
    assert_eq!(runs.len(), 400);
    assert!(runs.values().all(|&times| times == 1), "{runs:?}");
    let counts = bench.queue.count().unwrap();
    assert_eq!((counts.len(), counts[0].status, counts[0].jobs), (1, JobStatus::Completed, 400));
}

fn a_result_and_what_follows_are_kept(store: impl Store) {
    let bench = Bench::new(store);
    let first = bench.note("first");
    let queue = bench.queue.clone();
    let handler = move |task: Task<Note>| {
        let done = Completion::new().result(&(task.attempt(), &task.text));
        let follows = task.text == "first";
        Outcome::Complete(if follows { done.then(queue.job(&Note::new("second")).unwrap()) } else { done })
    };
    bench.drain(bench.worker().handle(handler));
    assert_eq!(bench.job(&first).result.unwrap().as_str(), r#"[1,"first"]"#);
    assert_eq!(bench.queue.count().unwrap()[0].jobs, 2);
}

fn what_a_handler_returns_decides(store: impl Store) {
    fn ended<S: Store, R: IntoOutcome + 'static>(bench: &Bench<S>, outcome: fn() -> R) -> (JobStatus, Option<String>) {
        let job = bench.queue.job(&Note::new("x")).unwrap().max_retries(0);
        bench.queue.enqueue(&job).unwrap();
        bench.drain(bench.worker().handle(move |_: Task<Note>| outcome()));
        let job = bench.job(&job.id);
        (job.state.status(), job.last_error)
    }
    let bench = Bench::new(store);
    assert_eq!(ended(&bench, || ()), (JobStatus::Completed, None));
    assert_eq!(ended(&bench, || Ok::<_, Outcome>(Completion::new())), (JobStatus::Completed, None));
    assert_eq!(ended(&bench, || "x".parse::<u8>().map(drop)).1.unwrap(), "invalid digit found in string");
    assert_eq!(ended(&bench, || Err::<(), _>(Outcome::fail("never"))).1.unwrap(), "never");
    let not_json = || Completion::new().result(&HashMap::from([(vec![1], 1)]));
    let (status, error) = ended(&bench, not_json);
    assert_eq!(status, JobStatus::Failed);
    assert!(error.unwrap().contains("result of a job"));
    let refused_write = ended(&bench, || Completion::new().writing(|_| Err::<(), _>("sold meanwhile")));
    assert_eq!(refused_write.1.unwrap(), "a write in the completion of a job failed: sold meanwhile");
    let broken_follow_up = ended(&bench, || Completion::new().then(job_of(r#"{"file_id": 1}"#)));
    assert!(broken_follow_up.1.unwrap().contains("payload of UpscaleImage"));
}

fn job_of(payload: &str) -> NewJob {
    let (id, at) = (fieldfen_domain::JobId::from_random(9), "2026-11-23T14:05:09Z".parse().unwrap());
    NewJob::untyped(id, JobKind::UpscaleImage, Some(RawJson::parse(payload).unwrap()), at).unwrap()
}

fn a_handler_that_panics_fails_its_try(store: impl Store) {
    let bench = Bench::new(store);
    let job = bench.queue.job(&Note::new("x")).unwrap().max_retries(0);
    bench.queue.enqueue(&job).unwrap();
    let after = bench.note("after");
    let handler = |task: Task<Note>| assert_eq!(task.text, "after", "what a surprise");
    bench.drain(bench.worker().threads(1).handle(handler));
    let dead = bench.job(&job.id);
    assert_eq!(dead.state.status(), JobStatus::Failed);
    assert!(dead.last_error.as_deref().unwrap().starts_with("the handler panicked: assertion"), "{dead:?}");
    assert_eq!(bench.status(&after), JobStatus::Completed);
}

fn a_write_that_finds_another_transaction_busy_fails_its_try(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    // For example, another thread's write waits for this one's transaction, which waits for that thread.
    let busy = || StoreError::Busy { waited_ms: 5000, source: "another thread of this program is writing".into() };
    let handler = move |_: Task<Note>| Completion::new().writing(move |_| Err::<(), _>(busy()));
    let running = bench.worker().handle(handler).start().unwrap();
    wait_until("the job has been tried once", || bench.job(&id).attempts > 0);
    running.stop_handle().stop();
    assert_eq!(end_of(running).unwrap(), ShutdownReport::default());
    let job = bench.job(&id);
    assert_eq!((job.state.status(), job.attempts), (JobStatus::Pending, 1));
    assert!(job.last_error.unwrap().contains("another thread of this program is writing"));
}

fn a_write_that_panics_fails_its_try(store: impl Store) {
    let bench = Bench::new(store);
    let job = bench.queue.job(&Note::new("x")).unwrap().max_retries(0);
    bench.queue.enqueue(&job).unwrap();
    let written = bench.queue.job(&Note::new("must not be")).unwrap();
    let written_id = written.id;
    let handler = move |_: Task<Note>| {
        let written = written.clone();
        Completion::new().writing(move |t| {
            t.enqueue(&written)?;
            panic!("in the middle");
            #[expect(unreachable_code, reason = "it says which error the closure has")]
            Ok::<_, QueueError>(())
        })
    };
    bench.drain(bench.worker().handle(handler));
    assert_eq!(bench.job(&job.id).last_error.as_deref(), Some("its writes panicked: in the middle"));
    assert_eq!(bench.queue.find(&written_id).unwrap(), None);
}

/// Advances the clock after each job, so that a failed job is due again.
pub(crate) struct AdvanceAfterJobs(pub(crate) ManualClock);

impl Metrics for AdvanceAfterJobs {
    fn job_ended(&self, _job: &Job, _ended: AppliedOutcome, _took: Duration) {
        self.0.advance(Backoff::default().cap);
    }
}

fn retries_are_spent_and_then_the_file_fails(store: impl Store) {
    let bench = Bench::new(store);
    let file_id = bench.file();
    let payload = UpscaleImage::new(file_id, 4, 300);
    let job = bench.queue.job(&payload).unwrap().max_retries(3);
    bench.queue.enqueue(&job).unwrap();
    let clock = AdvanceAfterJobs(bench.clock.clone());
    let tries = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&tries);
    let handler = move |task: Task<UpscaleImage>| {
        seen.lock().unwrap().push(task.attempt());
        Err::<(), _>(format!("try {} failed", task.attempt()))
    };
    bench.drain(bench.worker().metrics(clock).handle(handler));
    assert_eq!(*tries.lock().unwrap(), [1, 2, 3, 4]);
    let dead = bench.job(&job.id);
    assert_eq!((dead.state.status(), dead.attempts), (JobStatus::Failed, 3));
    assert_eq!(dead.last_error.as_deref(), Some("try 4 failed"));
    assert_eq!(bench.file_status(&file_id), FileStatus::Failed);
}

fn a_throttled_job_waits_without_a_spent_retry(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let until = bench.now() + TimeDelta::seconds(90);
    let handler = move |task: Task<Note>| {
        if task.now() < until { Outcome::throttled(until, "0 calls left") } else { ().into_outcome() }
    };
    let running = bench.worker().handle(handler).start().unwrap();
    wait_until("the job waits for the end of the throttle", || {
        bench.job(&id).run_at == until && bench.status(&id) == JobStatus::Pending
    });
    assert_eq!(bench.job(&id).attempts, 0);
    bench.clock.advance(Duration::from_secs(90));
    assert!(matches!(bench.queue.wait_for(&id, LONG).unwrap(), WaitOutcome::Completed { .. }));
    assert_eq!(bench.job(&id).attempts, 0);
    running.stop_handle().stop();
    end_of(running).unwrap();
}

fn a_limit_holds_and_other_kinds_pass_by(store: impl Store) {
    let bench = Bench::new(store);
    let file_id = bench.file();
    for _ in 0..6 {
        bench.note("limited");
        let free = GenerateMetadata::new(file_id);
        bench.queue.enqueue(&bench.queue.job(&free).unwrap()).unwrap();
    }
    let (running, most, others) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (seen, passed) = (Arc::clone(&most), Arc::clone(&others));
    let limited = move |_: Task<Note>| {
        seen.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        // The first job stays in its place until all others have passed it.
        wait_until("all others have passed by", || passed.load(Ordering::SeqCst) == 6);
        running.fetch_sub(1, Ordering::SeqCst);
    };
    let free = Arc::clone(&others);
    let free = move |_: Task<GenerateMetadata>| {
        free.fetch_add(1, Ordering::SeqCst);
    };
    bench.drain(bench.worker().threads(4).limit::<Note>(1).handle(limited).handle(free));
    assert_eq!((most.load(Ordering::SeqCst), others.load(Ordering::SeqCst)), (1, 6));
    assert_eq!(bench.queue.store().read(|s| s.jobs().next_due(&[Note::kind()])).unwrap(), None, "all have run");
}

fn a_delayed_job_runs_when_its_time_has_come(store: impl Store) {
    let bench = Bench::new(store);
    let job = bench.queue.job(&Note::new("x")).unwrap().run_at(bench.now() + TimeDelta::hours(1));
    bench.queue.enqueue(&job).unwrap();
    let started = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&started);
    let running =
        bench.worker().handle(move |task: Task<Note>| *seen.lock().unwrap() = Some(task.now())).start().unwrap();
    let other = bench.note("due at once");
    let completed = WaitOutcome::Completed { result: None };
    assert_eq!(bench.queue.wait_for(&other, LONG).unwrap(), completed);
    assert_eq!(bench.status(&job.id), JobStatus::Pending);
    bench.clock.advance(Duration::from_secs(3600));
    assert_eq!(bench.queue.wait_for(&job.id, LONG).unwrap(), completed);
    assert_eq!(*started.lock().unwrap(), Some(job.run_at));
    running.stop_handle().stop();
    end_of(running).unwrap();
}

fn jobs_of_a_dead_worker_are_taken_over(store: impl Store) {
    let bench = Bench::new(store);
    let ids: Vec<_> = (0..250).map(|number| bench.note(&number.to_string())).collect();
    assert_eq!(bench.claim_notes(250).len(), 250);
    bench.clock.advance(super::LEASE);
    let running = bench.worker().handle(|_: Task<Note>| ()).start().unwrap();
    wait_until("all jobs are pending", || {
        bench.queue.count().unwrap().iter().all(|count| count.status == JobStatus::Pending)
    });
    bench.clock.advance(super::LOST_LEASE_WAIT);
    running.stop_handle().stop_when_idle();
    assert_eq!(end_of(running).unwrap(), ShutdownReport::default());
    for id in ids {
        let job = bench.job(&id);
        assert_eq!((job.state.status(), job.attempts), (JobStatus::Completed, 1));
    }
}

/// A job that enqueues another one until its count is zero.
#[derive(Serialize, Deserialize)]
struct Countdown {
    left: u32,
}

impl Payload for Countdown {
    const KIND: &'static str = "test.countdown";
}

fn follow_ups_wake_the_worker(store: impl Store) {
    let bench = Bench::new(store);
    bench.queue.enqueue(&bench.queue.job(&Countdown { left: 20 }).unwrap()).unwrap();
    let queue = bench.queue.clone();
    let handler = move |task: Task<Countdown>| -> Result<Completion, Outcome> {
        let done = Completion::new();
        Ok(match task.left.checked_sub(1) {
            Some(left) => done.then(queue.job(&Countdown { left })?),
            None => done,
        })
    };
    bench.drain(bench.worker().handle(handler));
    assert_eq!(bench.queue.count().unwrap()[0].jobs, 21);
}

fn a_worker_takes_only_its_own_kinds(store: impl Store) {
    let bench = Bench::new(store);
    let other = bench.note("other");
    bench.queue.enqueue(&bench.queue.job(&Countdown { left: 0 }).unwrap()).unwrap();
    bench.drain(bench.worker().handle(|_: Task<Countdown>| ()));
    assert_eq!(bench.status(&other), JobStatus::Pending);
}

#[derive(Default)]
struct Figures {
    started: u32,
    ended: HashMap<AppliedOutcome, u32>,
    jobs_counted: u64,
    counted_by: Option<String>,
}

#[derive(Clone)]
struct Counted(Arc<Mutex<Figures>>, ManualClock);

impl Metrics for Counted {
    fn job_started(&self, job: &Job, _waited: Duration) {
        assert_eq!(job.kind, Note::kind());
        self.0.lock().unwrap().started += 1;
    }

    fn job_ended(&self, job: &Job, ended: AppliedOutcome, took: Duration) {
        *self.0.lock().unwrap().ended.entry(ended).or_default() += 1;
        AdvanceAfterJobs(self.1.clone()).job_ended(job, ended, took);
    }

    fn queue(&self, queue: &QueueFigures) {
        let mut figures = self.0.lock().unwrap();
        figures.jobs_counted = queue.kinds.iter().map(|kind| kind.waiting.number + kind.running.number).sum();
        figures.counted_by = std::thread::current().name().map(str::to_owned);
    }

    fn queue_interval(&self) -> Option<Duration> {
        Some(Duration::from_secs(10))
    }
}

fn metrics_count_the_jobs_that_start_end_and_wait(store: impl Store) {
    let bench = Bench::new(store);
    for text in ["good", "good", "bad", "worse"] {
        let retries = u32::from(text == "bad");
        bench.queue.enqueue(&bench.queue.job(&Note::new(text)).unwrap().max_retries(retries)).unwrap();
    }
    let metrics = Counted(Arc::default(), bench.clock.clone());
    let counted = metrics.clone();
    let handler = move |task: Task<Note>| {
        wait_until("the waiting jobs were counted", || counted.0.lock().unwrap().jobs_counted > 0);
        match task.text.as_str() {
            "good" => ().into_outcome(),
            "bad" => Outcome::retry("bad"),
            _ => Outcome::fail("worse"),
        }
    };
    bench.drain(bench.worker().metrics(metrics.clone()).handle(handler));
    let figures = metrics.0.lock().unwrap();
    assert_eq!((figures.started, figures.jobs_counted), (5, 4));
    assert_eq!(figures.counted_by.as_deref(), Some("fieldfen-queue"), "counting holds up no other thread");
    assert_eq!(
        figures.ended,
        HashMap::from([(AppliedOutcome::Completed, 2), (AppliedOutcome::Retrying, 1), (AppliedOutcome::Failed, 2)])
    );
}

#[test]
fn a_worker_that_cannot_be_is_refused() {
    let bench = Bench::new(fieldfen_testkit::ModelStore::new());
    let message = |worker: WorkerBuilder<_>| match worker.start() {
        Err(error @ (StartError::NoHandler | StartError::Setting { .. })) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let with_handler = || bench.worker().handle(|_: Task<Note>| ());
    assert!(message(bench.worker()).starts_with("cannot start the worker without a handler: "));
    assert!(message(with_handler().handle(|_: Task<Note>| ())).contains(r#"with handler "test.note": "#));
    assert!(message(with_handler().threads(0)).contains(r#"with threads "0": "#));
    for lease in [Duration::ZERO, Duration::from_millis(1), Duration::from_millis(99)] {
        assert!(message(with_handler().lease(lease)).contains(&format!("with lease \"{lease:?}\": ")));
    }
    assert!(message(with_handler().limit::<Note>(0)).contains(r#"with limit "0 for test.note": "#));
    let timeout = message(with_handler().timeout::<Note>(Duration::from_millis(99)));
    assert!(timeout.contains(r#"with timeout "99ms for test.note": at least 100 ms"#), "{timeout}");
    let no_handler = r#""test.countdown": the worker has no handler for jobs of this kind"#;
    let limit = message(with_handler().limit::<Countdown>(1));
    assert_eq!(limit, format!("cannot start the worker with limit {no_handler}"));
    let timeout = message(with_handler().timeout::<Countdown>(LONG));
    assert_eq!(timeout, format!("cannot start the worker with timeout {no_handler}"));
    let backoff = message(with_handler().backoff::<Countdown>(Backoff::default()));
    assert_eq!(backoff, format!("cannot start the worker with backoff {no_handler}"));
}
