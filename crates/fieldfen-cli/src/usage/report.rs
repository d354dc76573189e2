//! `usage report`: calls, errors and costs of some days, the rest of the limits, what is blocked, and the budgets.

use std::io;

use fieldfen_domain::Timestamp;
use fieldfen_domain::api_cost::{BudgetState, Currency, Money};
use fieldfen_services::api_report::{ApiFigures, ApiReport, ApiReports, BudgetFigures};
use fieldfen_terminal::{Exit, Terminal, TextOutput};

use crate::context::Context;
use crate::time_argument::{TimeArgument, shown, shown_millis};

/// The days of the report.
#[derive(Debug, clap::Args)]
pub(crate) struct ReportArgs {
    /// The first day, in UTC: 2026-11-01, or 30d ago [default: the first day of the month of --until]
    #[arg(long, value_name = "DAY")]
    since: Option<TimeArgument>,
    /// The last day, in UTC [default: today]
    #[arg(long, value_name = "DAY")]
    until: Option<TimeArgument>,
    /// Show each endpoint and each day too
    #[arg(long)]
    details: bool,
}

impl ReportArgs {
    pub(super) fn run(&self, context: &Context<'_>) -> anyhow::Result<()> {
        use chrono::Datelike as _;

        let now = context.environment.now();
        let until = self.until.map_or(now, |until| until.before(now)).date_naive();
        let first_of_month = until.with_day(1).unwrap_or(until);
        let since = self.since.map_or(first_of_month, |since| since.before(now).date_naive());
        if since > until {
            let text = format!("--since {since} must not be after --until {until}");
            return Err(Exit::Usage.with(text).into());
        }
        let costs = context.costs(&context.store_to_read()?)?;
        let report = ApiReports::new(costs).report(&(since..=until))?;
        context.terminal.print_result(&report, |out| write(&report, self.details, out, context.terminal))?;
        Ok(())
    }
}

fn write(report: &ApiReport, details: bool, out: &mut TextOutput<'_>, terminal: &Terminal) -> io::Result<()> {
    writeln!(out, "{} to {}, in UTC", report.first_day, report.last_day)?;
    if report.services.is_empty() {
        writeln!(
            out,
            "no call was recorded: a worker records its calls, and `fieldfen usage record` one that was made elsewhere"
        )?;
    } else {
        let mut table = terminal.table(["service", "calls", "errors", "mean time", "cost", "unknown costs"]);
        for service in &report.services {
            table.add_row(cells(&service.service, &service.figures));
        }
        if details {
            for endpoint in &report.endpoints {
                table.add_row(cells(&format!("{} {}", endpoint.service, endpoint.endpoint), &endpoint.figures));
            }
            for day in &report.days {
                table.add_row(cells(&day.day.to_string(), &day.figures));
            }
        }
        out.table(&table)?;
    }
    for month in &report.month {
        let money = |micros| money(micros, month.currency);
        let known = money(month.known_micros);
        writeln!(
            out,
            "this month: {known} known, {} guessed; forecast {}",
            money(month.guessed_micros),
            about(month.forecast_micros, month.currency)
        )?;
    }
    for budget in &report.budgets {
        writeln!(out, "{}", budget_line(budget))?;
    }
    for limit in &report.limits {
        let of = limit.limit.map(|units| format!(" of {units}")).unwrap_or_default();
        let left = limit.left.map_or_else(|| "an unknown number is".to_owned(), |left| format!("{left}{of} are"));
        let until = limit.left_until.map(|until| format!(" until {}", shown(until))).unwrap_or_default();
        writeln!(out, "limit {} {}: {left} left{until}", limit.service, limit.bucket)?;
    }
    for blocked in &report.blocked {
        let name = |name: &Option<String>| name.clone().unwrap_or_default();
        let subject = [name(&blocked.kind), name(&blocked.service), name(&blocked.account), name(&blocked.endpoint)];
        let subject: Vec<_> = subject.into_iter().filter(|name| !name.is_empty()).collect();
        let until = blocked.until.map(|until: Timestamp| format!(" until {}", shown(until))).unwrap_or_default();
        writeln!(out, "blocked: {}{until}: {}", subject.join(" "), blocked.reason)?;
    }
    for row in &report.unreadable {
        writeln!(out, "not readable: {row}")?;
    }
    match report.first_uncounted_call {
        Some(first) => writeln!(out, "not counted: {} calls, the first has the id {first}", report.uncounted_calls),
        None => Ok(()),
    }
}

fn cells(name: &str, figures: &ApiFigures) -> [String; 6] {
    let costs = figures.costs.iter().map(|cost| money(cost.known_micros, cost.currency)).collect::<Vec<_>>();
    let unknown: u64 = figures.costs.iter().map(|cost| cost.unknown_items).sum();
    let number = |number: u64| number.to_string();
    let unknown = if unknown == 0 { String::new() } else { number(unknown) };
    let (calls, errors, mean) =
        (number(figures.calls), number(figures.errors), figures.mean_duration_ms.map(shown_millis));
    [name.to_owned(), calls, errors, mean.unwrap_or_default(), costs.join(", "), unknown]
}

/// A sum as text. It is written from integers, so that no digit is lost.
pub(super) fn money(micros: u64, currency: Currency) -> String {
    match Money::from_micros(micros, currency) {
        Ok(money) => money.to_string(),
        Err(_) => format!("{micros} millionths of {currency}"),
    }
}

/// An estimate as text, rounded to a hundredth: more digits would promise too much. A smaller one keeps its digits.
pub(super) fn about(micros: u64, currency: Currency) -> String {
    let hundredth = 10_000;
    if micros < hundredth || micros.is_multiple_of(hundredth) {
        return money(micros, currency);
    }
    let rounded = micros.saturating_add(hundredth / 2) / hundredth * hundredth;
    format!("about {}", money(rounded, currency))
}

fn budget_line(budget: &BudgetFigures) -> String {
    let status = &budget.status;
    let number = |number: u64| match status.currency {
        Some(currency) => money(number, currency),
        None => format!("{number} calls"),
    };
    let forecast = status.currency.map_or_else(|| number(budget.forecast), |currency| about(budget.forecast, currency));
    let (whole, rest) = (status.share_basis_points / 100, status.share_basis_points % 100);
    let state = match status.state {
        BudgetState::Warning => format!("; warning: {} % is reached", budget.warn_at_percent),
        BudgetState::Spent => "; spent: no call is made".to_owned(),
        _ => String::new(),
    };
    format!(
        "budget {}: {} of {} used ({whole}.{rest:02} %) until {}, forecast {forecast}{state}",
        budget.name,
        number(status.used),
        number(status.limit),
        shown(status.ends_at),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forecast_has_hundredths_and_says_that_it_is_rounded() {
        for (micros, text) in [
            (0, "0.00 USD"),
            (225, "0.000225 USD"),
            (230_000, "0.23 USD"),
            (233_333, "about 0.23 USD"),
            (235_000, "about 0.24 USD"),
            (19_999_999, "about 20.00 USD"),
        ] {
            assert_eq!(about(micros, Currency::USD), text);
        }
    }
}
