//! An operator in a process that only knows the address of a shop's database.

use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::time::Duration;

use anyhow::{Context as _, Error, bail};
use clap::Args;
use fieldfen_domain::file::{File, FileEdit};
use fieldfen_domain::operator::{Action, Actor, Via};
use fieldfen_domain::store::Store as _;
use fieldfen_domain::{FileId, JobId};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;
use fieldfen_services::operator::{Operator, OperatorAnswer, QueuedRequest, RequestOutcome};

use crate::event::{Event, emit};

/// Requests one operator's action for each line of stdin, until the test closes the pipe. It reads no rules.
///
/// | command | the answer |
/// | --- | --- |
/// | `approve FILE` | the number of living workers |
/// | `wait MILLIS` | the outcome of the last request |
/// | `look FILE` | the species that the operator sees |
/// | `edit FILE SPECIES` | the number of living workers |
#[derive(Debug, Args)]
pub struct AskWorkers {
    /// The name of the operator.
    #[arg(long, default_value = "ann")]
    name: String,
}

impl AskWorkers {
    /// Runs the command to its end.
    ///
    /// # Errors
    /// An error if the store refuses a call, a command cannot be parsed, or the test has closed the pipe from stdout.
    pub fn run(&self, store: SqliteStore) -> Result<(), Error> {
        let operator = Operator::new(store.clone(), Environment::system());
        let action = Action::new(Actor::new(self.name.clone(), Via::Tool)?, "asked for from another process")?;
        let (mut last, mut seen) = (None::<JobId>, BTreeMap::<FileId, File>::new());
        emit(&Event::Ready)?;
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
                        RequestOutcome::Answered(OperatorAnswer::Done { status, jobs }) => {
                            format!("done {} {}", status.map_or("gone", |status| status.as_str()), jobs.len())
                        }
                        RequestOutcome::Answered(other) => other.to_string(),
                        RequestOutcome::TimedOut { no_worker_alive: true, .. } => "no worker is alive".to_owned(),
                        other => format!("{other:?}"),
                    }
                }
                _ => bail!("not a command of an operator: {line:?}"),
            };
            emit(&Event::Answer(said))?;
            emit(&Event::CommandDone)?;
        }
        Ok(())
    }
}

fn asked(asked: QueuedRequest, last: &mut Option<JobId>) -> String {
    *last = Some(asked.job);
    format!("{} workers are alive", asked.workers_alive)
}
