//! `jobs why`: the reason for which a job runs, or does not run, now.

use fieldfen_domain::JobId;
use fieldfen_domain::job::Why;
use fieldfen_persistence::SqliteStore;
use fieldfen_services::queue::Queue;
use fieldfen_services::rate_limiter::RateLimiter;
use fieldfen_terminal::Exit;
use serde::Serialize;

use crate::context::Context;

/// The JSON document of the reason.
#[derive(Debug, Serialize)]
struct WhyDocument {
    job: JobId,
    /// The reason in a sentence, for people.
    message: String,
    /// The variant in `why`, and its values.
    #[serde(flatten)]
    why: Why,
}

/// The reason of this job, with the budgets of the shop.
pub(super) fn reason(queue: &Queue<SqliteStore>, id: &JobId, context: &Context<'_>) -> anyhow::Result<Why> {
    let costs = context.costs(queue.store())?;
    let limiter = RateLimiter::new(queue.store().clone(), context.environment.clone()).budgets(costs);
    let why = queue.why_with(&limiter, id)?;
    why.ok_or_else(|| Exit::NotFound.with(format!("there is no job {id}")).into())
}

pub(super) fn run(queue: &Queue<SqliteStore>, id: &JobId, context: &Context<'_>) -> anyhow::Result<()> {
    let why = reason(queue, id, context)?;
    let document = WhyDocument { job: *id, message: why.to_string(), why };
    context.terminal.print_result(&document, |out| writeln!(out, "job {id}: {}", document.message))?;
    Ok(())
}
