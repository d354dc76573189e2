//! The costs of external APIs: each is recorded once and priced from a table, and budgets limit their sums.
//!
//! ```
//! use fieldfen_domain::api_cost::{Budget, BudgetLimit, BudgetPeriod, BudgetState, Currency, Money, Price, PriceTable};
//! use fieldfen_services::Environment;
//! use fieldfen_services::api_costs::{ApiCosts, NewCost};
//! use fieldfen_testkit::ModelStore;
//!
//! let prices = PriceTable::of([Price::per_second("replicate", "predict_time", 225, Currency::USD)]).map_err(|(_, e)| e)?;
//! let limit = BudgetLimit::Money(Money::parse("50", Currency::USD)?);
//! let costs = ApiCosts::new(ModelStore::new(), Environment::system())
//!     .prices(prices)
//!     .budgets([Budget::new("all of it", BudgetPeriod::Month, limit)])?;
//!
//! // The prediction has begun. Budgets count a guess.
//! costs.record(&NewCost::started("replicate", "p1"))?;
//! // It has ended: 3.8 seconds, in millionths.
//! costs.record(&NewCost::charged("replicate", "p1").amount("predict_time", 3_800_000))?;
//! let budgets = costs.budget_reports()?;
//! assert_eq!((budgets[0].status.used, budgets[0].status.state), (855, BudgetState::Ok));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod budgets;
mod new_cost;
mod record;

use std::ops::RangeInclusive;
use std::sync::Arc;

use fieldfen_domain::api_cost::{
    ApiCost, ApiCostDays, ApiCostFilter, Budget, BudgetPeriod, Currency, InvalidBudget, Money, PriceTable, Spend,
    SpendPeriod, SpendScope, forecast,
};
use fieldfen_domain::api_usage::Day;
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{Page, PageRequest};

pub use budgets::BudgetReport;
pub use new_cost::NewCost;
pub use record::PricedAgain;

use crate::Environment;

/// The costs that a store has on record, with the prices and budgets of the program. A clone is the same handle.
#[derive(Debug, Clone)]
pub struct ApiCosts<S> {
    store: S,
    environment: Environment,
    prices: Arc<PriceTable>,
    budgets: Arc<[Budget]>,
    currency: Currency,
}

/// The money spent in a month so far, and its forecast.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MonthForecast {
    /// The money spent so far.
    pub spend: Spend,
    /// The money that is spent at the end of the month if every further day costs as much as the days so far, known
    /// costs and guesses together.
    pub forecast: Money,
}

impl<S: Store> ApiCosts<S> {
    /// Creates a handle without prices and budgets: every cost is unknown.
    #[must_use]
    pub fn new(store: S, environment: Environment) -> Self {
        Self { store, environment, prices: Arc::default(), budgets: Arc::default(), currency: Currency::USD }
    }

    pub(crate) const fn store(&self) -> &S {
        &self.store
    }

    pub(crate) const fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Sets the prices. Costs on record keep their amounts; see [`price_again`](Self::price_again) for the unknown
    /// ones.
    #[must_use]
    pub fn prices(mut self, prices: PriceTable) -> Self {
        self.prices = Arc::new(prices);
        self
    }

    /// The prices that [`prices`](Self::prices) has set.
    #[must_use]
    pub fn price_table(&self) -> &PriceTable {
        &self.prices
    }

    /// Sets the budgets.
    ///
    /// # Errors
    /// [`InvalidBudget`] for the first budget that breaks a rule.
    pub fn budgets(mut self, budgets: impl IntoIterator<Item = Budget>) -> Result<Self, InvalidBudget> {
        let budgets: Vec<Budget> = budgets.into_iter().collect();
        budgets.iter().try_for_each(Budget::check)?;
        self.budgets = budgets.into();
        Ok(self)
    }

    /// Sets the currency of the guess for a service of which nothing is known. By default it is the currency of the
    /// first price of the service, else of the first budget that covers it, else the United States dollar.
    #[must_use]
    pub const fn currency(mut self, currency: Currency) -> Self {
        self.currency = currency;
        self
    }

    /// Looks up a cost by service and external id.
    pub fn find(&self, service: &str, external_id: &str) -> Result<Option<ApiCost>, StoreError> {
        self.store.read(|s| s.api_costs().find(service, external_id))
    }

    /// A page of the costs that match a filter, in the order of insertion. The page names the rows that cannot be read.
    /// It may have fewer costs than its limit, or none, although a next page follows.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    pub fn list(&self, filter: &ApiCostFilter, page: &PageRequest) -> Result<Page<ApiCost>, StoreError> {
        self.store.read(|s| s.api_costs().page(filter, page))
    }

    /// Returns the costs of these days, both ends included, by service, account, endpoint and currency.
    pub fn days(&self, days: &RangeInclusive<Day>) -> Result<ApiCostDays, StoreError> {
        self.store.read_stale(|s| s.api_costs().days(days))
    }

    /// Returns the money spent in a period, one row for each currency.
    pub fn spend(&self, period: SpendPeriod, scope: &SpendScope) -> Result<Vec<Spend>, StoreError> {
        self.store.read(|s| s.api_costs().spend(period, scope))
    }

    /// Returns the money spent in the current month (UTC) and its forecast, one row for each currency.
    pub fn month_forecast(&self, scope: &SpendScope) -> Result<Vec<MonthForecast>, StoreError> {
        let now = self.environment.now();
        let month = BudgetPeriod::Month.of(now);
        let spends = self.store.read_stale(|s| s.api_costs().spend(month, scope))?;
        let forecast = |spend: Spend| {
            let total = spend.total();
            let end = Money::zero(total.currency()).saturating_add_micros(forecast(total.micros(), month, now));
            MonthForecast { spend, forecast: end }
        };
        Ok(spends.into_iter().map(forecast).collect())
    }
}
