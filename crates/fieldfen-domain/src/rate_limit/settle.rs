//! Settling a permit: the limits that an answer states or blocks.

use super::key::RateLimitKey;
use super::limit::RateLimit;
use super::limit_values::RateLimitId;
use super::permit::Permit;
use super::reported::{CallAnswer, ReportedLimit};
use super::rule::MAX_UNITS;
use crate::time::Timestamp;

/// The settlement of a permit, as a store gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settlement {
    /// The permit.
    pub permit: Permit,
    /// The end of the call.
    pub answer: CallAnswer,
    /// The time of that end, by the caller's clock.
    pub at: Timestamp,
    /// Whether the costs of the call are on record.
    pub costs: SettledCosts,
    /// The requests that the call took beyond those of its permit. They count in each limit of the call.
    pub further_requests: u64,
}

/// Whether the costs of a call are on record when its permit is settled. Until then, budgets count the guess of the
/// permit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettledCosts {
    /// They are on record if the call was answered, and not if no answer has arrived. The guess of a call without an
    /// answer counts until the permit lapses, and as an [unknown cost](super::PermitInFlight::unknown_cost) from then
    /// on.
    #[default]
    IfAnswered,
    /// They are on record, or the call costs nothing. The guess counts no longer.
    Recorded,
    /// They could not be recorded. The guess counts as an [unknown cost](super::PermitInFlight::unknown_cost) from now
    /// on.
    Missing,
}

impl Settlement {
    /// The end of a permit's call at this time.
    #[must_use]
    pub const fn new(permit: Permit, answer: CallAnswer, at: Timestamp) -> Self {
        Self { permit, answer, at, costs: SettledCosts::IfAnswered, further_requests: 0 }
    }

    /// The same settlement, which says whether the costs of the call are on record.
    #[must_use]
    pub const fn costs(mut self, costs: SettledCosts) -> Self {
        self.costs = costs;
        self
    }

    /// The same settlement of a call that took this many requests more than its permit is for.
    #[must_use]
    pub fn further_requests(mut self, requests: u64) -> Self {
        self.further_requests = requests.min(MAX_UNITS);
        self
    }

    /// The key of the row that a refusal blocks if the answer names no limit and the permit counts in none. The row
    /// stands for the service, or for its account.
    #[must_use]
    pub fn unnamed_limit(&self) -> RateLimitKey {
        RateLimitKey::new(&self.permit.call.service, "").account(self.permit.call.account.clone())
    }

    /// The limit that an answer states, among those of the call.
    ///
    /// If the answer names the limit, this is the limit of that name. If not, it is the only limit in which the call
    /// counts, or the only one with the window that the answer states.
    ///
    /// # Errors
    /// The key of the limit that a store must add, because no limit of the call fits.
    pub fn limit_of(&self, said: &ReportedLimit, limits: &[RateLimit]) -> Result<RateLimitId, RateLimitKey> {
        let of_endpoint = |limit: &&RateLimit| said.endpoint.is_none() || limit.key.endpoint == said.endpoint;
        let wanted = said.bucket.as_deref().unwrap_or_default();
        let named = limits.iter().filter(of_endpoint).filter(|limit| limit.key.bucket == wanted);
        // The limit of the account or endpoint goes before that of the whole service.
        let specific = |limit: &&RateLimit| (limit.key.account.is_some(), limit.key.endpoint.is_some());
        if let Some(limit) = named.max_by_key(specific) {
            return Ok(limit.id);
        }
        if said.bucket.is_none() && said.endpoint.is_none() {
            let counted = || limits.iter().filter(|limit| self.permit.taken_of(limit.id).is_some());
            let of_window = || counted().filter(|limit| limit.window().is_some() && limit.window() == said.window);
            if let Some(limit) = only(counted()).or_else(|| only(of_window())) {
                return Ok(limit.id);
            }
        }
        Err(RateLimitKey::new(&self.permit.call.service, wanted)
            .account(self.permit.call.account.clone())
            .endpoint(said.endpoint.clone()))
    }

    /// The limits that a refusal blocks: the one that it names, or every limit in which the call counts. An empty list
    /// means the [unnamed limit](Self::unnamed_limit).
    #[must_use]
    pub fn blocked_limits(&self, bucket: Option<&str>, limits: &[RateLimit]) -> Vec<RateLimitId> {
        let named = |limit: &&RateLimit| bucket.is_some_and(|bucket| limit.key.bucket == bucket);
        let ids: Vec<_> = limits.iter().filter(named).map(|limit| limit.id).collect();
        if !ids.is_empty() {
            return ids;
        }
        limits.iter().filter(|limit| self.permit.taken_of(limit.id).is_some()).map(|limit| limit.id).collect()
    }
}

fn only<'l>(mut limits: impl Iterator<Item = &'l RateLimit>) -> Option<&'l RateLimit> {
    limits.next().filter(|_| limits.next().is_none())
}

/// The answer to a settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettleOutcome {
    /// The permit is settled.
    Settled,
    /// The permit had lapsed, or was settled before. If the call was answered, it was counted again, at the time of the
    /// answer.
    Lapsed,
}
