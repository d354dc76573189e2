//! `usage budget`: the budgets of `fieldfen.toml` with their used parts, and the prices in force.

use std::io;

use fieldfen_domain::Timestamp;
use fieldfen_domain::api_cost::{BudgetPeriod, BudgetState, Currency, Price, PriceUnit};
use fieldfen_domain::api_usage::Day;
use fieldfen_services::api_costs::BudgetReport;
use fieldfen_terminal::{Terminal, TextOutput};
use serde::Serialize;

use super::report::{about, money};
use crate::context::Context;
use crate::time_argument::shown;

/// The JSON document of the budgets and prices.
#[derive(Debug, Serialize)]
struct Budgets {
    items: Vec<BudgetLine>,
    /// The prices that hold today.
    prices: Vec<PriceLine>,
}

/// The JSON document of a budget. Its numbers are millionths of the currency, or calls.
#[derive(Debug, Serialize)]
struct BudgetLine {
    name: String,
    /// The service that the budget covers; `null` for all.
    service: Option<String>,
    /// The account that the budget covers; `null` for all.
    account: Option<String>,
    /// `day` or `month`.
    per: BudgetPeriod,
    /// The currency; `null` for a budget in calls.
    currency: Option<Currency>,
    /// The number that the budget counts: known costs and guesses, or calls.
    used: u64,
    /// The known costs in it; `null` for calls.
    known: Option<u64>,
    /// The guesses in it, of costs that are not final or not known; `null` for calls.
    guessed: Option<u64>,
    /// The number of costs whose amount is unknown; `null` for calls.
    unknown_costs: Option<u64>,
    /// The calls that are being made now, or their guesses. They are not in `used`.
    in_flight: u64,
    limit: u64,
    left: u64,
    /// The used share in hundredths of a per cent.
    share_basis_points: u64,
    warn_at_percent: u8,
    /// The number at the end of the period if every further day is like the days so far.
    forecast: u64,
    /// `ok`, `warning` or `spent`.
    state: BudgetState,
    ends_at: Timestamp,
    /// The money of the period in other currencies, which the budget does not count.
    not_counted: Vec<OtherCurrency>,
}

/// The JSON document of money that a budget does not count.
#[derive(Debug, Serialize)]
struct OtherCurrency {
    currency: Currency,
    micros: u64,
}

impl From<BudgetReport> for BudgetLine {
    fn from(report: BudgetReport) -> Self {
        let BudgetReport { budget, status, forecast, spend, in_flight, other_currencies, .. } = report;
        let is_money = status.currency.is_some();
        let others = other_currencies.iter().map(fieldfen_domain::api_cost::Spend::total);
        Self {
            name: budget.name,
            service: budget.scope.service,
            account: budget.scope.account,
            per: budget.per,
            currency: status.currency,
            used: status.used,
            known: spend.as_ref().map(|spend| spend.known.micros()),
            guessed: spend.as_ref().map(|spend| spend.guessed.micros()),
            unknown_costs: spend.as_ref().map(|spend| spend.unknown_items),
            in_flight: if is_money { in_flight.guess_micros } else { in_flight.units },
            limit: status.limit,
            left: status.left,
            share_basis_points: status.share_basis_points,
            warn_at_percent: budget.warn_at_percent,
            forecast,
            state: status.state,
            ends_at: status.ends_at,
            not_counted: others
                .map(|other| OtherCurrency { currency: other.currency(), micros: other.micros() })
                .collect(),
        }
    }
}

/// The JSON document of a price.
#[derive(Debug, Serialize)]
struct PriceLine {
    service: String,
    endpoint: Option<String>,
    item: Option<String>,
    /// `call`, `second` or `output`.
    unit: PriceUnit,
    /// The name of the measured amount.
    amount: Option<String>,
    /// The number of units that the price is for.
    per: u64,
    currency: Currency,
    /// The first day, in UTC; `null` for all days.
    from: Option<Day>,
    /// The tiers, the smallest first.
    tiers: Vec<TierLine>,
}

/// The JSON document of a tier, in millionths.
#[derive(Debug, Serialize)]
struct TierLine {
    /// The last amount of the tier; `null` for the last tier.
    up_to: Option<u64>,
    price: u64,
}

impl From<&Price> for PriceLine {
    fn from(price: &Price) -> Self {
        Self {
            service: price.service.clone(),
            endpoint: price.endpoint.clone(),
            item: price.item.clone(),
            unit: price.unit,
            amount: price.amount.clone(),
            per: price.per,
            currency: price.currency,
            from: price.from,
            tiers: price.tiers.iter().map(|tier| TierLine { up_to: tier.up_to, price: tier.micros }).collect(),
        }
    }
}

/// Shows the budgets and the prices in force.
pub(super) fn run(context: &Context<'_>) -> anyhow::Result<()> {
    let costs = context.costs(&context.store_to_read()?)?;
    let today = context.environment.now().date_naive();
    let budgets = Budgets {
        items: costs.budget_reports()?.into_iter().map(BudgetLine::from).collect(),
        prices: costs.price_table().in_force(today).map(PriceLine::from).collect(),
    };
    context.terminal.print_result(&budgets, |out| write(&budgets, out, context.terminal))?;
    Ok(())
}

