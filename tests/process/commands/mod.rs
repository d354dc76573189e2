//! The commands of the test process, one for each subcommand.

mod aborting_jobs;
mod call_api;
mod call_charged_api;
mod claim_loop;
mod closed_stdout;
mod job_options;
mod limited_jobs;
mod operator;
mod page_limit;
mod receive_webhooks;
mod restart_worker;
mod run_worker;
mod shop_worker;
mod stdin;
mod stdin_commands;
mod suspended_call;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Error};
use clap::{Args, Parser, Subcommand};
use fieldfen_domain::Timestamp;
use fieldfen_domain::api_usage::ApiCall;
use fieldfen_domain::job::{Job, JobState, JobStatus};
use fieldfen_domain::store::StoreError;
use fieldfen_persistence::{Durability, SqliteOptions, SqliteStore, SqliteUrl};
use fieldfen_services::queue::{Completion, Queue, QueueError};
use fieldfen_services::shop::ShopFile;

use crate::event::{Event, StoreFailure, emit};

pub use aborting_jobs::{AbortingJob, AbortingJobs};
pub use call_api::{COUNTING_SERVICE, CallApi};
pub use call_charged_api::{CHARGING_SERVICE, CallChargedApi, charging_costs, shifted_clock};
pub use claim_loop::ClaimLoop;
pub use closed_stdout::{ClosedStdout, FailsOnce};
pub use limited_jobs::{LIMITED_KINDS, LimitedJobs};
pub use operator::AskWorkers;
pub use receive_webhooks::{EFFECT_KIND, ReceiveWebhooks, body, delivery_id};
pub use restart_worker::{RestartWorker, UncancellableJob};
pub use run_worker::RunWorker;
pub use shop_worker::ShopWorker;
pub use stdin_commands::Interpret;
pub use suspended_call::SuspendedCall;

/// The kind of jobs whose completion records an API call and enqueues a follow-up job.
pub const WORK_KIND: &str = "test.work";
/// The kind of the follow-up jobs.
pub const FOLLOW_UP_KIND: &str = "test.follow-up";
/// The kind of jobs that kill the process in which they run.
pub const POISON_KIND: &str = "test.poison";
/// The service of the API call that a completion records; its endpoint is the job's id.
pub const FENCED: &str = "fenced";

/// The arguments of a test process.
#[derive(Debug, Parser)]
pub struct TestProcess {
    #[command(flatten)]
    database: Database,
    #[command(subcommand)]
    command: Command,
}

/// The subcommand.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Enqueues, claims, completes, fails and releases jobs through `Queue`, without a `Worker`.
    ClaimLoop(ClaimLoop),
    /// Runs a `Worker` whose handlers end in every way.
    RunWorker(RunWorker),
    /// Runs a `Worker` with jobs that abort the process.
    AbortingJobs(AbortingJobs),
    /// Stops a `Worker` without grace and starts it again, many times.
    RestartWorker(RestartWorker),
    /// Runs a `Worker` that logs to a stdout that nobody reads.
    ClosedStdout(ClosedStdout),
    /// Receives each of some webhooks several times.
    ReceiveWebhooks(ReceiveWebhooks),
    /// Calls a service that counts, as often as the rate limiter lets it.
    CallApi(CallApi),
    /// Claims and ends jobs of kinds with concurrency limits, while the limits change.
    LimitedJobs(LimitedJobs),
    /// Calls a service that charges, as often as the budget lets it.
    CallChargedApi(CallChargedApi),
    /// Makes one call, and stops itself between the check of the limits and the call.
    SuspendedCall(SuspendedCall),
    /// Runs one command for each line of stdin.
    Interpret(Interpret),
    /// Runs the `Worker` of a shop whose rules are in a `fieldfen.toml`.
    ShopWorker(ShopWorker),
    /// Asks the workers of a shop for the actions of an operator, one for each line of stdin.
    Operator(AskWorkers),
}

/// The database and the options for opening it.
#[derive(Debug, Args)]
pub struct Database {
    /// The address of the database.
    #[arg(long, default_value = "")]
    url: String,
    /// The `fieldfen.toml` that names the database, for a shop.
    #[arg(long)]
    shop_file: Option<PathBuf>,
    /// The longest wait for a lock of another process, in milliseconds.
    #[arg(long, default_value_t = 300_000)]
    busy_timeout_ms: u64,
    /// Commit with normal durability: commits survive a crash of the program, but not a power failure.
    #[arg(long)]
    normal: bool,
}

