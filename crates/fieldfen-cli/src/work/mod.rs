//! `work`: a worker that runs the programs of fieldfen.toml.

mod answer;
mod child;
mod child_output;
mod ended_jobs;
mod metrics_file;
mod program;
mod recurring;
mod supervisor;
mod unhandled_kinds;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use fieldfen_domain::JobId;
use fieldfen_domain::job::{CreateFileRecord, DeleteFile, JobKind};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::pipeline::{FileFailureHook, Pipeline, run_delete_file};
use fieldfen_services::shop::{HandlerProgram, Shop, ShopFile, ShopFileError};
use fieldfen_services::upkeep;
use fieldfen_services::worker::{ShutdownReport, StopHandle, Task, Worker, WorkerBuilder};
use fieldfen_terminal::Exit;
use serde::Serialize;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::context::Context;
use crate::shop_file;
use ended_jobs::{EndedJobs, JobCounts};
use metrics_file::MetricsFile;
use program::Program;
use recurring::RecurringWork;
pub(crate) use supervisor::WorkChildArgs;
use unhandled_kinds::UnhandledKinds;

/// The rules of the shop, in the current folder.
const SHOP_FILE: &str = "fieldfen.toml";

/// A handler whose program has not ended after this time is stuck. The program is killed 5 seconds after its timeout,
/// and its output is read for another half second at most.
const STUCK_AFTER: Duration = Duration::from_secs(15);

/// The worker.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The section [[handler]] of fieldfen.toml names the programs. On SIGINT or SIGTERM, the worker \
    claims no more jobs and gives running programs the grace period; a second signal ends it"
)]
pub(crate) struct WorkArgs {
    /// The number of jobs that run at once
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: u16,
    /// The time that running programs have after the first signal
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    grace: u16,
    /// The time after which other workers take over the jobs of a worker that has died
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u16).range(1..=3600))]
    lease: u16,
    /// End when no job is left that this worker handles. Jobs whose programs are stuck are not waited for: the worker
    /// then ends with code 13 after the grace period
    #[arg(long)]
    until_idle: bool,
    /// Write the figures of this worker to a file every 15 seconds, in the text format of Prometheus. For
    /// node_exporter's textfile collector, the name must end in .prom; each worker needs a file of its own
    #[arg(long, value_name = "PATH")]
    metrics_file: Option<PathBuf>,
}

/// The JSON document of a worker that has ended.
#[derive(Debug, Serialize)]
struct WorkerEnd {
    /// The ends of the attempts that this worker has made.
    #[serde(flatten)]
    counts: JobCounts,
    /// The number of jobs that were given back to the queue.
    given_back: usize,
    /// The number of jobs that the database did not take back. Other workers take them over after their leases.
    kept: usize,
    /// The jobs that still ran.
    still_running: Vec<JobId>,
}

impl WorkerEnd {
    fn new(report: ShutdownReport, counts: JobCounts) -> Self {
        let ShutdownReport { released, unreleased, still_running, .. } = report;
        Self { counts, given_back: released, kept: unreleased, still_running }
    }
}

