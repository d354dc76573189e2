//! The rate at which a worker drains a queue, against claims and completions of a hundred jobs, and against the sleep
//! of its handlers.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use fieldfen_domain::job::{ClaimRef, ClaimRequest, UpscaleImage, WorkerName};
use fieldfen_domain::store::Store;
use fieldfen_persistence::{Durability, SqliteStore};
use fieldfen_services::Environment;
use fieldfen_services::worker::{Task, Worker};

use super::{Stage, grouped};
use crate::backlog::{Backlog, KIND};
use crate::fieldfen;
use crate::report::{Bound, Report, Row};
use crate::rounds;

/// The number of jobs that the worker drains, for which the bounds are promised.
const JOBS: u32 = 100_000;

/// The number of jobs that are claimed and completed by hundreds.
const REFERENCE_JOBS: u32 = 20_000;

const HUNDRED: u32 = 100;

/// The number of jobs that sleep.
const SLEEPING_JOBS: u32 = 50_000;

const SLEEPING_THREADS: usize = 64;

const SLEEP: Duration = Duration::from_millis(1);

const ROUNDS: usize = 3;

pub(super) fn run(stage: &Stage, report: &mut Report) -> Result<()> {
    for (name, durability) in [("NORMAL", Durability::Normal), ("FULL", Durability::Full)] {
        let drained = || drain(&stage.folder, durability, JOBS, 8, |_| ());
        let by_hundreds = || by_hundreds(&stage.folder, durability);
        let figures = rounds::interleave(ROUNDS, &mut [Box::new(drained), Box::new(by_hundreds)])?;
        let [drained, by_hundreds] = &*figures else { return Ok(()) };
        report.row(
            Row::new(
                format!("worker of 8 threads draining {} empty jobs, {name} / claim-100 + complete-100", grouped(JOBS)),
                rounds::ratio(drained, by_hundreds),
                "x",
                Bound::AtLeast(0.4),
            )
            .parts(format!(
                "{:.0} / {:.0} jobs per second",
                rounds::median(drained),
                rounds::median(by_hundreds)
            )),
        );
    }
    let drained = || {
        drain(&stage.folder, Durability::Normal, SLEEPING_JOBS, SLEEPING_THREADS, |_| {
            thread::sleep(SLEEP);
        })
    };
    let slept = || Ok(sleep_rate());
    let by_hundreds = || by_hundreds(&stage.folder, Durability::Normal);
    let figures = rounds::interleave(ROUNDS, &mut [Box::new(drained), Box::new(slept), Box::new(by_hundreds)])?;
    let [drained, slept, by_hundreds] = &*figures else { return Ok(()) };
    let store = rounds::ratio(by_hundreds, slept);
    report.row(
        Row::new(
            "worker of 64 threads whose handlers sleep 1 ms, NORMAL / 64 threads that only sleep",
            rounds::ratio(drained, slept),
            "x",
            Bound::AtLeast(0.9),
        )
        .only_where(
            &format!("claim-100 + complete-100 is at least 2 x as fast as the sleeps (here {store:.1} x)"),
            store >= 2.0,
        )
        .parts(format!("{:.0} / {:.0} jobs per second", rounds::median(drained), rounds::median(slept))),
    );
    report.note(
        "drain: jobs per second from the start of the worker to its end; claim-100 + complete-100 is one thread that claims a \
         hundred jobs in one transaction and completes them in another one, on a queue of its own in the same round.",
    );
    Ok(())
}

/// The jobs per second of a worker with this handler that drains this many jobs.
fn drain(
    folder: &Path,
    durability: Durability,
    jobs: u32,
    threads: usize,
    handler: impl Fn(Task<UpscaleImage>) + Send + Sync + 'static,
) -> Result<f64> {
    let folder = tempfile::tempdir_in(folder)?;
    let store = queue_of(folder.path(), jobs, durability)?;
    let began = Instant::now();
    let worker = Worker::builder(store.clone(), Environment::system()).threads(threads).handle(handler).start()?;
    worker.stop_handle().stop_when_idle();
    worker.join()?;
    let took = began.elapsed();
    let left = store.read(|s| s.jobs().next_due(&[KIND]))?;
    ensure!(left.is_none(), "the worker has left jobs");
    Ok(f64::from(jobs) / took.as_secs_f64())
}

/// The jobs per second of one thread that claims and completes a hundred at a time.
fn by_hundreds(folder: &Path, durability: Durability) -> Result<f64> {
    let folder = tempfile::tempdir_in(folder)?;
    let store = queue_of(folder.path(), REFERENCE_JOBS, durability)?;
    let (environment, worker) = (Environment::system(), WorkerName::new("bench"));
    let began = Instant::now();
    for _ in 0..REFERENCE_JOBS / HUNDRED {
        let (now, token) = (environment.now(), environment.token());
        let kinds = BTreeSet::from([KIND]);
        let request = ClaimRequest::new(kinds, HUNDRED, token, now, Duration::from_secs(60), worker.clone());
        let claimed = store.write(|s| s.jobs().claim(&request))?;
        let completions: Vec<_> = claimed.jobs.iter().map(|job| (ClaimRef { id: job.id, token }, None)).collect();
        let completed = store.write(|s| s.jobs().complete_many(&completions, now))?;
        ensure!(completed.iter().filter(|answer| answer.is_done()).count() == 100, "a hundred jobs are completed");
    }
    Ok(f64::from(REFERENCE_JOBS) / began.elapsed().as_secs_f64())
}

fn queue_of(folder: &Path, jobs: u32, durability: Durability) -> Result<SqliteStore> {
    let path = folder.join("drain.db");
    Backlog { pending: jobs, ..Backlog::default() }.create(&path)?;
    fieldfen::open(&path, durability)
}

/// The sleeps per second of the same number of threads.
fn sleep_rate() -> f64 {
    let sleeps = SLEEPING_JOBS / 64;
    let barrier = Barrier::new(SLEEPING_THREADS + 1);
    let mut began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..SLEEPING_THREADS {
            scope.spawn(|| {
                barrier.wait();
                for _ in 0..sleeps {
                    thread::sleep(SLEEP);
                }
            });
        }
        barrier.wait();
        began = Instant::now();
    });
    f64::from(sleeps * 64) / began.elapsed().as_secs_f64()
}
