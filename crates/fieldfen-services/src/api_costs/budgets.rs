//! The used part of each budget, and the decision whether the budgets allow a call.

use fieldfen_domain::Timestamp;
use fieldfen_domain::api_cost::{Budget, BudgetLimit, BudgetStatus, Money, Spend, forecast};
use fieldfen_domain::job::Pause;
use fieldfen_domain::rate_limit::{CallScope, Closed, ClosedBy, InFlightTotal, PermitRequest};
use fieldfen_domain::store::{ReadSession, Store, StoreError};

use super::ApiCosts;

/// A budget and its used part.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BudgetReport {
    /// The budget.
    pub budget: Budget,
    /// Its used part, and the end of its period.
    pub status: BudgetStatus,
    /// The number that is used at the end of the period if every further day costs as much as the days so far.
    pub forecast: u64,
    /// The known costs and the guesses of the period in the currency of the budget; `None` for a budget in calls.
    pub spend: Option<Spend>,
    /// The calls that are being made now, and the sum of their guesses in the currency of the budget.
    pub in_flight: InFlightTotal,
    /// The money that was spent in other currencies, which the budget does not count.
    pub other_currencies: Vec<Spend>,
}

/// The refusal of a call by budgets.
#[derive(Debug)]
pub(crate) struct BudgetRefusal {
    /// The refusal that lasts longest.
    pub(crate) closed: Closed,
    /// The pauses of the budgets that are spent.
    pub(crate) pauses: Vec<Pause>,
}

impl<S: Store> ApiCosts<S> {
    /// Returns the status of each budget, in the order in which the budgets were given.
    pub fn budget_reports(&self) -> Result<Vec<BudgetReport>, StoreError> {
        let now = self.environment.now();
        self.store.read(|s| self.budget_reports_in(s, now))
    }

    /// The status of each budget, in an open session.
    pub(crate) fn budget_reports_in(
        &self,
        reads: &mut dyn ReadSession,
        now: Timestamp,
    ) -> Result<Vec<BudgetReport>, StoreError> {
        self.budgets.iter().map(|budget| report(reads, budget, now)).collect()
    }

