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

/// The work of one process: it claims and completes jobs for some time.
#[derive(Debug, Clone, clap::Args)]
pub struct Worker {
    /// The database.
    #[arg(long)]
    database: PathBuf,
    /// The worker's name in the rows.
    #[arg(long)]
    name: String,
    /// Full durability instead of normal.
    #[arg(long)]
    full: bool,
    /// The time in milliseconds.
    #[arg(long)]
    milliseconds: u64,
    /// Whether to record the time that the process waits for a processor.
    #[arg(long)]
    run_delay: bool,
}

/// The result of a process.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ProcessResult {
    name: String,
    /// The number of jobs that were claimed and completed.
    pub(crate) jobs: u32,
    /// The number of completions that came too late.
    lost: u32,
    /// The number of errors because the database was locked.
    pub(crate) busy: u32,
    pub(crate) seconds: f64,
    /// Each write, from the trace.
    pub(crate) writes: Vec<TracedWrite>,
}

impl Worker {
    /// Reports on stdout that it is ready, waits for a line on stdin, works, and writes its result to stdout.
    ///
    /// # Errors
    /// The errors of the store, except that it is busy.
    pub fn run(&self) -> Result<()> {
        let durability = if self.full { Durability::Full } else { Durability::Normal };
        let store = fieldfen::open(&self.database, durability)?;
        let mut worker = FieldfenWorker::on(store, &self.name, std::process::id().into())?;
        write_trace::record(self.run_delay)?;
        ready()?;
        let mut result =
            ProcessResult { name: self.name.clone(), jobs: 0, lost: 0, busy: 0, seconds: 0.0, writes: Vec::new() };
        let began = Instant::now();
        let end = Duration::from_millis(self.milliseconds);
        while began.elapsed() < end {
            let Some(jobs) = result.unless_busy(worker.claim(1))? else { continue };
            let job = jobs.first().context("the queue has run dry")?;
            // A claimed job is always completed.
            loop {
                if let Some(completed) = result.unless_busy(worker.complete(job))? {
                    *(if completed.is_done() { &mut result.jobs } else { &mut result.lost }) += 1;
                    break;
                }
            }
        }
        result.seconds = began.elapsed().as_secs_f64();
        result.writes = write_trace::take();
        println!("{}", serde_json::to_string(&result)?);
        Ok(())
    }
}

impl ProcessResult {
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

/// The settings of one run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contest {
    pub(crate) durability: Durability,
    pub(crate) processes: u32,
    pub(crate) milliseconds: u64,
    /// Whether the wait for a processor is recorded.
    pub(crate) run_delay: bool,
}

/// Lets this many processes work at once. Returns their results, and the number of jobs that did not run exactly once.
///
/// # Errors
/// An error if a process fails.
pub(crate) fn contest(path: &Path, contest: &Contest) -> Result<(Vec<ProcessResult>, i64)> {
    let Contest { durability, processes, milliseconds, run_delay } = *contest;
    // More jobs than a process can complete.
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
        running.push(ChildProcess::start(&mut command)?);
    }
    for process in &mut running {
        process.go()?;
    }
    let results = running.into_iter().map(ChildProcess::result).collect::<Result<Vec<ProcessResult>>>()?;
    let wrong = not_exactly_once(path, &results)?;
    Ok((results, wrong))
}

/// The number of jobs about which the rows and the processes disagree.
fn not_exactly_once(path: &Path, results: &[ProcessResult]) -> Result<i64> {
    let rows = Connection::open(path, Durability::Normal)?;
    let mut wrong = rows.number("SELECT count(*) FROM jobs WHERE status NOT IN ('pending', 'completed')")?;
    wrong += rows.number("SELECT count(*) FROM jobs WHERE attempts <> 0")?;
    for result in results {
        let name = &result.name;
        let count = format!("SELECT count(*) FROM jobs WHERE status = 'completed' AND worker = '{name}'");
        wrong += (rows.number(&count)? - i64::from(result.jobs)).abs() + i64::from(result.lost);
    }
    Ok(wrong)
}

/// Reports to the parent process that this one is ready, and waits for its start signal.
pub(in crate::sections) fn ready() -> Result<()> {
    println!("ready");
    std::io::stdin().lock().read_line(&mut String::new())?;
    Ok(())
}

/// A child process of the report: it reports when it is ready, begins at the start signal, and ends with a line of
/// JSON.
pub(in crate::sections) struct ChildProcess {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl ChildProcess {
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

    pub(in crate::sections) fn result<T: for<'de> Deserialize<'de>>(mut self) -> Result<T> {
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
