//! `metrics`: the figures of the queue for Prometheus.

use fieldfen_services::overview::Overviews;
use fieldfen_services::prometheus::{CONTENT_TYPE, queue_text};

use crate::context::Context;

/// Prints the figures of the queue in the text format of Prometheus.
pub(crate) fn print(context: &Context<'_>) -> anyhow::Result<()> {
    let store = context.store()?;
    let costs = context.costs(&store)?;
    let figures = Overviews::new(store, context.environment.clone()).budgets(costs).figures()?;
    let text = queue_text(&figures)?;
    let document = serde_json::json!({"content_type": CONTENT_TYPE, "text": text});
    context.terminal.print_result(&document, |out| text.lines().try_for_each(|line| writeln!(out, "{line}")))?;
    Ok(())
}
