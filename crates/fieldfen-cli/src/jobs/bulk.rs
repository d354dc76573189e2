//! Actions on all jobs that match a filter: starting, following and resuming them, and their documents.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use fieldfen_domain::job::{BulkAction, JobAction, JobFilter};
use fieldfen_domain::{BulkActionId, CappedCount, RawJson, Timestamp};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::bulk_actions::{BulkActions, DryRun};
use fieldfen_services::queue::Queue;
use fieldfen_terminal::{Exit, Terminal, TextOutput};
use serde::Serialize;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::document::{JobLine, write_table};
use crate::context::Context;
use crate::json_text::JsonText;
use crate::page::{List, PageArgs};
use crate::text_width::cut;
use crate::time_argument::shown;

/// The columns of a filter in a list. `show` has the whole filter.
const FILTER: usize = 60;

/// The exit code after a second signal.
const STOPPED_BY_SIGNAL: i32 = 130;

/// The commands of `jobs bulk`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum BulkCommand {
    /// List the actions on all jobs that match a filter, the newest first
    List(PageArgs),
    /// Show one of these actions
    Show {
        /// The id of the bulk action
        id: BulkActionId,
    },
    /// Go on with an action that was stopped, or whose program has died
    Resume {
        /// The id of the bulk action
        id: BulkActionId,
    },
}

impl BulkCommand {
    pub(super) const fn only_reads(&self) -> bool {
        matches!(self, Self::List(_) | Self::Show { .. })
    }

    pub(super) fn run(&self, queue: Queue<SqliteStore>, context: &Context<'_>) -> anyhow::Result<()> {
        let bulk = BulkActions::new(queue);
        match self {
            Self::List(page) => list(&bulk, page, context),
            Self::Show { id } => {
                let row = find(&bulk, id)?;
                let left = bulk.left(&row)?;
                let document = BulkDocument::new(row, left);
                context.terminal.print_result(&document, |out| document.write(out))?;
                Ok(())
            }
            Self::Resume { id } => carry_out(&bulk, &find(&bulk, id)?, context),
        }
    }
}

fn find(bulk: &BulkActions<SqliteStore>, id: &BulkActionId) -> anyhow::Result<BulkAction> {
    Ok(bulk.find(id)?.ok_or_else(|| Exit::NotFound.with(format!("there is no bulk action {id}")))?)
}

fn list(bulk: &BulkActions<SqliteStore>, page: &PageArgs, context: &Context<'_>) -> anyhow::Result<()> {
    let page = bulk.list(&page.request())?;
    let left = page.items.iter().map(|row| bulk.left(row)).collect::<Result<Vec<_>, _>>()?;
    let mut left = left.into_iter();
    let list = List::of(page, |row| BulkDocument::new(row, left.next().unwrap_or_default()));
    context.terminal.print_result(&list, |out| {
        if !list.items().is_empty() {
            let mut table =
                context.terminal.table(["id", "action", "filter", "started", "jobs", "done", "refused", "state"]);
            list.items().iter().for_each(|action| table.add_row(action.cells()));
            out.table(&table)?;
        }
        list.write_end(
            out,
            "bulk action",
            "an action on jobs with --all is one, for example `fieldfen jobs retry --all --dead`",
        )
    })?;
    Ok(())
}

/// Counts the jobs that an action would take, and shows the first ones.
pub(super) fn dry_run(
    queue: &Queue<SqliteStore>,
    filter: &JobFilter,
    action: JobAction,
    context: &Context<'_>,
) -> anyhow::Result<()> {
    let counted = BulkActions::new(queue.clone()).dry_run(filter, action)?;
    let more = counted.possible.is_capped || counted.possible.number > counted.examples.len() as u64;
    let first = if more { format!("; the first {}:", counted.examples.len()) } else { String::new() };
    let sentence = format!("this would {} {}{first}", words(action), jobs(&counted));
    let document = DryRunDocument {
        action: action.kind().as_str(),
        possible: counted.possible,
        impossible: counted.impossible,
        examples: counted.examples.into_iter().map(JobLine::from).collect(),
    };
    context.terminal.print_result(&document, |out| document.write(out, &sentence, context.terminal))?;
    Ok(())
}

