//! `recurring`: list, show, run, pause, resume, remove.

mod document;

use fieldfen_domain::UnreadableRow;
use fieldfen_domain::job::EnqueueOutcome;
use fieldfen_domain::recurring::{PauseOutcome, RecurringName};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::recurring::Recurring;
use fieldfen_terminal::Exit;
use serde::Serialize;

use crate::answer::{Answer, Outcome};
use crate::context::Context;
use document::{RecurringDocument, RecurringLine, readable_schedule, write_table};

/// The commands of `recurring`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum RecurringCommand {
    /// List recurring work with its schedule, its last and its next run
    List,
    /// Show some work with its next five runs, in UTC and local time, and its last runs with their jobs
    Show {
        /// The name of the work
        name: RecurringName,
    },
    /// Enqueue the job of some work now
    Run(WorkArgs),
    /// Enqueue no more jobs of some work until it is resumed
    Pause(WorkArgs),
    /// Resume paused work; the missed runs together make one job
    Resume(WorkArgs),
    /// Remove some work; a program, or a file, that defines it brings it back at the next start of a worker
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

impl RecurringCommand {
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<()> {
        let only_reads = matches!(self, Self::List | Self::Show { .. });
        let recurring = Recurring::new(context.store_for(only_reads)?, context.environment.clone());
        let answer = match self {
            Self::List => return list(&recurring, context),
            Self::Show { name } => return show(&recurring, name, context),
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

/// The JSON document of the list. It is no `serde_json::Value`, which would round the numbers of payloads.
#[derive(Debug, Serialize)]
struct RecurringList {
    items: Vec<RecurringLine>,
    unreadable: Vec<UnreadableRow>,
}

fn list(recurring: &Recurring<SqliteStore>, context: &Context<'_>) -> anyhow::Result<()> {
    let (items, unreadable): (Vec<_>, Vec<_>) = recurring.list()?.into_iter().partition(Result::is_ok);
    let line = |work| {
        let schedule = readable_schedule(&work);
        RecurringLine::new(work, &schedule)
    };
    let items: Vec<_> = items.into_iter().flatten().map(line).collect();
    let unreadable: Vec<_> = unreadable.into_iter().filter_map(Result::err).collect();
    let document = RecurringList { items, unreadable };
    context.terminal.print_result(&document, |out| {
        let RecurringList { items, unreadable } = &document;
        if items.is_empty() && unreadable.is_empty() {
            let how = "a section [[recurring]] of fieldfen.toml defines it when `fieldfen work` starts";
            writeln!(out, "no recurring work is defined: {how}")?;
        } else if !items.is_empty() {
            write_table(items, out, context.terminal)?;
        }
        unreadable.iter().try_for_each(|row| writeln!(out, "not readable: {row}"))
    })?;
    Ok(())
}

fn show(recurring: &Recurring<SqliteStore>, name: &RecurringName, context: &Context<'_>) -> anyhow::Result<()> {
    let found = recurring.find(name)?;
    let work = found.ok_or_else(|| Exit::NotFound.with(format!("there is no recurring work {name}")))?;
    let document = RecurringDocument::new(work, recurring.runs(name)?, context.environment.now());
    context.terminal.print_result(&document, |out| document.write(out, context.terminal))?;
    Ok(())
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
