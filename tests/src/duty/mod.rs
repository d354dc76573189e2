//! What a worker process does.

mod crash;
mod deliver;
mod obey;
mod orders;
mod pages;
mod restart;
mod serve;
mod shop;
mod turnover;
mod unread;
mod work;

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

use crate::fact::{Fact, Refusal, tell};

pub use crash::{Crash, Crasher};
pub use deliver::{Deliver, EFFECT_KIND, body, delivery_id};
pub use obey::Obey;
pub use restart::{Restart, Stubborn};
pub use serve::Serve;
pub use shop::{Ask, Keep};
pub use unread::{Failing, Unread};
pub use work::Work;

/// Jobs whose completion records a call and enqueues a follow-up.
pub const WORK_KIND: &str = "test.work";
/// What follows them.
pub const FOLLOW_UP_KIND: &str = "test.follow-up";
/// Jobs that kill their worker.
pub const POISON_KIND: &str = "test.poison";
/// The service under which a completion records its call; the endpoint is the job's id.
pub const FENCED: &str = "fenced";

/// A worker process.
#[derive(Debug, Parser)]
pub struct Worker {
    #[command(flatten)]
    database: Database,
    #[command(subcommand)]
    duty: Duty,
}

/// What a worker process does.
#[derive(Debug, Subcommand)]
pub enum Duty {
    /// Enqueues, claims, completes, fails and releases jobs.
    Work(Work),
    /// Runs the worker that programs run.
    Serve(Serve),
    /// Runs the worker that programs run, with jobs some of which abort the process.
    Crash(Crash),
    /// Stops the worker that programs run, and starts it again.
    Restart(Restart),
    /// Runs a worker whose log nobody reads.
    Unread(Unread),
    /// Receives webhooks.
    Deliver(Deliver),
    /// Does what its parent says.
    Obey(Obey),
    /// Runs the worker of a shop whose rules stand in a `fieldfen.toml`.
    Keep(Keep),
    /// Asks the shop's workers for what the parent says.
    Ask(Ask),
}

/// Which database, and how it is opened.
#[derive(Debug, Args)]
pub struct Database {
    /// The address of the database.
    #[arg(long, default_value = "")]
    url: String,
    /// The `fieldfen.toml` that names the database, for a shop.
    #[arg(long)]
    shop_file: Option<PathBuf>,
    /// How long a lock of another process is waited for, in milliseconds.
    #[arg(long, default_value_t = 300_000)]
    busy_timeout_ms: u64,
    /// Commits are only as durable as a crash of the program needs.
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

    /// The file that names the database, and the store.
    fn of_shop(&self) -> Result<(ShopFile, SqliteStore), Error> {
        let file = ShopFile::read(self.shop_file.as_deref().context("--shop-file is missing")?)?;
        let database = file.database()?.context("the file names no database")?;
        let url = database.url().parse::<SqliteUrl>()?.in_folder(database.folder()).to_string();
        Ok((file, told(self.open_at(&url))?))
    }

    fn open_at(&self, url: &str) -> Result<SqliteStore, StoreError> {
        let mut options = SqliteOptions::default();
        options.busy_timeout = Duration::from_millis(self.busy_timeout_ms);
        options.durability = if self.normal { Durability::Normal } else { Durability::Full };
        SqliteStore::open_with(url, &options)
    }
}

impl Worker {
    /// Does the duty.
    ///
    /// # Errors
    /// When the store refuses something, which the parent is told too, or the parent listens no more.
    pub fn run(&self) -> Result<(), Error> {
        match &self.duty {
            Duty::Work(work) => work.run(&told(self.database.open())?),
            Duty::Serve(serve) => serve.run(&told(self.database.open())?),
            Duty::Crash(crash) => crash.run(&told(self.database.open())?),
            Duty::Restart(restart) => restart.run(&told(self.database.open())?),
            Duty::Unread(unread) => unread.run(&self.database.open()?),
            Duty::Deliver(deliver) => deliver.run(&told(self.database.open())?),
            Duty::Obey(obey) => obey.run(&self.database),
            Duty::Keep(keep) => {
                let (file, store) = self.database.of_shop()?;
                keep.run(&file, store)
            }
            Duty::Ask(ask) => ask.run(self.database.of_shop()?.1),
        }
    }
}

/// Tells the parent of an error before handing it on.
fn told<T>(outcome: Result<T, StoreError>) -> Result<T, Error> {
    match outcome {
        Ok(value) => Ok(value),
        Err(error) => {
            tell(&Fact::Refused(Refusal::of(&error)))?;
            Err(error.into())
        }
    }
}

/// As [`told`], for what the queue refuses too.
fn settled<T>(outcome: Result<T, QueueError>) -> Result<T, Error> {
    match outcome {
        Ok(value) => Ok(value),
        Err(QueueError::Store(error)) => told(Err(error)),
        Err(error) => Err(error.into()),
    }
}

/// Tells the parent; one that listens no more is noticed by who reads its orders.
fn report(fact: &Fact) {
    drop(tell(fact));
}

/// Whether every job has ended.
fn is_empty(queue: &Queue<SqliteStore>) -> Result<bool, Error> {
    let live = |status| matches!(status, JobStatus::Pending | JobStatus::Running);
    Ok(!told(queue.count())?.iter().any(|count| live(count.status)))
}

/// What a completion of this claimed job leaves behind: its claim's token as the result, and a call named after it.
fn fenced(job: &Job, at: Timestamp) -> Completion {
    let token = match &job.state {
        JobState::Running { lease: Some(lease), .. } => Some(lease.token.to_string()),
        _ => None,
    };
    let call = ApiCall::new(FENCED.to_owned(), at).endpoint(Some(job.id.to_string()));
    Completion::new().result(&token).writing(move |t| t.record_call(&call))
}
