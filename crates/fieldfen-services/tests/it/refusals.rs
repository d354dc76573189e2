//! Workers whose store refuses what they want to write.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fieldfen_domain::job::{JobKind, JobStatus};
use fieldfen_domain::store::{ReadSession, Session, Store, StoreError, Watch};
use fieldfen_services::queue::Queue;
use fieldfen_services::worker::{Ended, Metrics, Outcome, Task};
use fieldfen_testkit::ModelStore;

use super::{Bench, LEASE, Note};

/// A model store that asks before each write. The question may look at the thread's name: `fieldfen-job-…` runs
/// handlers, `fieldfen-beat` extends leases, `fieldfen-work` does everything else.
#[derive(Clone)]
struct Gated {
    store: ModelStore,
    gate: Arc<dyn Fn() -> Result<(), StoreError> + Send + Sync>,
}

impl Store for Gated {
    fn read<T, E, F>(&self, f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn ReadSession) -> Result<T, E>,
    {
        self.store.read(f)
    }

    fn write<T, E, F>(&self, f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn Session) -> Result<T, E>,
    {
        (self.gate)()?;
        self.store.write(f)
    }

    fn watch(&self) -> Result<Box<dyn Watch>, StoreError> {
        self.store.watch()
    }

    fn maintain(&self) -> Result<(), StoreError> {
        self.store.maintain()
    }
}

/// A bench on a store without a gate, and another one on the same store behind this gate.
fn behind(gate: impl Fn() -> Result<(), StoreError> + Send + Sync + 'static) -> (Bench<ModelStore>, Bench<Gated>) {
    let bench = Bench::new(ModelStore::new());
    let gated = Gated { store: bench.queue.store().clone(), gate: Arc::new(gate) };
    let queue = Queue::new(gated, bench.queue.environment().clone());
    let clock = bench.clock.clone();
    (bench, Bench { queue, clock })
}

fn busy() -> StoreError {
    StoreError::Busy { waited_ms: 5000, source: "locked".into() }
}

/// Whether this thread of a worker has such a name.
fn is_thread(name: &str) -> bool {
    std::thread::current().name().is_some_and(|thread| thread.starts_with(name))
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

/// What became of jobs, in this order.
#[derive(Clone, Default)]
struct Endings(Arc<Mutex<Vec<Ended>>>);

impl Metrics for Endings {
    fn job_ended(&self, _kind: &JobKind, ended: Ended, _took: Duration) {
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
    assert_eq!(*endings.0.lock().unwrap(), [Ended::Lost; 3]);
    assert!(ids.iter().all(|id| bench.status(id) == JobStatus::Running));
    bench.clock.advance(LEASE);
    assert_eq!(bench.queue.reclaim(9).unwrap().len(), 3, "others take them over");
}
