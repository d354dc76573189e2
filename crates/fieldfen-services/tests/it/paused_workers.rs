//! Pauses and workers: what a paused worker does, and what wakes it. One store of a database pauses, and the worker runs on
//! another one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use fieldfen_domain::job::{JobStatus, PauseScope, Payload};
use fieldfen_domain::rate_limit::{CallScope, PAUSED_BY_LIMITER};
use fieldfen_domain::store::{MaintenanceReport, ReadSession, Session, Store, StoreError, Watch};
use fieldfen_domain::{JobId, Timestamp};
use fieldfen_persistence::SqliteStore;
use fieldfen_rate_limits::Answer;
use fieldfen_services::api_usage::{ApiUsage, CallRecorder, NewCall};
use fieldfen_services::pauses::Pauses;
use fieldfen_services::rate_limiter::RateLimiter;
use fieldfen_services::worker::{Outcome, Task, Worker};

use fieldfen_testkit::faults::suspended;
use fieldfen_testkit::fixtures::by_ann;
use fieldfen_testkit::wait::wait_until;

use crate::{Bench, LONG, Note};

/// Makes a test of each function for two stores of one database: in this process's memory, and in a file that each store
/// opens for itself, as two processes do.
macro_rules! on_two_stores {
    ($($name:ident),+ $(,)?) => {
        mod on_the_model {
            $( #[test] fn $name() { let store = fieldfen_testkit::ModelStore::new(); super::$name(store.clone(), store); } )+
        }
        mod on_sqlite {
            $( #[test] fn $name() {
                let folder = tempfile::tempdir().unwrap();
                super::$name(super::open(folder.path()), super::open(folder.path()));
            } )+
        }
    };
}

on_two_stores!(
    a_job_of_a_paused_account_begins_when_another_process_lifts_the_pause,
    a_worker_stops_claiming_when_another_process_pauses_the_kind,
    a_worker_whose_service_is_paused_is_woken_by_the_lift,
    a_lift_ends_the_wait_for_commits,
    a_paused_worker_writes_nothing,
    the_next_call_of_a_running_job_is_refused_and_spends_no_retry,
    a_refusal_that_lasts_pauses_the_account_until_a_person_lifts_it,
);

fn open(folder: &std::path::Path) -> SqliteStore {
    SqliteStore::create(&folder.join("shop.db").display().to_string()).unwrap()
}

fn etsy() -> PauseScope {
    PauseScope::Account("etsy".parse().unwrap())
}

fn pauses<S: Store>(bench: &Bench<S>, store: &S) -> Pauses<S> {
    Pauses::new(store.clone(), bench.queue.environment().clone())
}

/// Enqueues a note that uses the account `etsy/main`.
fn of_etsy<S: Store>(bench: &Bench<S>, text: &str) -> JobId {
    let job = bench.queue.job(&Note::new(text)).unwrap().account(Some("etsy/main".parse().unwrap()));
    *bench.queue.enqueue(&job).unwrap().id()
}

fn worker<S: Store>(bench: &Bench<S>) -> Worker {
    let worker = Worker::builder(bench.queue.store().clone(), bench.queue.environment().clone());
    worker.threads(1).handle(|_: Task<Note>| ()).start().unwrap()
}

fn stop(worker: Worker) {
    worker.stop_handle().stop();
    worker.join().unwrap();
}

fn is_done<S: Store>(bench: &Bench<S>, id: &JobId) -> bool {
    bench.status(id) == JobStatus::Completed
}

/// A time in which a worker that is not paused would have run a job.
fn let_it_run() {
    std::thread::sleep(Duration::from_millis(200));
}

fn a_job_of_a_paused_account_begins_when_another_process_lifts_the_pause<S: Store>(own: S, other: S) {
    let bench = Bench::new(own);
    pauses(&bench, &other).pause(&etsy(), None, &by_ann("review")).unwrap();
    let (paused, free) = (of_etsy(&bench, "paused"), bench.note("free"));
    let worker = worker(&bench);
    wait_until("the job without an account completes", || is_done(&bench, &free));
    let_it_run();
    assert_eq!(bench.status(&paused), JobStatus::Pending);
    assert!(pauses(&bench, &other).lift(&etsy(), &by_ann("the review is over")).unwrap());
    wait_until("the paused job completes", || is_done(&bench, &paused));
    stop(worker);
    assert_eq!(bench.job(&paused).attempts, 0);
}