/// Asks, records a bulk action and carries it out.
pub(super) fn run(
    queue: &Queue<SqliteStore>,
    filter: &JobFilter,
    action: JobAction,
    (reason, yes): (&str, bool),
    context: &Context<'_>,
) -> anyhow::Result<()> {
    let bulk = BulkActions::new(queue.clone());
    let ordered = context.action(reason)?;
    if !yes {
        let counted = bulk.dry_run(filter, action)?;
        context.confirm(&format!("this will {} {}", words(action), jobs(&counted)), yes)?;
    }
    let started = bulk.start(filter, action, &ordered)?;
    context.terminal.print_message(&format!("bulk action {}", started.order.id));
    carry_out(&bulk, &started, context)
}

/// Carries an action out to its end, or until SIGINT or SIGTERM.
fn carry_out(bulk: &BulkActions<SqliteStore>, action: &BulkAction, context: &Context<'_>) -> anyhow::Result<()> {
    let id = &action.order.id;
    let how_to_go_on = || format!("go on with: fieldfen jobs bulk resume {id}");
    let is_stopped = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // The second signal ends the program, and so does the first one if it comes before the other line.
        flag::register_conditional_shutdown(signal, STOPPED_BY_SIGNAL, is_stopped.clone())
            .and_then(|_| flag::register(signal, is_stopped.clone()))
            .context("cannot take a signal over")?;
    }
    let bar = context.terminal.progress_bar(0, "jobs");
    if !bar.is_hidden() {
        let left = bulk.dry_run(&action.order.filter, action.order.action)?.possible;
        bar.set_length(action.progress.matched().saturating_add(left.number));
        bar.set_message(if left.is_capped { "or more" } else { "" });
    }
    let ended = bulk.resume(id, |row| {
        let matched = row.progress.matched();
        if bar.length().is_some_and(|length| length < matched) {
            bar.set_length(matched);
        }
        bar.set_position(matched);
        !is_stopped.load(Ordering::Relaxed)
    });
    bar.finish_and_clear();
    let ended = ended.with_context(how_to_go_on)?;
    let ended = ended.ok_or_else(|| Exit::NotFound.with(format!("bulk action {id} was deleted")))?;
    let left = bulk.left(&ended).with_context(how_to_go_on)?;
    let (is_finished, document) = (ended.is_finished(), BulkDocument::new(ended, left));
    context.terminal.print_result(&document, |out| writeln!(out, "{}", document.sentence()))?;
    if is_finished {
        return Ok(());
    }
    Err(Exit::NotDoneYet.with(format!("bulk action {id} was stopped: {}", how_to_go_on())).into())
}

/// The action as a verb.
pub(super) const fn words(action: JobAction) -> &'static str {
    match action {
        JobAction::Retry => "retry",
        JobAction::Cancel => "cancel",
        JobAction::Kill => "kill",
        JobAction::Release => "release",
        JobAction::Delete => "delete",
        JobAction::Reschedule(_) => "reschedule",
        JobAction::RunNow => "make due now",
        JobAction::Requeue => "enqueue anew",
        JobAction::SetPriority(_) => "set the priority of",
    }
}

/// The number of jobs as a person reads it.
fn jobs(counted: &DryRun) -> String {
    let DryRun { possible, impossible, .. } = counted;
    let noun = if possible.number == 1 && !possible.is_capped { "job" } else { "jobs" };
    if impossible.is_zero() {
        return format!("{possible} {noun}");
    }
    format!("{possible} {noun}, and leave out {impossible} whose state does not allow it")
}

