//! Jobs that are claimed before a thread is free for them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fieldfen_domain::JobId;
use fieldfen_domain::job::{GenerateMetadata, Job, JobActionOutcome, JobStatus, Priority};
use fieldfen_domain::store::Store;
use fieldfen_services::worker::{AppliedOutcome, Metrics, ShutdownReport, Task, Worker};
use fieldfen_testkit::fixtures::by_ann;
use fieldfen_testkit::wait::wait_until;

use super::panics::end_of;
use super::{Bench, Note};

on_stores_without_faults!(
    jobs_begin_in_the_order_of_the_claim,
    a_stop_gives_back_what_was_claimed_ahead,
    a_job_that_is_cancelled_before_it_begins_never_runs,
    no_worker_keeps_jobs_that_another_one_could_run,
    a_limit_holds_beside_jobs_that_are_claimed_ahead,
);

/// First instant notes, so that the worker measures their run time; then notes that take as long as the test wants.
struct Handler {
    begun: Mutex<Vec<String>>,
    may_end: AtomicBool,
}

impl Handler {
    fn new() -> Arc<Self> {
        Arc::new(Self { begun: Mutex::default(), may_end: AtomicBool::new(false) })
    }

    fn run(&self, task: &Task<Note>) {
        if task.text != "quick" {
            self.begun.lock().unwrap().push(task.text.clone());
            wait_until("the test lets the handler end or the worker stops", || {
                self.may_end.load(Ordering::SeqCst) || task.is_stopping()
            });
        }
    }

    fn begun(&self) -> usize {
        self.begun.lock().unwrap().len()
    }
}

/// Counts the jobs that have failed for good.
#[derive(Clone, Default)]
struct Failures(Arc<AtomicUsize>);

impl Metrics for Failures {
    fn job_ended(&self, _: &Job, applied: AppliedOutcome, _: Duration) {
        self.0.fetch_add(usize::from(applied == AppliedOutcome::Failed), Ordering::SeqCst);
    }
}

/// A worker that has run 64 notes that take no time.
fn warmed_up<S: Store>(bench: &Bench<S>, threads: usize, handler: &Arc<Handler>) -> Worker {
    warmed_up_and_measured(bench, threads, handler, &Failures::default())
}

/// As `worker`, with a count of the jobs that the worker reports as failed.
fn warmed_up_and_measured<S: Store>(
    bench: &Bench<S>,
    threads: usize,
    handler: &Arc<Handler>,
    failures: &Failures,
) -> Worker {
    let quick: Vec<_> = (0..64).map(|_| bench.note("quick")).collect();
    let handler = Arc::clone(handler);
    let worker = bench.worker().threads(threads).metrics(failures.clone());
    let running = worker.handle(move |task: Task<Note>| handler.run(&task)).start().unwrap();
    wait_until("the quick jobs are completed", || quick.iter().all(|id| bench.status(id) == JobStatus::Completed));
    running
}

/// Enqueues this many notes that take as long as the test wants, in one transaction.
fn slow_notes<S: Store>(bench: &Bench<S>, notes: usize) -> Vec<JobId> {
    let jobs: Vec<_> = (0..notes).map(|note| bench.queue.job(&Note::new(format!("slow {note}"))).unwrap()).collect();
    bench.queue.enqueue_many(&jobs).unwrap();
    jobs.iter().map(|job| job.id).collect()
}

fn count_of<S: Store>(bench: &Bench<S>, ids: &[JobId], status: JobStatus) -> usize {
    ids.iter().filter(|id| bench.status(id) == status).count()
}

fn jobs_begin_in_the_order_of_the_claim(store: impl Store) {
    let bench = Bench::new(store);
    let mut jobs = Vec::new();
    for number in 0..400_u32 {
        let due = bench.now() - Duration::from_secs(u64::from(number * 7919 % 400));
        let priority = Priority::ALL[number as usize % 4];
        jobs.push(bench.queue.job(&Note::new(number.to_string())).unwrap().priority(priority).run_at(due));
    }
    bench.queue.enqueue_many(&jobs).unwrap();
    let begun = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&begun);
    bench.drain(bench.worker().threads(1).handle(move |task: Task<Note>| seen.lock().unwrap().push(task.id())));
    jobs.sort_by_key(|job| (job.priority, job.run_at));
    assert_eq!(*begun.lock().unwrap(), jobs.iter().map(|job| job.id).collect::<Vec<_>>());
}

