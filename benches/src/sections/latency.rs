//! The time from the enqueueing of a job to the start of its handler, on an idle queue.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use fieldfen_domain::job::{NewJob, Payload};
use fieldfen_domain::store::Store;
use fieldfen_persistence::{Durability, SqliteOptions, SqliteStore};
use fieldfen_services::Environment;
use fieldfen_services::worker::{Task, Worker};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use super::Stage;
use super::processes::ChildProcess;
use crate::report::{Bound, Report, Row};
use crate::{backlog, fieldfen, rounds};

/// Enqueues with SQL alone.
const PYTHON_ENQUEUER: &str = include_str!("enqueue_for_another_process.py");

/// A job with the time of its enqueueing.
#[derive(Debug, Serialize, Deserialize)]
struct Ping {
    /// The time before the enqueueing on the machine's monotonic clock, in nanoseconds. All processes share this clock.
    nanoseconds: u64,
}

impl Payload for Ping {
    const KIND: &'static str = "bench.ping";
}

/// The process that enqueues for a worker in another process.
#[derive(Debug, Clone, clap::Args)]
pub struct Enqueuer {
    /// The database.
    #[arg(long)]
    database: PathBuf,
    /// The number of jobs.
    #[arg(long)]
    jobs: u32,
    /// Whether the store uses no file notifications.
    #[arg(long)]
    without_notifications: bool,
}

impl Enqueuer {
    /// Reports on stdout that it is ready, waits for a line on stdin, enqueues, and writes the time of that to stdout.
    ///
    /// # Errors
    /// The errors of the store.
    pub fn run(&self) -> Result<()> {
        let store = open(&self.database, !self.without_notifications)?;
        super::processes::ready()?;
        println!("{}", serde_json::to_string(&enqueue(&store, self.jobs)?)?);
        Ok(())
    }
}

/// Enqueues this many jobs, each after the queue has been idle for some time. Returns the time of each in milliseconds.
fn enqueue(store: &SqliteStore, jobs: u32) -> Result<Vec<f64>> {
    let environment = Environment::system();
    let mut commits = Vec::new();
    for job in 0..jobs {
        // The pauses are uneven, so that they do not follow a rhythm of the machine.
        std::thread::sleep(Duration::from_micros(u64::from(15_000 + job * 7919 % 10_000)));
        let began = Instant::now();
        let payload = Ping { nanoseconds: monotonic() };
        let job = NewJob::new(environment.job_id(), &payload, environment.now())?;
        store.write(|s| s.jobs().enqueue(&job))?;
        commits.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok(commits)
}

/// A worker that reports the latency of each job, in milliseconds.
fn start_worker(store: SqliteStore) -> Result<(Worker, mpsc::Receiver<f64>)> {
    let (sender, receiver) = mpsc::channel();
    let worker = Worker::builder(store, Environment::system())
        .handle(move |task: Task<Ping>| {
            // If the section has failed, nobody receives.
            let _ = sender.send(monotonic().saturating_sub(task.nanoseconds) as f64 / 1e6);
        })
        .start()?;
    Ok((worker, receiver))
}

fn open(database: &Path, file_notifications: bool) -> Result<SqliteStore> {
    let mut options = SqliteOptions::default();
    (options.durability, options.file_notifications) = (Durability::Full, file_notifications);
    fieldfen::open_with(database, &options)
}

pub(super) fn run(stage: &Stage, report: &mut Report) -> Result<()> {
    let jobs = stage.scale.pick(200, 1000);
    let folder = tempfile::tempdir_in(&stage.folder)?;
    let path = folder.path().join("latency.db");
    backlog::migrate(&path)?;
    let store = open(&path, true)?;
    let (worker, latencies) = start_worker(store.clone())?;

    let commits = enqueue(&store, jobs)?;
    let commit = rounds::median(&commits);
    let same = receive(&latencies, jobs)?;
    report.row(
        Row::new(figure("same process", "p50"), rounds::median(&same), "ms", Bound::Below(1.0 + commit))
            .parts(format!("1 ms + one commit of {commit:.2} ms")),
    );
    report.row(p99("same process", &same));
    drop(store);

    let mut command = Command::new(std::env::current_exe()?);
    command.args(["enqueuer", "--jobs", &jobs.to_string(), "--database"]).arg(&path);
    let other = from_process(&mut command, &latencies, jobs)?;
    report.row(Row::new(figure("other process", "p50"), rounds::median(&other), "ms", Bound::Below(2.0)));
    report.row(p99("other process", &other));

    if Command::new("python3").args(["-c", "import sqlite3"]).status().is_ok_and(|status| status.success()) {
        let mut command = Command::new("python3");
        command.args(["-c", PYTHON_ENQUEUER]).arg(&path).arg(jobs.to_string());
        let python = from_process(&mut command, &latencies, jobs)?;
        report.row(Row::unbounded(figure("Python program", "p50"), rounds::median(&python), "ms"));
        report.row(Row::unbounded(figure("Python program", "p99"), rounds::quantile(&python, 0.99), "ms"));
    } else {
        report.note("latency: not measured from a Python program, since there is no python3 with sqlite3 here.");
    }
    worker.stop_handle().stop();
    worker.join()?;

    let (worker, latencies) = start_worker(open(&path, false)?)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["enqueuer", "--without-notifications", "--jobs", &jobs.to_string(), "--database"]).arg(&path);
    let polled = from_process(&mut command, &latencies, jobs)?;
    let process = "other process, without file notifications";
    report.row(Row::new(figure(process, "p50"), rounds::median(&polled), "ms", Bound::Below(10.0)));
    report.row(p99(process, &polled));
    worker.stop_handle().stop();
    worker.join()?;
    report.note(
        "latency: from the call that enqueues to the handler's first line, under FULL; the commits of the job and of its \
         claim are in it.",
    );
    Ok(())
}

/// The latency of each job that the other process enqueues for the worker.
fn from_process(command: &mut Command, latencies: &mpsc::Receiver<f64>, jobs: u32) -> Result<Vec<f64>> {
    let mut enqueuer = ChildProcess::start(command)?;
    enqueuer.go()?;
    let _: Vec<f64> = enqueuer.result()?;
    receive(latencies, jobs)
}

fn figure(process: &str, quantile: &str) -> String {
    format!("enqueue to handler's start, idle queue, {process}: {quantile}")
}

fn p99(process: &str, latencies: &[f64]) -> Row {
    let bound = Bound::Below(3.0 * rounds::median(latencies) + 10.0);
    Row::new(figure(process, "p99"), rounds::quantile(latencies, 0.99), "ms", bound).parts("3 × p50 + 10 ms")
}

fn receive(latencies: &mpsc::Receiver<f64>, jobs: u32) -> Result<Vec<f64>> {
    (0..jobs)
        .map(|job| {
            let late = || format!("job {job} of {jobs} has not begun after 30 seconds");
            latencies.recv_timeout(Duration::from_secs(30)).with_context(late)
        })
        .collect()
}

fn monotonic() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let part = |number: i64| u64::try_from(number).unwrap_or_default();
    part(now.tv_sec) * 1_000_000_000 + part(now.tv_nsec)
}
