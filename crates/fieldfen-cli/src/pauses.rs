//! `pause`, `resume` and `pauses`.

use fieldfen_domain::Timestamp;
use fieldfen_domain::job::{ApiAccount, JobKind, Pause, PauseScope};
use fieldfen_services::pauses::Pauses;
use fieldfen_services::shop::ShopFile;
use fieldfen_terminal::Exit;
use serde::Serialize;

use crate::answer::{Answer, Outcome};
use crate::context::Context;
use crate::time_argument::{TimeArgument, shown};

/// The jobs that a pause stops.
#[derive(Debug, Clone, clap::Args)]
#[group(required = true, multiple = false)]
struct ScopeArgs {
    /// The jobs of this kind, for example `UpscaleImage`
    #[arg(long, value_name = "KIND")]
    kind: Option<JobKind>,
    /// The jobs and calls of this service, for example `etsy`, with all its accounts
    #[arg(long, value_name = "SERVICE")]
    service: Option<ApiAccount>,
    /// The jobs and calls of this account, for example `etsy/main`
    #[arg(long, value_name = "SERVICE/ACCOUNT")]
    account: Option<ApiAccount>,
}

impl ScopeArgs {
    fn scope(&self) -> anyhow::Result<PauseScope> {
        let scope = match (&self.kind, &self.service, &self.account) {
            (Some(kind), ..) => PauseScope::Kind(kind.clone()),
            (_, Some(service), _) if service.account().is_none() => PauseScope::Account(service.clone()),
            (_, Some(service), _) => {
                return Err(Exit::Usage
                    .with(format!("{:?} names an account: give it as --account", service.as_str()))
                    .into());
            }
            (.., Some(account)) if account.account().is_some() => PauseScope::Account(account.clone()),
            (.., Some(account)) => {
                let text = format!("{:?} names no account: give it as --service", account.as_str());
                return Err(Exit::Usage.with(text).into());
            }
            _ => return Err(Exit::Usage.with("one of --kind, --service and --account must be given").into()),
        };
        Ok(scope)
    }
}

/// Pause a kind of job, a service or an account
#[derive(Debug, clap::Args)]
pub(crate) struct PauseArgs {
    #[command(flatten)]
    scope: ScopeArgs,
    /// Resume by itself at this time, or after this span: 2026-11-26T09:00:00Z, 90s, 15m, 2h, 3d
    #[arg(long, value_name = "TIME")]
    until: Option<TimeArgument>,
    /// Why, for everybody who finds the pause
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl PauseArgs {
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<()> {
        let (scope, action) = (self.scope.scope()?, context.action(&self.reason)?);
        let now = context.environment.now();
        let until = self.until.map(|until| until.after(now));
        if let Some(past) = until.filter(|until| *until <= now) {
            return Err(Exit::Usage.with(format!("--until {past} must be later than now, {now}")).into());
        }
        let store = context.store()?;
        let pauses = Pauses::new(store, context.environment.clone());
        if !pauses.is_known(&scope)? && !is_in_shop_file(&scope) {
            let text = format!(
                "warning: {scope} is not known: there is no job, handler, call, limit or account of this name; the \
                 pause holds nevertheless"
            );
            context.terminal.print_message(&text);
        }
        let answer = if pauses.pause(&scope, until, &action)? {
            let end = until.map_or_else(|| "somebody resumes it".to_owned(), |until| until.to_string());
            Answer::new(&scope, Outcome::Done, format!("paused until {end}; running jobs go on"))
        } else {
            Answer::new(&scope, Outcome::Unchanged, "a pause that lasts at least as long holds already")
        };
        answer.print(context)
    }
}

/// Whether `fieldfen.toml` in the current folder names this kind, service or account. A file that cannot be read names
/// nothing: a pause does not depend on it.
fn is_in_shop_file(scope: &PauseScope) -> bool {
    let shop = ShopFile::read("fieldfen.toml").ok().and_then(|file| file.shop().ok());
    shop.is_some_and(|shop| shop.names(scope))
}

/// Resume a paused kind of job, service or account
#[derive(Debug, clap::Args)]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    scope: ScopeArgs,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "no reason given")]
    reason: String,
}

impl ResumeArgs {
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<()> {
        let (scope, action) = (self.scope.scope()?, context.action(&self.reason)?);
        let pauses = Pauses::new(context.store()?, context.environment.clone());
        let answer = if pauses.lift(&scope, &action)? {
            Answer::new(&scope, Outcome::Done, "resumed")
        } else {
            Answer::new(&scope, Outcome::Unchanged, "no pause of it holds")
        };
        answer.print(context)
    }
}

/// The JSON document of a pause.
#[derive(Debug, Serialize)]
struct PauseDocument {
    /// `kind`, `service` or `account`.
    scope: &'static str,
    /// The name of the kind, service or account.
    name: String,
    reason: String,
    /// The person, or the part of the program, that paused.
    by: String,
    since: Timestamp,
    /// When it ends by itself; `null` if it lasts until somebody resumes it.
    until: Option<Timestamp>,
}

impl From<Pause> for PauseDocument {
    fn from(pause: Pause) -> Self {
        let (scope, name) = (pause.scope.kind().as_str(), pause.scope.name().to_owned());
        Self { scope, name, reason: pause.reason, by: pause.by, since: pause.since, until: pause.until }
    }
}

/// The JSON document of the pauses.
#[derive(Debug, Serialize)]
struct PauseList {
    items: Vec<PauseDocument>,
}

/// Lists the pauses that hold now.
pub(crate) fn list(context: &Context<'_>) -> anyhow::Result<()> {
    let pauses = Pauses::new(context.store_to_read()?, context.environment.clone()).list()?;
    let pauses: Vec<_> = pauses.into_iter().map(PauseDocument::from).collect();
    let document = PauseList { items: pauses };
    context.terminal.print_result(&document, |out| {
        let pauses = &document.items;
        if pauses.is_empty() {
            return writeln!(out, "nothing is paused: `fieldfen pause` pauses a kind, a service or an account");
        }
        let mut table = context.terminal.table(["scope", "name", "by", "since", "until", "reason"]);
        for pause in pauses {
            let until = pause.until.map_or_else(|| "somebody resumes it".to_owned(), shown);
            table.add_row([pause.scope, &pause.name, &pause.by, &shown(pause.since), &until, &pause.reason]);
        }
        out.table(&table)
    })?;
    Ok(())
}
