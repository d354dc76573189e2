//! Options of the commands that enqueue and run jobs.

use std::time::Duration;

use clap::Args;
use fieldfen_domain::job::{Backoff, RetryPolicy};
use fieldfen_services::queue::RetryPolicies;

/// Options of the commands that enqueue and run jobs.
#[derive(Debug, Args)]
pub(super) struct JobOptions {
    /// The length of a claim without a heartbeat, in milliseconds.
    #[arg(long, default_value_t = 3_600_000)]
    lease_ms: u64,
    /// The seed of the random choices.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Enqueue jobs of all kinds until the test sends `drain`, and end some attempts without success.
    #[arg(long)]
    pub(super) churn: bool,
}

impl JobOptions {
    pub(super) const fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_ms)
    }
}

/// Policies with a short backoff, so that a test does not wait for retries.
pub(super) fn short_backoff() -> RetryPolicies {
    let backoff = Backoff::new(Duration::from_millis(40), Duration::from_millis(40));
    RetryPolicies::new(RetryPolicy::new(backoff, 5))
}
