//! The jobs on which a command acts: by id, or all that match a filter.

use fieldfen_domain::JobId;
use fieldfen_domain::job::JobFilter;
use fieldfen_persistence::SqliteStore;
use fieldfen_terminal::Exit;

use super::filter::FilterArgs;
use crate::context::Context;
use crate::id_argument::IdArgument;

/// The ids of jobs, or a filter with `--all`.
#[derive(Debug, clap::Args)]
pub(crate) struct SelectionArgs {
    /// The ids of the jobs
    #[arg(value_name = "ID")]
    ids: Vec<IdArgument<JobId>>,
    /// All jobs that match the filter below; all jobs if there is none
    #[arg(long)]
    all: bool,
    /// With --all: count the jobs, show the first ones, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub(super) yes: bool,
    #[command(flatten, next_help_heading = "Filter, with --all")]
    filter: FilterArgs,
}

/// The jobs on which a command acts.
pub(super) enum Selection {
    Ids(Vec<JobId>),
    /// All jobs that match now.
    All(JobFilter),
    /// As `All`, and the command only counts them.
    Count(JobFilter),
}

impl SelectionArgs {
    pub(super) fn selection(&self, store: &SqliteStore, context: &Context<'_>) -> anyhow::Result<Selection> {
        let filter = self.filter.resolved(store)?.filter(context.environment.now());
        let error = match (self.all, &*self.ids) {
            (true, []) if self.dry_run => return Ok(Selection::Count(filter)),
            (true, []) => return Ok(Selection::All(filter)),
            (true, [..]) => "give either --all or ids of jobs",
            (false, _) if filter != JobFilter::new() => "a filter selects jobs only with --all, and without ids",
            (false, _) if self.dry_run => "--dry-run counts jobs only with --all",
            (false, []) => "give the ids of jobs, or --all and a filter",
            (false, ids) => {
                let ids = ids.iter().map(|id| id.resolve(store));
                return Ok(Selection::Ids(ids.collect::<anyhow::Result<_>>()?));
            }
        };
        Err(Exit::Usage.with(error).into())
    }
}
