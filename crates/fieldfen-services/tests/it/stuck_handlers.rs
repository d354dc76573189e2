//! Handlers that do not return, and the threads that serve other jobs meanwhile.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use fieldfen_domain::JobId;
use fieldfen_domain::job::{Job, JobActionOutcome, JobStatus};
use fieldfen_domain::store::Store;
use fieldfen_services::worker::{Metrics, ShutdownReport, Task, WorkerFailure};
use fieldfen_testkit::fixtures::by_ann;
use fieldfen_testkit::wait::{received, wait_until};
use fieldfen_testkit::with;

use super::panics::end_of;
use super::worker_stop::meeting;
use super::{Bench, LEASE, Note};

on_every_store!(
    a_worker_of_one_thread_serves_others_while_the_handler_of_a_killed_job_hangs,
    a_stuck_handler_counts_in_the_limit_of_its_kind_and_its_thread_ends_with_it,
    a_stuck_job_that_ran_alone_keeps_no_other_from_running,
    too_many_stuck_handlers_end_the_worker,
    a_worker_that_stops_when_idle_does_not_wait_for_a_stuck_handler,
);

const TIMEOUT: Duration = Duration::from_millis(100);

/// The jobs whose handlers were stuck.
#[derive(Clone, Default)]
struct Stuck(Arc<Mutex<Vec<JobId>>>);

impl Metrics for Stuck {
    fn handler_stuck(&self, job: &Job, _ran: Duration) {
        self.0.lock().unwrap().push(job.id);
    }
}

fn a_worker_of_one_thread_serves_others_while_the_handler_of_a_killed_job_hangs(store: impl Store) {
    let bench = Bench::new(store);
    let hangs = bench.note("hangs");
    let (meet, has_begun, let_go) = meeting();
    let stuck = Stuck::default();
    let handler = move |task: Task<Note>| {
        if task.text == "hangs" {
            meet();
        }
    };
    let worker = bench.worker().threads(1).stuck_after(Duration::ZERO).grace(Duration::ZERO).metrics(stuck.clone());
    let running = worker.handle(handler).start().unwrap();
    received("the handler has begun", &has_begun);
    let other = bench.note("other");
    assert_eq!(bench.queue.kill(&hangs, &by_ann("hangs")).unwrap(), JobActionOutcome::Done);
    bench.clock.advance(Duration::from_secs(5));
    wait_until("another thread has run the other job", || bench.status(&other) == JobStatus::Completed);
    assert_eq!(*stuck.0.lock().unwrap(), [hangs]);
    running.stop_handle().stop();
    assert_eq!(end_of(running).unwrap(), with!(ShutdownReport::default(), still_running: vec![hangs]));
    let_go.send(()).unwrap();
}

fn a_stuck_handler_counts_in_the_limit_of_its_kind_and_its_thread_ends_with_it(store: impl Store) {
    let bench = Bench::new(store);
    let (other_kind, stuck) = ("test.other".parse().unwrap(), Stuck::default());
    let hangs = bench.note("hangs");
    let (meet, has_begun, let_go) = meeting();
    let (running_now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (now, highest) = (Arc::clone(&running_now), Arc::clone(&most));
    let count = move || {
        highest.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(2));
        now.fetch_sub(1, Ordering::SeqCst);
    };
    let worker = bench.worker().threads(1).limit::<Note>(1).timeout::<Note>(TIMEOUT).stuck_after(Duration::ZERO);
    let worker = worker.metrics(stuck.clone()).handle(move |task: Task<Note>| {
        if task.text == "hangs" {
            meet();
        }
    });
    let running = worker.handle_kind(other_kind, move |_| count()).start().unwrap();
    received("the handler has begun", &has_begun);
    let same_kind = bench.note("of the same kind");
    let enqueue = |number: u32| {
        let job = bench.queue.job(&Note::new(number.to_string())).unwrap().kind("test.other".parse().unwrap());
        *bench.queue.enqueue(&job).unwrap().id()
    };
    let completed = |jobs: &[JobId]| jobs.iter().all(|id| bench.status(id) == JobStatus::Completed);
    let others: Vec<_> = (0..3).map(enqueue).collect();
    wait_until("another thread has run the jobs of the other kind", || completed(&others));
    assert_eq!(bench.status(&same_kind), JobStatus::Pending);
    assert_eq!((bench.status(&hangs), stuck.0.lock().unwrap().clone()), (JobStatus::Running, vec![hangs]));
    let_go.send(()).unwrap();
    wait_until("the late outcome is applied, and the kind goes on", || completed(&[hangs, same_kind]));
    let others: Vec<_> = (0..30).map(enqueue).collect();
    wait_until("the other jobs are completed", || completed(&others));
    running.stop_handle().stop();
    assert_eq!(end_of(running).unwrap(), ShutdownReport::default());
    assert_eq!(most.load(Ordering::SeqCst), 1, "the worker has one thread again");
}

