//! Workers: handlers for kinds of jobs, which run on a pool of threads while heartbeats extend the leases of their
//! jobs.
//!
//! A worker has these threads. The dispatcher reclaims expired leases, takes the ticks of recurring work, and claims
//! jobs for the free threads of the pool. The pool runs the handlers and applies their outcomes. One thread watches the
//! store for commits, one extends leases, one keeps the worker's row in the registry, one notices timeouts and stuck
//! handlers, and one counts jobs if metrics ask for it. No transaction is open while a handler runs.
//!
//! Jobs of a kind without a limit whose handlers recently took at most 3 ms on average are also claimed ahead of free
//! threads: as many as begin within 10 ms by these times, and at most 256. They are released, each to its place in the
//! queue, if the worker stops or if all threads stay busy for 50 ms.
//!
//! One transaction applies the outcome of a handler: the end of the job, the handler's own writes, and the jobs that
//! follow. Outcomes that come while others are being applied share the next transaction. If one of them cannot be
//! applied, each is applied by itself. A handler may run more than once for one job, if its worker dies or loses the
//! lease. The writes of its [`Completion`] take effect exactly once.

mod apply_outcome;
#[cfg(feature = "tokio")]
mod asynchronous;
mod blocking;
mod builder;
mod claim_ahead;
mod commit_backoff;
mod commit_watch;
mod context;
mod dispatcher;
mod errors;
mod events;
mod handle;
mod heartbeat;
mod heartbeat_signal;
mod interval_timer;
mod metrics;
mod outcome;
mod outcome_batch;
mod outcome_queue;
mod pool;
mod queue_figures;
mod rate_limited_kinds;
mod reclaim;
mod registration;
mod run_times;
mod running_job;
mod settings;
mod shutdown;
mod shutdown_report;
mod slot_state;
mod slots;
#[cfg(test)]
mod slots_test;
mod span;
mod stop_signal;
mod stuck_handlers;
mod stuck_job;
mod task;
mod thread_handles;
mod threads;
mod timeouts;

pub use builder::WorkerBuilder;
pub use errors::{StartError, WorkerError, WorkerFailure};
pub use handle::{StopHandle, Worker};
pub use metrics::{AppliedOutcome, Metrics};
pub use outcome::{IntoOutcome, Outcome};
pub use shutdown_report::ShutdownReport;
pub use stuck_job::StuckJob;
pub use task::{Interruption, Task};

pub use crate::queue::Completion;
