//! `jobs`: the queries, the actions on one or several jobs, and the actions on all that match a filter.

mod act;
mod attempts;
mod bulk;
mod document;
mod enqueue;
mod errors;
mod filter;
mod kinds;
mod selection;
mod why;

use fieldfen_domain::JobId;
use fieldfen_domain::job::JobAction;
use fieldfen_persistence::SqliteStore;
use fieldfen_services::queue::Queue;
use fieldfen_terminal::Exit;

use crate::context::Context;
use crate::id_argument::IdArgument;
use crate::page::{List, PageArgs};
use act::{PriorityArgs, RescheduleArgs};
use document::JobDocument;
pub(crate) use document::{JobLine, write_table};
pub(crate) use filter::FilterArgs;
use selection::SelectionArgs;

/// The commands of `jobs`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum JobsCommand {
    /// List jobs, the newest first
    List(ListArgs),
    /// Show one job with its payload, result, last error and attempts
    Show {
        /// The id of the job
        id: IdArgument<JobId>,
    },
    /// Count the dead letters by kind and error
    Errors(errors::ErrorsArgs),
    /// Say why a job runs, or does not run, now
    Why {
        /// The id of the job
        id: IdArgument<JobId>,
    },
    /// Enqueue a job
    Enqueue(enqueue::EnqueueArgs),
    /// Show the kinds of fieldfen's own jobs, with their payloads
    Kinds,
    /// Make failed or parked jobs run again, with all their retries
    Retry(act::ActArgs),
    /// Cancel jobs: a running one is asked to stop
    Cancel(act::EndArgs),
    /// Fail running jobs at once, even if their handlers do not stop
    Kill(act::EndArgs),
    /// Give running jobs back to the queue: each runs again when its handler has ended
    Release(act::ActArgs),
    /// Delete jobs that are not running
    Delete(act::EndArgs),
    /// Set the due time of pending jobs
    Reschedule(RescheduleArgs),
    /// Make pending jobs due now
    RunNow(act::ActArgs),
    /// Enqueue new jobs with the payloads of completed or failed ones
    Requeue(act::ActArgs),
    /// Set the priority of jobs that have not completed
    Priority(PriorityArgs),
    /// Actions on all jobs that match a filter: list, show, resume
    #[command(subcommand)]
    Bulk(bulk::BulkCommand),
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
        if let Self::Kinds = self {
            return kinds::list(context);
        }
        let queue = context.queue(context.store_for(self.only_reads())?);
        let act = |action, jobs: &SelectionArgs, reason: &str| act::run(action, jobs, reason, &queue, context);
        match self {
            Self::List(args) => list(&queue, args, context),
            Self::Show { id } => show(&queue, &id.resolve(queue.store())?, context),
            Self::Errors(args) => args.run(&queue, context),
            Self::Why { id } => why::run(&queue, &id.resolve(queue.store())?, context),
            Self::Enqueue(args) => args.run(&queue, context),
            Self::Retry(args) => act(JobAction::Retry, &args.jobs, &args.reason),
            Self::Cancel(args) => act(JobAction::Cancel, &args.jobs, &args.reason),
            Self::Kill(args) => act(JobAction::Kill, &args.jobs, &args.reason),
            Self::Release(args) => act(JobAction::Release, &args.jobs, &args.reason),
            Self::Delete(args) => act(JobAction::Delete, &args.jobs, &args.reason),
            Self::Reschedule(RescheduleArgs { at, act: args }) => {
                act(JobAction::Reschedule(at.after(context.environment.now())), &args.jobs, &args.reason)
            }
            Self::RunNow(args) => act(JobAction::RunNow, &args.jobs, &args.reason),
            Self::Requeue(args) => act(JobAction::Requeue, &args.jobs, &args.reason),
            Self::Priority(PriorityArgs { to, act: args }) => {
                act(JobAction::SetPriority(*to), &args.jobs, &args.reason)
            }
            Self::Bulk(command) => command.run(queue, context),
            Self::Kinds => Ok(()),
        }
    }

    const fn only_reads(&self) -> bool {
        match self {
            Self::List(_) | Self::Show { .. } | Self::Errors(_) | Self::Why { .. } => true,
            Self::Bulk(command) => command.only_reads(),
            _ => false,
        }
    }
}

fn list(queue: &Queue<SqliteStore>, args: &ListArgs, context: &Context<'_>) -> anyhow::Result<()> {
    let filter = args.filter.resolved(queue.store())?.filter(context.environment.now());
    let list = List::of(queue.list(&filter, &args.page.request())?, JobLine::from);
    context.terminal.print_result(&list, |out| {
        write_table(list.items(), out, context.terminal)?;
        list.write_end(out, "job", "`fieldfen jobs enqueue` adds one, and `fieldfen files ingest` one for each picture")
    })?;
    Ok(())
}

fn show(queue: &Queue<SqliteStore>, id: &JobId, context: &Context<'_>) -> anyhow::Result<()> {
    let job = queue.find(id)?.ok_or_else(|| Exit::NotFound.with(format!("there is no job {id}")))?;
    let on_worker_death = queue.on_worker_death(id)?;
    let document = JobDocument::new(job, on_worker_death, queue.attempts(id)?, why::reason(queue, id, context)?);
    context.terminal.print_result(&document, |out| document.write(out, context.terminal))?;
    Ok(())
}
