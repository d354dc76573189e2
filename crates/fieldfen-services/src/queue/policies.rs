//! Which retry policy goes with which kind of job.

use std::collections::BTreeMap;

use fieldfen_domain::job::{Backoff, JobKind, RetryPolicy};

/// A retry policy for every kind of job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RetryPolicies {
    default: RetryPolicy,
    by_kind: BTreeMap<JobKind, RetryPolicy>,
}

impl RetryPolicies {
    /// This policy for every kind.
    #[must_use]
    pub const fn new(default: RetryPolicy) -> Self {
        Self { default, by_kind: BTreeMap::new() }
    }

    /// The same, with another policy for one kind.
    #[must_use]
    pub fn with(mut self, kind: JobKind, policy: RetryPolicy) -> Self {
        self.by_kind.insert(kind, policy);
        self
    }

    /// The same, with other waits for one kind.
    pub(crate) fn with_backoff(self, kind: JobKind, backoff: Backoff) -> Self {
        let policy = RetryPolicy { backoff, ..*self.of(&kind) };
        self.with(kind, policy)
    }

    /// The policy of a kind.
    #[must_use]
    pub fn of(&self, kind: &JobKind) -> &RetryPolicy {
        self.by_kind.get(kind).unwrap_or(&self.default)
    }
}
