//! What a worker needs that drains a long queue.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};
use fieldfen_domain::job::UpscaleImage;
use fieldfen_persistence::Durability;
use fieldfen_services::Environment;
use fieldfen_services::worker::{Task, Worker};
use serde::{Deserialize, Serialize};

use super::processes::Running;
use super::{Stage, grouped};
use crate::backlog::Backlog;
use crate::fieldfen;
use crate::report::{Bound, Report, Row};

/// After so many jobs the worker has everything it needs.
const FIRST: u64 = 10_000;

/// The process of a worker that drains a queue.
#[derive(Debug, Clone, clap::Args)]
pub struct Drainer {
    /// The database.
    #[arg(long)]
    database: PathBuf,
}

/// The most memory the process ever had, in KiB.
#[derive(Debug, Serialize, Deserialize)]
struct Peaks {
    first: u64,
    last: u64,
    jobs: u64,
}

impl Drainer {
    /// Says that it is ready on stdout, waits for a line on stdin, drains the queue, and writes how much memory it took
    /// to stdout.
    ///
    /// # Errors
    /// The store's own.
    pub fn run(&self) -> Result<()> {
        super::processes::ready()?;
        let (jobs, first) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (counted, noted) = (Arc::clone(&jobs), Arc::clone(&first));
        let worker = Worker::builder(fieldfen::open(&self.database, Durability::Normal)?, Environment::system())
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

pub(super) fn run(stage: &Stage, report: &mut Report) -> Result<()> {
    let jobs = stage.scale.pick(100_000, 1_000_000);
    let folder = tempfile::tempdir_in(&stage.folder)?;
    let path = folder.path().join("memory.db");
    Backlog { pending: jobs, ..Backlog::default() }.create(&path)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["drainer", "--database"]).arg(&path);
    let mut drainer = Running::start(&mut command)?;
    drainer.go()?;
    let peaks: Peaks = drainer.done()?;
    ensure!(peaks.jobs == u64::from(jobs), "the worker ran {} jobs of {jobs}", peaks.jobs);
    report.row(
        Row::new(
            format!("memory of a worker draining {} jobs: peak / after the first 10,000", grouped(jobs)),
            peaks.last as f64 / peaks.first as f64,
            "x",
            Bound::AtMost(1.2),
        )
        .parts(format!("{:.1} MiB / {:.1} MiB", peaks.last as f64 / 1024.0, peaks.first as f64 / 1024.0)),
    );
    Ok(())
}

/// The most memory this process ever had, in KiB.
fn peak() -> Result<u64> {
    let status =
        std::fs::read_to_string("/proc/self/status").context("the system does not say how much memory is used")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    Ok(peak.context("the system does not say how much memory was used at most")?.trim().parse()?)
}
