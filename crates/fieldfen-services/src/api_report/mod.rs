//! The report on the calls to external APIs: calls, errors and costs of some days, the units that the limits have left,
//! the calls that are blocked, and the budgets.
//!
//! All numbers are integers: money is in millionths of the currency's unit, durations are in milliseconds. As JSON, a
//! report has the names of its fields, times are `2026-11-26T12:00:00Z`, days are `2026-11-26`, and a value that is not
//! known is `null`. New fields may be added; a field does not change its meaning.
//!
//! ```
//! use fieldfen_domain::api_cost::{Budget, BudgetLimit, BudgetPeriod, Currency, Money, Price, PriceTable};
//! use fieldfen_services::Environment;
//! use fieldfen_services::api_costs::{ApiCosts, NewCost};
//! use fieldfen_services::api_report::ApiReports;
//! use fieldfen_testkit::ModelStore;
//!
//! let environment = Environment::system();
//! let costs = ApiCosts::new(ModelStore::new(), environment.clone())
//!     .prices(PriceTable::of([Price::per_call("etsy", 200_000, Currency::USD)]).map_err(|(_, error)| error)?)
//!     .budgets([Budget::new("all", BudgetPeriod::Month, BudgetLimit::Money(Money::parse("5", Currency::USD)?))])?;
//! costs.record(&NewCost::charged("etsy", "listing 1"))?;
//!
//! let today = environment.now().date_naive();
//! let report = ApiReports::new(costs).report(&(today..=today))?;
//! assert_eq!(report.services[0].figures.costs[0].known_micros, 200_000);
//! assert_eq!(report.budgets[0].status.share_basis_points, 400);
//! let json = serde_json::to_value(&report)?;
//! assert_eq!(json["month"][0]["known_micros"], 200_000);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod figures;
mod limits;

use std::ops::RangeInclusive;

use fieldfen_domain::api_cost::{BudgetPeriod, BudgetStatus, Currency, Spend, SpendScope, forecast};
use fieldfen_domain::api_usage::Day;
use fieldfen_domain::store::{ReadSession, Store, StoreError};
use fieldfen_domain::{Timestamp, UnreadableRow};
use serde::Serialize;

pub use figures::{ApiFigures, CallsByOutcome, CostFigures, DayFigures, EndpointFigures, ServiceFigures};
pub use limits::{Blocked, BlockedBy, LimitFigures};

use crate::api_costs::{ApiCosts, BudgetReport};
use figures::Breakdown;

/// Makes reports on the calls and costs of a store. A clone is the same handle.
#[derive(Debug, Clone)]
pub struct ApiReports<S> {
    costs: ApiCosts<S>,
}

/// The calls and costs of some days, and the state of limits and budgets at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ApiReport {
    /// The time of the report. Limits, blocks, the month and the budgets are as they were at this time.
    pub at: Timestamp,
    /// The first day of `services`, `endpoints` and `days`, in UTC.
    pub first_day: Day,
    /// The last day of them.
    pub last_day: Day,
    /// The calls and costs of each service, sorted by name.
    pub services: Vec<ServiceFigures>,
    /// The calls and costs of each endpoint, sorted by service and name.
    pub endpoints: Vec<EndpointFigures>,
    /// The calls and costs of each day with any, sorted by day.
    pub days: Vec<DayFigures>,
    /// The rate limits, sorted by service, account, endpoint and bucket.
    pub limits: Vec<LimitFigures>,
    /// The calls and jobs that are blocked, by limits, pauses and budgets, in this order.
    pub blocked: Vec<Blocked>,
    /// The money spent in the current month, one row for each currency.
    pub month: Vec<MonthFigures>,
    /// The budgets, in the order in which they were given.
    pub budgets: Vec<BudgetFigures>,
    /// Rows that are in no figure, because another program gave them an invalid value.
    pub unreadable: Vec<UnreadableRow>,
    /// The number of recorded calls that are in no figure, because another program gave them an invalid time, name or
    /// number.
    pub uncounted_calls: u64,
    /// The id of the first of them.
    pub first_uncounted_call: Option<i64>,
}

