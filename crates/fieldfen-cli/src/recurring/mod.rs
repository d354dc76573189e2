//! `recurring`: list, run, pause, resume, remove.

use fieldfen_domain::Timestamp;
use fieldfen_domain::job::EnqueueOutcome;
use fieldfen_domain::recurring::{PauseOutcome, RecurringJob, RecurringName};
use fieldfen_services::recurring::Recurring;
use serde::Serialize;

use crate::answer::{Answer, Outcome};
use crate::context::Context;
use crate::json_text::JsonText;
use crate::time_argument::shown;

/// The commands of `recurring`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum RecurringCommand {
    /// List recurring work with its schedule, its last and its next run
    List,
    /// Enqueue the job of some work now
    Run(WorkArgs),
    /// Enqueue no more jobs of some work until it is resumed
    Pause(WorkArgs),
    /// Resume paused work; the missed runs together make one job
    Resume(WorkArgs),
    /// Remove some work; the program that defines it at its start brings it back
    Remove {
        #[command(flatten)]
        work: WorkArgs,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Some recurring work.
#[derive(Debug, clap::Args)]
pub(crate) struct WorkArgs {
    /// The name of the work
    name: RecurringName,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "no reason given")]
    reason: String,
}

/// The JSON document of recurring work.
#[derive(Debug, Serialize)]
struct RecurringLine {
    name: String,
    /// As crontab has it.
    schedule: String,
    kind: String,
    payload: Option<JsonText>,
    next: Timestamp,
    last: Option<Timestamp>,
    /// Since when it is paused; `null` if it is not.
    paused: Option<Timestamp>,
}

impl From<RecurringJob> for RecurringLine {
    fn from(work: RecurringJob) -> Self {
        Self {
            name: work.name.to_string(),
            schedule: work.schedule,
            kind: work.kind.to_string(),
            payload: work.payload.map(JsonText),
            next: work.next_at,
            last: work.last_at,
            paused: work.paused_at,
        }
    }
}

impl RecurringCommand {
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<()> {
        let recurring = Recurring::new(context.store()?, context.environment.clone());
        let answer = match self {
            Self::List => {
                let (items, unreadable): (Vec<_>, Vec<_>) = recurring.list()?.into_iter().partition(Result::is_ok);
                let items: Vec<_> = items.into_iter().flatten().map(RecurringLine::from).collect();
                let unreadable: Vec<_> = unreadable.into_iter().filter_map(Result::err).collect();
                let document = serde_json::json!({"items": items, "unreadable": unreadable});
                context.terminal.print_result(&document, |out| {
                    let mut table = context.terminal.table(["name", "schedule", "kind", "last", "next"]);
                    for work in &items {
                        let last = work.last.map_or_else(|| "never".to_owned(), shown);
                        let next =
                            work.paused.map_or_else(|| shown(work.next), |at| format!("paused since {}", shown(at)));
                        table.add_row([&work.name, &work.schedule, &work.kind, &last, &next]);
                    }
                    if items.is_empty() {
                        writeln!(out, "no recurring work is defined")?;
                    } else {
                        out.table(&table)?;
                    }
                    unreadable.iter().try_for_each(|row| writeln!(out, "not readable: {row}"))
                })?;
                return Ok(());
            }
            Self::Run(WorkArgs { name, reason }) => match recurring.run_now(name, &context.action(reason)?)? {
                Some(EnqueueOutcome::Created(job)) => (name, Outcome::Done, format!("enqueued as job {job}")),
                Some(EnqueueOutcome::Duplicate(job)) => {
                    (name, Outcome::Unchanged, format!("job {job} of this work has not ended"))
                }
                None => not_found(name),
            },
            Self::Pause(WorkArgs { name, reason }) => {
                paused(name, recurring.pause(name, &context.action(reason)?)?, "paused", "it is paused already")
            }
            Self::Resume(WorkArgs { name, reason }) => {
                paused(name, recurring.resume(name, &context.action(reason)?)?, "resumed", "it is not paused")
            }
            Self::Remove { work: WorkArgs { name, reason }, yes } => {
                context.confirm(&format!("this removes the recurring work {name}"), *yes)?;
                if recurring.remove(name, &context.action(reason)?)? {
                    (name, Outcome::Done, "removed".to_owned())
                } else {
                    not_found(name)
                }
            }
        };
        let (name, outcome, message) = answer;
        Answer::new(format_args!("recurring work {name}"), outcome, message).print(context)
    }
}

fn paused<'n>(
    name: &'n RecurringName,
    outcome: PauseOutcome,
    done: &str,
    unchanged: &str,
) -> (&'n RecurringName, Outcome, String) {
    match outcome {
        PauseOutcome::Done => (name, Outcome::Done, done.to_owned()),
        PauseOutcome::Unchanged => (name, Outcome::Unchanged, unchanged.to_owned()),
        PauseOutcome::NotFound => not_found(name),
    }
}

fn not_found(name: &RecurringName) -> (&RecurringName, Outcome, String) {
    (name, Outcome::NotFound, "there is no such work".to_owned())
}
