//! Workers whose store refuses writes.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use fieldfen_domain::job::{Job, JobState, JobStatus};
use fieldfen_domain::store::{MaintenanceReport, ReadSession, Session, Store, StoreError, Watch, WatchCloser};
use fieldfen_domain::{JobId, Timestamp};
use fieldfen_services::environment::ManualClock;
use fieldfen_services::queue::{Completion, Queue};
use fieldfen_services::worker::{AppliedOutcome, Metrics, Outcome, ShutdownReport, Task};
use fieldfen_testkit::ModelStore;
use fieldfen_testkit::wait::{received, wait_until};
use fieldfen_testkit::with;

use super::panics::end_of;
use super::worker_stop::meeting;
use super::{Bench, LEASE, Note};

/// A model store that calls a gate before each write and each wait for commits. The gate may check the thread's name:
/// `fieldfen-job-…` runs handlers, `fieldfen-beat` extends leases, `fieldfen-watch` waits for commits, `fieldfen-work`
/// does everything else.
#[derive(Clone)]
pub(crate) struct Gated {
    store: ModelStore,
    gate: Gate,
}

type Gate = Arc<dyn Fn() -> Result<(), StoreError> + Send + Sync>;

struct GatedWatch {
    watch: Box<dyn Watch>,
    gate: Gate,
}

impl Watch for GatedWatch {
    fn wait(&mut self, timeout: Duration) -> Result<bool, StoreError> {
        (self.gate)()?;
        self.watch.wait(timeout)
    }

    fn closer(&self) -> WatchCloser {
        self.watch.closer()
    }
}

impl Store for Gated {
    fn try_read<T, E, F>(&self, f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn ReadSession) -> Result<T, E>,
    {
        self.store.try_read(f)
    }

    fn try_write<T, E, F>(&self, f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn Session) -> Result<T, E>,
    {
        (self.gate)()?;
        self.store.try_write(f)
    }

    fn watch(&self) -> Result<Box<dyn Watch>, StoreError> {
        Ok(Box::new(GatedWatch { watch: self.store.watch()?, gate: Arc::clone(&self.gate) }))
    }

    fn maintain(&self) -> Result<MaintenanceReport, StoreError> {
        self.store.maintain()
    }
}

/// A bench on a store without a gate, and another one on the same store behind this gate.
pub(crate) fn behind(
    gate: impl Fn() -> Result<(), StoreError> + Send + Sync + 'static,
) -> (Bench<ModelStore>, Bench<Gated>) {
    let bench = Bench::new(ModelStore::new());
    let gated = Gated { store: bench.queue.store().clone(), gate: Arc::new(gate) };
    let queue = Queue::new(gated, bench.queue.environment().clone());
    let clock = bench.clock.clone();
    (bench, Bench { queue, clock })
}

pub(crate) fn busy() -> StoreError {
    StoreError::Busy { waited_ms: 5000, source: "locked".into() }
}

#[test]
fn a_lease_begins_when_it_is_written_and_not_before_the_wait_for_the_lock() {
    let clock = Arc::new(OnceLock::<ManualClock>::new());
    let waiting = Arc::clone(&clock);
    let (bench, late) = behind(move || {
        waiting.get().unwrap().advance(2 * LEASE);
        Ok(())
    });
    clock.set(bench.clock.clone()).unwrap();
    let id = bench.note("x");
    let claimed = late.claim_notes(1).remove(0);
    assert_eq!(lease_of(&bench, &id), Some(bench.now() + LEASE));
    late.queue.heartbeat(&[(claimed.claim, None)], LEASE).unwrap();
    assert_eq!(lease_of(&bench, &id), Some(bench.now() + LEASE));
    assert!(late.queue.complete(&claimed, &mut Completion::new()).unwrap().is_done());
    assert_eq!(bench.job(&id).state, JobState::Completed { at: Some(bench.now()) });
}

/// Returns whether this is the worker's thread with this name.
pub(crate) fn is_thread(name: &str) -> bool {
    std::thread::current().name().is_some_and(|thread| thread.starts_with(name))
}

#[test]
fn a_worker_that_is_stopped_while_it_does_what_recurs_claims_nothing_more() {
    let (meet, has_begun, go_on) = meeting();
    let (bench, worker) = behind(move || {
        if is_thread("fieldfen-work") {
            meet();
        }
        Ok(())
    });
    let id = bench.note("x");
    let running = worker.worker().handle(|_: Task<Note>| ()).start().unwrap();
    received("the handler has begun", &has_begun);
    running.stop_handle().stop();
    drop(go_on);
    assert_eq!(end_of(running).unwrap(), ShutdownReport::default());
    assert_eq!((bench.status(&id), bench.job(&id).attempts), (JobStatus::Pending, 0));
}

