//! `metrics`: the figures of the queue for Prometheus.

use fieldfen_services::overview::Overviews;
use fieldfen_services::prometheus::{CONTENT_TYPE, queue_text};
use serde::Serialize;

use crate::context::Context;

/// The JSON document of the figures.
#[derive(Debug, Serialize)]
struct MetricsDocument<'a> {
    /// The content type of the text in an answer of HTTP.
    content_type: &'static str,
    text: &'a str,
}

/// Prints the figures of the queue in the text format of Prometheus.
pub(crate) fn print(context: &Context<'_>) -> anyhow::Result<()> {
    let store = context.store_to_read()?;
    let costs = context.costs(&store)?;
    let figures = Overviews::new(store, context.environment.clone()).budgets(costs).figures()?;
    let text = queue_text(&figures)?;
    let document = MetricsDocument { content_type: CONTENT_TYPE, text: &text };
    context.terminal.print_result(&document, |out| text.lines().try_for_each(|line| writeln!(out, "{line}")))?;
    Ok(())
}
