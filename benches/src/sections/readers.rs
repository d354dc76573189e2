//! Many readers beside one writer.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fieldfen_domain::PageRequest;
use fieldfen_domain::file::FileFilter;
use fieldfen_domain::store::Store;
use fieldfen_persistence::{Durability, SqliteStore};

use super::{Stage, pages};
use crate::backlog::Backlog;
use crate::fieldfen::{self, FieldfenWorker};
use crate::report::{Bound, Report, Row};
use crate::rounds;

const READERS: usize = 100;

/// The time between two page reads of a reader.
const LOOKED_AT: Duration = Duration::from_millis(50);

/// The length of each measurement.
const MEASURED: Duration = Duration::from_millis(500);

pub(super) fn run(stage: &Stage, report: &mut Report) -> Result<()> {
    let folder = tempfile::tempdir_in(&stage.folder)?;
    let path = folder.path().join("readers.db");
    pages::create(&path, 10_000)?;
    Backlog { pending: 100_000, ..Backlog::default() }.fill(&path)?;
    let store = fieldfen::open(&path, Durability::Full)?;
    let mut reads = Vec::new();
    let figures = rounds::interleave(
        7,
        &mut [Box::new(|| rate(&store, 0, &mut Vec::new())), Box::new(|| rate(&store, READERS, &mut reads))],
    )?;
    let [without, with] = &*figures else { return Ok(()) };
    report.row(
        Row::new(
            "writer's rate with 100 concurrent readers / without",
            rounds::ratio(with, without),
            "x",
            Bound::AtLeast(0.7),
        )
        .parts(format!("{:.0} / {:.0} jobs per second", rounds::median(with), rounds::median(without))),
    );
    report.row(
        Row::unbounded("page read of one of the 100 readers: p99", rounds::quantile(&reads, 0.99), "ms")
            .parts(format!("p50 {:.2} ms, {} reads", rounds::median(&reads), reads.len())),
    );
    report.note(
        "readers: each reads a page of 20 files and looks at it for 50 ms; the writer claims and completes one job after \
         the other under FULL.",
    );
    Ok(())
}

/// The jobs per second of one writer beside this many readers. Adds the times of the reads to `reads`, in milliseconds.
fn rate(store: &SqliteStore, readers: usize, reads: &mut Vec<f64>) -> Result<f64> {
    let (barrier, over) = (Barrier::new(readers + 1), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let mut reading = Vec::new();
        for reader in 0..readers {
            let (barrier, over) = (&barrier, &over);
            reading.push(scope.spawn(move || -> Result<Vec<f64>> {
                let mut times = Vec::new();
                barrier.wait();
                std::thread::sleep(LOOKED_AT * u32::try_from(reader)? / u32::try_from(READERS)?);
                while !over.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    let page = store.read(|s| s.files().page(&FileFilter::default(), &PageRequest::first(20)))?;
                    times.push(began.elapsed().as_secs_f64() * 1e3);
                    ensure!(page.items.len() == 20, "a page of 20 files has {}", page.items.len());
                    std::thread::sleep(LOOKED_AT);
                }
                Ok(times)
            }));
        }
        let mut worker = FieldfenWorker::on(store.clone(), "bench", 1)?;
        barrier.wait();
        let began = Instant::now();
        let mut jobs = 0_u32;
        let written = (|| -> Result<()> {
            while began.elapsed() < MEASURED {
                let claimed = worker.claim(1)?;
                let job = claimed.first().context("the queue has run dry")?;
                ensure!(worker.complete(job)?.is_done(), "job {} was lost", job.id);
                jobs += 1;
            }
            Ok(())
        })();
        let seconds = began.elapsed().as_secs_f64();
        over.store(true, Ordering::Relaxed);
        for reader in reading {
            reads.extend(reader.join().ok().context("a reader panicked")??);
        }
        written?;
        Ok(f64::from(jobs) / seconds)
    })
}
