//! A retry of all dead letters whose process is killed and resumed, while a worker runs the jobs and fails some again.

use std::collections::HashMap;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use fieldfen_domain::job::{
    BulkAction, ClaimRef, ClaimRequest, FailureReport, InvalidPayload, JobFilter, JobKind, JobStatus, NewJob, Payload,
    Retry, WorkerName,
};
use fieldfen_domain::operator::{OperatorActionFilter, Subject};
use fieldfen_domain::store::{Store as _, StoreError};
use fieldfen_domain::{JobId, PageRequest, RawJson};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;
use fieldfen_services::bulk_actions::BulkActions;
use fieldfen_services::environment::{Randomness as _, SeededRandomness};
use fieldfen_services::queue::Queue;
use fieldfen_services::worker::{Completion, Outcome, Task, Worker};
use fieldfen_testkit::wait::{exit_status, output_of, wait_for};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use crate::shop_harness::Shop;

/// The test fails if it takes longer.
const LONGEST: Duration = Duration::from_secs(1800);

/// The largest number of jobs in one transaction of the test.
const CHUNK: usize = 500;

/// A number from the environment, or this default. It is printed, so that a run can be repeated.
fn size(name: &str, default: u64) -> u64 {
    let number = std::env::var(name).map_or(default, |text| text.parse().unwrap());
    println!("{name}={number}");
    number
}

/// A job that fails for good unless its number is even.
#[derive(Debug, Serialize, Deserialize)]
struct Print {
    number: u64,
}

impl Payload for Print {
    const KIND: &'static str = "acme.print";

    fn check(&self) -> Result<(), InvalidPayload> {
        Ok(())
    }
}

