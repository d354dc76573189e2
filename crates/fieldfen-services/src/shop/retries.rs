//! The retries of each kind of job, and the consequence of a worker's death.

use std::collections::{BTreeMap, BTreeSet};

use fieldfen_domain::job::{DEFAULT_MAX_RETRIES, JobKind, OnWorkerDeath, RetryPolicy};

use super::Shop;
use super::by_kind::{OTHERWISE, OWN};
use super::setting::{InvalidShop, Setting};
use crate::queue::RetryPolicies;

/// The largest number of retries. With the default backoff, such a job is retried for a century.
const MAX_RETRIES: u32 = 1_000_000;

impl Shop {
    /// The number of retries of each kind of job and the consequence of a worker's death, for a
    /// [`Queue`](crate::queue::Queue). The backoff is the default one.
    #[must_use]
    pub fn retry_policies(&self) -> RetryPolicies {
        let (default, deaths) = (self.default_retry_policy(), self.deaths_by_kind());
        let kinds: BTreeSet<&JobKind> = self.retries.by_kind.keys().chain(deaths.keys()).collect();
        kinds.into_iter().fold(RetryPolicies::new(default), |policies, kind| {
            let retries = self.retries.by_kind.get(kind).copied().unwrap_or(default.max_retries);
            let consequence = deaths.get(kind).copied().or(default.on_worker_death);
            policies.with(kind.clone(), default.max_retries(retries).on_worker_death(consequence))
        })
    }

    /// The policy of all kinds without a rule of their own.
    pub(super) fn default_retry_policy(&self) -> RetryPolicy {
        RetryPolicy::default()
            .max_retries(self.retries.otherwise.unwrap_or(DEFAULT_MAX_RETRIES))
            .on_worker_death(self.on_worker_death.otherwise)
    }

    /// The consequence of a worker's death of each kind with a rule of its own, in `[on_worker_death]` or
    /// `[[handler]]`.
    pub(super) fn deaths_by_kind(&self) -> BTreeMap<JobKind, OnWorkerDeath> {
        let of_handlers = self.handler.iter().filter_map(|rule| Some((rule.kind().clone(), rule.on_worker_death()?)));
        of_handlers.chain(self.on_worker_death.by_kind.clone()).collect()
    }

    pub(super) fn check_retries(&self) -> Result<(), InvalidShop> {
        let at = Setting::of("retries");
        let by_kind = self.retries.by_kind.iter().map(|(kind, &retries)| {
            let at = if matches!(kind, JobKind::Custom(_)) { at.clone().key(OWN) } else { at.clone() };
            (at.key(kind.as_str()), retries)
        });
        let mut all = by_kind.chain(self.retries.otherwise.map(|retries| (at.clone().key(OTHERWISE), retries)));
        match all.find(|(_, retries)| *retries > MAX_RETRIES) {
            Some((at, retries)) => Err(InvalidShop::at(at, retries.to_string(), "it must be 0 to 1000000")),
            None => Ok(()),
        }
    }

    /// Checks that the two places for the consequence of a worker's death do not contradict each other.
    pub(super) fn check_deaths(&self) -> Result<(), InvalidShop> {
        for (index, rule) in self.handler.iter().enumerate() {
            if let (Some(own), Some(other)) = (rule.on_worker_death(), self.on_worker_death.by_kind.get(rule.kind()))
                && own != *other
            {
                let at = Setting::of("handler").item(index).key("on_worker_death");
                let rule = format!("[on_worker_death] says {other} for {}: leave one of the two out", rule.kind());
                return Err(InvalidShop::at(at, format!("{:?}", own.as_str()), rule));
            }
        }
        Ok(())
    }
}
