//! The decision whether a budget allows one more call.

use std::fmt;

use super::budget::Budget;
use super::money::{Currency, Money};
use crate::rate_limit::{Closed, ClosedBy, InFlightTotal};
use crate::time::Timestamp;

/// The used part of a budget, in millionths of its currency or in calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BudgetUse {
    /// The known costs of the period and the guesses of its other costs, or its calls.
    pub used: u64,
    /// The guesses of the permits in flight, or their calls.
    pub in_flight: u64,
    /// The guess of the call that wants a permit, or the number of its requests.
    pub wanted: u64,
    /// The number that the budget allows.
    pub limit: u64,
    /// The currency; `None` for calls.
    pub currency: Option<Currency>,
}

impl BudgetUse {
    /// Returns whether nothing is left, whatever the calls in flight cost. Otherwise a cheaper call may pass, or this
    /// one after a call in flight has cost less than its guess.
    #[must_use]
    pub const fn is_spent(&self) -> bool {
        self.used >= self.limit
    }

    const fn allows(&self, in_flight: u64) -> bool {
        self.used.saturating_add(in_flight).saturating_add(self.wanted) <= self.limit
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, number: u64) -> fmt::Result {
        match self.currency {
            Some(currency) => write!(f, "{}", Money::zero(currency).saturating_add_micros(number)),
            None => write!(f, "{number}"),
        }
    }
}

/// `0.95 USD of 1 USD are used, 0.04 USD are in flight, and the call wants 0.02 USD`.
impl fmt::Display for BudgetUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, self.used)?;
        f.write_str(" of ")?;
        self.write(f, self.limit)?;
        f.write_str(if self.currency.is_some() { " are used, " } else { " calls are used, " })?;
        self.write(f, self.in_flight)?;
        f.write_str(" are in flight, and the call wants ")?;
        self.write(f, self.wanted)
    }
}

impl Budget {
    /// The reason for which this budget does not allow a call, and the time at which it may; `None` if it allows the
    /// call.
    ///
    /// `used` is what the budget [has counted](Self::used). `wanted` is the guess for the call in the currency of the
    /// budget, or the number of its requests; a call that wants 0 does not count, and is always allowed.
    ///
    /// If the budget allows the call without the calls in flight, it may allow it when the first of them has ended.
    /// Otherwise it may at the end of the period.
    #[must_use]
    pub fn closed(&self, used: u64, in_flight: &InFlightTotal, wanted: u64, now: Timestamp) -> Option<Closed> {
        let currency = self.limit.currency();
        let of_permits = if currency.is_some() { in_flight.guess_micros } else { in_flight.units };
        let in_use = BudgetUse { used, in_flight: of_permits, wanted, limit: self.limit.number(), currency };
        if wanted == 0 || in_use.allows(of_permits) {
            return None;
        }
        let ends_at = self.per.of(now).ends_at();
        let until = match in_flight.first_lapse.filter(|_| in_use.allows(0)) {
            Some(first_lapse) => first_lapse.min(ends_at),
            None => ends_at,
        };
        let by = ClosedBy::BudgetSpent { budget: self.name.clone(), scope: self.scope.clone(), in_use };
        Some(Closed::new(until, by))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api_cost::{BudgetLimit, BudgetPeriod};

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn in_flight(number: u64) -> InFlightTotal {
        let first_lapse = (number > 0).then(|| time("2026-11-30T23:59:50Z"));
        InFlightTotal { units: number, guess_micros: number, first_lapse }
    }

    #[test]
    fn a_call_waits_for_the_calls_in_flight_or_for_the_next_period() {
        let micros = |micros| BudgetLimit::Money(Money::from_micros(micros, Currency::USD).unwrap());
        let (lapse, month, day) = ("2026-11-30T23:59:50Z", "2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z");
        for (limit, per, used, flying, wanted, until) in [
            (micros(100), BudgetPeriod::Month, 60, 30, 10, None),
            (micros(100), BudgetPeriod::Month, 60, 30, 11, Some(lapse)),
            (micros(100), BudgetPeriod::Month, 90, 0, 11, Some(month)),
            (micros(100), BudgetPeriod::Month, 90, 30, 11, Some(month)),
            (micros(100), BudgetPeriod::Day, 100, 0, 1, Some(day)),
            (micros(100), BudgetPeriod::Day, 900, 0, 1, Some(day)),
            (micros(100), BudgetPeriod::Day, 900, 900, 0, None),
            (BudgetLimit::Calls(5), BudgetPeriod::Day, 4, 0, 1, None),
            (BudgetLimit::Calls(5), BudgetPeriod::Day, 4, 0, 2, Some(day)),
            (BudgetLimit::Calls(5), BudgetPeriod::Day, 3, 2, 1, Some(lapse)),
            (BudgetLimit::Calls(u64::MAX), BudgetPeriod::Day, u64::MAX, 0, 1, None),
        ] {
            let budget = Budget::new("all", per, limit);
            let closed = budget.closed(used, &in_flight(flying), wanted, time("2026-11-30T23:59:40Z"));
            let found = closed.map(|closed| closed.until);
            assert_eq!(found, until.map(time), "{limit:?} {used} {flying} {wanted}");
        }
    }

    #[test]
    fn a_lapse_after_the_end_of_the_period_closes_the_budget_until_that_end() {
        let budget = Budget::new("all", BudgetPeriod::Day, BudgetLimit::Calls(1));
        let in_flight = InFlightTotal { first_lapse: Some(time("2026-12-01T00:00:30Z")), ..in_flight(1) };
        let closed = budget.closed(0, &in_flight, 1, time("2026-11-30T23:59:40Z")).unwrap();
        assert_eq!(closed.until, time("2026-12-01T00:00:00Z"));
        let ClosedBy::BudgetSpent { in_use, .. } = closed.by else { panic!("{closed:?}") };
        assert!(!in_use.is_spent());
    }

    #[test]
    fn a_refusal_says_what_is_used() {
        let limit = BudgetLimit::Money(Money::parse("1", Currency::USD).unwrap());
        let budget = Budget::new("images", BudgetPeriod::Month, limit);
        let now = time("2026-11-30T12:00:00Z");
        let closed = budget.closed(950_000, &in_flight(40_000), 20_000, now).unwrap();
        assert_eq!(
            closed.to_string(),
            "budget \"images\": 0.95 USD of 1.00 USD are used, 0.04 USD are in flight, and the call wants 0.02 USD, \
             until 2026-11-30 23:59:50 UTC"
        );
        let calls = Budget::new("all", BudgetPeriod::Day, BudgetLimit::Calls(7));
        let closed = calls.closed(7, &in_flight(0), 1, now).unwrap();
        assert_eq!(
            closed.to_string(),
            "budget \"all\": 7 of 7 calls are used, 0 are in flight, and the call wants 1, until 2026-12-01 00:00:00 UTC"
        );
    }
}
