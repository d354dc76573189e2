//! Jobs that a worker cannot run and another one may be able to run.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use fieldfen_domain::job::{Job, JobStatus, NewJob, Payload};
use fieldfen_domain::store::Store;
use fieldfen_domain::{JobId, RawJson};
use fieldfen_services::queue::WaitOutcome;
use fieldfen_services::worker::{AppliedOutcome, Metrics, Outcome, Task};
use fieldfen_testkit::fixtures::by_ann;
use fieldfen_testkit::wait::wait_until;
use serde::{Deserialize, Serialize};

use super::panics::end_of;
use super::{Bench, LONG, Note};

on_every_store!(
    a_payload_of_another_shape_fails_at_once_where_nobody_may_be_newer,
    a_payload_that_breaks_a_rule_fails_at_once,
    the_first_decline_shows_in_the_job_and_in_the_metrics,
    an_unreadable_payload_is_left_to_other_workers_for_an_hour,
    a_declined_job_that_was_asked_to_stop_fails,
);

/// Enqueues a job whose payload was not checked as a [`Note`].
fn untyped<S: Store>(bench: &Bench<S>, json: Option<&str>) -> JobId {
    let payload = json.map(|json| RawJson::parse(json).unwrap());
    let job = NewJob::untyped(bench.queue.environment().job_id(), Note::kind(), payload, bench.now()).unwrap();
    *bench.queue.enqueue(&job).unwrap().id()
}

/// Asserts that the job has failed at its first attempt, with this text in its error.
fn assert_failed_at_once<S: Store>(bench: &Bench<S>, id: &JobId, reason: &str) {
    let job = bench.job(id);
    assert_eq!((job.state.status(), job.attempts, job.declined_since), (JobStatus::Failed, 0, None));
    assert!(job.last_error.as_deref().unwrap().contains(reason), "{job:?}");
}