impl WorkArgs {
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<()> {
        let file = shop_file::read(Path::new(SHOP_FILE)).map_err(|error| Exit::Usage.with(error))?;
        let (shop, programs) = rules(file.as_ref()).map_err(|error| Exit::Usage.with(error))?;
        if file.is_none() {
            context
                .terminal
                .print_message("there is no fieldfen.toml here: the default rules apply, and no program runs");
        }
        let store = context.store()?;
        let recurring = RecurringWork::of_rules(&shop, file.as_ref(), context)?;
        // Installed before the worker starts: a signal in between would end the process with jobs in hand.
        let signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot wait for signals")?;
        let kinds: BTreeSet<JobKind> = programs.iter().map(|program| program.kind.clone()).collect();
        let metrics = self.metrics_file.as_deref().map(MetricsFile::new);
        let mut worker = self.worker(&shop, programs, &store, context)?;
        if let (Some(path), Some(file)) = (&self.metrics_file, &metrics) {
            let cannot_write = || format!("cannot write the metrics to {}", path.display());
            file.write().with_context(cannot_write)?;
            file.write_every_15_s(context.terminal.clone()).context("cannot start a thread")?;
            worker = worker.budgets(context.costs(&store)?);
        }
        let ended = EndedJobs::new(metrics.as_ref().map(MetricsFile::metrics));
        let worker = worker.metrics(ended.clone());
        // After all checks: a worker that does not start changes no schedule.
        recurring.define(&store, context)?;
        let worker = worker.start()?;
        stop_on_signals(signals, worker.stop_handle()).context("cannot start a thread")?;
        if self.until_idle {
            worker.stop_handle().stop_when_idle();
        }
        UnhandledKinds::new(store, context).watch().context("cannot start a thread")?;
        let handled: Vec<_> = kinds.iter().map(JobKind::as_str).collect();
        let handled = if handled.is_empty() { "none".to_owned() } else { handled.join(", ") };
        context.terminal.print_message(&format!("working; kinds with a program: {handled}; stop with Ctrl-C"));
        let report = worker.join()?;
        let end = WorkerEnd::new(report, ended.counts());
        if let Some(Err(error)) = metrics.as_ref().map(MetricsFile::write) {
            context.terminal.print_message(&format!("warning: metrics file: {error}"));
        }
        context.terminal.print_result(&end, |out| {
            writeln!(out, "stopped: {}; {} jobs given back to the queue", end.counts, end.given_back)?;
            end.still_running.iter().try_for_each(|id| writeln!(out, "job {id} did not end in time"))
        })?;
        match end.still_running.len() {
            jobs if jobs > 0 && self.until_idle => {
                Err(Exit::NotDoneYet.with(format!("jobs that did not end in time: {jobs}")).into())
            }
            _ => Ok(()),
        }
    }

    fn worker(
        &self,
        shop: &Shop,
        programs: Vec<HandlerProgram>,
        store: &SqliteStore,
        context: &Context<'_>,
    ) -> anyhow::Result<WorkerBuilder<SqliteStore>> {
        let pipeline = shop.pipeline(context.environment.clone())?;
        let worker = Worker::builder(store.clone(), context.environment.clone())
            .threads(usize::from(self.threads))
            .grace(Duration::from_secs(self.grace.into()))
            .lease(Duration::from_secs(self.lease.into()))
            .stuck_after(STUCK_AFTER)
            .retry_policies(shop.retry_policies())
            .concurrency_limits(shop.concurrency_limits()?)
            .failure_hook(FileFailureHook)
            .handle(upkeep::handler(store.clone()));
        let records_files = programs.iter().any(|program| program.kind == JobKind::CreateFileRecord);
        let worker = serve_files(&pipeline, store, pipeline.serve_operators(worker), records_files);
        programs.into_iter().try_fold(worker, |worker, program| {
            let (kind, limit, timeout) = (program.kind.clone(), program.concurrency, program.timeout);
            let rules = (pipeline.clone(), shop.retry_policies());
            let program = Program::new(program, rules, store.clone(), context.environment.clone())?;
            let worker = worker.handle_kind(kind.clone(), move |task| program.run(&task));
            let worker = worker.timeout_kind(kind.clone(), timeout);
            Ok(match limit {
                Some(limit) => worker.limit_kind(kind, limit),
                None => worker,
            })
        })
    }
}

/// Registers the handlers of the jobs of a file that need no program.
fn serve_files(
    pipeline: &Pipeline,
    store: &SqliteStore,
    worker: WorkerBuilder<SqliteStore>,
    has_own_program: bool,
) -> WorkerBuilder<SqliteStore> {
    let (pipeline, store) = (pipeline.clone(), store.clone());
    let worker = worker.handle(move |task: Task<DeleteFile>| run_delete_file(&store, &task));
    if has_own_program {
        return worker;
    }
    worker.handle(move |task: Task<CreateFileRecord>| pipeline.run_create_file_record(&task))
}

/// The rules of the shop and its programs, of which each must exist.
fn rules(file: Option<&ShopFile>) -> Result<(Shop, Vec<HandlerProgram>), ShopFileError> {
    let Some(file) = file else { return Ok((Shop::new(), Vec::new())) };
    let shop = file.shop()?;
    let programs = shop.handlers().map_err(|error| file.locate(&error))?;
    for program in &programs {
        program::check(program).map_err(|error| file.locate(&error))?;
    }
    Ok((shop, programs))
}

/// The first signal stops the worker gracefully, the second one at once.
fn stop_on_signals(mut signals: Signals, stop: StopHandle) -> io::Result<()> {
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for _ in signals.forever() {
            if stop.is_stopping() {
                stop.stop_now();
            } else {
                stop.stop();
            }
        }
    })?;
    Ok(())
}
