//! The pause of a service or an account whose budget is spent.

use super::budget::Budget;
use super::budget_use::BudgetUse;
use crate::job::{Pause, PauseScope};
use crate::reason::cut_reason;
use crate::time::Timestamp;

/// The beginning of the text in `pauses.by` of a pause that a budget has written. The name of the budget follows.
const BY_BUDGET: &str = "budget ";

/// A budget pauses if less than this part of it is left: one hundredth.
const PAUSES_BELOW: u64 = 100;

impl Budget {
    /// Returns whether a refusal by this budget pauses its service or account: less than one hundredth of it is left,
    /// whatever the calls in flight cost.
    ///
    /// Amounts of money seldom add up to the limit. With this rule, a rest that no usual call fits into is nothing.
    #[must_use]
    pub const fn pauses(&self, used: u64) -> bool {
        let limit = self.limit.number();
        limit.saturating_sub(used).saturating_mul(PAUSES_BELOW) < limit
    }

    /// The scope of a pause that stops the same calls as this budget.
    ///
    /// `None` for a budget of all services, of an account at all services, or of the calls without an account, and for
    /// names that no pause can have.
    #[must_use]
    pub fn pause_scope(&self) -> Option<PauseScope> {
        let service = self.scope.service.as_deref()?;
        let name = match self.scope.account.as_deref() {
            None => service.to_owned(),
            Some("") => return None,
            Some(account) => format!("{service}/{account}"),
        };
        name.parse().ok().map(PauseScope::Account)
    }

    /// The pause to write when the budget has refused a call for this reason, until the end of its period. `None` if
    /// the budget [does not pause](Self::pauses), or if no pause stops the same calls.
    #[must_use]
    pub fn pause(&self, in_use: &BudgetUse, now: Timestamp) -> Option<Pause> {
        if !self.pauses(in_use.used) {
            return None;
        }
        let (reason, by) = (in_use.to_string(), format!("{BY_BUDGET}{}", self.name));
        Some(Pause::new(self.pause_scope()?, cut_reason(&reason), now, by).until(self.per.of(now).ends_at()))
    }
}

impl Pause {
    /// The name of the budget that has written this pause; `None` if a person or the rate limiter paused.
    #[must_use]
    pub fn by_budget(&self) -> Option<&str> {
        self.by.strip_prefix(BY_BUDGET)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api_cost::{BudgetLimit, BudgetPeriod, Currency, Money};
    use crate::rate_limit::{ClosedBy, InFlightTotal};

    fn budget(limit: BudgetLimit) -> Budget {
        Budget::new("images", BudgetPeriod::Day, limit)
    }

    #[test]
    fn a_budget_pauses_when_less_than_a_hundredth_is_left() {
        let calls = |limit| budget(BudgetLimit::Calls(limit));
        for (limit, used, spent) in [
            (1, 0, false),
            (1, 1, true),
            (99, 98, false),
            (99, 99, true),
            (1000, 990, false),
            (1000, 991, true),
            (1000, 2000, true),
            (u64::MAX, 0, false),
            (u64::MAX, u64::MAX, true),
        ] {
            assert_eq!(calls(limit).pauses(used), spent, "{used} of {limit}");
        }
    }

    #[test]
    fn only_a_budget_of_a_service_or_of_one_of_its_accounts_can_pause() {
        let scope = |service: Option<&str>, account: Option<&str>| {
            let owned = |name: Option<&str>| name.map(str::to_owned);
            let budget = budget(BudgetLimit::Calls(1)).service(owned(service)).account(owned(account));
            budget.pause_scope().map(|scope| scope.to_string())
        };
        assert_eq!(scope(Some("etsy"), None).as_deref(), Some("service etsy"));
        assert_eq!(scope(Some("etsy"), Some("main")).as_deref(), Some("account etsy/main"));
        for (service, account) in [(None, None), (None, Some("main")), (Some("etsy"), Some("")), (Some("a\nb"), None)] {
            assert_eq!(scope(service, account), None, "{service:?} {account:?}");
        }
    }

    #[test]
    fn a_pause_lasts_until_the_end_of_the_period_and_names_the_budget() {
        let now = "2026-11-30T23:59:59Z".parse().unwrap();
        let dollar = BudgetLimit::Money(Money::parse("1", Currency::USD).unwrap());
        let budget = budget(dollar).service("replicate");
        let in_use = |used| match budget.closed(used, &InFlightTotal::default(), 40_000, now).unwrap().by {
            ClosedBy::BudgetSpent { in_use, .. } => in_use,
            other => panic!("{other:?}"),
        };
        let pause = budget.pause(&in_use(991_000), now).unwrap();
        assert_eq!((pause.by.as_str(), pause.by_budget()), ("budget images", Some("images")));
        assert_eq!(pause.until, Some("2026-12-01T00:00:00Z".parse().unwrap()));
        assert_eq!(pause.reason, "0.991 USD of 1.00 USD are used, 0.00 USD are in flight, and the call wants 0.04 USD");
        assert_eq!(budget.pause(&in_use(970_000), now), None, "a cheaper call may pass");
        assert_eq!(Pause { by: "ann".to_owned(), ..pause }.by_budget(), None);
    }
}
