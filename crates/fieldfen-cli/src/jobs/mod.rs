//! `jobs`: list, show, why, errors, enqueue, retry, cancel, kill, delete.

mod attempts;
mod document;
mod enqueue;
mod errors;
mod filter;
mod why;

use fieldfen_domain::JobId;
use fieldfen_domain::job::JobActionOutcome;
use fieldfen_domain::operator::Action;
use fieldfen_domain::store::StoreError;
use fieldfen_persistence::SqliteStore;
use fieldfen_services::queue::Queue;
use fieldfen_terminal::Exit;

use crate::answer::Answer;
use crate::context::Context;
use crate::page::{List, PageArgs};
use document::JobDocument;
pub(crate) use document::{JobLine, write_table};
pub(crate) use filter::FilterArgs;

/// The commands of `jobs`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum JobsCommand {
    /// List jobs, the newest first
    List(ListArgs),
    /// Show one job with its payload, result, last error and attempts
    Show {
        /// The id of the job
        id: JobId,
    },
    /// Count the dead letters by kind and error
    Errors(errors::ErrorsArgs),
    /// Say why a job runs, or does not run, now
    Why {
        /// The id of the job
        id: JobId,
    },
    /// Enqueue a job
    Enqueue(enqueue::EnqueueArgs),
    /// Make a failed or parked job run again, with all its retries
    Retry {
        #[command(flatten)]
        job: JobArgs,
        /// Why
        #[arg(long, value_name = "TEXT", default_value = "no reason given")]
        reason: String,
    },
    /// Cancel a job: a running one is asked to stop
    Cancel {
        #[command(flatten)]
        job: JobArgs,
        /// Why; it becomes the last error of the job
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Fail a running job at once, even if its handler does not stop
    Kill {
        #[command(flatten)]
        job: JobArgs,
        /// Why; it becomes the last error of the job
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Delete a job that is not running
    Delete {
        #[command(flatten)]
        job: JobArgs,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// One job.
#[derive(Debug, clap::Args)]
pub(crate) struct JobArgs {
    /// The id of the job
    id: JobId,
}

/// The filter of a list of jobs, and the part that is shown.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    page: PageArgs,
}

impl JobsCommand {
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<()> {
        let queue = Queue::new(context.store()?, context.environment.clone());
        match self {
            Self::List(args) => list(&queue, args, context),
            Self::Show { id } => show(&queue, id, context),
            Self::Errors(args) => args.run(&queue, context),
            Self::Why { id } => why::run(&queue, id, context),
            Self::Enqueue(args) => args.run(&queue, context),
            Self::Retry { job, reason } => act(context, job, "retried", reason, |id, action| queue.retry(id, action)),
            Self::Cancel { job, reason } => {
                act(context, job, "cancelled", reason, |id, action| queue.cancel(id, action))
            }
            Self::Kill { job, reason } => act(context, job, "killed", reason, |id, action| queue.kill(id, action)),
            Self::Delete { job, reason, yes } => {
                context.confirm(&format!("this deletes job {}", job.id), *yes)?;
                act(context, job, "deleted", reason, |id, action| queue.delete(id, action))
            }
        }
    }
}

fn list(queue: &Queue<SqliteStore>, args: &ListArgs, context: &Context<'_>) -> anyhow::Result<()> {
    let filter = args.filter.filter(context.environment.now());
    let list = List::of(queue.list(&filter, &args.page.request())?, JobLine::from);
    context.terminal.print_result(&list, |out| {
        write_table(list.items(), out, context.terminal)?;
        list.write_end(out, "job")
    })?;
    Ok(())
}

fn show(queue: &Queue<SqliteStore>, id: &JobId, context: &Context<'_>) -> anyhow::Result<()> {
    let job = queue.find(id)?.ok_or_else(|| Exit::NotFound.with(format!("there is no job {id}")))?;
    let document = JobDocument::new(job, queue.attempts(id)?, why::reason(queue, id, context)?);
    context.terminal.print_result(&document, |out| document.write(out, context.terminal))?;
    Ok(())
}

fn act(
    context: &Context<'_>,
    job: &JobArgs,
    verb: &str,
    reason: &str,
    act: impl FnOnce(&JobId, &Action) -> Result<JobActionOutcome, StoreError>,
) -> anyhow::Result<()> {
    let outcome = act(&job.id, &context.action(reason)?)?;
    Answer::of_job(&job.id, verb, outcome).print(context)
}
