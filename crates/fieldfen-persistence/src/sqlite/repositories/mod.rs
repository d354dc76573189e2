//! The implementations of the repository traits on an open transaction, one file or folder for each.

pub(in crate::sqlite) mod api_costs;
pub(in crate::sqlite) mod api_usage;
pub(in crate::sqlite) mod bulk_actions;
pub(in crate::sqlite) mod concurrency_limits;
pub(in crate::sqlite) mod files;
pub(in crate::sqlite) mod ids;
#[cfg(test)]
pub(in crate::sqlite) mod job_plans_test;
pub(in crate::sqlite) mod jobs;
pub(in crate::sqlite) mod operator_actions;
pub(in crate::sqlite) mod pauses;
#[cfg(test)]
pub(in crate::sqlite) mod plans_test;
pub(in crate::sqlite) mod publications;
pub(in crate::sqlite) mod rate_limits;
pub(in crate::sqlite) mod recurring;
pub(in crate::sqlite) mod recurring_runs;
pub(in crate::sqlite) mod webhook_hashes;
pub(in crate::sqlite) mod workers;