#[test]
fn a_store_that_refuses_for_now_loses_no_outcome() {
    let writes = AtomicUsize::new(0);
    let (bench, worker) = behind(move || match writes.fetch_add(1, Ordering::SeqCst) % 4 {
        1 => Err(busy()),
        2 => Err(StoreError::Full("no space left".into())),
        _ => Ok(()),
    });
    let ids: Vec<_> = (0..20).map(|number| bench.note(&number.to_string())).collect();
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let handler = move |_: Task<Note>| {
        counted.fetch_add(1, Ordering::SeqCst);
    };
    worker.drain(worker.worker().handle(handler));
    assert!(ids.iter().all(|id| bench.status(id) == JobStatus::Completed));
    assert_eq!(runs.load(Ordering::SeqCst), 20, "no handler had to run twice");
}

/// The outcomes of jobs, in their order.
#[derive(Clone, Default)]
struct Endings(Arc<Mutex<Vec<AppliedOutcome>>>);

impl Metrics for Endings {
    fn job_ended(&self, _job: &Job, ended: AppliedOutcome, _took: Duration) {
        self.0.lock().unwrap().push(ended);
    }
}

#[test]
fn an_outcome_that_can_never_be_written_does_not_keep_its_thread() {
    let refused = || StoreError::Invalid { what: "time", value: "the year 10000".to_owned(), rule: "too late" };
    let (bench, worker) = behind(move || if is_thread("fieldfen-job") { Err(refused()) } else { Ok(()) });
    let ids = [bench.note("throttled"), bench.note("failed"), bench.note("completed")];
    let handler = |task: Task<Note>| match task.text.as_str() {
        "throttled" => Err(Outcome::throttled(task.now(), "the year 10000")),
        "failed" => Err(Outcome::retry("not today")),
        _ => Ok(()),
    };
    let endings = Endings::default();
    worker.drain(worker.worker().threads(1).metrics(endings.clone()).handle(handler));
    assert_eq!(*endings.0.lock().unwrap(), [AppliedOutcome::Lost; 3]);
    assert!(ids.iter().all(|id| bench.status(id) == JobStatus::Running));
    bench.clock.advance(LEASE);
    assert_eq!(bench.queue.reclaim(9).unwrap().len(), 3, "others take them over");
}

/// The end of this job's lease.
pub(crate) fn lease_of<S: Store>(bench: &Bench<S>, id: &JobId) -> Option<Timestamp> {
    match bench.job(id).state {
        JobState::Running { lease, .. } => lease.map(|lease| lease.expires_at),
        _ => None,
    }
}

#[test]
fn a_worker_whose_clock_leaps_takes_no_job_from_itself() {
    // Any thread may see the new time first; here it is never the heartbeat's.
    let (bench, worker) = behind(|| if is_thread("fieldfen-beat") { Err(busy()) } else { Ok(()) });
    let id = bench.note("x");
    let (meet, has_begun, let_go) = meeting();
    let running =
        worker.worker().lease(Duration::from_millis(300)).handle(move |_: Task<Note>| meet()).start().unwrap();
    received("the handler has begun", &has_begun);
    bench.clock.advance(Duration::from_secs(3600));
    wait_until("the lease is gone or extended", || {
        lease_of(&bench, &id).is_none_or(|expires_at| expires_at > bench.now())
    });
    let_go.send(()).unwrap();
    running.stop_handle().stop();
    assert_eq!(end_of(running).unwrap(), ShutdownReport::default());
    assert_eq!((bench.status(&id), bench.job(&id).attempts), (JobStatus::Completed, 0));
}

#[test]
fn a_clock_that_is_set_back_by_a_year_takes_no_job_from_a_worker_that_lives() {
    let bench = Bench::new(ModelStore::new());
    let id = bench.note("x");
    let (meet, has_begun, let_go) = meeting();
    let running = bench.worker().handle(move |_: Task<Note>| meet()).start().unwrap();
    received("the handler has begun", &has_begun);
    let year_before = bench.now() - Duration::from_secs(365 * 86_400);
    bench.clock.set(year_before);
    // A worker that does not know the clock's past, and looks before the first one has extended its lease.
    let fresh = bench.worker().handle(|_: Task<Note>| ()).start().unwrap();
    wait_until("the lease begins at the time of the clock that was set back", || {
        lease_of(&bench, &id).is_some_and(|expires_at| expires_at <= bench.now() + LEASE)
    });
    let_go.send(()).unwrap();
    for worker in [running, fresh] {
        worker.stop_handle().stop();
        assert_eq!(end_of(worker).unwrap(), ShutdownReport::default());
    }
    assert_eq!((bench.status(&id), bench.job(&id).attempts), (JobStatus::Completed, 0));
}

