//! `upkeep run`: delete what is old, and maintain the database, once and now.

use fieldfen_domain::JobId;
use fieldfen_domain::job::JobState;
use fieldfen_services::upkeep::{self, UpkeepReport};
use fieldfen_terminal::{Exit, TextOutput};

use crate::context::Context;
use crate::shop_file;

/// The commands of `upkeep`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum UpkeepCommand {
    /// Delete what is older than the retention in fieldfen.toml, add calls to the totals of their days, truncate the
    /// log
    Run,
}

impl UpkeepCommand {
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<()> {
        let Self::Run = self;
        let rules = shop_file::rules().map_err(|error| Exit::Usage.with(error))?;
        let store = context.store()?;
        let now = context.environment.now();
        if let Some(job) = upkeep::running(&store, now)? {
            let by = match job.state {
                JobState::Running { lease: Some(lease), .. } => {
                    format!("worker {} until {}", lease.worker, lease.expires_at)
                }
                _ => "another program".to_owned(),
            };
            return Err(Exit::Refused.with(already_running(&job.id, &by)).into());
        }
        let bar = context.terminal.progress_bar(1, "upkeep");
        let done = upkeep::run(&store, now, &rules.upkeep(), || true);
        bar.finish_and_clear();
        let report = done?;
        context.terminal.print_result(&report, |out| write(&report, out, context))?;
        Ok(())
    }
}

fn already_running(job: &JobId, by: &str) -> String {
    format!("job {job} does the upkeep at this moment, claimed by {by}: see its result with `fieldfen jobs show {job}`")
}

fn write(report: &UpkeepReport, out: &mut TextOutput<'_>, context: &Context<'_>) -> std::io::Result<()> {
    let mut table = context.terminal.table(["done", "rows"]);
    for (what, rows) in [
        ("completed jobs deleted", report.completed_jobs),
        ("failed jobs deleted", report.failed_jobs),
        ("hashes of webhooks deleted", report.hashes),
        ("publications deleted", report.publications),
        ("operators' actions deleted", report.operator_actions),
        ("calls added to the totals of their days", report.rolled_up_api_calls),
        ("calls deleted", report.api_calls),
        ("rate limits deleted", report.rate_limits),
    ] {
        table.add_row([what.to_owned(), rows.to_string()]);
    }
    out.table(&table)?;
    writeln!(out, "the write-ahead log has {} bytes", report.log_bytes)?;
    match &report.log_held {
        Some(held) => writeln!(out, "{held}"),
        None => Ok(()),
    }
}
