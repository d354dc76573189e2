//! The budgets of external APIs: `[[budget]]`.

use fieldfen_domain::api_cost::{Budget, BudgetLimit, BudgetPeriod, Currency, Money};
use serde::Deserialize;

use super::decimal::Decimal;
use super::setting::{InvalidShop, Setting};

/// One `[[budget]]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table with name, service, account, per, money, currency, calls and warn_at_percent"
)]
pub(super) struct BudgetRule {
    name: String,
    service: Option<String>,
    account: Option<String>,
    per: BudgetPeriod,
    money: Option<Decimal>,
    currency: Option<Currency>,
    calls: Option<u64>,
    warn_at_percent: Option<u8>,
}

/// The budgets of these rules.
pub(super) fn budgets(rules: &[BudgetRule]) -> Result<Vec<Budget>, InvalidShop> {
    let mut budgets: Vec<Budget> = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let at = Setting::of("budget").item(index);
        let budget = rule.budget(&at)?;
        if let Some(other) = budgets.iter().position(|other| other.name == budget.name) {
            let rule = format!("budget #{} has this name", other + 1);
            return Err(InvalidShop::at(at.key("name"), format!("{:?}", budget.name), rule));
        }
        budget.check().map_err(|error| InvalidShop::at(at.key(error.field), error.value, error.rule))?;
        budgets.push(budget);
    }
    Ok(budgets)
}

impl BudgetRule {
    fn budget(&self, at: &Setting) -> Result<Budget, InvalidShop> {
        let invalid = |field, value: &str, rule: &str| Err(InvalidShop::at(at.clone().key(field), value, rule));
        let limit = match (self.money, self.currency, self.calls) {
            (Some(money), Some(currency), None) => {
                BudgetLimit::Money(Money::zero(currency).saturating_add_micros(money.0))
            }
            (None, None, Some(calls)) => BudgetLimit::Calls(calls),
            (Some(_), _, Some(_)) => return invalid("calls", "given with money", NEEDS),
            (Some(_), None, None) => return invalid("currency", "missing", "money needs the currency of the budget"),
            (None, Some(currency), Some(_)) => {
                return invalid("currency", currency.as_str(), "a budget in calls has no currency");
            }
            (None, _, None) => return invalid("money", "missing", NEEDS),
        };
        let budget =
            Budget::new(self.name.clone(), self.per, limit).service(self.service.clone()).account(self.account.clone());
        Ok(match self.warn_at_percent {
            Some(percent) => budget.warn_at_percent(percent),
            None => budget,
        })
    }
}

const NEEDS: &str = "a budget needs money or calls, and not both";