#[test]
fn an_outcome_that_the_store_refuses_at_the_stop_is_applied_once_the_store_takes_it() {
    let locked = Arc::new(AtomicBool::new(false));
    let is_locked = Arc::clone(&locked);
    let (bench, worker) = behind(move || if is_locked.load(Ordering::SeqCst) { Err(busy()) } else { Ok(()) });
    let ids = ["retries", "completes"].map(|text| bench.note(text));
    let (begun, has_begun) = channel();
    let handler = move |task: Task<Note>| {
        begun.send(()).unwrap();
        wait_until("the job is told to stop", || task.is_cancelled());
        if task.text == "retries" { Err("told to stop") } else { Ok(()) }
    };
    let running = worker.worker().threads(2).handle(handler).start().unwrap();
    ids.iter().for_each(|_| received("the handler has begun", &has_begun));
    locked.store(true, Ordering::SeqCst);
    running.stop_handle().stop_now();
    let mut stopped = end_of(running).unwrap();
    stopped.still_running.sort_unstable();
    let mut both = ids.to_vec();
    both.sort_unstable();
    assert_eq!(stopped, with!(ShutdownReport::default(), still_running: both));
    locked.store(false, Ordering::SeqCst);
    wait_until("both jobs have ended", || {
        ids.map(|id| bench.status(&id)) == [JobStatus::Pending, JobStatus::Completed]
    });
    assert_eq!(bench.job(&ids[0]).attempts, 0);
}

#[test]
fn leases_are_kept_by_a_heartbeat_that_has_panicked() {
    let panics = AtomicUsize::new(0);
    let (bench, worker) = behind(move || {
        assert!(!is_thread("fieldfen-beat") || panics.fetch_add(1, Ordering::SeqCst) > 0, "the first heartbeat");
        Ok(())
    });
    let id = bench.note("x");
    let (meet, has_begun, let_go) = meeting();
    let running = worker.worker().lease(LEASE).handle(move |_: Task<Note>| meet()).start().unwrap();
    received("the handler has begun", &has_begun);
    // Enough time for a heartbeat, but not for the dispatcher's look at leases.
    bench.clock.advance(Duration::from_secs(6));
    wait_until("the lease is extended", || lease_of(&bench, &id) == Some(bench.now() + LEASE));
    let_go.send(()).unwrap();
    running.stop_handle().stop();
    end_of(running).unwrap();
}

#[test]
fn commits_are_watched_for_after_a_watch_has_panicked() {
    let (waits, waited) = channel();
    let panics = AtomicUsize::new(0);
    let (_bench, worker) = behind(move || {
        if is_thread("fieldfen-watch") {
            assert!(panics.fetch_add(1, Ordering::SeqCst) > 0, "the first wait");
            let _ = waits.send(());
        }
        Ok(())
    });
    let running = worker.worker().handle(|_: Task<Note>| ()).start().unwrap();
    received("a watch waits for commits", &waited);
    running.stop_handle().stop();
    end_of(running).unwrap();
}

#[test]
fn an_error_says_its_cause_by_itself_and_once_with_its_causes() {
    use fieldfen_domain::with_causes;
    use fieldfen_services::queue::QueueError;
    use fieldfen_services::recurring::Schedule;
    use fieldfen_services::webhooks::ReceiveError;

    let full = || StoreError::Full("no room on /srv".into());
    let schedule = "every day".parse::<Schedule>().unwrap_err();
    let why = std::error::Error::source(&schedule).unwrap().to_string();
    let errors: [(&(dyn std::error::Error + 'static), &str); 4] = [
        (&ReceiveError::Effect(full()), "is full"),
        (&ReceiveError::<StoreError>::Store(full()), "is full"),
        (&QueueError::Store(full()), "is full"),
        (&schedule, &why),
    ];
    for (error, cause) in errors {
        assert!(error.to_string().contains(cause), "{error}");
        assert_eq!(with_causes(error).matches(cause).count(), 1, "{}", with_causes(error));
    }
}
