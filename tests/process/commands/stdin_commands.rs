//! One command for each line of stdin, such as `enqueue 300 10`.

use std::fs::File;
use std::io::BufRead;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Error, anyhow, bail};
use clap::Args;
use diesel::connection::SimpleConnection;
use fieldfen_domain::job::{
    ClaimRef, ClaimRequest, DedupKey, EnqueueOutcome, FencedResult, JobKind, NewJob, WorkerName,
};
use fieldfen_domain::store::{Store as _, StoreError};
use fieldfen_domain::{FenceToken, JobId, RawJson};
use fieldfen_persistence::{OpenMode, SqliteStore, SqliteUrl, connect};
use fieldfen_services::Environment;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::page_limit::limit_pages;
use super::{Database, WORK_KIND};
use crate::event::{Event, StoreFailure, emit};

/// Runs one command for each line of stdin. An error of the store is an event, and the process goes on.
#[derive(Debug, Args)]
pub struct Interpret {
    /// The number of threads that share the jobs of an `enqueue`.
    #[arg(long, default_value_t = 1)]
    threads: u64,
}

/// The state between two commands.
struct Interpreter<'c> {
    command: &'c Interpret,
    database: &'c Database,
    environment: Environment,
    store: Option<SqliteStore>,
    /// A connection that holds SQLite's write lock.
    lock: Option<diesel::SqliteConnection>,
    /// The file whose lock is the fair lock of writers.
    fairness_lock: Option<File>,
    held: Option<(JobId, FenceToken)>,
}

impl Interpret {
    /// Runs the command to its end.
    ///
    /// # Errors
    /// An error if a command is not understood, or the test has closed the pipe from stdout.
    pub fn run(&self, database: &Database) -> Result<(), Error> {
        let environment = Environment::system();
        let mut interpreter = Interpreter {
            command: self,
            database,
            environment,
            store: None,
            lock: None,
            fairness_lock: None,
            held: None,
        };
        emit(&Event::Ready)?;
        for line in std::io::stdin().lock().lines() {
            interpreter.run(&line?)?;
            emit(&Event::CommandDone)?;
        }
        Ok(())
    }
}

