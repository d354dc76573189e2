// The README has an example that needs tokio, and the README cannot hide lines of an example.
#![cfg_attr(all(feature = "tokio", feature = "prometheus"), doc = include_str!("../README.md"))]
#![cfg_attr(
    not(all(feature = "tokio", feature = "prometheus")),
    doc = "Job queue, worker, intake and publishing; see the README."
)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![warn(clippy::disallowed_macros)]

/// Emits a log event and catches a panic of the subscriber: `log!(WARN, …)` stands for `tracing::warn!(…)`.
///
/// A subscriber that prints may panic when nobody reads stdout or stderr any more. The work that logs must not fail
/// because of that panic.
macro_rules! log {
    ($level:ident, $($line:tt)+) => {{
        let _ = fieldfen_domain::catch_panic(|| tracing::event!(tracing::Level::$level, $($line)+));
    }};
}

mod action_row;
pub mod api_costs;
pub mod api_report;
pub mod api_usage;
#[cfg(feature = "tokio")]
mod async_store;
pub mod bulk_actions;
pub mod concurrency_limits;
pub mod environment;
pub mod files;
pub mod health;
pub mod ids;
pub mod operator;
pub mod operator_actions;
pub mod overview;
pub mod pauses;
pub mod pipeline;
#[cfg(feature = "prometheus")]
pub mod prometheus;
pub mod publications;
pub mod publishing;
pub mod queue;
pub mod rate_limiter;
pub mod recurring;
pub mod shop;
mod transaction;
pub mod upkeep;
pub mod webhooks;
pub mod worker;
pub mod workers;
mod write_retry;

#[cfg(feature = "tokio")]
pub use async_store::AsyncStore;
pub use environment::Environment;
#[doc(no_inline)]
pub use fieldfen_domain as domain;
pub use transaction::Transaction;