/// The money spent in the current month (UTC) in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MonthFigures {
    /// The currency.
    pub currency: Currency,
    /// The sum of the known costs, in millionths.
    pub known_micros: u64,
    /// The sum of the guesses of pending and unknown costs, in millionths.
    pub guessed_micros: u64,
    /// The number of costs, known or not.
    pub items: u64,
    /// The number of costs whose price is unknown.
    pub unknown_items: u64,
    /// The money that is spent at the end of the month if every further day costs as much as the days so far, known
    /// costs and guesses together, in millionths.
    pub forecast_micros: u64,
    /// The end of the month.
    pub ends_at: Timestamp,
}

/// A budget, and how much of it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BudgetFigures {
    /// The name.
    pub name: String,
    /// The service that the budget covers; `None` for all services.
    pub service: Option<String>,
    /// The account that the budget covers; `None` for all accounts.
    pub account: Option<String>,
    /// The length of its period.
    pub per: BudgetPeriod,
    /// The share from which on the state is `warning`, in per cent.
    pub warn_at_percent: u8,
    /// The used number, the limit and the state: in millionths of a currency, or in calls.
    #[serde(flatten)]
    pub status: BudgetStatus,
    /// The number that is used at the end of the period if every further day costs as much as the days so far.
    pub forecast: u64,
}

impl From<BudgetReport> for BudgetFigures {
    fn from(report: BudgetReport) -> Self {
        let BudgetReport { budget, status, forecast, .. } = report;
        Self {
            name: budget.name,
            service: budget.scope.service,
            account: budget.scope.account,
            per: budget.per,
            warn_at_percent: budget.warn_at_percent,
            status,
            forecast,
        }
    }
}

impl<S: Store> ApiReports<S> {
    /// Reports on the store of these costs, with their budgets.
    #[must_use]
    pub const fn new(costs: ApiCosts<S>) -> Self {
        Self { costs }
    }

    /// Returns the report on these days, both ends included. All of it is read in one transaction.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] for a row that a limit or a budget depends on and that cannot be read.
    pub fn report(&self, days: &RangeInclusive<Day>) -> Result<ApiReport, StoreError> {
        self.costs.store().read(|s| self.report_in(s, days))
    }

    fn report_in(&self, reads: &mut dyn ReadSession, days: &RangeInclusive<Day>) -> Result<ApiReport, StoreError> {
        let now = self.costs.environment().now();
        let (usage, costs) = (reads.api_usage().days(days)?, reads.api_costs().days(days)?);
        let Breakdown { services, endpoints, days: figures } = Breakdown::of(&usage, &costs);
        let (limits, mut unreadable_rows) = limits::limits(reads, now)?;
        let budgets = self.costs.budget_reports_in(reads, now)?;
        let budgets: Vec<BudgetFigures> = budgets.into_iter().map(BudgetFigures::from).collect();
        let blocked = limits::blocked(reads, &limits, &budgets, &mut unreadable_rows, now)?;
        let unreadable = usage.unreadable.into_iter().chain(costs.unreadable).chain(unreadable_rows).collect();
        Ok(ApiReport {
            at: now,
            first_day: *days.start(),
            last_day: *days.end(),
            services,
            endpoints,
            days: figures,
            limits,
            blocked,
            month: month(reads, now)?,
            budgets,
            unreadable,
            uncounted_calls: usage.uncounted,
            first_uncounted_call: usage.first_uncounted,
        })
    }
}

/// The money spent in the month that contains this time.
fn month(reads: &mut dyn ReadSession, now: Timestamp) -> Result<Vec<MonthFigures>, StoreError> {
    let month = BudgetPeriod::Month.of(now);
    let figures = |spend: &Spend| MonthFigures {
        currency: spend.known.currency(),
        known_micros: spend.known.micros(),
        guessed_micros: spend.guessed.micros(),
        items: spend.items,
        unknown_items: spend.unknown_items,
        forecast_micros: forecast(spend.total().micros(), month, now),
        ends_at: month.ends_at(),
    };
    Ok(reads.api_costs().spend(month, &SpendScope::new())?.iter().map(figures).collect())
}
