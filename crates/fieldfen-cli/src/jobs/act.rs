//! The actions on jobs: on one, on several, and on all that match a filter.

use fieldfen_domain::job::{JobAction, JobActionOutcome, JobStatus, Priority};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::queue::{Queue, QueueError};

use super::bulk;
use super::enqueue::priority;
use super::selection::{Selection, SelectionArgs};
use crate::answer::{Answer, Outcome, print_all};
use crate::context::Context;
use crate::time_argument::TimeArgument;

/// An action that takes nothing away.
#[derive(Debug, clap::Args)]
pub(crate) struct ActArgs {
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "no reason given")]
    pub(super) reason: String,
    #[command(flatten)]
    pub(super) jobs: SelectionArgs,
}

/// An action that takes something away.
#[derive(Debug, clap::Args)]
pub(crate) struct EndArgs {
    /// Why; it becomes the last error of a job that is cancelled or killed
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: String,
    #[command(flatten)]
    pub(super) jobs: SelectionArgs,
}

/// Another due time.
#[derive(Debug, clap::Args)]
pub(crate) struct RescheduleArgs {
    /// The new due time, or a span from now: 2026-11-26T09:00:00Z, 15m, 2h, 3d
    #[arg(long, value_name = "TIME")]
    pub(super) at: TimeArgument,
    #[command(flatten)]
    pub(super) act: ActArgs,
}

/// Another priority.
#[derive(Debug, clap::Args)]
pub(crate) struct PriorityArgs {
    /// 0 is urgent, 1 high, 2 normal, 3 low
    #[arg(long, value_name = "0-3", value_parser = priority)]
    pub(super) to: Priority,
    #[command(flatten)]
    pub(super) act: ActArgs,
}

/// Carries an action out on the jobs of a selection.
pub(super) fn run(
    action: JobAction,
    jobs: &SelectionArgs,
    reason: &str,
    queue: &Queue<SqliteStore>,
    context: &Context<'_>,
) -> anyhow::Result<()> {
    let ids = match jobs.selection(queue.store(), context)? {
        Selection::Ids(ids) => ids,
        Selection::All(filter) => return bulk::run(queue, &filter, action, (reason, jobs.yes), context),
        Selection::Count(filter) => return bulk::dry_run(queue, &filter, action, context),
    };
    if action == JobAction::Delete {
        let what = match &*ids {
            [id] => format!("this deletes job {id}"),
            _ => format!("this deletes {} jobs", ids.len()),
        };
        context.confirm(&what, jobs.yes)?;
    }
    let ordered = context.action(reason)?;
    let mut answers = Vec::with_capacity(ids.len());
    for id in &ids {
        answers.push(match queue.apply(id, action, &ordered) {
            Ok(JobActionOutcome::Refused { status: JobStatus::Failed }) if action == JobAction::Requeue => {
                Answer::new(format_args!("job {id}"), Outcome::Refused, "refused: the job is parked, retry it instead")
            }
            Ok(outcome) => Answer::of_job(id, done(action), outcome),
            Err(QueueError::Job(error)) => {
                Answer::new(format_args!("job {id}"), Outcome::Refused, format!("refused: {error}"))
            }
            Err(error) => return Err(error.into()),
        });
    }
    print_all(answers, context)
}

/// The action as a participle.
const fn done(action: JobAction) -> &'static str {
    match action {
        JobAction::Retry => "retried",
        JobAction::Cancel => "cancelled",
        JobAction::Kill => "killed",
        JobAction::Release => "released",
        JobAction::Delete => "deleted",
        JobAction::Reschedule(_) => "rescheduled",
        JobAction::RunNow => "due now",
        JobAction::Requeue => "enqueued anew",
        JobAction::SetPriority(_) => "priority set",
    }
}
