//! How much of each budget is used.

use fieldfen_domain::Timestamp;
use fieldfen_domain::api_cost::{Budget, BudgetLimit, BudgetStatus, Spend, forecast};
use fieldfen_domain::store::{ReadSession, Store, StoreError};

use super::ApiCosts;

/// A budget, and how much of it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BudgetReport {
    /// The budget.
    pub budget: Budget,
    /// How much of it is used, and until when it lasts.
    pub status: BudgetStatus,
    /// The number that is used at the end of the period if every further day costs as much as the days so far.
    pub forecast: u64,
    /// The money that was spent in other currencies, which the budget does not count.
    pub other_currencies: Vec<Spend>,
}

impl<S: Store> ApiCosts<S> {
    /// Returns the status of each budget, in the order in which the budgets were given.
    pub fn budget_reports(&self) -> Result<Vec<BudgetReport>, StoreError> {
        let now = self.environment.now();
        self.store.read(|s| self.budgets.iter().map(|budget| report(s, budget, now)).collect())
    }

    /// The budgets that cover a call of this service and account.
    pub fn budgets_of<'a>(
        &'a self,
        service: &'a str,
        account: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Budget> + use<'a, S> {
        self.budgets.iter().filter(move |budget| budget.scope.contains(service, account))
    }
}

/// The number that a budget has counted in the period that contains this time, and the spending in other currencies.
fn used(reads: &mut dyn ReadSession, budget: &Budget, now: Timestamp) -> Result<(u64, Vec<Spend>), StoreError> {
    let (period, scope) = (budget.per.of(now), &budget.scope);
    match budget.limit {
        BudgetLimit::Money(limit) => {
            let spend = reads.api_costs().spend(period, scope)?;
            let used = budget.used(&spend, 0);
            Ok((used, spend.into_iter().filter(|spend| spend.known.currency() != limit.currency()).collect()))
        }
        BudgetLimit::Calls(_) => {
            let days = reads.api_usage().days(&period.days())?;
            let calls = days.days.iter().filter(|day| {
                scope.service.as_deref().is_none_or(|service| service == day.service)
                    && scope.account.as_deref().is_none_or(|account| account == day.account)
            });
            Ok((calls.fold(0, |sum, day| sum.saturating_add(day.requests)), Vec::new()))
        }
    }
}

fn report(reads: &mut dyn ReadSession, budget: &Budget, now: Timestamp) -> Result<BudgetReport, StoreError> {
    let (used, other_currencies) = used(reads, budget, now)?;
    let status = budget.status(used, now);
    let forecast = forecast(used, budget.per.of(now), now);
    Ok(BudgetReport { budget: budget.clone(), status, forecast, other_currencies })
}
