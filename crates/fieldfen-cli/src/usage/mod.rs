//! `usage`: the calls of external services, and what they still allow.

mod budget;
mod record;
mod report;

use fieldfen_domain::api_cost::{ApiCost, Currency, Money};
use fieldfen_domain::api_usage::{ApiCall, ApiCallFilter, CallOutcome};
use fieldfen_domain::rate_limit::RateLimit;
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{FileId, JobId, Timestamp, UnreadableRow};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::api_costs::ApiCosts;
use fieldfen_services::api_usage::ApiUsage;
use fieldfen_services::rate_limiter::RateLimiter;
use serde::Serialize;

use crate::context::Context;
use crate::id_argument::{IdArgument, resolve};
use crate::page::{List, PageArgs};
use crate::time_argument::{TimeArgument, shown, shown_millis};
use report::money;

/// The ways in which a rate limit becomes known, for people.
const HOW_LIMITS_COME: &str =
    "a program that calls a service records its limits; `fieldfen usage calls` lists the calls";

/// The commands of `usage`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum UsageCommand {
    /// List calls, the last recorded first
    Calls(CallsArgs),
    /// Report calls, errors and costs of some days, the rest of the limits, and the budgets
    Report(report::ReportArgs),
    /// List the rate limits: what is left, and until when
    Limits {
        /// Only limits of this service
        #[arg(long)]
        service: Option<String>,
    },
    /// Show the budgets of fieldfen.toml with their used parts, and the prices in force
    Budget,
    /// Record a call that a person or a script has made, once for each external id
    Record(record::RecordArgs),
}

/// The filter of a list of calls.
#[derive(Debug, clap::Args)]
pub(crate) struct CallsArgs {
    /// Only calls to this service
    #[arg(long)]
    service: Option<String>,
    /// Only calls with this account
    #[arg(long)]
    account: Option<String>,
    /// Only calls of this endpoint or action
    #[arg(long)]
    endpoint: Option<String>,
    /// Only calls with this outcome: ok, refused, throttled, not_sent or no_answer
    #[arg(long)]
    outcome: Option<CallOutcome>,
    /// Only calls of this job
    #[arg(long, value_name = "ID")]
    job: Option<IdArgument<JobId>>,
    /// Only calls for this file
    #[arg(long, value_name = "ID")]
    file: Option<IdArgument<FileId>>,
    /// Only calls at this time or later, or in this span: 2026-11-26T09:00:00Z, 2h, 3d
    #[arg(long, value_name = "TIME")]
    since: Option<TimeArgument>,
    /// Only calls before this time
    #[arg(long, value_name = "TIME")]
    until: Option<TimeArgument>,
    #[command(flatten)]
    page: PageArgs,
}

/// The JSON document of a call.
#[derive(Debug, Serialize)]
struct CallLine {
    at: Timestamp,
    service: String,
    account: Option<String>,
    endpoint: Option<String>,
    /// The number of requests of a batch.
    requests: u32,
    /// `ok`, `refused`, `throttled`, `not_sent` or `no_answer`; `null` in rows of programs that know only the
    /// specification.
    outcome: Option<&'static str>,
    http_status: Option<u16>,
    duration_ms: Option<u64>,
    error: Option<String>,
    job: Option<JobId>,
    file: Option<FileId>,
    external_id: Option<String>,
    /// The number of requests that the service still allowed.
    remaining: Option<i64>,
    reset: Option<Timestamp>,
    /// The cost of the thing that the call created; `null` if none is on record under its external id.
    cost: Option<CostLine>,
}

/// The JSON document of the cost of a call.
#[derive(Debug, Serialize)]
struct CostLine {
    /// `pending`, `known`, `unknown` or `free`.
    status: &'static str,
    /// The known amount in millionths of the currency; `null` if it is not known.
    micros: Option<u64>,
    /// The amount in millionths that budgets count until the cost is known.
    guessed_micros: Option<u64>,
    /// `null` if the service does not charge.
    currency: Option<Currency>,
}

impl From<ApiCost> for CostLine {
    fn from(cost: ApiCost) -> Self {
        let (amount, guess) = (cost.state.amount(), cost.state.guess());
        Self {
            status: cost.state.status().as_str(),
            micros: amount.map(Money::micros),
            guessed_micros: guess.map(Money::micros),
            currency: amount.or(guess).map(Money::currency),
        }
    }
}

impl CostLine {
    /// The cost in a table: an amount without a word is known.
    fn shown(&self) -> String {
        let amount = self.micros.or(self.guessed_micros).zip(self.currency);
        match amount.map(|(micros, currency)| money(micros, currency)) {
            Some(amount) if self.micros.is_some() => amount,
            Some(guess) => format!("{guess} guessed"),
            None => self.status.to_owned(),
        }
    }
}

impl CallLine {
    fn new(call: ApiCall, cost: Option<ApiCost>) -> Self {
        Self {
            cost: cost.map(CostLine::from),
            at: call.at,
            service: call.service,
            account: call.account,
            endpoint: call.endpoint,
            requests: call.request_count,
            outcome: call.outcome.map(CallOutcome::as_str),
            http_status: call.http_status,
            duration_ms: call.duration.map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)),
            error: call.error,
            job: call.job_id,
            file: call.file_id,
            external_id: call.external_id,
            remaining: call.rate_limit_remaining,
            reset: call.rate_limit_reset_at,
        }
    }
}

/// The JSON document of a rate limit, as it is now.
#[derive(Debug, Serialize)]
struct LimitLine {
    service: String,
    account: Option<String>,
    endpoint: Option<String>,
    bucket: String,
    /// The number of units that the limit allows; `null` if neither a program nor the service has said it.
    limit: Option<u64>,
    window_ms: Option<u64>,
    /// The number of units in use: of calls, of permits in flight and of others.
    in_use: u64,
    /// The number of units that are left; `null` if it is unknown.
    left: Option<u64>,
    /// Until when the service takes no call, and why.
    blocked_until: Option<Timestamp>,
    blocked_reason: Option<String>,
    /// When the service last said something about it.
    reported: Option<Timestamp>,
}

