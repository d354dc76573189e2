//! Several processes on one file.
//!
//! The report runs itself again for each process; see [`Worker`].

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fieldfen_domain::store::StoreError;
use fieldfen_persistence::Durability;
use serde::{Deserialize, Serialize};

use super::Stage;
use crate::backlog::Backlog;
use crate::baseline::Connection;
use crate::fieldfen::{self, FieldfenWorker};
use crate::report::{Bound, Report, Row};
use crate::rounds;

/// How many processes write at once.
const PROCESSES: u32 = 4;

/// The work of one process: claims and completes for a while.
#[derive(Debug, Clone, clap::Args)]
pub struct Worker {
    /// The database.
    #[arg(long)]
    database: PathBuf,
    /// Its name in the rows.
    #[arg(long)]
    name: String,
    /// Full durability instead of normal.
    #[arg(long)]
    full: bool,
    /// For how long, in milliseconds.
    #[arg(long)]
    milliseconds: u64,
}

/// What a process has done.
#[derive(Debug, Serialize, Deserialize)]
struct Done {
    name: String,
    /// Jobs that were claimed and completed.
    jobs: u32,
    /// Completions that came too late.
    lost: u32,
    /// Errors because the database was locked.
    busy: u32,
    seconds: f64,
    /// How long each write took, in microseconds.
    waits: Vec<u32>,
}

impl Worker {
    /// Says that it is ready on stdout, waits for a line on stdin, works, and writes what it has done to stdout.
    ///
    /// # Errors
    /// The store's own, except that it is busy.
    pub fn run(&self) -> Result<()> {
        let durability = if self.full { Durability::Full } else { Durability::Normal };
        let store = fieldfen::open(&self.database, durability)?;
        let mut worker = FieldfenWorker::on(store, &self.name, std::process::id().into())?;
        ready()?;
        let mut done = Done { name: self.name.clone(), jobs: 0, lost: 0, busy: 0, seconds: 0.0, waits: Vec::new() };
        let began = Instant::now();
        let end = Duration::from_millis(self.milliseconds);
        while began.elapsed() < end {
            let asked = Instant::now();
            let claimed = worker.claim(1);
            done.waits.push(u32::try_from(asked.elapsed().as_micros())?);
            let Some(jobs) = done.unless_busy(claimed)? else { continue };
            let job = jobs.first().context("the queue has run dry")?;
            // A job that is claimed is brought to its end.
            loop {
                let asked = Instant::now();
                let completed = worker.complete(job);
                done.waits.push(u32::try_from(asked.elapsed().as_micros())?);
                if let Some(completed) = done.unless_busy(completed)? {
                    *(if completed.is_done() { &mut done.jobs } else { &mut done.lost }) += 1;
                    break;
                }
            }
        }
        done.seconds = began.elapsed().as_secs_f64();
        println!("{}", serde_json::to_string(&done)?);
        Ok(())
    }
}

impl Done {
    fn unless_busy<T>(&mut self, result: Result<T, StoreError>) -> Result<Option<T>> {
        match result {
            Err(StoreError::Busy { .. }) => {
                self.busy += 1;
                Ok(None)
            }
            result => Ok(Some(result?)),
        }
    }
}

pub(super) fn run(stage: &Stage, report: &mut Report) -> Result<()> {
    for (name, durability) in [("NORMAL", Durability::Normal), ("FULL", Durability::Full)] {
        let folder = tempfile::tempdir_in(&stage.folder)?;
        let (mut many, mut twice) = (Vec::new(), 0);
        let mut runs = 0;
        let mut contest = |processes| {
            runs += 1;
            let path = folder.path().join(format!("{runs}.db"));
            let (done, wrong) = contest(stage, &path, durability, processes)?;
            twice += wrong;
            let rate = done.iter().map(|done| f64::from(done.jobs) / done.seconds).sum();
            if processes > 1 {
                many.push(done);
            }
            Ok(rate)
        };
        let contest = std::cell::RefCell::new(&mut contest);
        let figures = rounds::interleave(
            5,
            &mut [Box::new(|| contest.borrow_mut()(1)), Box::new(|| contest.borrow_mut()(PROCESSES))],
        )?;
        let [one, four] = &*figures else { return Ok(()) };
        report.row(
            Row::new(
                format!("4 processes of one thread / 1 process of one thread, {name}"),
                rounds::ratio(four, one),
                "x",
                Bound::AtLeast(0.7),
            )
            .parts(format!("{:.0} / {:.0} jobs per second", rounds::median(four), rounds::median(one))),
        );
        let busy: u32 = many.iter().flatten().map(|done| done.busy).sum();
        report.row(Row::new(
            format!("busy errors of the 4 processes, {name}"),
            busy.into(),
            "errors",
            Bound::AtMost(0.0),
        ));
        let jobs: u32 = many.iter().flatten().map(|done| done.jobs).sum();
        report.row(
            Row::new(format!("jobs not run exactly once, {name}"), twice as f64, "jobs", Bound::AtMost(0.0))
                .parts(format!("of {jobs}, by the rows")),
        );
        let shares: Vec<f64> = many.iter().map(|done| least_served(done)).collect();
        report.row(Row::new(
            format!("jobs of the least served of the 4 processes / mean, {name}"),
            rounds::median(&shares),
            "x",
            Bound::AtLeast(0.5),
        ));
        let waits: Vec<f64> =
            many.iter().flatten().flat_map(|done| &done.waits).map(|wait| f64::from(*wait) / 1000.0).collect();
        report.row(
            Row::new(
                format!("p99.9 wait of one write with 4 processes, {name}"),
                rounds::quantile(&waits, 0.999),
                "ms",
                Bound::Below(250.0),
            )
            .parts(format!(
                "p50 {:.2} ms, longest {:.0} ms",
                rounds::median(&waits),
                rounds::quantile(&waits, 1.0)
            )),
        );
    }
    report.note("processes: each claims one job and completes it, again and again, from the same moment on.");
    Ok(())
}