impl Interpreter<'_> {
    fn run(&mut self, line: &str) -> Result<(), Error> {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["open"] => {
                let opened = self.database.open();
                self.store = emit_failure(opened)?;
                Ok(())
            }
            ["close"] => {
                self.store = None;
                Ok(())
            }
            ["enqueue", jobs, bytes] => self.enqueue(jobs.parse()?, bytes.parse()?),
            ["ask-for", keys] => self.ask_for(keys.parse()?),
            ["count"] => {
                let counted = self.store()?.read(|s| s.jobs().count());
                match emit_failure(counted)? {
                    Some(counts) => emit(&Event::Counted(counts.iter().map(|count| count.jobs).sum())),
                    None => Ok(()),
                }
            }
            ["claim", lease_ms] => self.claim(Duration::from_millis(lease_ms.parse()?)),
            ["complete"] => self.complete(),
            ["maintain"] => emit_failure(self.store()?.maintain()).map(drop),
            ["lock"] => {
                let url: SqliteUrl = self.database.url.parse()?;
                let mut conn = connect(&url, OpenMode::ExistingOnly)?;
                conn.batch_execute("BEGIN IMMEDIATE; UPDATE jobs SET status = status")?;
                self.lock = Some(conn);
                Ok(())
            }
            ["unlock"] => {
                let mut conn = self.lock.take().context("no lock is held")?;
                Ok(conn.batch_execute("ROLLBACK")?)
            }
            ["take-fairness-lock"] => {
                let url: SqliteUrl = self.database.url.parse()?;
                let mut name = url.path().context("a database in memory has no fairness lock")?.as_os_str().to_owned();
                name.push("-lock");
                let lock = File::open(name)?;
                lock.lock()?;
                self.fairness_lock = Some(lock);
                Ok(())
            }
            ["release-fairness-lock"] => {
                self.fairness_lock = None;
                Ok(())
            }
            ["limit-pages", "none"] => limit_pages(None),
            ["limit-pages", pages] => limit_pages(Some(pages.parse()?)),
            // No file of this process may grow beyond this size. The caller handles the signal.
            ["limit-files", bytes] => {
                let now = getrlimit(Resource::Fsize);
                let current = match *bytes {
                    "none" => now.maximum,
                    bytes => Some(bytes.parse()?),
                };
                Ok(setrlimit(Resource::Fsize, Rlimit { current, maximum: now.maximum })?)
            }
            _ => bail!("not a command: {line:?}"),
        }
    }

    fn store(&self) -> Result<&SqliteStore, Error> {
        self.store.as_ref().context("the store is not open")
    }

    /// Enqueues this many jobs with payloads of this many bytes, each in its own write. Tries all of them, even if the
    /// store refuses some.
    fn enqueue(&self, jobs: u64, bytes: usize) -> Result<(), Error> {
        let (store, environment) = (self.store()?, &self.environment);
        let share = |thread: u64| jobs / self.command.threads + u64::from(thread < jobs % self.command.threads);
        thread::scope(|scope| {
            let threads: Vec<_> = (0..self.command.threads)
                .map(|thread| {
                    scope.spawn(move || {
                        (0..share(thread)).try_for_each(|_| {
                            let job = job(environment, bytes)?;
                            match emit_failure(store.write(|s| s.jobs().enqueue(&job)))? {
                                Some(_) => emit(&Event::Enqueued(job.id)),
                                None => Ok(()),
                            }
                        })
                    })
                })
                .collect();
            threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| anyhow!("a thread panicked"))?)
        })
    }

    /// Enqueues a job with each of this many dedup keys.
    fn ask_for(&self, keys: u64) -> Result<(), Error> {
        for key in 0..keys {
            let job = job(&self.environment, 2)?.dedup_key(DedupKey::new(format!("key-{key}"))?);
            match emit_failure(self.store()?.write(|s| s.jobs().enqueue(&job)))? {
                Some(EnqueueOutcome::Created(id)) => emit(&Event::Enqueued(id))?,
                Some(EnqueueOutcome::Duplicate(id)) => emit(&Event::AlreadyEnqueued(id))?,
                None => {}
            }
        }
        Ok(())
    }

    fn claim(&mut self, lease: Duration) -> Result<(), Error> {
        let request = ClaimRequest::new(
            [JobKind::custom(WORK_KIND)?].into(),
            1,
            self.environment.token(),
            self.environment.now(),
            lease,
            WorkerName::new(std::process::id().to_string()),
        )
        .limits(std::collections::BTreeMap::new())
        .alone(true);
        let claimed = emit_failure(self.store()?.write(|s| s.jobs().claim(&request)))?;
        let Some(job) = claimed.and_then(|mut claimed| claimed.jobs.pop()) else { return Ok(()) };
        self.held = Some((job.id, request.token));
        emit(&Event::Claimed(job.id))
    }

    fn complete(&self) -> Result<(), Error> {
        let (id, token) = self.held.context("no job is held")?;
        let at = self.environment.now();
        let fenced = self.store()?.write(|s| s.jobs().complete(&ClaimRef { id, token }, None, at));
        match emit_failure(fenced)? {
            Some(FencedResult::Done(())) => emit(&Event::Completed(id)),
            Some(FencedResult::LeaseLost) => emit(&Event::LeaseLost(id)),
            Some(other) => bail!("{other:?}"),
            None => Ok(()),
        }
    }
}

/// A job with a payload of this many bytes.
fn job(environment: &Environment, bytes: usize) -> Result<NewJob, Error> {
    let payload = RawJson::parse(format!("\"{}\"", "x".repeat(bytes.saturating_sub(2))))?;
    Ok(NewJob::untyped(environment.job_id(), JobKind::custom(WORK_KIND)?, Some(payload), environment.now())?)
}

/// Emits an error of the store as an event; the process goes on without the value.
fn emit_failure<T>(outcome: Result<T, StoreError>) -> Result<Option<T>, Error> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) => {
            emit(&Event::StoreFailed(StoreFailure::of(&error)))?;
            Ok(None)
        }
    }
}
