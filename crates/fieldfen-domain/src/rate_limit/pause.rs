//! Pauses of services and accounts: those that refuse a call, and those that the rate limiter writes.

use std::time::Duration;

use super::closed::{Closed, ClosedBy, PAUSE_ASKED_AGAIN};
use super::key::{CallScope, RateLimitKey};
use super::limit::RateLimit;
use crate::job::{ApiAccount, Pause, PauseScope};
use crate::reason::cut_reason;
use crate::time::{Timestamp, later};

/// The text in `pauses.by` of a pause that the rate limiter has written.
pub const PAUSED_BY_LIMITER: &str = "rate limiter";

/// The rate limiter pauses a service or an account whose block lasts longer than this.
///
/// A shorter block is known to the limiter alone: it refuses the calls, and the few jobs that run meanwhile are
/// released until the end of the block. A pause moves all jobs of the account out of the order of the claims and back,
/// which is more work than those releases if it lasts seconds. Most windows have at most a minute, so that their ends
/// write no pause.
pub const PAUSED_BEYOND: Duration = Duration::from_secs(60);

/// Whether the pauses that [budgets](crate::api_cost::Budget::pause) have written refuse a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PausesOfBudgets {
    /// They refuse it, as other pauses do.
    #[default]
    Refuse,
    /// They do not refuse it, because the caller asks the budgets themselves. A call that costs nothing then passes.
    Ignore,
}

/// The answers to calls in flight name ends that differ by less than this. They do not write a pause again.
const SAME_END: Duration = Duration::from_secs(1);

impl CallScope {
    /// The pauses that would refuse such a call: of its account, and of its service.
    #[must_use]
    pub fn pause_scopes(&self) -> Vec<PauseScope> {
        let mut names = vec![self.service.clone()];
        names.extend(self.account.as_ref().map(|account| format!("{}/{account}", self.service)));
        let accounts: Vec<ApiAccount> = names.iter().filter_map(|name| name.parse().ok()).collect();
        // A service whose name has a slash is an account of the service before the slash.
        let whole = accounts.first().and_then(|account| account.service().parse().ok());
        let mut scopes: Vec<_> = whole.into_iter().chain(accounts).map(PauseScope::Account).collect();
        scopes.dedup();
        scopes
    }
}

impl RateLimitKey {
    /// The scope of a pause that stops the same calls as a block of this limit. `None` for a limit of an endpoint,
    /// since a pause stops the calls to all endpoints, and for names that no pause can have.
    #[must_use]
    pub fn pause_scope(&self) -> Option<PauseScope> {
        let name = match &self.account {
            Some(account) => format!("{}/{account}", self.service),
            None => self.service.clone(),
        };
        if self.endpoint.is_some() { None } else { name.parse().ok().map(PauseScope::Account) }
    }
}

impl RateLimit {
    /// The pause to write for the block of this limit; `None` if there is no block or only a short one, or if no pause
    /// stops the same calls.
    #[must_use]
    pub fn pause(&self, now: Timestamp) -> Option<Pause> {
        let block = self.blocked_at(now).filter(|block| block.until > later(now, PAUSED_BEYOND))?;
        let reason = format!("{}: {}", self.key, block.reason);
        Some(Pause::new(self.key.pause_scope()?, cut_reason(&reason), now, PAUSED_BY_LIMITER).until(block.until))
    }
}

impl Pause {
    /// The refusal of a call while this pause holds, with the time at which the call may ask again.
    #[must_use]
    pub fn closed(self, now: Timestamp) -> Closed {
        let latest = later(now, PAUSE_ASKED_AGAIN);
        let until = self.until.map_or(latest, |until| until.min(latest));
        Closed::new(until, ClosedBy::Paused { scope: self.scope, reason: self.reason })
    }

    /// Whether the rate limiter or a budget has written this pause, and no person.
    #[must_use]
    pub fn is_by_program(&self) -> bool {
        self.by == PAUSED_BY_LIMITER || self.by_budget().is_some()
    }

    /// Whether this pause refuses a call.
    #[must_use]
    pub(crate) fn refuses(&self, of_budgets: PausesOfBudgets) -> bool {
        of_budgets == PausesOfBudgets::Refuse || self.by_budget().is_none()
    }

    /// Whether this pause ends as late as the other one, or so little earlier that the other one need not be written.
    #[must_use]
    pub(crate) fn ends_about_with(&self, other: &Self) -> bool {
        let nearly = Self { until: self.until.map(|until| later(until, SAME_END)), ..self.clone() };
        nearly.outlasts(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate_limit::{Block, LimitRule, RateLimitId};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(1_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn a_call_is_refused_by_the_pauses_of_its_service_and_account() {
        let scopes = |service: &str, account: Option<&str>| -> Vec<String> {
            let call = CallScope::new(service).account(account.map(str::to_owned));
            call.pause_scopes().iter().map(|scope| scope.name().to_owned()).collect()
        };
        assert_eq!(scopes("etsy", None), ["etsy"]);
        assert_eq!(scopes("etsy", Some("main")), ["etsy", "etsy/main"]);
        assert_eq!(scopes("meta/instagram", Some("a")), ["meta", "meta/instagram", "meta/instagram/a"]);
        assert_eq!((scopes("", None), scopes("etsy", Some("a\nb"))), (vec![], vec!["etsy".to_owned()]));
    }

    #[test]
    fn only_a_long_block_of_all_endpoints_is_written_as_a_pause() {
        let pause = |key: RateLimitKey, seconds| {
            let mut limit = RateLimit::new(RateLimitId::new(1), key, LimitRule::Reported);
            limit.blocked = Some(Block::new(at(0), at(seconds), "429"));
            limit.pause(at(0)).map(|pause| (pause.scope.to_string(), pause.reason, pause.until))
        };
        let key = RateLimitKey::new("etsy", "day");
        let expected = ("service etsy".to_owned(), "etsy (day): 429".to_owned(), Some(at(61)));
        assert_eq!((pause(key.clone(), 60), pause(key.clone(), 61)), (None, Some(expected)));
        let of_account = key.clone().account("main");
        assert_eq!(pause(of_account, 99).unwrap().0, "account etsy/main");
        assert_eq!(pause(key.endpoint("GET /x"), 99), None);
    }

    #[test]
    fn a_call_asks_again_within_the_hour() {
        let pause = Pause::new(PauseScope::Account("etsy".parse().unwrap()), "review", at(0), "ann");
        let until = |end: Option<Timestamp>| pause.clone().until(end).closed(at(0)).until;
        assert_eq!([None, Some(at(60)), Some(at(3601))].map(until), [at(3600), at(60), at(3600)]);
        assert_eq!(pause.closed(at(0)).to_string(), "service etsy is paused: review, until 1970-01-12 14:46:40 UTC");
    }
}
