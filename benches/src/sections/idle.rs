//! The cost of an idle worker.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;
use fieldfen_domain::job::{GenerateMetadata, NewJob, UpscaleImage};
use fieldfen_domain::store::Store as _;
use fieldfen_persistence::{Durability, SqliteOptions};
use fieldfen_services::Environment;
use fieldfen_services::worker::{Task, Worker};
use rustix::time::{ClockId, clock_gettime};

use super::Stage;
use super::processes::ChildProcess;
use crate::backlog::{Backlog, OTHER_KIND};
use crate::fieldfen;
use crate::report::{Bound, Report, Row};

/// The time of the measurement.
const WATCHED: Duration = Duration::from_secs(10);

/// The process of an idle worker.
#[derive(Debug, Clone, clap::Args)]
pub struct Idler {
    /// The database.
    #[arg(long)]
    database: PathBuf,
    /// Whether the store uses no file notifications.
    #[arg(long)]
    without_notifications: bool,
}

impl Idler {
    /// Reports on stdout that it is ready, waits for a line on stdin, and writes its processor time to stdout, in
    /// seconds.
    ///
    /// # Errors
    /// The errors of the store.
    pub fn run(&self) -> Result<()> {
        let mut options = SqliteOptions::default();
        options.file_notifications = !self.without_notifications;
        let store = fieldfen::open_with(&self.database, &options)?;
        let worker = Worker::builder(store, Environment::system())
            .handle(|_: Task<UpscaleImage>| {})
            .handle(|_: Task<GenerateMetadata>| {})
            .start()?;
        super::processes::ready()?;
        let before = processor_time();
        std::thread::sleep(WATCHED);
        println!("{}", processor_time() - before);
        worker.stop_handle().stop();
        worker.join()?;
        Ok(())
    }
}

pub(super) fn run(stage: &Stage, report: &mut Report) -> Result<()> {
    let folder = tempfile::tempdir_in(&stage.folder)?;
    let path = folder.path().join("idle.db");
    Backlog { completed: 1000, future: 1000, other_kind: 1000, ..Backlog::default() }.create(&path)?;
    // The jobs must be due later than now, and the process's clock is later than the backlog's.
    crate::baseline::Connection::open(&path, Durability::Normal)?
        .execute("UPDATE jobs SET run_at = '9999-01-01 00:00:00.000000' WHERE priority = 0")?;
    for (name, flag, commits, bound) in [
        ("", None, 0, 0.1),
        (" without file notifications", Some("--without-notifications"), 0, 1.0),
        (" beside a process that enqueues jobs of another kind", None, 1000, 1.0),
    ] {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("idler").args(flag).arg("--database").arg(&path);
        let mut idler = ChildProcess::start(&mut command)?;
        // The start of the worker is not measured.
        std::thread::sleep(Duration::from_secs(1));
        idler.go()?;
        let committed = enqueue(&path, commits)?;
        let seconds: f64 = idler.result()?;
        let parts = format!("{:.1} ms", seconds * 1e3);
        report.row(
            Row::new(
                format!("CPU of an idle worker{name} over 10 s"),
                100.0 * seconds / WATCHED.as_secs_f64(),
                "% of a core",
                Bound::Below(bound),
            )
            .parts(if commits == 0 { parts } else { format!("{parts}, {committed} commits") }),
        );
    }
    Ok(())
}

/// Enqueues so many jobs a second, one commit each, while the worker is watched. Returns their number.
fn enqueue(path: &Path, per_second: u32) -> Result<u32> {
    let (store, environment) = (fieldfen::open(path, Durability::Normal)?, Environment::system());
    let mut committed = 0;
    let began = Instant::now();
    while per_second > 0 && began.elapsed() < WATCHED {
        let job = NewJob::untyped(environment.job_id(), OTHER_KIND, None, environment.now())?;
        store.write(|s| s.jobs().enqueue(&job))?;
        committed += 1;
        let next = Duration::from_secs(1) * committed / per_second;
        std::thread::sleep(next.saturating_sub(began.elapsed()));
    }
    Ok(committed)
}

/// The processor time of this process, in seconds.
fn processor_time() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
