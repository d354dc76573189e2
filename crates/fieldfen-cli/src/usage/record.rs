//! `usage record`: records a call that a person or a script has made.

use std::str::FromStr;

use fieldfen_domain::api_cost::{CostState, Currency, Money, RecordCostOutcome};
use fieldfen_domain::api_usage::{ApiCall, CallOutcome};
use fieldfen_domain::store::StoreError;
use fieldfen_domain::{FileId, JobId};
use fieldfen_services::api_usage::{ApiUsage, StatedCost};
use fieldfen_terminal::Exit;

use crate::answer::{Answer, Outcome};
use crate::context::Context;
use crate::id_argument::{IdArgument, resolve};
use crate::time_argument::TimeArgument;

/// A call that a person or a script has made.
#[derive(Debug, clap::Args)]
pub(crate) struct RecordArgs {
    /// The service, for example etsy
    #[arg(long)]
    service: String,
    /// The endpoint or action, without ids, for example createListing
    #[arg(long)]
    endpoint: String,
    /// The account at the service
    #[arg(long)]
    account: Option<String>,
    /// The id of the call or of the thing that it made: a call with this id is recorded once
    /// [default: a new id, so that a repeated command records a second call]
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
    /// When the call was made: 2026-11-26T09:00:00Z, or 15m, 2h, 3d ago [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<TimeArgument>,
    /// The HTTP status of the answer
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(100..=599))]
    http_status: Option<u16>,
    /// The outcome of the call: ok, refused, throttled, not_sent or no_answer [default: by the HTTP status, otherwise
    /// ok]
    #[arg(long)]
    outcome: Option<CallOutcome>,
    /// The number of requests
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    requests: u32,
    /// The cost: an amount such as "0.20 USD", free, or unknown [default: by the prices in fieldfen.toml, otherwise
    /// free]
    #[arg(long)]
    cost: Option<CostArgument>,
    /// The error, for people; secrets are removed from it
    #[arg(long, value_name = "TEXT")]
    error: Option<String>,
    /// The job for which the call was made
    #[arg(long, value_name = "ID")]
    job: Option<IdArgument<JobId>>,
    /// The file for which the call was made
    #[arg(long, value_name = "ID")]
    file: Option<IdArgument<FileId>>,
}

/// The cost of a call in an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct CostArgument(StatedCost);

impl FromStr for CostArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rule = || format!("{text:?} must be an amount such as \"0.20 USD\", free or unknown");
        match text {
            "free" => return Ok(Self(StatedCost::Free)),
            "unknown" => return Ok(Self(StatedCost::Charged)),
            _ => {}
        }
        let (number, currency) = text.split_once(' ').ok_or_else(rule)?;
        let currency: Currency = currency.parse().map_err(|error| format!("{}: {error}", rule()))?;
        let amount = Money::parse(number, currency).map_err(|error| format!("{}: {error}", rule()))?;
        Ok(Self(StatedCost::Amount(amount)))
    }
}

impl RecordArgs {
    pub(super) fn run(&self, context: &Context<'_>) -> anyhow::Result<()> {
        let now = context.environment.now();
        let at = self.at.map_or(now, |at| at.before(now));
        if at > now {
            return Err(Exit::Usage.with(format!("--at {at} must not be later than now, {now}")).into());
        }
        let id = match &self.external_id {
            Some(id) => id.clone(),
            None => format!("{:032x}", context.environment.bits()),
        };
        let outcome =
            self.outcome.or_else(|| self.http_status.map(CallOutcome::of_http_status)).unwrap_or(CallOutcome::Ok);
        let store = context.store()?;
        let call = ApiCall::new(self.service.clone(), at)
            .account(self.account.clone().filter(|account| !account.is_empty()))
            .endpoint(self.endpoint.clone())
            .request_count(self.requests)
            .outcome(outcome)
            .http_status(self.http_status)
            .error(self.error.clone())
            .job_id(resolve(self.job.as_ref(), &store)?)
            .file_id(resolve(self.file.as_ref(), &store)?)
            .external_id(id.clone());
        let cost = self.cost.map_or(StatedCost::ByPriceTable, |cost| cost.0);
        let costs = context.costs(&store)?;
        let recorded = ApiUsage::new(store, context.environment.clone()).record_once(&call, cost, &costs);
        let recorded = recorded.map_err(|error| match error {
            StoreError::Invalid { .. } => anyhow::Error::from(Exit::Usage.with(error)),
            error => error.into(),
        })?;
        let subject = format!("call {id:?} of {}", self.service);
        let answer = match recorded {
            RecordCostOutcome::Inserted => {
                let stored = costs.find(&self.service, &id)?;
                let cost = stored.map_or_else(String::new, |stored| format!(", {}", shown(stored.state)));
                Answer::new(subject, Outcome::Done, format!("recorded{cost}"))
            }
            RecordCostOutcome::Updated => {
                Answer::new(subject, Outcome::Done, "it is on record, and its cost is settled now")
            }
            RecordCostOutcome::Unchanged(stored) => {
                let text = format!("it is on record since {}, {}; nothing was changed", stored.at, shown(stored.state));
                Answer::new(subject, Outcome::Unchanged, text)
            }
        };
        answer.print(context)
    }
}

/// The cost in words.
fn shown(state: CostState) -> String {
    match state {
        CostState::Known { amount } => format!("at {amount}"),
        CostState::Pending { guess } => format!("at a cost that is not final: budgets count {guess}"),
        CostState::Unknown { guess } => format!("at an unknown cost: budgets count {guess}"),
        CostState::Free => "free".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_an_amount_with_its_currency_or_a_word() {
        let parse = |text: &str| text.parse::<CostArgument>().map(|cost| cost.0);
        let amount = Money::parse("0.20", Currency::USD).unwrap();
        assert_eq!(parse("0.20 USD"), Ok(StatedCost::Amount(amount)));
        assert_eq!(parse("free"), Ok(StatedCost::Free));
        assert_eq!(parse("unknown"), Ok(StatedCost::Charged));
        for text in ["", "0.20", "USD 0.20", "-1 USD", "0.20 dollars", "1e3 USD", "0.0000001 USD"] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(text) && error.contains("must be an amount such as"), "{text}: {error}");
        }
    }
}
