//! One run: several processes claim and complete jobs of one database at the same time.
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

use crate::backlog::Backlog;
use crate::baseline::Connection;
use crate::fieldfen::{self, FieldfenWorker};
use crate::write_trace::{self, TracedWrite};

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
    /// Also records how long the process waits for a processor.
    #[arg(long)]
    run_delay: bool,
}

/// What a process has done.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Done {
    name: String,
    /// Jobs that were claimed and completed.
    pub(crate) jobs: u32,
    /// Completions that came too late.
    lost: u32,
    /// Errors because the database was locked.
    pub(crate) busy: u32,
    pub(crate) seconds: f64,
    /// Each write, from the trace.
    pub(crate) writes: Vec<TracedWrite>,
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
        write_trace::record(self.run_delay)?;
        ready()?;
        let mut done = Done { name: self.name.clone(), jobs: 0, lost: 0, busy: 0, seconds: 0.0, writes: Vec::new() };
        let began = Instant::now();
        let end = Duration::from_millis(self.milliseconds);
        while began.elapsed() < end {
            let Some(jobs) = done.unless_busy(worker.claim(1))? else { continue };
            let job = jobs.first().context("the queue has run dry")?;
            // A job that is claimed is brought to its end.
            loop {
                if let Some(completed) = done.unless_busy(worker.complete(job))? {
                    *(if completed.is_done() { &mut done.jobs } else { &mut done.lost }) += 1;
                    break;
                }
            }
        }
        done.seconds = began.elapsed().as_secs_f64();
        done.writes = write_trace::take();
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

/// What is measured in one run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contest {
    pub(crate) durability: Durability,
    pub(crate) processes: u32,
    pub(crate) milliseconds: u64,
    /// Whether the wait for a processor is recorded.
    pub(crate) run_delay: bool,
}

/// Lets so many processes work at once, and says what they have done and how many jobs were not run exactly once.
///
/// # Errors
/// When a process fails.
pub(crate) fn contest(path: &Path, contest: &Contest) -> Result<(Vec<Done>, i64)> {
    let Contest { durability, processes, milliseconds, run_delay } = *contest;
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
        if run_delay {
            command.arg("--run-delay");
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
pub(in crate::sections) fn ready() -> Result<()> {
    println!("ready");
    std::io::stdin().lock().read_line(&mut String::new())?;
    Ok(())
}

/// A process of the report's own that says when it is ready, begins when it is told to, and ends with a line of JSON.
pub(in crate::sections) struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    pub(in crate::sections) fn start(command: &mut Command) -> Result<Self> {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("cannot start a process")?;
        let stdout = child.stdout.take().context("a process has no stdout")?;
        let mut running = Self { child, stdout: BufReader::new(stdout) };
        let said = running.line()?;
        ensure!(said.trim() == "ready", "a process said {said:?} instead of being ready");
        Ok(running)
    }

    pub(in crate::sections) fn go(&mut self) -> Result<()> {
        let mut stdin = self.child.stdin.take().context("a process has no stdin")?;
        writeln!(stdin, "go").context("a process has ended before it was told to begin")
    }

    pub(in crate::sections) fn done<T: for<'de> Deserialize<'de>>(mut self) -> Result<T> {
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