/// The JSON document of the rate limits.
#[derive(Debug, Serialize)]
struct LimitList {
    items: Vec<LimitLine>,
    unreadable: Vec<UnreadableRow>,
}

impl LimitLine {
    fn new(limit: RateLimit, now: Timestamp) -> Self {
        let blocked = limit.blocked_at(now).cloned();
        Self {
            limit: limit.limit(),
            window_ms: limit.window().map(|window| u64::try_from(window.as_millis()).unwrap_or(u64::MAX)),
            in_use: limit.in_use(now),
            left: limit.available(now),
            blocked_until: blocked.as_ref().map(|block| block.until),
            blocked_reason: blocked.map(|block| block.reason),
            reported: limit.reported_at,
            service: limit.key.service,
            account: limit.key.account,
            endpoint: limit.key.endpoint,
            bucket: limit.key.bucket,
        }
    }
}

impl UsageCommand {
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<()> {
        match self {
            Self::Calls(args) => calls(args, context),
            Self::Report(args) => args.run(context),
            Self::Limits { service } => limits(service.as_deref(), context),
            Self::Budget => budget::run(context),
            Self::Record(args) => args.run(context),
        }
    }
}

fn calls(args: &CallsArgs, context: &Context<'_>) -> anyhow::Result<()> {
    let (store, now) = (context.store_to_read()?, context.environment.now());
    let time = |argument: Option<TimeArgument>| argument.map(|argument| argument.before(now));
    let filter = ApiCallFilter::new()
        .service(args.service.clone())
        .account(args.account.clone())
        .endpoint(args.endpoint.clone())
        .outcome(args.outcome)
        .job_id(resolve(args.job.as_ref(), &store)?)
        .file_id(resolve(args.file.as_ref(), &store)?)
        .since(time(args.since))
        .until(time(args.until));
    let usage = ApiUsage::new(store.clone(), context.environment.clone());
    let page = usage.list(&filter, &args.page.request())?;
    let costs = ApiCosts::new(store, context.environment.clone());
    let found = page.items.iter().map(|call| cost_of(call, &costs)).collect::<Result<Vec<_>, _>>()?;
    let mut found = found.into_iter();
    let list = List::of(page, |call| CallLine::new(call, found.next().flatten()));
    context.terminal.print_result(&list, |out| {
        if !list.items().is_empty() {
            let headings = ["at", "service", "endpoint", "outcome", "HTTP", "took", "cost", "left", "error"];
            let mut table = context.terminal.table(headings);
            for call in list.items() {
                let text = |value: &Option<String>| value.clone().unwrap_or_default();
                let number = |value: Option<String>| value.unwrap_or_default();
                table.add_row([
                    shown(call.at),
                    call.service.clone(),
                    text(&call.endpoint),
                    call.outcome.unwrap_or_default().to_owned(),
                    number(call.http_status.map(|status| status.to_string())),
                    number(call.duration_ms.map(shown_millis)),
                    number(call.cost.as_ref().map(CostLine::shown)),
                    number(call.remaining.map(|left| left.to_string())),
                    text(&call.error).chars().take(60).collect(),
                ]);
            }
            out.table(&table)?;
        }
        list.write_end(
            out,
            "call",
            "a worker records its calls, and `fieldfen usage record` one that was made elsewhere",
        )
    })?;
    Ok(())
}

/// The cost of the thing that a call created, for example a prediction. Another call of the same external id has it
/// too.
fn cost_of(call: &ApiCall, costs: &ApiCosts<SqliteStore>) -> Result<Option<ApiCost>, StoreError> {
    match &call.external_id {
        Some(id) => costs.find(&call.service, id),
        None => Ok(None),
    }
}

fn limits(service: Option<&str>, context: &Context<'_>) -> anyhow::Result<()> {
    let now = context.environment.now();
    let (items, unreadable): (Vec<_>, Vec<_>) = RateLimiter::new(context.store_to_read()?, context.environment.clone())
        .list(service)?
        .into_iter()
        .partition(Result::is_ok);
    let items: Vec<_> = items.into_iter().flatten().map(|limit| LimitLine::new(limit, now)).collect();
    let unreadable: Vec<_> = unreadable.into_iter().filter_map(Result::err).collect();
    let document = LimitList { items, unreadable };
    context.terminal.print_result(&document, |out| {
        let LimitList { items, unreadable } = &document;
        if items.is_empty() && unreadable.is_empty() {
            writeln!(out, "no rate limit is known: {HOW_LIMITS_COME}")?;
        } else if !items.is_empty() {
            let mut table =
                context.terminal.table(["service", "account", "endpoint", "bucket", "in use", "left", "blocked"]);
            for limit in items {
                let text = |value: &Option<String>| value.clone().unwrap_or_default();
                let of = limit.limit.map_or_else(String::new, |units| format!(" of {units}"));
                let blocked = limit.blocked_until.map_or_else(String::new, |until| {
                    format!("until {}: {}", shown(until), text(&limit.blocked_reason))
                });
                table.add_row([
                    limit.service.clone(),
                    text(&limit.account),
                    text(&limit.endpoint),
                    limit.bucket.clone(),
                    format!("{}{of}", limit.in_use),
                    limit.left.map(|left| left.to_string()).unwrap_or_default(),
                    blocked,
                ]);
            }
            out.table(&table)?;
        }
        unreadable.iter().try_for_each(|row| writeln!(out, "not readable: {row}"))
    })?;
    Ok(())
}
