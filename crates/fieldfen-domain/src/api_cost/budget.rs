//! Budgets: how much may be spent or called in a day or month.

use serde::Serialize;

use super::money::{Currency, Money};
use super::period::BudgetPeriod;
use super::{Spend, SpendScope};
use crate::OptionalText;
use crate::text_enum::text_enum;
use crate::time::Timestamp;

/// The amount that a budget allows in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BudgetLimit {
    /// Money: known costs and the guesses of all others. Costs in another currency are not counted.
    Money(Money),
    /// Requests, by the rows of `api_usage`.
    Calls(u64),
}

impl BudgetLimit {
    /// The number of millionths, or of calls.
    #[must_use]
    pub const fn number(self) -> u64 {
        match self {
            Self::Money(money) => money.micros(),
            Self::Calls(calls) => calls,
        }
    }

    /// The currency; `None` for calls.
    #[must_use]
    pub const fn currency(self) -> Option<Currency> {
        match self {
            Self::Money(money) => Some(money.currency()),
            Self::Calls(_) => None,
        }
    }
}

/// A budget of a service, an account, or of everything.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Budget {
    /// The name, for people.
    pub name: String,
    /// The services and accounts that the budget covers.
    pub scope: SpendScope,
    /// The period after which the budget begins anew.
    pub per: BudgetPeriod,
    /// The amount that it allows.
    pub limit: BudgetLimit,
    /// The share from which on the state is [`BudgetState::Warning`], in per cent.
    pub warn_at_percent: u8,
}

/// The error of a budget that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} of a budget is {value}: {rule}")]
pub struct InvalidBudget {
    /// The name of the field.
    pub field: &'static str,
    /// The given value.
    pub value: String,
    /// The rule for the value.
    pub rule: &'static str,
}

impl Budget {
    /// A budget of all services and accounts that warns at 80 per cent.
    #[must_use]
    pub fn new(name: impl Into<String>, per: BudgetPeriod, limit: BudgetLimit) -> Self {
        Self { name: name.into(), scope: SpendScope::new(), per, limit, warn_at_percent: 80 }
    }

    /// Restricts the budget to a service.
    #[must_use]
    pub fn service(mut self, service: impl Into<OptionalText>) -> Self {
        self.scope.service = service.into().0;
        self
    }

    /// Restricts the budget to a service, with all its accounts.
    ///
    /// ```
    /// use fieldfen_domain::api_cost::{Budget, BudgetLimit, BudgetPeriod};
    ///
    /// let budget = Budget::new("etsy", BudgetPeriod::Day, BudgetLimit::Calls(10_000)).of_service("etsy");
    /// assert_eq!(budget.scope.service.as_deref(), Some("etsy"));
    /// ```
    #[must_use]
    pub fn of_service(self, service: impl Into<String>) -> Self {
        self.service(service.into())
    }

    /// Restricts the budget to an account of a service.
    #[must_use]
    pub fn of_account(self, service: impl Into<String>, account: impl Into<String>) -> Self {
        self.service(service.into()).account(account.into())
    }

    /// Restricts the budget to an account.
    #[must_use]
    pub fn account(mut self, account: impl Into<OptionalText>) -> Self {
        self.scope.account = account.into().0;
        self
    }

    /// Sets the share from which on the state is [`BudgetState::Warning`], 1 to 100 per cent.
    #[must_use]
    pub const fn warn_at_percent(mut self, percent: u8) -> Self {
        self.warn_at_percent = percent;
        self
    }

    /// Checks the values.
    ///
    /// # Errors
    /// [`InvalidBudget`] for the first value that breaks a rule.
    pub fn check(&self) -> Result<(), InvalidBudget> {
        let invalid = |field, value: String, rule| Err(InvalidBudget { field, value, rule });
        if self.name.trim().is_empty() || self.name.len() > 255 {
            return invalid("name", format!("{:?}", self.name), "it must not be blank, and have at most 255 bytes");
        }
        if self.scope.service.as_deref().is_some_and(|service| service.trim().is_empty()) {
            return invalid(
                "service",
                format!("{:?}", self.scope.service),
                "it must not be blank; leave it out for all",
            );
        }
        if self.limit.number() == 0 {
            let field = if self.limit.currency().is_some() { "money" } else { "calls" };
            return invalid(field, "0".to_owned(), "it must be more than 0; to forbid all calls, pause the service");
        }
        if !(1..=100).contains(&self.warn_at_percent) {
            return invalid("warn_at_percent", self.warn_at_percent.to_string(), "it must be 1 to 100");
        }
        Ok(())
    }

    /// The number that this budget counts in the spending of its scope and period, which has one row for each currency.
    /// `calls` is the number of requests.
    #[must_use]
    pub fn used(&self, spend: &[Spend], calls: u64) -> u64 {
        match self.limit {
            BudgetLimit::Calls(_) => calls,
            BudgetLimit::Money(limit) => spend
                .iter()
                .filter(|spend| spend.known.currency() == limit.currency())
                .fold(0, |sum, spend| sum.saturating_add(spend.total().micros())),
        }
    }

    /// Returns whether a further call is allowed. `used` is what the budget [has counted](Self::used), `in_flight` is
    /// the sum for calls that have begun, and `wanted` is the guess for the call, or the number of its requests.
    #[must_use]
    pub const fn allows(&self, used: u64, in_flight: u64, wanted: u64) -> bool {
        used.saturating_add(in_flight).saturating_add(wanted) <= self.limit.number()
    }