fn a_worker_stops_claiming_when_another_process_pauses_the_kind<S: Store>(own: S, other: S) {
    let bench = Bench::new(own);
    let worker = worker(&bench);
    let first = bench.note("first");
    wait_until("the first job completes", || is_done(&bench, &first));
    let kind = PauseScope::Kind(Note::kind());
    pauses(&bench, &other).pause(&kind, None, &by_ann("the lens is being cleaned")).unwrap();
    let second = bench.note("second");
    let_it_run();
    assert_eq!(bench.status(&second), JobStatus::Pending);
    pauses(&bench, &other).lift(&kind, &by_ann("cleaned")).unwrap();
    wait_until("the second job completes", || is_done(&bench, &second));
    stop(worker);
}

fn a_worker_whose_service_is_paused_is_woken_by_the_lift<S: Store>(own: S, other: S) {
    let bench = Bench::new(own);
    pauses(&bench, &other).pause(&etsy(), None, &by_ann("review")).unwrap();
    let (store, environment) = (bench.queue.store().clone(), bench.queue.environment().clone());
    // The jobs name no account: only the rate limiter keeps the worker from claiming them.
    let worker = Worker::builder(store.clone(), environment.clone())
        .threads(1)
        .rate_limiter(RateLimiter::new(store, environment))
        .calls::<Note>(CallScope::new("etsy"))
        .handle(|_: Task<Note>| ())
        .start()
        .unwrap();
    let job = bench.note("paused");
    let_it_run();
    assert_eq!(bench.status(&job), JobStatus::Pending);
    pauses(&bench, &other).lift(&etsy(), &by_ann("the review is over")).unwrap();
    wait_until("the job completes", || is_done(&bench, &job));
    stop(worker);
}

fn a_lift_ends_the_wait_for_commits<S: Store>(own: S, other: S) {
    let bench = Bench::new(own);
    pauses(&bench, &other).pause(&etsy(), None, &by_ann("review")).unwrap();
    let mut watch = bench.queue.store().watch().unwrap();
    while watch.wait(Duration::ZERO).unwrap() {}
    pauses(&bench, &other).lift(&etsy(), &by_ann("the review is over")).unwrap();
    assert!(watch.wait(LONG).unwrap());
}

/// A store that counts its write transactions, each of which may be a claim.
#[derive(Clone)]
struct CountingStore<S> {
    inner: S,
    writes: Arc<AtomicU32>,
}

impl<S: Store> Store for CountingStore<S> {
    fn try_read<T, E, F>(&self, f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn ReadSession) -> Result<T, E>,
    {
        self.inner.try_read(f)
    }

    fn try_write<T, E, F>(&self, f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn Session) -> Result<T, E>,
    {
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.inner.try_write(f)
    }

    fn watch(&self) -> Result<Box<dyn Watch>, StoreError> {
        self.inner.watch()
    }

    fn maintain(&self) -> Result<MaintenanceReport, StoreError> {
        self.inner.maintain()
    }
}