/// The JSON document of a dry run.
#[derive(Debug, Serialize)]
struct DryRunDocument {
    /// The word of the action, as in `log`.
    action: &'static str,
    /// The jobs that the action would change: `number`, and `is_capped` if there may be more.
    possible: CappedCount,
    /// The jobs that match the filter, and whose state does not allow the action.
    impossible: CappedCount,
    /// The first of the possible ones, as `jobs list` shows them.
    examples: Vec<JobLine>,
}

impl DryRunDocument {
    fn write(&self, out: &mut TextOutput<'_>, sentence: &str, terminal: &Terminal) -> io::Result<()> {
        writeln!(out, "{sentence}")?;
        write_table(&self.examples, out, terminal)
    }
}

/// The JSON document of a bulk action.
#[derive(Debug, Serialize)]
struct BulkDocument {
    id: BulkActionId,
    /// The word of the action, as in `log`.
    action: &'static str,
    /// The due time of `reschedule`, the number of `set_priority`; `null` for other actions.
    argument: Option<String>,
    /// The conditions of the filter, one member for each.
    filter: JsonText,
    by: String,
    via: &'static str,
    reason: String,
    /// Jobs that came into their state later are not taken.
    started: Timestamp,
    /// The time at which no job was left; `null` while some are.
    finished: Option<Timestamp>,
    /// The jobs that matched so far: `done` and `refused` together.
    matched: u64,
    /// The jobs that are left: `number`, and `is_capped` if there may be more.
    left: CappedCount,
    /// The jobs that were changed, or asked to stop.
    done: u64,
    /// The jobs whose state, or a rule, did not allow the action.
    refused: u64,
}

impl BulkDocument {
    fn new(row: BulkAction, left: CappedCount) -> Self {
        let filter = row.order.filter.to_json().unwrap_or_else(|_| RawJson::unchecked("null".to_owned()));
        Self {
            id: row.order.id,
            action: row.order.action.kind().as_str(),
            argument: row.order.action.argument(),
            filter: JsonText(filter),
            by: row.order.ordered.by().name().to_owned(),
            via: row.order.ordered.by().via().as_str(),
            reason: row.order.ordered.reason().to_owned(),
            started: row.order.started_at,
            finished: row.progress.finished_at,
            matched: row.progress.matched(),
            left,
            done: row.progress.done,
            refused: row.progress.refused,
        }
    }

    const fn state(&self) -> &'static str {
        if self.finished.is_some() { "finished" } else { "not finished" }
    }

    /// The jobs so far and all jobs: `500 of 1000`.
    fn jobs(&self) -> String {
        let mut all = self.left;
        all.number = all.number.saturating_add(self.matched);
        format!("{} of {all}", self.matched)
    }

    fn cells(&self) -> [String; 8] {
        let (jobs, done, refused) = (self.jobs(), self.done.to_string(), self.refused.to_string());
        let (filter, started) = (cut(self.filter.0.as_str(), FILTER), shown(self.started));
        [self.id.to_string(), self.action.to_owned(), filter, started, jobs, done, refused, self.state().into()]
    }

    fn sentence(&self) -> String {
        let Self { action, done, refused, .. } = self;
        format!("{action} {}: {} jobs, {done} done, {refused} refused", self.state(), self.jobs())
    }

    fn write(&self, out: &mut TextOutput<'_>) -> io::Result<()> {
        let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
        let values = [
            ("bulk action", Some(self.id.to_string())),
            ("action", Some(self.action.to_owned())),
            ("argument", self.argument.clone()),
            ("filter", Some(self.filter.0.as_str().to_owned())),
            ("by", Some(format!("{} ({})", self.by, self.via))),
            ("reason", Some(self.reason.clone())),
            ("started", time(Some(self.started))),
            ("finished", time(self.finished)),
            ("jobs", Some(self.jobs())),
            ("done", Some(self.done.to_string())),
            ("refused", Some(self.refused.to_string())),
        ];
        for (name, value) in values {
            if let Some(value) = value {
                writeln!(out, "{name:<16} {value}")?;
            }
        }
        Ok(())
    }
}