impl Database {
    /// Opens the store.
    ///
    /// # Errors
    /// As [`SqliteStore::open_with`].
    pub fn open(&self) -> Result<SqliteStore, StoreError> {
        self.open_at(&self.url)
    }

    /// The file with the database's address, and the store.
    fn of_shop(&self) -> Result<(ShopFile, SqliteStore), Error> {
        let file = ShopFile::read(self.shop_file.as_deref().context("--shop-file is missing")?)?;
        let database = file.database()?.context("the file names no database")?;
        let url = database.url().parse::<SqliteUrl>()?.in_folder(database.folder()).to_string();
        Ok((file, or_emit(self.open_at(&url))?))
    }

    fn open_at(&self, url: &str) -> Result<SqliteStore, StoreError> {
        let mut options = SqliteOptions::default();
        options.busy_timeout = Duration::from_millis(self.busy_timeout_ms);
        options.durability = if self.normal { Durability::Normal } else { Durability::Full };
        SqliteStore::open_with(url, &options)
    }
}

impl TestProcess {
    /// Runs the command to its end.
    ///
    /// # Errors
    /// An error if the store returns an error, which is also an event, or if the test has closed the pipe from stdout.
    pub fn run(&self) -> Result<(), Error> {
        match &self.command {
            Command::ClaimLoop(command) => command.run(&or_emit(self.database.open())?),
            Command::RunWorker(command) => command.run(&or_emit(self.database.open())?),
            Command::AbortingJobs(command) => command.run(&or_emit(self.database.open())?),
            Command::RestartWorker(command) => command.run(&or_emit(self.database.open())?),
            Command::ClosedStdout(command) => command.run(&self.database.open()?),
            Command::ReceiveWebhooks(command) => command.run(&or_emit(self.database.open())?),
            Command::CallApi(command) => command.run(&or_emit(self.database.open())?),
            Command::LimitedJobs(command) => command.run(&or_emit(self.database.open())?),
            Command::CallChargedApi(command) => command.run(&or_emit(self.database.open())?),
            Command::SuspendedCall(command) => command.run(&or_emit(self.database.open())?),
            Command::Interpret(command) => command.run(&self.database),
            Command::ShopWorker(command) => {
                let (file, store) = self.database.of_shop()?;
                command.run(&file, store)
            }
            Command::Operator(command) => command.run(self.database.of_shop()?.1),
        }
    }
}

/// Emits an error of the store as an event and returns it.
fn or_emit<T>(outcome: Result<T, StoreError>) -> Result<T, Error> {
    match outcome {
        Ok(value) => Ok(value),
        Err(error) => {
            emit(&Event::StoreFailed(StoreFailure::of(&error)))?;
            Err(error.into())
        }
    }
}

/// As [`or_emit`], for an error of the queue, which may be one of the store.
fn queue_or_emit<T>(outcome: Result<T, QueueError>) -> Result<T, Error> {
    match outcome {
        Ok(value) => Ok(value),
        Err(QueueError::Store(error)) => or_emit(Err(error)),
        Err(error) => Err(error.into()),
    }
}

/// Emits an event from a handler. If the test has closed the pipes, the thread that reads stdin ends the process.
fn emit_or_ignore(event: &Event) {
    drop(emit(event));
}

/// Returns whether every job has ended.
fn is_empty(queue: &Queue<SqliteStore>) -> Result<bool, Error> {
    let live = |status| matches!(status, JobStatus::Pending | JobStatus::Running);
    Ok(!or_emit(queue.count())?.iter().any(|count| live(count.status)))
}

/// The completion of a claimed job. Its result is the fence token of the claim, and it records an API call whose
/// endpoint is the job's id.
fn fenced(job: &Job, at: Timestamp) -> Completion {
    let token = match &job.state {
        JobState::Running { lease: Some(lease), .. } => Some(lease.token.to_string()),
        _ => None,
    };
    let call = ApiCall::new(FENCED.to_owned(), at).endpoint(Some(job.id.to_string()));
    Completion::new().result(&token).writing(move |t| t.record_call(&call))
}