    /// The status at a time at which this much is used.
    #[must_use]
    pub fn status(&self, used: u64, now: Timestamp) -> BudgetStatus {
        let limit = self.limit.number();
        let of_limit = |share: u128| u128::from(used) * share;
        let share = of_limit(10_000).checked_div(limit.into()).unwrap_or(10_000);
        let state = if used >= limit {
            BudgetState::Spent
        } else if of_limit(100) >= u128::from(limit) * u128::from(self.warn_at_percent) {
            BudgetState::Warning
        } else {
            BudgetState::Ok
        };
        BudgetStatus {
            used,
            limit,
            currency: self.limit.currency(),
            left: limit.saturating_sub(used),
            share_basis_points: u64::try_from(share).unwrap_or(u64::MAX),
            state,
            ends_at: self.per.of(now).ends_at(),
        }
    }
}

text_enum! {
    /// The state of a budget.
    pub enum BudgetState as "budget state" {
        /// Less than the warning level is used.
        Ok = "ok",
        /// The warning level is reached.
        Warning = "warning",
        /// All is used.
        Spent = "spent",
    }
}

/// The used part of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BudgetStatus {
    /// The number used: millionths of the currency, or calls.
    pub used: u64,
    /// The number that the budget allows.
    pub limit: u64,
    /// The currency; `None` for calls.
    pub currency: Option<Currency>,
    /// The number left; 0 if more is used than allowed.
    pub left: u64,
    /// The share that is used, in hundredths of a per cent, rounded down. It is more than 10,000 if the budget is
    /// overrun.
    pub share_basis_points: u64,
    /// The state.
    pub state: BudgetState,
    /// The time at which the budget begins anew.
    pub ends_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(limit: BudgetLimit) -> Budget {
        Budget::new("all", BudgetPeriod::Month, limit)
    }

    #[test]
    fn the_state_follows_the_share() {
        let now: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        for (limit, used, state, share, left) in [
            (1000, 0, BudgetState::Ok, 0, 1000),
            (1000, 799, BudgetState::Ok, 7990, 201),
            (1000, 800, BudgetState::Warning, 8000, 200),
            (1000, 999, BudgetState::Warning, 9990, 1),
            (1000, 1000, BudgetState::Spent, 10_000, 0),
            (1000, 1500, BudgetState::Spent, 15_000, 0),
            (3, 2, BudgetState::Ok, 6666, 1),
            (u64::MAX, u64::MAX - 1, BudgetState::Warning, 9999, 1),
            (1, u64::MAX, BudgetState::Spent, u64::MAX, 0),
        ] {
            let status = budget(BudgetLimit::Calls(limit)).status(used, now);
            assert_eq!((status.state, status.share_basis_points, status.left), (state, share, left), "{used}/{limit}");
            assert_eq!(status.ends_at, "2026-12-01T00:00:00Z".parse::<Timestamp>().unwrap());
        }
        let all = budget(BudgetLimit::Calls(10)).warn_at_percent(100);
        assert_eq!((all.status(9, now).state, all.status(10, now).state), (BudgetState::Ok, BudgetState::Spent));
    }

    #[test]
    fn a_call_is_allowed_while_the_limit_is_not_exceeded() {
        let budget = budget(BudgetLimit::Calls(10));
        for (used, in_flight, wanted, allowed) in [
            (0, 0, 10, true),
            (7, 2, 1, true),
            (7, 2, 2, false),
            (10, 0, 0, true),
            (11, 0, 0, false),
            (1, u64::MAX, 1, false),
        ] {
            assert_eq!(budget.allows(used, in_flight, wanted), allowed, "{used} {in_flight} {wanted}");
        }
    }

    #[test]
    fn only_the_own_currency_is_counted_with_its_guesses() {
        let money = |micros, currency| Money::from_micros(micros, currency).unwrap();
        let spend = |currency, known, guessed| Spend {
            known: money(known, currency),
            guessed: money(guessed, currency),
            ..Spend::nothing(currency)
        };
        let spent = [spend(Currency::EUR, 1, 2), spend(Currency::USD, 10, 20)];
        let dollars = budget(BudgetLimit::Money(money(100, Currency::USD)));
        assert_eq!((dollars.used(&spent, 7), dollars.used(&[], 7)), (30, 0));
        assert_eq!(budget(BudgetLimit::Calls(100)).used(&spent, 7), 7);
    }

    #[test]
    fn every_error_names_field_value_and_rule() {
        let calls = |calls| budget(BudgetLimit::Calls(calls));
        for (budget, message) in [
            (Budget { name: " ".to_owned(), ..calls(1) }, "name of a budget is \" \": it must not be blank"),
            (calls(0), "calls of a budget is 0: it must be more than 0"),
            (budget(BudgetLimit::Money(Money::zero(Currency::USD))), "money of a budget is 0: it must be more than 0"),
            (calls(1).warn_at_percent(0), "warn_at_percent of a budget is 0: it must be 1 to 100"),
            (calls(1).warn_at_percent(101), "warn_at_percent of a budget is 101: it must be 1 to 100"),
            (calls(1).service(String::new()), "service of a budget is Some(\"\"): it must not be blank"),
        ] {
            let error = budget.check().unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
        assert_eq!(calls(1).check(), Ok(()));
    }
}