fn write(budgets: &Budgets, out: &mut TextOutput<'_>, terminal: &Terminal) -> io::Result<()> {
    if budgets.items.is_empty() {
        writeln!(out, "no budget: a section [[budget]] of fieldfen.toml in this folder defines one")?;
    }
    for budget in &budgets.items {
        budget.write(out)?;
    }
    if budgets.prices.is_empty() {
        return writeln!(out, "no price holds today: a section [[price]] of fieldfen.toml in this folder defines one");
    }
    let mut table = terminal.table(["service", "endpoint", "item", "price", "since"]);
    for price in &budgets.prices {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "all".to_owned());
        let since = price.from.map_or_else(|| "always".to_owned(), |from| from.to_string());
        table.add_row([price.service.clone(), text(&price.endpoint), text(&price.item), price.shown(), since]);
    }
    out.table(&table)
}

impl BudgetLine {
    /// Writes the values of the budget, one on a line.
    fn write(&self, out: &mut TextOutput<'_>) -> io::Result<()> {
        let number = |number: u64| match self.currency {
            Some(currency) => money(number, currency),
            None => format!("{number} calls"),
        };
        let forecast = self.currency.map_or_else(|| number(self.forecast), |currency| about(self.forecast, currency));
        let covers = match (self.service.as_deref(), self.account.as_deref()) {
            (None, None) => "all services".to_owned(),
            (Some(service), None) => format!("{service}, all accounts"),
            (Some(service), Some("")) => format!("{service}, calls without an account"),
            (service, Some(account)) => format!("{}/{account}", service.unwrap_or("all services")),
        };
        let (whole, rest) = (self.share_basis_points / 100, self.share_basis_points % 100);
        let state = match self.state {
            BudgetState::Ok => "ok".to_owned(),
            BudgetState::Warning => format!("warning: {} % is reached", self.warn_at_percent),
            BudgetState::Spent => "spent: no call is made".to_owned(),
        };
        writeln!(out, "budget {}", self.name)?;
        let values = [
            ("covers", Some(covers)),
            ("period", Some(format!("{}, until {}", self.per, shown(self.ends_at)))),
            ("used", Some(format!("{} of {} ({whole}.{rest:02} %)", number(self.used), number(self.limit)))),
            ("guessed", self.guessed.map(|guessed| format!("{} of it", number(guessed)))),
            ("unknown costs", self.unknown_costs.map(|costs| costs.to_string())),
            ("in flight", Some(number(self.in_flight))),
            ("left", Some(number(self.left))),
            ("forecast", Some(forecast)),
            ("state", Some(state)),
        ];
        for (name, value) in values.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            writeln!(out, "  {name:<14} {value}")?;
        }
        for other in &self.not_counted {
            writeln!(out, "  {:<14} {}", "not counted", money(other.micros, other.currency))?;
        }
        Ok(())
    }
}

impl PriceLine {
    /// The price in words: `0.20 USD per call`.
    fn shown(&self) -> String {
        let amount = self.amount.as_deref().map(|amount| format!(" of {amount}")).unwrap_or_default();
        let unit = match self.per {
            1 => format!("per {}{amount}", self.unit),
            per => format!("per {per} {}s{amount}", self.unit),
        };
        let tiers: Vec<String> = self
            .tiers
            .iter()
            .map(|tier| {
                let end = tier.up_to.map(|end| format!(" up to {}", decimal(end))).unwrap_or_default();
                format!("{}{end}", money(tier.price, self.currency))
            })
            .collect();
        format!("{} {unit}", tiers.join(", then "))
    }
}

/// A number of millionths as a decimal number without a float.
fn decimal(micros: u64) -> String {
    let rest = format!("{:06}", micros % 1_000_000);
    let rest = rest.trim_end_matches('0');
    if rest.is_empty() { (micros / 1_000_000).to_string() } else { format!("{}.{rest}", micros / 1_000_000) }
}

#[cfg(test)]
mod tests {
    use fieldfen_domain::api_cost::PriceTier;

    use super::*;

    #[test]
    fn a_price_is_written_with_its_unit_and_its_tiers() {
        let usd = Currency::USD;
        let tiers = [PriceTier::new(Some(10_500_000), 40_000), PriceTier::new(None, 30_000)];
        for (price, text) in [
            (Price::per_call("etsy", 200_000, usd), "0.20 USD per call"),
            (Price::per_second("replicate", "predict_time", 225, usd), "0.000225 USD per second of predict_time"),
            (
                Price::per_output("llm", "tokens", 3_000_000, usd).per(1_000_000),
                "3.00 USD per 1000000 outputs of tokens",
            ),
            (
                Price::per_output("x", "images", 0, usd).tiers("images", tiers),
                "0.04 USD up to 10.5, then 0.03 USD per output of images",
            ),
        ] {
            assert_eq!(PriceLine::from(&price).shown(), text);
        }
    }
}