/// Jobs of the least served process over the mean.
fn least_served(done: &[Done]) -> f64 {
    let jobs = || done.iter().map(|done| f64::from(done.jobs));
    jobs().fold(f64::INFINITY, f64::min) / (jobs().sum::<f64>() / done.len() as f64)
}

/// Lets so many processes work at once, and says what they have done and how many jobs were not run exactly once.
fn contest(stage: &Stage, path: &Path, durability: Durability, processes: u32) -> Result<(Vec<Done>, i64)> {
    let milliseconds: u64 = stage.scale.pick(1000, 5000);
    // More than a process can do.
    let pending = u32::try_from(milliseconds)? * if durability == Durability::Full { 25 } else { 50 };
    Backlog { pending, ..Backlog::default() }.create(path)?;
    let mut running = Vec::new();
    for process in 0..processes {
        let name = format!("process-{process}");
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["process-worker", "--name", &name, "--milliseconds", &milliseconds.to_string(), "--database"]);
        command.arg(path);
        if durability == Durability::Full {
            command.arg("--full");
        }
        running.push(Running::start(&mut command)?);
    }
    for process in &mut running {
        process.go()?;
    }
    let done = running.into_iter().map(Running::done).collect::<Result<Vec<Done>>>()?;
    let wrong = not_exactly_once(path, &done)?;
    Ok((done, wrong))
}

/// How many jobs the rows and the processes do not agree on.
fn not_exactly_once(path: &Path, done: &[Done]) -> Result<i64> {
    let rows = Connection::open(path, Durability::Normal)?;
    let mut wrong = rows.number("SELECT count(*) FROM jobs WHERE status NOT IN ('pending', 'completed')")?;
    wrong += rows.number("SELECT count(*) FROM jobs WHERE attempts <> 0")?;
    for done in done {
        let name = &done.name;
        let count = format!("SELECT count(*) FROM jobs WHERE status = 'completed' AND worker = '{name}'");
        wrong += (rows.number(&count)? - i64::from(done.jobs)).abs() + i64::from(done.lost);
    }
    Ok(wrong)
}

/// Says so to the process that has started this one, and waits until it is told to begin.
pub(super) fn ready() -> Result<()> {
    println!("ready");
    std::io::stdin().lock().read_line(&mut String::new())?;
    Ok(())
}

/// A process of the report's own that says when it is ready, begins when it is told to, and ends with a line of JSON.
pub(super) struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("cannot start a process")?;
        let stdout = child.stdout.take().context("a process has no stdout")?;
        let mut running = Self { child, stdout: BufReader::new(stdout) };
        let said = running.line()?;
        ensure!(said.trim() == "ready", "a process said {said:?} instead of being ready");
        Ok(running)
    }

    pub(super) fn go(&mut self) -> Result<()> {
        let mut stdin = self.child.stdin.take().context("a process has no stdin")?;
        writeln!(stdin, "go").context("a process has ended before it was told to begin")
    }

    pub(super) fn done<T: for<'de> Deserialize<'de>>(mut self) -> Result<T> {
        let said = self.line()?;
        let status = self.child.wait()?;
        ensure!(status.success(), "a process of the report failed: {status}");
        serde_json::from_str(&said).with_context(|| format!("a process ended with {said:?}"))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.stdout.read_line(&mut line).context("a process cannot be read from")?;
        Ok(line)
    }
}
