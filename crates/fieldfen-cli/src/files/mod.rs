//! `files`: list, show, ingest, approve, reject, fail, retry, edit, delete.

mod document;
mod edit;
mod ingest;

use fieldfen_domain::file::{Arrival, Deletion, FileFilter, FileStatus};
use fieldfen_domain::job::InvalidJob;
use fieldfen_domain::operator::Action;
use fieldfen_domain::{FileId, PageRequest};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::files::Files;
use fieldfen_services::operator::{Operator, Request};
use fieldfen_services::publications::Publications;
use fieldfen_services::queue::Queue;
use fieldfen_terminal::Exit;

use crate::answer::{Answer, WaitArgs};
use crate::context::Context;
use crate::id_argument::IdArgument;
use crate::page::{List, PageArgs};
use crate::time_argument::TimeArgument;
use document::{FileDocument, FileLine};

/// The largest number of history entries that `show` reads.
const HISTORY: u32 = 200;

/// The commands of `files`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum FilesCommand {
    /// List files, the newest first
    List(ListArgs),
    /// Show one file with its history, jobs, listings and posts
    Show {
        /// The id of the file, or its first 8 or more digits
        id: IdArgument<FileId>,
    },
    /// Take pictures in: each becomes a file, and its first job is enqueued
    Ingest(ingest::IngestArgs),
    /// Approve a processed file for sale
    Approve(ActionArgs),
    /// Reject a file that awaits approval, or an approved one without listings
    Reject(ReasonedArgs),
    /// Fail a file in any status, and stop its jobs
    Fail(ReasonedArgs),
    /// Retry a failed file from the step that failed
    Retry(ActionArgs),
    /// Change the details of a file
    Edit(edit::EditArgs),
    /// Delete a file with its jobs, history, publications, listings and posts
    Delete {
        #[command(flatten)]
        file: ReasonedArgs,
        /// Delete it even if listings are live
        #[arg(long)]
        force: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// An action on a file whose reason may be left out.
#[derive(Debug, clap::Args)]
pub(crate) struct ActionArgs {
    /// The id of the file, or its first 8 or more digits
    id: IdArgument<FileId>,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "no reason given")]
    reason: String,
    #[command(flatten)]
    wait: WaitArgs,
}

/// An action on a file that needs a reason.
#[derive(Debug, clap::Args)]
pub(crate) struct ReasonedArgs {
    /// The id of the file, or its first 8 or more digits
    id: IdArgument<FileId>,
    /// Why; people read it in the history of the file
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    wait: WaitArgs,
}

/// The filter of a list of files.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// Only files of this status: ingested, processing, processed, approved, published or failed
    #[arg(long)]
    status: Option<FileStatus>,
    /// Only files of this species, for example whitetail-deer
    #[arg(long)]
    species: Option<String>,
    /// Only files that arrived at this time or later, or in this span: 2026-11-26T09:00:00Z, 2h, 3d
    #[arg(long, value_name = "TIME")]
    since: Option<TimeArgument>,
    /// Only files that arrived before this time
    #[arg(long, value_name = "TIME")]
    until: Option<TimeArgument>,
    #[command(flatten)]
    page: PageArgs,
}

impl FilesCommand {
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<()> {
        let only_reads = matches!(self, Self::List(_) | Self::Show { .. });
        let store = context.store_for(only_reads)?;
        let operator = Operator::new(store.clone(), context.environment.clone());
        match self {
            Self::List(args) => list(&store, args, context),
            Self::Show { id } => show(&store, &id.resolve(&store)?, context),
            Self::Ingest(args) => ingest::run(&Files::new(store, context.environment.clone()), args, context),
            Self::Edit(args) => edit::run(&store, &operator, args, context),
            Self::Approve(ActionArgs { id, reason, wait }) => {
                act(context, &operator, (&id.resolve_existing(&store)?, reason, *wait), |id, action| {
                    operator.approve(id, action)
                })
            }
            Self::Retry(ActionArgs { id, reason, wait }) => {
                act(context, &operator, (&id.resolve_existing(&store)?, reason, *wait), |id, action| {
                    operator.retry(id, action)
                })
            }
            Self::Reject(ReasonedArgs { id, reason, wait }) => {
                act(context, &operator, (&id.resolve_existing(&store)?, reason, *wait), |id, action| {
                    operator.reject(id, action)
                })
            }
            Self::Fail(ReasonedArgs { id, reason, wait }) => {
                act(context, &operator, (&id.resolve_existing(&store)?, reason, *wait), |id, action| {
                    operator.fail(id, action)
                })
            }
            Self::Delete { file: ReasonedArgs { id, reason, wait }, force, yes } => {
                let id = &id.resolve_existing(&store)?;
                context.confirm(
                    &format!("this deletes file {id} with its jobs, publications, listings and posts"),
                    *yes,
                )?;
                let deletion = if *force { Deletion::Forced } else { Deletion::KeepLiveListings };
                act(context, &operator, (id, reason, *wait), |id, action| operator.delete(id, deletion, action))
            }
        }
    }
}

/// Asks a worker for an action on a file, and prints its answer.
fn act(
    context: &Context<'_>,
    operator: &Operator<SqliteStore>,
    (id, reason, wait): (&FileId, &str, WaitArgs),
    request: impl FnOnce(&FileId, &Action) -> Result<Request, InvalidJob>,
) -> anyhow::Result<()> {
    let request = request(id, &context.action(reason)?)?;
    Answer::of_request(operator, format_args!("file {id}"), &request, (wait, context))?.print(context)
}

fn list(store: &SqliteStore, args: &ListArgs, context: &Context<'_>) -> anyhow::Result<()> {
    let now = context.environment.now();
    let time = |argument: Option<TimeArgument>| argument.map(|argument| argument.before(now));
    let arrival = (args.since.is_some() || args.until.is_some())
        .then(|| Arrival::Window { since: time(args.since), before: time(args.until) });
    let filter = FileFilter::new().status(args.status).species(args.species.clone()).arrival(arrival);
    let files = Files::new(store.clone(), context.environment.clone());
    let list = List::of(files.list(&filter, &args.page.request())?, FileLine::from);
    context.terminal.print_result(&list, |out| {
        if !list.items().is_empty() {
            let mut table = context.terminal.table(["id", "name", "status", "species", "arrived"]);
            for file in list.items() {
                table.add_row(file.cells());
            }
            out.table(&table)?;
        }
        list.write_end(out, "file", "`fieldfen files ingest` takes pictures in")
    })?;
    Ok(())
}

fn show(store: &SqliteStore, id: &FileId, context: &Context<'_>) -> anyhow::Result<()> {
    let files = Files::new(store.clone(), context.environment.clone());
    let file = files.find(id)?.ok_or_else(|| Exit::NotFound.with(format!("there is no file {id}")))?;
    let history = files.history(id, &PageRequest::first(HISTORY))?;
    let jobs = Queue::new(store.clone(), context.environment.clone())
        .list(&fieldfen_domain::job::JobFilter::new().file_id(*id), &PageRequest::first(HISTORY))?;
    let platforms = Publications::new(store.clone(), context.environment.clone()).list_by_file(id)?;
    let document = FileDocument::new(file, history, jobs, platforms);
    context.terminal.print_result(&document, |out| document.write(out, context.terminal))?;
    Ok(())
}
