//! `log`: the actions of operators.

use fieldfen_domain::Timestamp;
use fieldfen_domain::operator::{ActionKind, OperatorAction, OperatorActionFilter, Subject, SubjectKind};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::operator_actions::OperatorActions;
use fieldfen_terminal::Exit;
use serde::Serialize;

use crate::context::Context;
use crate::id_argument::{IdArgument, RowId};
use crate::page::{List, PageArgs};
use crate::time_argument::{TimeArgument, shown};

/// List the actions of operators, the newest first
#[derive(Debug, clap::Args)]
pub(crate) struct LogArgs {
    /// Only actions on this subject: a kind such as file, job or publication, and its id, or its first 8 or more digits
    #[arg(long, num_args = 2, value_names = ["KIND", "ID"])]
    subject: Option<Vec<String>>,
    /// Only actions of this operator
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Only actions of this kind, for example approve, retry or pause
    #[arg(long)]
    action: Option<ActionKind>,
    /// Only actions at this time or later, or in this span: 2026-11-26T09:00:00Z, 2h, 3d
    #[arg(long, value_name = "TIME")]
    since: Option<TimeArgument>,
    /// Only actions before this time
    #[arg(long, value_name = "TIME")]
    until: Option<TimeArgument>,
    #[command(flatten)]
    page: PageArgs,
}

/// The JSON document of an action.
#[derive(Debug, Serialize)]
struct ActionLine {
    id: String,
    at: Timestamp,
    by: String,
    /// `library`, `tool` or `console`.
    via: &'static str,
    action: &'static str,
    /// `file`, `job`, `publication`, `listing`, `social_post`, `recurring`, `delivery`, `kind`, `service`, `account` or
    /// `bulk`.
    subject_kind: &'static str,
    subject: String,
    /// `done`, `requested`, `unchanged`, `refused` or `not_found`.
    outcome: &'static str,
    reason: String,
}

impl From<OperatorAction> for ActionLine {
    fn from(action: OperatorAction) -> Self {
        Self {
            id: action.id.to_string(),
            at: action.at,
            by: action.action.by().name().to_owned(),
            via: action.action.by().via().as_str(),
            action: action.kind.as_str(),
            subject_kind: action.subject.noun(),
            subject: action.subject.id(),
            outcome: action.outcome.as_str(),
            reason: action.action.reason().to_owned(),
        }
    }
}

/// The subject of this kind with this id, or with the id that begins with these digits.
fn subject(kind: &str, id: &str, store: &SqliteStore) -> anyhow::Result<Subject> {
    fn whole<T: RowId>(id: &str, store: &SqliteStore) -> anyhow::Result<T> {
        id.parse::<IdArgument<T>>().map_err(|error| Exit::Usage.with(error))?.resolve(store)
    }

    let kind: SubjectKind = match kind {
        // A service is recorded as an account without a name.
        "service" => SubjectKind::Account,
        "bulk" => SubjectKind::BulkAction,
        kind => kind.parse().map_err(|error| Exit::Usage.with(error))?,
    };
    Ok(match kind {
        SubjectKind::File => Subject::File(whole(id, store)?),
        SubjectKind::Job => Subject::Job(whole(id, store)?),
        SubjectKind::Publication => Subject::Publication(whole(id, store)?),
        SubjectKind::Listing => Subject::Listing(whole(id, store)?),
        SubjectKind::SocialPost => Subject::SocialPost(whole(id, store)?),
        kind => Subject::parse(kind, id).map_err(|error| Exit::Usage.with(error))?,
    })
}

impl LogArgs {
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<()> {
        let now = context.environment.now();
        let time = |argument: Option<TimeArgument>| argument.map(|argument| argument.before(now));
        let subject = match self.subject.as_deref() {
            Some([kind, id]) => Some(subject(kind, id, &context.store()?)?),
            _ => None,
        };
        let mut filter = subject.map_or_else(OperatorActionFilter::all, OperatorActionFilter::of);
        if let Some(name) = &self.by {
            filter = filter.by(name);
        }
        let filter = filter.kind(self.action).since(time(self.since)).until(time(self.until));
        let actions = OperatorActions::new(context.store_to_read()?);
        let list = List::of(actions.list(&filter, &self.page.request())?, ActionLine::from);
        context.terminal.print_result(&list, |out| {
            if !list.items().is_empty() {
                let mut table = context.terminal.table(["at", "by", "action", "subject", "outcome", "reason"]);
                for action in list.items() {
                    let ActionLine { at, by, action, subject_kind, subject, outcome, reason, .. } = action;
                    let subject = format!("{subject_kind} {subject}");
                    table.add_row([&shown(*at), by, *action, &subject, *outcome, reason]);
                }
                out.table(&table)?;
            }
            list.write_end(
                out,
                "action",
                "each action of an operator is recorded, for example `fieldfen files approve`",
            )
        })?;
        Ok(())
    }
}