fn a_stuck_job_that_ran_alone_keeps_no_other_from_running(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("hangs");
    for _ in 0..2 {
        bench.clock.advance(LEASE);
        assert_eq!(bench.claim_notes(1).len(), 1);
        bench.clock.advance(LEASE);
        assert_eq!(bench.queue.reclaim(1).unwrap().len(), 1);
    }
    bench.clock.advance(LEASE);
    let (meet, has_begun, let_go) = meeting();
    let handler = move |task: Task<Note>| {
        if task.text == "hangs" {
            assert!(task.job().must_run_alone());
            meet();
        }
    };
    let worker = bench.worker().threads(2).timeout::<Note>(TIMEOUT).stuck_after(Duration::ZERO).handle(handler);
    let running = worker.start().unwrap();
    received("the handler has begun", &has_begun);
    let other = bench.note("other");
    wait_until("the other job is completed", || bench.status(&other) == JobStatus::Completed);
    assert_eq!(bench.status(&id), JobStatus::Running);
    let_go.send(()).unwrap();
    running.stop_handle().stop_when_idle();
    assert_eq!(end_of(running).unwrap(), ShutdownReport::default());
    assert_eq!(bench.status(&id), JobStatus::Completed);
}

fn too_many_stuck_handlers_end_the_worker(store: impl Store) {
    let bench = Bench::new(store);
    let ids = ["first", "second"].map(|text| bench.note(text));
    let go = Arc::new(Mutex::new(false));
    let may_end = Arc::clone(&go);
    let handler = move |_: Task<Note>| wait_until("the test lets the handlers end", || *may_end.lock().unwrap());
    let worker = bench.worker().threads(1).max_stuck_handlers(1).grace(Duration::ZERO);
    let running = worker.timeout::<Note>(TIMEOUT).stuck_after(Duration::ZERO).handle(handler).start().unwrap();
    let error = end_of(running).unwrap_err();
    *go.lock().unwrap() = true;
    let WorkerFailure::StuckHandlers { jobs } = &error.failure else { panic!("{error}") };
    let stuck: BTreeMap<_, _> = jobs.iter().map(|job| (job.id, job.kind.as_str())).collect();
    assert_eq!(stuck, ids.map(|id| (id, "test.note")).into());
    assert_eq!(error.report.still_running.len(), 2);
    assert!(ids.iter().all(|id| error.to_string().contains(&format!("test.note {id}"))), "{error}");
}

fn a_worker_that_stops_when_idle_does_not_wait_for_a_stuck_handler(store: impl Store) {
    let bench = Bench::new(store);
    let (hangs, other) = (bench.note("hangs"), bench.note("other"));
    let (meet, has_begun, let_go) = meeting();
    let handler = move |task: Task<Note>| {
        if task.text == "hangs" {
            meet();
        }
    };
    let worker = bench.worker().threads(1).grace(Duration::ZERO).timeout::<Note>(TIMEOUT).stuck_after(Duration::ZERO);
    let running = worker.handle(handler).start().unwrap();
    received("the handler has begun", &has_begun);
    running.stop_handle().stop_when_idle();
    bench.clock.advance(Duration::from_secs(5));
    let report = end_of(running).unwrap();
    assert_eq!(report, with!(ShutdownReport::default(), still_running: vec![hangs]));
    assert_eq!((bench.status(&other), bench.status(&hangs)), (JobStatus::Completed, JobStatus::Running));
    let_go.send(()).unwrap();
}
