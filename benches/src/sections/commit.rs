//! Threads that share commits.

use std::sync::Barrier;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use fieldfen_persistence::{Durability, SqliteStore};

use super::Stage;
use crate::backlog::Backlog;
use crate::fieldfen::{self, FieldfenWorker};
use crate::report::{Bound, Report, Row};
use crate::rounds;

/// The time of a flush, in microseconds, from which sharing commits saves time.
const SLOW_DISK: f64 = 100.0;

pub(super) fn run(stage: &Stage, report: &mut Report) -> Result<()> {
    let rounds = 15;
    let (alone, together) = (200, 100);
    let folder = tempfile::tempdir_in(&stage.folder)?;
    let path = folder.path().join("commit.db");
    let pending = (alone + 8 * together) * (u32::try_from(rounds)? + 1);
    Backlog { pending, ..Backlog::default() }.create(&path)?;
    let store = fieldfen::open(&path, Durability::Full)?;
    let figures =
        rounds::interleave(rounds, &mut [Box::new(|| rate(&store, 1, alone)), Box::new(|| rate(&store, 8, together))])?;
    let [one, eight] = &*figures else { return Ok(()) };
    let flush = report.machine.fdatasync_us;
    report.row(
        Row::new(
            "claim + complete under FULL, 8 threads / 1 thread",
            rounds::ratio(eight, one),
            "x",
            Bound::AtLeast(2.5),
        )
        .only_where(&format!("fdatasync takes 100 µs or more (here {flush:.0} µs)"), flush >= SLOW_DISK)
        .parts(format!("{:.0} / {:.0} jobs per second", rounds::median(eight), rounds::median(one))),
    );
    Ok(())
}

/// The jobs per second of this many threads with this many jobs each.
fn rate(store: &SqliteStore, threads: u32, jobs: u32) -> Result<f64> {
    let barrier = Barrier::new(usize::try_from(threads)? + 1);
    let time = std::thread::scope(|scope| -> Result<f64> {
        let mut working = Vec::new();
        for thread in 0..threads {
            let mut worker = FieldfenWorker::on(store.clone(), "bench", thread.into())?;
            let barrier = &barrier;
            working.push(scope.spawn(move || -> Result<()> {
                barrier.wait();
                for _ in 0..jobs {
                    let claimed = worker.claim(1)?;
                    let job = claimed.first().context("the queue has run dry")?;
                    ensure!(worker.complete(job)?.is_done(), "job {} was lost", job.id);
                }
                Ok(())
            }));
        }
        barrier.wait();
        let began = Instant::now();
        for thread in working {
            thread.join().ok().context("a thread panicked")??;
        }
        Ok(began.elapsed().as_secs_f64())
    })?;
    Ok(f64::from(threads * jobs) / time)
}
