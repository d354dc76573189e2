//! The reason for which a call may not be made now, and the time at which it may.

use std::fmt;
use std::time::Duration;

use super::key::RateLimitKey;
use super::limit_values::UnitsUntil;
use super::usage::UsageCell;
use crate::api_cost::{BudgetUse, SpendScope};
use crate::job::PauseScope;
use crate::time::{Timestamp, later};

/// A refused call may ask again after this time, even if the pause has no end or a later one: a person may lift it.
pub const PAUSE_ASKED_AGAIN: Duration = Duration::from_secs(60 * 60);

/// Whether a call may be made, as [`RateLimitReads::look`](crate::store::RateLimitReads::look) answers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Availability {
    /// A call of one unit may be made now.
    Open,
    /// No call may be made now.
    Closed(Closed),
}

/// The reason for which no call may be made now, and the time until which it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed {
    /// The earliest time at which a call may be made, as far as it can be told. An answer that arrives before it may
    /// open or close the service.
    pub until: Timestamp,
    /// The reason.
    pub by: ClosedBy,
}

impl Closed {
    /// No call before this time, for this reason.
    #[must_use]
    pub const fn new(until: Timestamp, by: ClosedBy) -> Self {
        Self { until, by }
    }

    /// The same refusal, after which the call asks again within an hour if a budget has refused it: a person may raise
    /// the budget, or a call may have cost less than its guess.
    #[must_use]
    pub fn asked_again(self, now: Timestamp) -> Self {
        match self.by {
            ClosedBy::BudgetSpent { .. } => Self { until: self.until.min(later(now, PAUSE_ASKED_AGAIN)), ..self },
            _ => self,
        }
    }

    /// The one that ends later.
    #[must_use]
    pub fn later(self, other: Self) -> Self {
        if other.until > self.until { other } else { self }
    }
}

/// `etsy (per-day): 100 of 100 units are in use, until 2026-11-23 14:05:09 UTC`.
impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, until {}", self.by, self.until)
    }
}

/// The limit, block, budget or pause that keeps a call from being made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClosedBy {
    /// The units of a window are in use.
    Window {
        /// The limit.
        limit: RateLimitKey,
        /// The number of units in use: of calls, of permits in flight, and of others.
        in_use: u64,
        /// The number of units that the window allows.
        units: u64,
    },
    /// A bucket does not hold enough.
    Bucket {
        /// The limit.
        limit: RateLimitKey,
        /// The number of units that it holds.
        available: u64,
        /// The number of units in a full bucket.
        burst: u64,
    },
    /// The service has stated the units that are left, and they are not enough.
    Left {
        /// The limit.
        limit: RateLimitKey,
        /// The number of units that are left.
        left: u64,
    },
    /// The service has refused a call.
    Blocked {
        /// The limit.
        limit: RateLimitKey,
        /// The reason, for people.
        reason: String,
    },
    /// A budget does not allow the call.
    BudgetSpent {
        /// The name of the budget.
        budget: String,
        /// The services and accounts that it covers.
        scope: SpendScope,
        /// Its used part, and the guess of the call.
        in_use: BudgetUse,
    },
    /// The service or the account is paused.
    Paused {
        /// The paused service or account.
        scope: PauseScope,
        /// The reason, for people.
        reason: String,
    },
}

impl fmt::Display for ClosedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Window { limit, in_use, units } => write!(f, "{limit}: {in_use} of {units} units are in use"),
            Self::Bucket { limit, available, burst } => {
                write!(f, "{limit}: the bucket holds {available} of {burst} units")
            }
            Self::Left { limit, left } => write!(f, "{limit}: {left} units are left"),
            Self::Blocked { limit, reason } => write!(f, "{limit}: {reason}"),
            Self::BudgetSpent { budget, in_use, .. } => write!(f, "budget {budget:?}: {in_use}"),
            Self::Paused { scope, reason } => write!(f, "{scope} is paused: {reason}"),
        }
    }
}

/// The refusal of one limit. When it ends may depend on the calls that count in its window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    until: Timestamp,
    /// The units of the window that must be freed first, and the times at which they are freed, as far as they are
    /// known without the cells.
    freed_first: Option<FreedFirst>,
    by: ClosedBy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FreedFirst {
    units: u64,
    others: Option<UnitsUntil>,
    /// The earliest time at which the units of calls in flight can be free.
    in_flight: Timestamp,
}

impl Refusal {
    pub(super) const fn until(until: Timestamp, by: ClosedBy) -> Self {
        Self { until, freed_first: None, by }
    }

    pub(super) const fn until_freed(
        units: u64,
        others: Option<UnitsUntil>,
        in_flight: Timestamp,
        by: ClosedBy,
    ) -> Self {
        Self { until: in_flight, freed_first: Some(FreedFirst { units, others, in_flight }), by }
    }

    /// Both refusals of one limit. A block hides the units that must be freed: when it is over, the limit decides anew.
    pub(super) fn later(self, other: Self) -> Self {
        if other.freed_first.is_some() || other.until <= self.until { self } else { other }
    }

    /// Whether [`Refusal::closed`] looks at the cells.
    #[must_use]
    pub const fn depends_on_cells(&self) -> bool {
        self.freed_first.is_some()
    }

    /// The time at which the call may be made, given the cells that count in the limit's window, the earliest first.
    #[must_use]
    pub fn closed(self, cells: &[UsageCell]) -> Closed {
        let Some(first) = self.freed_first else { return Closed::new(self.until, self.by) };
        let mut missing = first.units;
        let mut others = first.others;
        for cell in cells {
            if let Some(of_others) = others.filter(|others| others.until <= cell.frees_at) {
                others = None;
                missing = missing.saturating_sub(of_others.units);
                if missing == 0 {
                    return Closed::new(of_others.until, self.by);
                }
            }
            missing = missing.saturating_sub(cell.units);
            if missing == 0 {
                return Closed::new(cell.frees_at, self.by);
            }
        }
        match others {
            Some(of_others) if of_others.units >= missing => Closed::new(of_others.until, self.by),
            _ => Closed::new(first.in_flight, self.by),
        }
    }
}
