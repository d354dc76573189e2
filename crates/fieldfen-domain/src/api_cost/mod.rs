//! The costs of external APIs: amounts of money, prices, and budgets.

mod amounts;
mod budget;
mod budget_pause;
mod budget_use;
mod cost;
mod daily;
mod filter;
mod forecast;
mod guess;
mod money;
mod period;
mod price;
mod price_table;
mod record;

pub use amounts::{InvalidAmounts, MeasuredAmounts};
pub use budget::{Budget, BudgetLimit, BudgetState, BudgetStatus, InvalidBudget};
pub use budget_use::BudgetUse;
pub use cost::{ApiCost, CostState, CostStatus};
pub use daily::{ApiCostDays, DailyApiCost};
pub use filter::ApiCostFilter;
pub use forecast::forecast;
pub use guess::{CostGuess, DEFAULT_GUESS_MICROS};
pub use money::{Currency, InvalidCurrency, InvalidMoney, MAX_MONEY_MICROS, Money, parse_micros};
pub use period::{BudgetPeriod, SpendPeriod};
pub use price::{InvalidPrice, Price, PriceTier, PriceUnit};
pub use price_table::PriceTable;
pub use record::{RecordCostOutcome, record_cost};

use crate::OptionalText;

/// The costs that a budget or a sum counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct SpendScope {
    /// Only costs of this service; `None` for all services.
    pub service: Option<String>,
    /// Only costs of this account; `None` for all accounts. The empty text stands for costs without an account.
    pub account: Option<String>,
}

impl SpendScope {
    /// All costs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only costs of this service; `None` for all services.
    #[must_use]
    pub fn service(mut self, service: impl Into<OptionalText>) -> Self {
        self.service = service.into().0;
        self
    }

    /// Only costs of this account; `None` for all accounts.
    #[must_use]
    pub fn account(mut self, account: impl Into<OptionalText>) -> Self {
        self.account = account.into().0;
        self
    }

    /// Returns whether a cost of this service and account is counted.
    #[must_use]
    pub fn contains(&self, service: &str, account: Option<&str>) -> bool {
        self.service.as_deref().is_none_or(|own| own == service)
            && self.account.as_deref().is_none_or(|own| own == account.unwrap_or_default())
    }
}

/// The money that was spent in one period, in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Spend {
    /// The sum of the known costs. A sum beyond [`MAX_MONEY_MICROS`] is that number.
    pub known: Money,
    /// The sum of the guesses of pending and unknown costs, in the same currency.
    pub guessed: Money,
    /// The number of costs, known or not.
    pub items: u64,
    /// The number of costs of unknown amount.
    pub unknown_items: u64,
}

impl Spend {
    /// Nothing spent in this currency.
    #[must_use]
    pub const fn nothing(currency: Currency) -> Self {
        Self { known: Money::zero(currency), guessed: Money::zero(currency), items: 0, unknown_items: 0 }
    }

    /// Adds a sum in the same currency.
    pub fn add(&mut self, other: &Self) {
        self.known = self.known.saturating_add_micros(other.known.micros());
        self.guessed = self.guessed.saturating_add_micros(other.guessed.micros());
        self.items = self.items.saturating_add(other.items);
        self.unknown_items = self.unknown_items.saturating_add(other.unknown_items);
    }

    /// The known costs and the guesses, which is the sum that a budget counts.
    #[must_use]
    pub const fn total(&self) -> Money {
        self.known.saturating_add_micros(self.guessed.micros())
    }
}