fn a_paused_worker_writes_nothing<S: Store>(own: S, other: S) {
    let writes = Arc::new(AtomicU32::new(0));
    let bench = Bench::new(CountingStore { inner: own, writes: Arc::clone(&writes) });
    let paused = Pauses::new(other, bench.queue.environment().clone());
    let (sooner, later) = (bench.now() + TimeDelta::minutes(10), bench.now() + TimeDelta::minutes(20));
    paused.pause(&PauseScope::Account("etsy/main".parse().unwrap()), Some(sooner), &by_ann("review")).unwrap();
    paused.pause(&etsy(), Some(later), &by_ann("review of all accounts")).unwrap();
    for number in 0..20 {
        of_etsy(&bench, &format!("paused {number}"));
    }
    let next_due = || bench.queue.store().read(|s| s.jobs().next_due(&[Note::kind()])).unwrap();
    let worker = worker(&bench);
    wait_until("the claim has set the jobs aside", || next_due() == Some(later));
    let_it_run();
    let before = writes.load(Ordering::SeqCst);
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(writes.load(Ordering::SeqCst) - before, 0);
    assert_eq!(next_due(), Some(later));
    bench.clock.advance(Duration::from_secs(20 * 60));
    wait_until("the jobs complete after the pauses", || {
        bench.queue.store().read(|s| s.jobs().next_due(&[Note::kind()])).unwrap().is_none()
    });
    stop(worker);
}

/// Makes a call to Etsy with this answer of the service. Returns the time until which the limiter refuses the call.
fn call<S: Store>(calls: &CallRecorder<S>, answer: Option<&Answer<'_>>) -> Option<Timestamp> {
    let call = NewCall::new("etsy", "GET /listings").account("main");
    let made = calls.limited_call(&call, |open| {
        answer.into_iter().for_each(|answer| open.answered(answer));
        Ok::<_, Outcome>(())
    });
    match made {
        Ok(()) => None,
        Err(Outcome::Throttled { until, .. }) => Some(until),
        Err(other) => panic!("{other:?}"),
    }
}

fn recorder<S: Store>(bench: &Bench<S>, store: &S) -> CallRecorder<S> {
    let environment = bench.queue.environment().clone();
    let usage = ApiUsage::new(store.clone(), environment.clone());
    CallRecorder::new(usage).rate_limiter(RateLimiter::new(store.clone(), environment))
}

fn the_next_call_of_a_running_job_is_refused_and_spends_no_retry<S: Store>(own: S, other: S) {
    let bench = Bench::new(own);
    let (calls, pauses) = (recorder(&bench, bench.queue.store()), pauses(&bench, &other));
    let until = bench.now() + TimeDelta::minutes(10);
    let worker = Worker::builder(bench.queue.store().clone(), bench.queue.environment().clone())
        .threads(1)
        .handle(move |_: Task<Note>| {
            let call = || calls.limited_call(&NewCall::new("etsy", "GET /ping"), |_| Ok::<_, Outcome>(()));
            call()?;
            pauses.pause(&etsy(), Some(until), &by_ann("review")).unwrap();
            call()
        })
        .start()
        .unwrap();
    let job = bench.note("two calls");
    wait_until("the job is released", || bench.status(&job) == JobStatus::Pending && bench.job(&job).run_at == until);
    stop(worker);
    assert_eq!(bench.job(&job).attempts, 0);
}

fn a_refusal_that_lasts_pauses_the_account_until_a_person_lifts_it<S: Store>(own: S, other: S) {
    let bench = Bench::new(own);
    let (here, there) = (recorder(&bench, bench.queue.store()), recorder(&bench, &other));
    let too_many = |seconds: &'static str| Answer::new(429, bench.now()).headers([("retry-after", seconds)]);
    suspended(|| {
        assert_eq!(call(&here, Some(&too_many("600"))), None);
        let until = bench.now() + TimeDelta::minutes(10);
        let [pause] = &pauses(&bench, &other).list().unwrap()[..] else { panic!("one pause") };
        assert_eq!((pause.scope.to_string().as_str(), pause.until), ("account etsy/main", Some(until)));
        assert_eq!(pause.by, PAUSED_BY_LIMITER);
        assert_eq!(call(&there, None), Some(until));
        assert!(pauses(&bench, &other).lift(&pause.scope, &by_ann("Etsy has raised the limit")).unwrap());
        assert_eq!((call(&there, None), call(&here, None)), (None, None));
        assert_eq!(pauses(&bench, &other).list().unwrap(), []);
        assert_eq!(call(&here, Some(&too_many("300"))), None);
        assert_eq!(call(&there, None), Some(bench.now() + TimeDelta::minutes(5)));
    });
}