/// Enqueues jobs of this kind and fails them for good.
fn dead_letters(store: &SqliteStore, kind: &JobKind, number: u64) -> Vec<JobId> {
    let environment = Environment::system();
    let new = |number: u64| {
        let payload = RawJson::parse(format!(r#"{{"number": {number}}}"#)).unwrap();
        let job = NewJob::untyped(environment.job_id(), kind.clone(), Some(payload), environment.now()).unwrap();
        job.max_retries(0)
    };
    let jobs: Vec<NewJob> = (0..number).map(new).collect();
    for chunk in jobs.chunks(CHUNK) {
        store.write(|s| s.jobs().enqueue_many(chunk)).unwrap();
        let (token, now) = (environment.token(), environment.now());
        let limit = u32::try_from(chunk.len()).unwrap();
        let worker = WorkerName::new("the worker before");
        let request = ClaimRequest::new([kind.clone()].into(), limit, token, now, Duration::from_secs(60), worker);
        let report = FailureReport::new("the printer is out of paper", Retry::Never, now);
        let ended = store.write(|s| {
            let claimed = s.jobs().claim(&request)?.jobs;
            let failures: Vec<_> = claimed.iter().map(|job| (ClaimRef { id: job.id, token }, report.clone())).collect();
            Ok::<_, StoreError>(s.jobs().fail_many(&failures)?.iter().filter(|answer| answer.is_done()).count())
        });
        assert_eq!(ended.unwrap(), chunk.len());
    }
    jobs.iter().map(|job| job.id).collect()
}

/// The program with these arguments, in the folder of the shop.
fn command(shop: &Shop, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fieldfen"));
    command.args(arguments).current_dir(shop.folder()).stdin(Stdio::null()).env("FIELDFEN_OPERATOR", "ann");
    for name in ["DATABASE_URL", "RUST_LOG"] {
        command.env_remove(name);
    }
    command
}

/// A process of `fieldfen`, which is killed at the end of a test that fails.
struct Process(Child);

impl Process {
    fn start(shop: &Shop, arguments: &[&str]) -> Self {
        Self(command(shop, arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Writes of this process while another one carries a bulk action out: the time that each has taken.
struct WriteTimes {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Duration>>,
}

impl WriteTimes {
    fn start(store: SqliteStore) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let stop = is_over.clone();
        let thread = thread::spawn(move || {
            let nobody = Environment::system().worker_id();
            let mut times = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let began = Instant::now();
                store.write(|s| s.workers().unregister(&nobody)).unwrap();
                times.push(began.elapsed());
                thread::sleep(Duration::from_millis(2));
            }
            times
        });
        Self { is_over, thread }
    }

    /// Ends the writes, and prints their times.
    fn print(self) {
        self.is_over.store(true, Ordering::Relaxed);
        let mut times = self.thread.join().unwrap();
        times.sort_unstable();
        let at = |part: usize| times[(times.len() - 1) * part / 1000];
        println!("{} writes beside it: median {:?}, 99 % {:?}, longest {:?}", times.len(), at(500), at(990), at(1000));
    }
}

/// The newest bulk action of the shop.
fn newest(bulk: &BulkActions<SqliteStore>) -> Option<BulkAction> {
    bulk.list(&PageRequest::first(1).newest_first()).unwrap().items.pop()
}

#[test]
fn each_dead_letter_is_retried_once_although_the_retry_is_killed_and_resumed() {
    let (jobs, kills) = (size("FIELDFEN_BULK_JOBS", 1_500), size("FIELDFEN_BULK_KILLS", 5));
    let random = SeededRandomness::new(size("FIELDFEN_SEED", 20_261_127));
    let below = |limit: u64| u64::try_from(random.bits() % u128::from(limit.max(1))).unwrap();
    let shop = Shop::new();
    let store = shop.store();
    let others = dead_letters(&store, &"acme.scan".parse().unwrap(), 50);
    let dead = dead_letters(&store, &Print::kind(), jobs);
    let queue = Queue::new(store.clone(), Environment::system());
    let bulk = BulkActions::new(queue.clone());

    let runs: Arc<Mutex<HashMap<JobId, u32>>> = Arc::default();
    let counted = runs.clone();
    let print = move |task: Task<Print>| {
        *counted.lock().unwrap().entry(task.id()).or_default() += 1;
        if task.number.is_multiple_of(2) { Ok(Completion::new()) } else { Err(Outcome::fail("still out of paper")) }
    };
    let worker = Worker::builder(store.clone(), Environment::system()).threads(2).handle(print).start().unwrap();

    let (began, writes) = (Instant::now(), WriteTimes::start(store));
    let retry = ["jobs", "retry", "--all", "--dead", "--kind", Print::KIND, "--yes", "--reason", "there is paper"];
    let (mut process, mut in_the_middle) = (Process::start(&shop, &retry), 0);
    for kill in 1..=kills {
        // The moment of the kill: after this number of jobs, and some milliseconds.
        let after = jobs * kill / (kills + 1) * (50 + below(50)) / 100;
        let id = loop {
            assert!(began.elapsed() < LONGEST, "kill {kill} at {after} jobs did not come: {:?}", newest(&bulk));
            match newest(&bulk) {
                Some(row) if row.progress.matched() >= after => break row.order.id.to_string(),
                _ if process.has_ended() => panic!("it ended before kill {kill}: {:?}", newest(&bulk)),
                _ => thread::sleep(Duration::from_millis(1)),
            }
        };
        thread::sleep(Duration::from_micros(below(5_000)));
        in_the_middle += u64::from(!process.has_ended());
        drop(process);
        process = Process::start(&shop, &["jobs", "bulk", "resume", &id]);
        if kill == kills / 2 {
            // Two processes carry the same action out, and this one is killed.
            let also = Process::start(&shop, &["jobs", "bulk", "resume", &id]);
            thread::sleep(Duration::from_millis(below(100)));
            drop(also);
        }
    }
    assert!(exit_status(&mut process.0).success());
    let row = newest(&bulk).unwrap();
    assert!(row.is_finished());
    let retried_in = began.elapsed();
    writes.print();
    let none_is = |status| {
        let filter = JobFilter::new().kind(Print::kind()).status(status);
        queue.list(&filter, &PageRequest::first(1)).unwrap().is_empty()
    };
    while !(none_is(JobStatus::Pending) && none_is(JobStatus::Running)) {
        assert!(began.elapsed() < LONGEST, "the worker has not run all jobs");
        thread::sleep(Duration::from_millis(50));
    }
    worker.stop_handle().stop();
    worker.join().unwrap();

    assert_eq!((row.progress.done, row.progress.refused), (jobs, 0));
    let runs = runs.lock().unwrap();
    for (number, id) in dead.iter().enumerate() {
        assert_eq!(runs.get(id), Some(&1), "job {number} was retried once");
        let attempts = queue.attempts(id).unwrap().len();
        assert_eq!(attempts, 1 + number % 2, "job {number}: it failed before, and again if its number is odd");
    }
    assert!(others.iter().all(|id| queue.find(id).unwrap().unwrap().state.status() == JobStatus::Failed));
    let recorded = OperatorActionFilter::of(Subject::BulkAction(row.order.id));
    let recorded = queue.store().read(|s| s.operator_actions().page(&recorded, &PageRequest::first(9))).unwrap();
    let outcomes: Vec<_> = recorded.items.iter().map(|action| action.outcome.as_str()).collect();
    assert_eq!(outcomes, ["requested", "done"]);
    // A small retry may have ended before a kill.
    assert!(jobs < 10_000 || in_the_middle > kills / 2, "{in_the_middle} of {kills} kills hit a running process");
    println!(
        "{jobs} jobs retried in {retried_in:?}, {in_the_middle} of {kills} kills in the middle, and run in {:?}",
        began.elapsed()
    );
}

#[test]
fn a_bulk_action_that_is_interrupted_says_how_to_go_on() {
    let shop = Shop::new();
    let bulk = BulkActions::new(Queue::new(shop.store(), Environment::system()));
    // A retry may end before the signal comes. Each further one has twice as many jobs.
    for number in [500, 1_000, 2_000, 4_000, 8_000] {
        dead_letters(&shop.store(), &Print::kind(), number);
        let before = newest(&bulk).map(|row| row.order.id);
        let mut retry = command(&shop, &["jobs", "retry", "--all", "--dead", "--yes"]);
        let child = retry.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let process = Pid::from_child(&child);
        let started = wait_for("the action has begun", || {
            newest(&bulk).filter(|row| Some(row.order.id) != before && row.progress.matched() > 0)
        });
        kill_process(process, Signal::INT).ok();
        let ended = output_of(child);
        if ended.status.success() {
            continue;
        }
        let (id, message) = (started.order.id.to_string(), String::from_utf8(ended.stderr).unwrap());
        assert_eq!(ended.status.code(), Some(13), "{message}");
        assert!(message.contains(&format!("fieldfen jobs bulk resume {id}")), "{message}");
        assert!(!newest(&bulk).unwrap().is_finished());
        let resumed = shop.run(&["jobs", "bulk", "resume", &id, "--json"]).document(0);
        assert_eq!((&resumed["done"], &resumed["refused"]), (&number.into(), &0.into()));
        return;
    }
    panic!("five retries ended before they were interrupted");
}