    /// The budgets that cover a call of this service and account.
    pub fn budgets_of<'a>(
        &'a self,
        service: &'a str,
        account: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Budget> + use<'a, S> {
        self.budgets.iter().filter(move |budget| budget.scope.contains(service, account))
    }

    fn budgets_of_call<'a>(&'a self, call: &'a CallScope) -> impl Iterator<Item = &'a Budget> + use<'a, S> {
        self.budgets_of(&call.service, call.account.as_deref())
    }

    /// Whether a budget in calls covers the call, so that the rows of `api_usage` are counted.
    pub(crate) fn counts_calls(&self, call: &CallScope) -> bool {
        self.budgets_of_call(call).any(|budget| budget.limit.currency().is_none())
    }

    /// The guess for the call of a permit; the guess of the request if no budget in money covers it.
    pub(crate) fn guess_of_permit(
        &self,
        reads: &mut dyn ReadSession,
        request: &PermitRequest,
        now: Timestamp,
    ) -> Result<Option<Money>, StoreError> {
        let call = &request.call;
        if self.budgets_of_call(call).all(|budget| budget.limit.currency().is_none()) {
            return Ok(request.guess);
        }
        let price = self.prices.cost_of_call(&call.service, call.endpoint.as_deref(), None, now.date_naive());
        self.best_guess(reads, &call.service, call.endpoint.as_deref(), request.guess, price).map(Some)
    }

    /// The refusal of a call by the budgets; `None` if all of them allow it. `guess` is that of
    /// [`guess_of_permit`](Self::guess_of_permit).
    pub(crate) fn refusal(
        &self,
        reads: &mut dyn ReadSession,
        call: &CallScope,
        (units, guess): (u64, Option<Money>),
        now: Timestamp,
    ) -> Result<Option<BudgetRefusal>, StoreError> {
        let mut refusal: Option<BudgetRefusal> = None;
        for budget in self.budgets_of_call(call) {
            let wanted = match budget.limit {
                BudgetLimit::Calls(_) => units,
                BudgetLimit::Money(limit) => {
                    guess.filter(|guess| guess.currency() == limit.currency()).map_or(0, |guess| guess.micros())
                }
            };
            if wanted == 0 {
                continue;
            }
            let used = used(reads, budget, now)?.number;
            let in_flight = reads.rate_limits().in_flight(&budget.scope, budget.limit.currency(), now)?;
            let Some(closed) = budget.closed(used, &in_flight, wanted, now) else { continue };
            let pause = match &closed.by {
                ClosedBy::BudgetSpent { in_use, .. } => budget.pause(in_use, now),
                _ => None,
            };
            refusal = Some(match refusal {
                Some(BudgetRefusal { closed: other, mut pauses }) => {
                    pauses.extend(pause);
                    BudgetRefusal { closed: other.later(closed), pauses }
                }
                None => BudgetRefusal { closed, pauses: pause.into_iter().collect() },
            });
        }
        Ok(refusal)
    }

    /// Whether this is the pause of a budget that would not write it now: more is left of the budget, or this handle
    /// does not have it any more.
    pub(crate) fn has_ended(
        &self,
        reads: &mut dyn ReadSession,
        pause: &Pause,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(name) = pause.by_budget() else { return Ok(false) };
        for budget in self.budgets.iter().filter(|budget| budget.name == name) {
            if budget.pause_scope().as_ref() == Some(&pause.scope) && budget.pauses(used(reads, budget, now)?.number) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The refusal of every call of this scope: nothing is left of one of its budgets. A call whose price is known to
    /// be 0 is not refused.
    pub(crate) fn refusal_of_all(
        &self,
        reads: &mut dyn ReadSession,
        call: &CallScope,
        now: Timestamp,
    ) -> Result<Option<Closed>, StoreError> {
        let price = self.prices.cost_of_call(&call.service, call.endpoint.as_deref(), None, now.date_naive());
        let least = match price {
            Some(price) => Money::zero(price.currency()).saturating_add_micros(price.micros().min(1)),
            None => Money::zero(self.currency_of(&call.service)).saturating_add_micros(1),
        };
        Ok(self.refusal(reads, call, (1, Some(least)), now)?.map(|refusal| refusal.closed))
    }
}

/// The used part of a budget in the period that contains a time.
struct Used {
    /// The number that the budget counts.
    number: u64,
    spend: Option<Spend>,
    other_currencies: Vec<Spend>,
}

fn used(reads: &mut dyn ReadSession, budget: &Budget, now: Timestamp) -> Result<Used, StoreError> {
    let (period, scope) = (budget.per.of(now), &budget.scope);
    match budget.limit {
        BudgetLimit::Money(limit) => {
            let spend = reads.api_costs().spend(period, scope)?;
            let number = budget.used(&spend, 0);
            let (own, other_currencies): (Vec<_>, Vec<_>) =
                spend.into_iter().partition(|spend| spend.known.currency() == limit.currency());
            let own = own.into_iter().next().unwrap_or_else(|| Spend::nothing(limit.currency()));
            Ok(Used { number, spend: Some(own), other_currencies })
        }
        BudgetLimit::Calls(_) => {
            let calls = reads.api_usage().requests(period, scope)?;
            Ok(Used { number: budget.used(&[], calls), spend: None, other_currencies: Vec::new() })
        }
    }
}

fn report(reads: &mut dyn ReadSession, budget: &Budget, now: Timestamp) -> Result<BudgetReport, StoreError> {
    let Used { number, spend, other_currencies } = used(reads, budget, now)?;
    let in_flight = reads.rate_limits().in_flight(&budget.scope, budget.limit.currency(), now)?;
    let status = budget.status(number, now);
    let forecast = forecast(number, budget.per.of(now), now);
    Ok(BudgetReport { budget: budget.clone(), status, forecast, spend, in_flight, other_currencies })
}