fn a_stop_gives_back_what_was_claimed_ahead(store: impl Store) {
    let bench = Bench::new(store);
    // Milliseconds decide whether the stop finds jobs that have not begun.
    for _ in 0..50 {
        let handler = Handler::new();
        let running = warmed_up(&bench, 2, &handler);
        let ids = slow_notes(&bench, 20);
        wait_until("two handlers have begun", || handler.begun() == 2);
        running.stop_handle().stop();
        let report = end_of(running).unwrap();
        assert_eq!((report.unreleased, report.still_running.len()), (0, 0));
        assert_eq!((count_of(&bench, &ids, JobStatus::Completed), handler.begun()), (2, 2));
        for id in ids.iter().filter(|id| bench.status(id) != JobStatus::Completed) {
            let job = bench.job(id);
            assert_eq!((job.state.status(), job.attempts, job.run_at), (JobStatus::Pending, 0, bench.now()));
        }
        let other = Handler::new();
        other.may_end.store(true, Ordering::SeqCst);
        let seen = Arc::clone(&other);
        bench.drain(bench.worker().threads(1).handle(move |task: Task<Note>| seen.run(&task)));
        let numbers = |texts: &[String]| texts.iter().map(|text| text[5..].parse::<u32>().unwrap()).collect::<Vec<_>>();
        let (first, rest) = (numbers(&handler.begun.lock().unwrap()), numbers(&other.begun.lock().unwrap()));
        assert_eq!(BTreeSet::from_iter(first), BTreeSet::from([0, 1]));
        assert_eq!(rest, (2..20).collect::<Vec<_>>(), "each has its place in the queue again");
        if report.released > 0 {
            return;
        }
    }
    panic!("nothing was claimed ahead");
}

fn a_job_that_is_cancelled_before_it_begins_never_runs(store: impl Store) {
    let bench = Bench::new(store);
    let handler = Handler::new();
    let failures = Failures::default();
    let running = warmed_up_and_measured(&bench, 2, &handler, &failures);
    let ids = slow_notes(&bench, 12);
    wait_until("two handlers have begun", || handler.begun() == 2);
    let cancelled = &ids[6];
    let answer = bench.queue.cancel(cancelled, &by_ann("wrong picture")).unwrap();
    assert!(matches!(answer, JobActionOutcome::Done | JobActionOutcome::CancelRequested), "{answer:?}");
    wait_until("the cancelled job has failed", || bench.status(cancelled) == JobStatus::Failed);
    handler.may_end.store(true, Ordering::SeqCst);
    wait_until("the other jobs are completed", || count_of(&bench, &ids, JobStatus::Completed) == ids.len() - 1);
    running.stop_handle().stop();
    assert_eq!(end_of(running).unwrap(), ShutdownReport::default());
    assert!(!handler.begun.lock().unwrap().contains(&"slow 6".to_owned()));
    let job = bench.job(cancelled);
    assert!(job.last_error.as_deref().unwrap().starts_with("wrong picture"), "{job:?}");
    assert_eq!(job.attempts, 0);
    // The worker only learns of it if it has claimed the job by then.
    let told = usize::from(answer == JobActionOutcome::CancelRequested);
    assert_eq!(failures.0.load(Ordering::SeqCst), told);
}

fn no_worker_keeps_jobs_that_another_one_could_run(store: impl Store) {
    let bench = Bench::new(store);
    let handlers = [Handler::new(), Handler::new()];
    let workers = [0, 1].map(|worker| warmed_up(&bench, 4, &handlers[worker]));
    let ids = slow_notes(&bench, 16);
    wait_until("four handlers of each worker have begun", || handlers.iter().all(|handler| handler.begun() == 4));
    // Each worker may claim the others' jobs ahead once, since they look short, and releases them when its threads stay
    // busy. It does not claim them again before a thread is free.
    let mut looks = 0;
    wait_until("eight jobs have been running for 100 looks", || {
        looks = if count_of(&bench, &ids, JobStatus::Running) == 8 { looks + 1 } else { 0 };
        looks == 100
    });
    handlers.iter().for_each(|handler| handler.may_end.store(true, Ordering::SeqCst));
    wait_until("all jobs are completed", || count_of(&bench, &ids, JobStatus::Completed) == 16);
    for worker in workers {
        worker.stop_handle().stop();
        assert_eq!(end_of(worker).unwrap(), ShutdownReport::default());
    }
    assert!(ids.iter().all(|id| bench.job(id).attempts == 0));
}

fn a_limit_holds_beside_jobs_that_are_claimed_ahead(store: impl Store) {
    let bench = Bench::new(store);
    let file_id = bench.file();
    let mut jobs = Vec::new();
    for _ in 0..200 {
        jobs.push(bench.queue.job(&Note::new("limited")).unwrap());
        jobs.push(bench.queue.job(&GenerateMetadata::new(file_id)).unwrap());
    }
    bench.queue.enqueue_many(&jobs).unwrap();
    let (running, most) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let limited = move |_: Task<Note>| {
        seen.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::yield_now();
        running.fetch_sub(1, Ordering::SeqCst);
    };
    let unlimited = |_: Task<GenerateMetadata>| ();
    bench.drain(bench.worker().threads(4).limit::<Note>(2).handle(limited).handle(unlimited));
    assert!(most.load(Ordering::SeqCst) <= 2, "{most:?}");
    assert!(jobs.iter().all(|job| bench.status(&job.id) == JobStatus::Completed));
}