fn a_payload_of_another_shape_fails_at_once_where_nobody_may_be_newer(store: impl Store) {
    let bench = Bench::new(store);
    let ids = [untyped(&bench, Some(r#"{"text": 7}"#)), untyped(&bench, None)];
    let worker = bench.worker().decline_for(Duration::ZERO);
    bench.drain(worker.handle(|_: Task<Note>| Outcome::retry("must not run")));
    for (id, reason) in ids.iter().zip(["invalid type: integer `7`", "invalid type: null"]) {
        assert_failed_at_once(&bench, id, reason);
    }
}

fn a_payload_that_breaks_a_rule_fails_at_once(store: impl Store) {
    let bench = Bench::new(store);
    let id = untyped(&bench, Some(r#"{"text": ""}"#));
    let running = bench.worker().handle(|_: Task<Note>| Outcome::retry("must not run")).start().unwrap();
    assert!(matches!(bench.queue.wait_for(&id, LONG).unwrap(), WaitOutcome::Failed { .. }));
    assert_failed_at_once(&bench, &id, "text is \"\"; it must be 1 character or more");
    running.stop_handle().stop();
    end_of(running).unwrap();
}

/// Counts the outcomes of jobs.
#[derive(Clone, Default)]
struct Endings(Arc<Mutex<HashMap<AppliedOutcome, u32>>>);

impl Metrics for Endings {
    fn job_ended(&self, _: &Job, ended: AppliedOutcome, _: Duration) {
        *self.0.lock().unwrap().entry(ended).or_default() += 1;
    }
}

fn the_first_decline_shows_in_the_job_and_in_the_metrics(store: impl Store) {
    let bench = Bench::new(store);
    let id = untyped(&bench, Some(r#"{"text": 7}"#));
    let endings = Endings::default();
    let worker = bench.worker().metrics(endings.clone());
    let running = worker.handle(|_: Task<Note>| Outcome::retry("must not run")).start().unwrap();
    wait_until("a job has ended", || !endings.0.lock().unwrap().is_empty());
    let job = bench.job(&id);
    assert_eq!((job.state.status(), job.declined_since), (JobStatus::Pending, Some(bench.now())));
    assert!(job.last_error.unwrap().contains("text: invalid type: integer `7`"));
    running.stop_handle().stop();
    end_of(running).unwrap();
    assert_eq!(*endings.0.lock().unwrap(), HashMap::from([(AppliedOutcome::Declined, 1)]));
}

/// A job of a newer version of the program, for which [`Note`] is an older version.
#[derive(Debug, Serialize, Deserialize)]
struct NewerNote {
    text: Vec<String>,
}

impl Payload for NewerNote {
    const KIND: &'static str = Note::KIND;
}

fn an_unreadable_payload_is_left_to_other_workers_for_an_hour(store: impl Store) {
    const JOBS: usize = 100;
    let bench = Bench::new(store);
    let jobs: Vec<_> = (0..JOBS)
        .map(|number| bench.queue.job(&NewerNote { text: vec![number.to_string()] }).unwrap().max_retries(0))
        .collect();
    bench.queue.enqueue_many(&jobs).unwrap();
    let began = bench.now();
    let old = bench.worker().handle(|_: Task<Note>| Outcome::fail("must not run")).start().unwrap();
    // Time passes until the old worker, which is alone, has declined all of them for half an hour.
    while bench.now() < began + TimeDelta::minutes(30) {
        let due = |job: &NewJob| bench.job(&job.id).run_at > bench.now();
        wait_until("no job is due", || jobs.iter().all(due));
        bench.clock.advance(Duration::from_secs(300));
    }
    for job in &jobs {
        wait_until("the job is pending", || bench.status(&job.id) == JobStatus::Pending);
        let job = bench.job(&job.id);
        assert_eq!((job.attempts, job.declined_since), (0, Some(began)));
        assert!(job.last_error.as_deref().unwrap().contains("payload of test.note: "), "{job:?}");
    }
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let count = move |_: Task<NewerNote>| {
        counted.fetch_add(1, Ordering::SeqCst);
    };
    let new = bench.worker().handle(count).start().unwrap();
    // Each job is due again within a minute. Both workers claim for some time, then the old one ends.
    let all_have_run = || {
        bench.clock.advance(Duration::from_millis(200));
        runs.load(Ordering::SeqCst) == JOBS
    };
    wait_until("all jobs have run or 31 minutes are over", || {
        all_have_run() || bench.now() > began + TimeDelta::minutes(31)
    });
    old.stop_handle().stop();
    end_of(old).unwrap();
    wait_until("all jobs have run", all_have_run);
    new.stop_handle().stop();
    end_of(new).unwrap();
    assert!(jobs.iter().all(|job| bench.status(&job.id) == JobStatus::Completed));

    let orphan = bench.queue.job(&NewerNote { text: Vec::new() }).unwrap();
    bench.queue.enqueue(&orphan).unwrap();
    let old = bench.worker().handle(|_: Task<Note>| Outcome::fail("must not run")).start().unwrap();
    wait_until("the job is pending again and was declined", || {
        bench.job(&orphan.id).declined_since.is_some() && bench.status(&orphan.id) == JobStatus::Pending
    });
    bench.clock.advance(Duration::from_secs(3600));
    assert!(matches!(bench.queue.wait_for(&orphan.id, LONG).unwrap(), WaitOutcome::Failed { .. }));
    assert_eq!(bench.job(&orphan.id).attempts, 0);
    old.stop_handle().stop();
    end_of(old).unwrap();
}

fn a_declined_job_that_was_asked_to_stop_fails(store: impl Store) {
    let bench = Bench::new(store);
    let id = bench.note("x");
    let queue = bench.queue.clone();
    let handler = move |task: Task<Note>| {
        let _ = queue.cancel(&task.id(), &by_ann("not wanted any more")).unwrap();
        Outcome::decline("a worker of tomorrow can")
    };
    bench.drain(bench.worker().handle(handler));
    let job = bench.job(&id);
    assert_eq!(job.state.status(), JobStatus::Failed);
    assert_eq!(job.last_error.as_deref(), Some("not wanted any more (a worker of tomorrow can)"));
}
