//! Doing what the parent says, one command a line.

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

use super::pages::limit_pages;
use super::{Database, WORK_KIND};
use crate::fact::{Fact, Refusal, tell};

/// Does what its parent says. What the store refuses is told, and the worker goes on.
#[derive(Debug, Args)]
pub struct Obey {
    /// How many threads share the store where a command can be shared out.
    #[arg(long, default_value_t = 1)]
    threads: u64,
}

/// The worker between two commands.
struct Servant<'o> {
    obey: &'o Obey,
    database: &'o Database,
    environment: Environment,
    store: Option<SqliteStore>,
    /// A connection that holds SQLite's write lock.
    lock: Option<diesel::SqliteConnection>,
    /// The file whose lock is the turn at writing.
    turn: Option<File>,
    held: Option<(JobId, FenceToken)>,
}

impl Obey {
    /// Does the duty.
    ///
    /// # Errors
    /// When a command is not understood, or the parent listens no more.
    pub fn run(&self, database: &Database) -> Result<(), Error> {
        let environment = Environment::system();
        let mut servant =
            Servant { obey: self, database, environment, store: None, lock: None, turn: None, held: None };
        tell(&Fact::Ready)?;
        for line in std::io::stdin().lock().lines() {
            servant.command(&line?)?;
            tell(&Fact::Done)?;
        }
        Ok(())
    }
}

impl Servant<'_> {
    fn command(&mut self, line: &str) -> Result<(), Error> {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["open"] => {
                let opened = self.database.open();
                self.store = refused(opened)?;
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
                match refused(counted)? {
                    Some(counts) => tell(&Fact::Counted(counts.iter().map(|count| count.jobs).sum())),
                    None => Ok(()),
                }
            }
            ["claim", lease_ms] => self.claim(Duration::from_millis(lease_ms.parse()?)),
            ["complete"] => self.complete(),
            ["maintain"] => refused(self.store()?.maintain()).map(drop),
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
            ["take-turn"] => {
                let url: SqliteUrl = self.database.url.parse()?;
                let mut name = url.path().context("a database in memory has no turns")?.as_os_str().to_owned();
                name.push("-lock");
                let turn = File::open(name)?;
                turn.lock()?;
                self.turn = Some(turn);
                Ok(())
            }
            ["end-turn"] => {
                self.turn = None;
                Ok(())
            }
            ["limit-pages", "none"] => limit_pages(None),
            ["limit-pages", pages] => limit_pages(Some(pages.parse()?)),
            // Beyond this size no file of this process may grow; see the caller for the signal.
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

    /// Enqueues so many jobs of so many bytes each, every one in a write of its own, and tries all of them even where
    /// the store refuses.
    fn enqueue(&self, jobs: u64, bytes: usize) -> Result<(), Error> {
        let (store, environment) = (self.store()?, &self.environment);
        let share = |thread: u64| jobs / self.obey.threads + u64::from(thread < jobs % self.obey.threads);
        thread::scope(|scope| {
            let threads: Vec<_> = (0..self.obey.threads)
                .map(|thread| {
                    scope.spawn(move || {
                        (0..share(thread)).try_for_each(|_| {
                            let job = job(environment, bytes)?;
                            match refused(store.write(|s| s.jobs().enqueue(&job)))? {
                                Some(_) => tell(&Fact::Enqueued(job.id)),
                                None => Ok(()),
                            }
                        })
                    })
                })
                .collect();
            threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| anyhow!("a thread panicked"))?)
        })
    }

    /// Asks for a job with each of so many dedup keys.
    fn ask_for(&self, keys: u64) -> Result<(), Error> {
        for key in 0..keys {
            let job = job(&self.environment, 2)?.dedup_key(DedupKey::new(format!("key-{key}"))?);
            match refused(self.store()?.write(|s| s.jobs().enqueue(&job)))? {
                Some(EnqueueOutcome::Created(id)) => tell(&Fact::Enqueued(id))?,
                Some(EnqueueOutcome::Duplicate(id)) => tell(&Fact::Met(id))?,
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
        let claimed = refused(self.store()?.write(|s| s.jobs().claim(&request)))?;
        let Some(job) = claimed.and_then(|mut claimed| claimed.jobs.pop()) else { return Ok(()) };
        self.held = Some((job.id, request.token));
        tell(&Fact::Claimed(job.id))
    }

    fn complete(&self) -> Result<(), Error> {
        let (id, token) = self.held.context("no job is held")?;
        let at = self.environment.now();
        let fenced = self.store()?.write(|s| s.jobs().complete(&ClaimRef { id, token }, None, at));
        match refused(fenced)? {
            Some(FencedResult::Done(())) => tell(&Fact::Completed(id)),
            Some(FencedResult::LeaseLost) => tell(&Fact::Lost(id)),
            Some(other) => bail!("{other:?}"),
            None => Ok(()),
        }
    }
}

/// A job whose payload has so many bytes.
fn job(environment: &Environment, bytes: usize) -> Result<NewJob, Error> {
    let payload = RawJson::parse(format!("\"{}\"", "x".repeat(bytes.saturating_sub(2))))?;
    Ok(NewJob::untyped(environment.job_id(), JobKind::custom(WORK_KIND)?, Some(payload), environment.now())?)
}

/// Tells what the store refuses, and goes on without.
fn refused<T>(outcome: Result<T, StoreError>) -> Result<Option<T>, Error> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) => {
            tell(&Fact::Refused(Refusal::of(&error)))?;
            Ok(None)
        }
    }
}
