//! `jobs errors`: the dead letters by error.

use std::cmp::Reverse;
use std::io;

use fieldfen_domain::job::DeadLetterGroup;
use fieldfen_domain::{JobId, Timestamp};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::queue::Queue;
use fieldfen_terminal::{Terminal, TextOutput};
use serde::Serialize;

use crate::context::Context;
use crate::time_argument::shown;

/// The part of the groups that is shown.
#[derive(Debug, clap::Args)]
pub(crate) struct ErrorsArgs {
    /// Read at most this many groups, in the order of the kinds
    #[arg(long, value_name = "GROUPS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

/// The JSON document of the dead letters of one kind and error.
#[derive(Debug, Serialize)]
struct ErrorLine {
    kind: String,
    /// The error without numbers, ids, paths and names of hosts; `null` if another program has failed the jobs.
    fingerprint: Option<String>,
    /// The number of jobs; at least so many if `more` is true.
    jobs: u32,
    more: bool,
    /// When the first of them failed.
    oldest: Option<Timestamp>,
    /// When the last of them failed.
    newest: Option<Timestamp>,
    /// The job that failed last.
    example: Option<JobId>,
}

impl From<DeadLetterGroup> for ErrorLine {
    fn from(group: DeadLetterGroup) -> Self {
        Self {
            kind: group.kind.to_string(),
            fingerprint: group.fingerprint,
            jobs: group.jobs,
            more: group.has_more,
            oldest: group.oldest,
            newest: group.newest,
            example: group.example,
        }
    }
}

/// The JSON document of the groups, those with the most jobs first.
#[derive(Debug, Serialize)]
struct Errors {
    items: Vec<ErrorLine>,
    /// Whether there are more groups than the limit.
    more: bool,
}

impl Errors {
    fn write(&self, out: &mut TextOutput<'_>, terminal: &Terminal) -> io::Result<()> {
        if self.items.is_empty() {
            return writeln!(
                out,
                "no dead letters: a job that fails for good is one; `fieldfen jobs list` shows all jobs"
            );
        }
        let mut table = terminal.table(["jobs", "kind", "error", "oldest", "newest", "example"]);
        for line in &self.items {
            table.add_row([
                format!("{}{}", line.jobs, if line.more { "+" } else { "" }),
                line.kind.clone(),
                line.fingerprint.clone().unwrap_or_else(|| "(without fingerprint)".to_owned()),
                line.oldest.map(shown).unwrap_or_default(),
                line.newest.map(shown).unwrap_or_default(),
                line.example.map(|id| id.to_string()).unwrap_or_default(),
            ]);
        }
        out.table(&table)?;
        if self.more {
            writeln!(out, "more follow: use a larger --limit")?;
        }
        writeln!(out, "the jobs of a group: fieldfen jobs list --dead --kind KIND --fingerprint ERROR")
    }
}

impl ErrorsArgs {
    pub(super) fn run(&self, queue: &Queue<SqliteStore>, context: &Context<'_>) -> anyhow::Result<()> {
        let mut groups = queue.dead_letters_by_error(self.limit.saturating_add(1))?;
        let limit = usize::try_from(self.limit)?;
        let more = groups.len() > limit;
        groups.truncate(limit);
        groups.sort_by_key(|group| (Reverse(group.has_more), Reverse(group.jobs)));
        let errors = Errors { items: groups.into_iter().map(ErrorLine::from).collect(), more };
        context.terminal.print_result(&errors, |out| errors.write(out, context.terminal))?;
        Ok(())
    }
}
