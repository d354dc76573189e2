//! The retry policy of each kind of job.

use std::collections::BTreeMap;
use std::time::Duration;

use fieldfen_domain::job::{Backoff, JobKind, OnWorkerDeath, RetryPolicy};

/// The longest time for which a job is throttled, unless [`RetryPolicies::longest_throttle`] sets another one. A
/// platform that names a later time is asked again after this time.
pub const LONGEST_THROTTLE: Duration = Duration::from_secs(24 * 3600);

/// A retry policy for every kind of job, and the longest throttle of all kinds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicies {
    default: RetryPolicy,
    by_kind: BTreeMap<JobKind, RetryPolicy>,
    pub(super) longest_throttle: Duration,
}

impl Default for RetryPolicies {
    /// The default policy for every kind, and [`LONGEST_THROTTLE`].
    fn default() -> Self {
        Self::new(RetryPolicy::default())
    }
}

impl RetryPolicies {
    /// Makes policies with this policy for every kind.
    #[must_use]
    pub const fn new(default: RetryPolicy) -> Self {
        Self { default, by_kind: BTreeMap::new(), longest_throttle: LONGEST_THROTTLE }
    }

    /// Sets the longest throttle.
    #[must_use]
    pub const fn longest_throttle(mut self, longest: Duration) -> Self {
        self.longest_throttle = longest;
        self
    }

    /// Sets the policy of one kind.
    #[must_use]
    pub fn with(mut self, kind: JobKind, policy: RetryPolicy) -> Self {
        self.by_kind.insert(kind, policy);
        self
    }

    /// Sets the backoff of one kind.
    pub(crate) fn with_backoff(self, kind: JobKind, backoff: Backoff) -> Self {
        let policy = (*self.of(&kind)).backoff(backoff);
        self.with(kind, policy)
    }

    /// Sets the consequence of a worker's death for one kind.
    pub(crate) fn with_on_worker_death(self, kind: JobKind, consequence: OnWorkerDeath) -> Self {
        let policy = self.of(&kind).on_worker_death(consequence);
        self.with(kind, policy)
    }

    /// The policy of this kind.
    #[must_use]
    pub fn of(&self, kind: &JobKind) -> &RetryPolicy {
        self.by_kind.get(kind).unwrap_or(&self.default)
    }
}
