//! The memory of a worker that drains a long queue.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};
use fieldfen_domain::PageRequest;
use fieldfen_domain::job::{JobFilter, UpscaleImage};
use fieldfen_domain::store::Store;
use fieldfen_persistence::{Durability, SqliteStore};
use fieldfen_services::Environment;
use fieldfen_services::worker::{Task, Worker};
use serde::{Deserialize, Serialize};

use super::processes::ChildProcess;
use super::{Stage, grouped};
use crate::backlog::Backlog;
use crate::fieldfen;
use crate::report::{Bound, Report, Row};

/// After this many jobs, the worker has allocated what it needs.
const FIRST: u64 = 10_000;

/// This many thousand rows of jobs are together longer than the page cache.
const THOUSANDS_OF_ROWS: usize = 120;

/// The process of a worker that drains a queue.
#[derive(Debug, Clone, clap::Args)]
pub struct Drainer {
    /// The database.
    #[arg(long)]
    database: PathBuf,
}

/// The largest memory of the process, in KiB.
#[derive(Debug, Serialize, Deserialize)]
struct Peaks {
    first: u64,
    last: u64,
    jobs: u64,
}

impl Drainer {
    /// Reports on stdout that it is ready, waits for a line on stdin, drains the queue, and writes its memory use to
    /// stdout.
    ///
    /// # Errors
    /// The errors of the store.
    pub fn run(&self) -> Result<()> {
        super::processes::ready()?;
        let store = fieldfen::open(&self.database, Durability::Normal)?;
        fill_page_cache(&store)?;
        let (jobs, first) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (counted, noted) = (Arc::clone(&jobs), Arc::clone(&first));
        let worker = Worker::builder(store, Environment::system())
            .handle(move |_: Task<UpscaleImage>| -> Result<()> {
                if counted.fetch_add(1, Ordering::Relaxed) + 1 == FIRST {
                    noted.store(peak()?, Ordering::Relaxed);
                }
                Ok(())
            })
            .start()?;
        worker.stop_handle().stop_when_idle();
        worker.join()?;
        let peaks = Peaks { first: first.load(Ordering::Relaxed), last: peak()?, jobs: jobs.load(Ordering::Relaxed) };
        println!("{}", serde_json::to_string(&peaks)?);
        Ok(())
    }
}

/// Reads more rows than fit into the page cache of the writing connection, on that connection.
///
/// The cache grows to 32 MiB whatever a worker does. The first 10,000 jobs of a million touch more pages than that,
/// since their ids are everywhere in the index of ids. Those of 100,000 touch a third, and the rest of the cache, which
/// later jobs fill, looked like memory that each job costs.
fn fill_page_cache(store: &SqliteStore) -> Result<()> {
    let mut request = PageRequest::first(1000);
    for _ in 0..THOUSANDS_OF_ROWS {
        let page = store.write(|s| s.jobs().page(&JobFilter::new(), &request))?;
        let Some(next) = page.next else { break };
        request = request.after(next);
    }
    Ok(())
}

pub(super) fn run(stage: &Stage, report: &mut Report) -> Result<()> {
    let jobs = stage.scale.pick(100_000, 1_000_000);
    let folder = tempfile::tempdir_in(&stage.folder)?;
    let path = folder.path().join("memory.db");
    Backlog { pending: jobs, ..Backlog::default() }.create(&path)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["drainer", "--database"]).arg(&path);
    let mut drainer = ChildProcess::start(&mut command)?;
    drainer.go()?;
    let peaks: Peaks = drainer.result()?;
    ensure!(peaks.jobs == u64::from(jobs), "the worker ran {} jobs of {jobs}", peaks.jobs);
    report.row(
        Row::new(
            format!("memory of a worker draining {} jobs: peak / after the first 10,000", grouped(jobs)),
            peaks.last as f64 / peaks.first as f64,
            "x",
            Bound::AtMost(1.3),
        )
        .parts(format!("{:.1} MiB / {:.1} MiB", peaks.last as f64 / 1024.0, peaks.first as f64 / 1024.0)),
    );
    Ok(())
}

/// The largest memory of this process, in KiB.
pub(super) fn peak() -> Result<u64> {
    let status =
        std::fs::read_to_string("/proc/self/status").context("the system does not say how much memory is used")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    Ok(peak.context("the system does not say how much memory was used at most")?.trim().parse()?)
}
