//! Acquiring a permit.

use std::time::Duration;

use super::closed::Closed;
use super::key::{CallScope, RateLimitKey};
use super::pause::PausesOfBudgets;
use super::permit::Permit;
use super::rule::{LimitRule, MAX_UNITS};
use crate::OptionalText;
use crate::api_cost::Money;
use crate::ids::PermitId;
use crate::time::Timestamp;

/// A call for which a program wants a permit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PermitRequest {
    /// The service, account and endpoint.
    pub call: CallScope,
    /// The units that it takes of each limit: the number of requests.
    pub units: u64,
    /// The units that it takes of the limits with these names, where that is another number.
    pub units_of: Vec<(String, u64)>,
    /// The guess for the cost of the call. Budgets count it until the permit is settled or lapses.
    pub guess: Option<Money>,
}

impl PermitRequest {
    /// One request to this service.
    #[must_use]
    pub fn new(service: impl Into<String>) -> Self {
        Self::of(CallScope::new(service))
    }

    /// One request of this scope.
    #[must_use]
    pub const fn of(call: CallScope) -> Self {
        Self { call, units: 1, units_of: Vec::new(), guess: None }
    }

    /// The same call with this account.
    #[must_use]
    pub fn account(mut self, account: impl Into<OptionalText>) -> Self {
        self.call = self.call.account(account);
        self
    }

    /// The same call to this endpoint.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<OptionalText>) -> Self {
        self.call = self.call.endpoint(endpoint);
        self
    }

    /// The same call, which takes this many units of each limit. 0 counts as 1, since a call of unknown size must not
    /// pass without being counted.
    #[must_use]
    pub fn units(mut self, units: u64) -> Self {
        self.units = units.clamp(1, MAX_UNITS);
        self
    }

    /// The same call, which takes this many units of the limits with this name.
    #[must_use]
    pub fn units_of(mut self, bucket: impl Into<String>, units: u64) -> Self {
        self.units_of.push((bucket.into(), units.clamp(1, MAX_UNITS)));
        self
    }

    /// The same call, which is guessed to cost this. Without a guess, a limiter with
    /// [budgets](crate::api_cost::Budget) takes the best that it knows; 0 counts as no guess.
    #[must_use]
    pub fn guess(mut self, guess: impl Into<Option<Money>>) -> Self {
        self.guess = guess.into();
        self
    }

    /// The units that the call takes of a limit.
    #[must_use]
    pub fn wanted_of(&self, limit: &RateLimitKey) -> u64 {
        let named = self.units_of.iter().find(|(bucket, _)| *bucket == limit.bucket);
        named.map_or(self.units, |(_, units)| *units)
    }
}

/// A limit that a program has configured, for the call of an [`AcquireRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfiguredLimit {
    /// The calls that it counts.
    pub key: RateLimitKey,
    /// The rule by which it counts.
    pub rule: LimitRule,
}

impl ConfiguredLimit {
    /// A limit of this key and rule.
    #[must_use]
    pub const fn new(key: RateLimitKey, rule: LimitRule) -> Self {
        Self { key, rule }
    }
}

/// The acquisition of a permit, as a store gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AcquireRequest {
    /// The id of the permit. An id is used for one permit only.
    pub id: PermitId,
    /// The call.
    pub request: PermitRequest,
    /// The limits that the program has configured for such calls. The store has a row for each afterwards. The call
    /// also counts in the limits that other programs have configured, or that answers have named.
    pub configured: Vec<ConfiguredLimit>,
    /// The name of the process that wants the permit, for people.
    pub worker: String,
    /// The call ends within this time after its start.
    pub call_timeout: Duration,
    /// Whether the pauses of budgets refuse the call.
    pub pauses_of_budgets: PausesOfBudgets,
    /// The current time, by the caller's clock.
    pub now: Timestamp,
}

impl AcquireRequest {
    /// A permit with this id for a call, by nobody's name, which ends within a minute after its start.
    #[must_use]
    pub const fn new(id: PermitId, request: PermitRequest, now: Timestamp) -> Self {
        let call_timeout = Duration::from_secs(60);
        Self {
            id,
            request,
            configured: Vec::new(),
            worker: String::new(),
            call_timeout,
            pauses_of_budgets: PausesOfBudgets::Refuse,
            now,
        }
    }

    /// The same request with these configured limits.
    #[must_use]
    pub fn configured(mut self, configured: Vec<ConfiguredLimit>) -> Self {
        self.configured = configured;
        self
    }

    /// The same request, for which the pauses of budgets count like this.
    #[must_use]
    pub const fn pauses_of_budgets(mut self, pauses: PausesOfBudgets) -> Self {
        self.pauses_of_budgets = pauses;
        self
    }

    /// The same request of this worker.
    #[must_use]
    pub fn worker(mut self, worker: impl Into<String>) -> Self {
        self.worker = worker.into();
        self
    }

    /// The same request for a call that ends within this time after its start.
    #[must_use]
    pub const fn call_timeout(mut self, call_timeout: Duration) -> Self {
        self.call_timeout = call_timeout;
        self
    }
}

/// The answer to a request for a permit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AcquireOutcome {
    /// Every limit lets the call pass, and counts it.
    Acquired(Permit),
    /// At least one limit does not let the call pass. None counts it.
    NotBefore(Closed),
}

impl AcquireOutcome {
    /// The permit, if there is one.
    #[must_use]
    pub fn permit(self) -> Option<Permit> {
        match self {
            Self::Acquired(permit) => Some(permit),
            Self::NotBefore(_) => None,
        }
    }
}
