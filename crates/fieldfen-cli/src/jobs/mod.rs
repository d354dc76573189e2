//! `jobs`: list, show, retry, cancel, kill, delete.

mod document;
mod enqueue;

use fieldfen_domain::job::{JobActionOutcome, JobFilter, JobKind, JobStatus};
use fieldfen_domain::operator::Action;
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{FileId, JobId};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::queue::Queue;
use fieldfen_terminal::Exit;

use crate::answer::Answer;
use crate::context::Context;
use crate::page::{List, PageArgs};
use document::JobDocument;
pub(crate) use document::{JobLine, write_table};

/// The commands of `jobs`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum JobsCommand {
    /// List jobs, the newest first
    List(ListArgs),
    /// Show one job with its payload, result and last error
    Show {
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

/// The filter of a list of jobs.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// Only jobs of this status: pending, running, completed or failed
    #[arg(long)]
    status: Option<JobStatus>,
    /// Only jobs of this kind
    #[arg(long)]
    kind: Option<JobKind>,
    /// Only jobs of this file
    #[arg(long, value_name = "ID")]
    file: Option<FileId>,
    /// Only dead letters: jobs that have failed for good or were cancelled
    #[arg(long, conflicts_with_all = ["status", "parked"])]
    dead: bool,
    /// Only jobs that are parked for an approval or a person
    #[arg(long, conflicts_with = "status")]
    parked: bool,
    #[command(flatten)]
    page: PageArgs,
}

impl ListArgs {
    fn filter(&self) -> JobFilter {
        let filter = JobFilter::new().status(self.status).kind(self.kind.clone()).file_id(self.file);
        match (self.dead, self.parked) {
            (true, _) => filter.dead_letters(),
            (_, true) => filter.parked(),
            _ => filter,
        }
    }
}

impl JobsCommand {
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<()> {
        let queue = Queue::new(context.store()?, context.environment.clone());
        match self {
            Self::List(args) => list(&queue, args, context),
            Self::Show { id } => show(&queue, id, context),
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
    let list = List::of(queue.list(&args.filter(), &args.page.request())?, JobLine::from);
    context.terminal.print_result(&list, |out| {
        write_table(list.items(), out, context.terminal)?;
        list.write_end(out, "job")
    })?;
    Ok(())
}

fn show(queue: &Queue<SqliteStore>, id: &JobId, context: &Context<'_>) -> anyhow::Result<()> {
    let job = queue.find(id)?.ok_or_else(|| Exit::NotFound.with(format!("there is no job {id}")))?;
    let document = JobDocument::from(job);
    context.terminal.print_result(&document, |out| document.write(out))?;
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
