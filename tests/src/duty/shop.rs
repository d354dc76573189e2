//! A shop whose rules stand in a `fieldfen.toml`: the worker that has them, and an operator in another process.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Error, bail};
use clap::Args;
use fieldfen_domain::file::{File, FileEdit};
use fieldfen_domain::operator::{Action, Actor, Via};
use fieldfen_domain::store::Store as _;
use fieldfen_domain::{FileId, JobId};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;
use fieldfen_services::operator::{Asked, Operator, OperatorAnswer, Waited};
use fieldfen_services::shop::ShopFile;
use fieldfen_services::worker::Worker;

use super::orders::drain_flag;
use crate::fact::{Fact, tell};

/// Runs the worker of a shop, which does what operators ask for, until the parent says so.
#[derive(Debug, Args)]
pub struct Keep {
    /// The lease of its jobs, in milliseconds.
    #[arg(long, default_value_t = 60_000)]
    lease_ms: u64,
}

impl Keep {
    /// Does the duty.
    ///
    /// # Errors
    /// When the rules cannot be followed, the worker does not start or ends by itself, or the parent listens no more.
    pub fn run(&self, file: &ShopFile, store: SqliteStore) -> Result<(), Error> {
        let draining = drain_flag(false);
        let pipeline = file.shop()?.pipeline(Environment::system())?;
        let worker =
            Worker::builder(store, Environment::system()).lease(Duration::from_millis(self.lease_ms)).threads(3);
        let worker = pipeline.serve_operators(worker).start()?;
        tell(&Fact::Ready)?;
        while !draining.load(std::sync::atomic::Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(10));
        }
        worker.stop_handle().stop();
        worker.join()?;
        Ok(())
    }
}

/// Asks the shop's workers for what the parent says, until it closes the pipe. It reads no rules.
///
/// | order | is told |
/// | --- | --- |
/// | `approve FILE` | how many workers are alive |
/// | `wait MILLIS` | what has come of the last request |
/// | `look FILE` | the species that the operator sees |
/// | `edit FILE SPECIES` | how many workers are alive |
#[derive(Debug, Args)]
pub struct Ask {
    /// Who asks.
    #[arg(long, default_value = "ann")]
    name: String,
}

impl Ask {
    /// Does the duty.
    ///
    /// # Errors
    /// When the store refuses something, an order cannot be read, or the parent listens no more.
    pub fn run(&self, store: SqliteStore) -> Result<(), Error> {
        let operator = Operator::new(store.clone(), Environment::system());
        let action = Action::new(Actor::new(self.name.clone(), Via::Tool)?, "asked for from another process")?;
        let (mut last, mut seen) = (None::<JobId>, BTreeMap::<FileId, File>::new());
        tell(&Fact::Ready)?;
        for line in std::io::stdin().lock().lines() {
            let line = line?;
            let words: Vec<&str> = line.split_whitespace().collect();
            let said = match words.as_slice() {
                ["approve", file] => asked(operator.ask(&operator.approve(&file.parse()?, &action)?)?, &mut last),
                ["edit", file, species] => {
                    let file = seen.get(&file.parse()?).context("the file was not looked at")?;
                    let request = operator.edit(&file.id, &FileEdit::new().species(*species).seen(file), &action)?;
                    asked(operator.ask(&request)?, &mut last)
                }
                ["look", file] => {
                    let id = file.parse()?;
                    let file = store.read(|s| s.files().find(&id))?.context("there is no such file")?;
                    let said = format!("{:?}", file.species.as_deref().unwrap_or_default());
                    seen.insert(file.id, file);
                    said
                }
                ["wait", millis] => {
                    let job = last.context("nothing was asked for")?;
                    match operator.wait(&job, Duration::from_millis(millis.parse()?))? {
                        Waited::Answered(OperatorAnswer::Done { status, jobs }) => {
                            format!("done {} {}", status.map_or("gone", |status| status.as_str()), jobs.len())
                        }
                        Waited::Answered(other) => other.to_string(),
                        Waited::TimedOut { no_worker_alive: true, .. } => "no worker is alive".to_owned(),
                        other => format!("{other:?}"),
                    }
                }
                _ => bail!("an operator does not know {line:?}"),
            };
            tell(&Fact::Said(said))?;
            tell(&Fact::Done)?;
        }
        Ok(())
    }
}

fn asked(asked: Asked, last: &mut Option<JobId>) -> String {
    *last = Some(asked.job);
    format!("{} workers are alive", asked.workers_alive)
}
