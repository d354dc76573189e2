//! Workers: handlers for kinds of jobs, run on a pool of threads, with leases kept alive meanwhile.
//!
//! A worker has these threads. The dispatcher reclaims expired leases, takes the ticks of recurring work, and claims as many
//! jobs as there are free threads. The pool runs the handlers and applies their outcomes. One thread watches the store for
//! commits, one extends leases, one keeps the worker's row in the registry, and one counts jobs where metrics ask for it. No
//! transaction is open while a handler runs.
//!
//! The outcome of a handler is applied in one transaction: the end of the job, the handler's own writes, the jobs that
//! follow. A handler may run more than once for one job, when its worker dies or loses the lease; what it writes through
//! its [`Completion`] counts exactly once.

#[cfg(feature = "tokio")]
mod asynchronous;
mod blocking;
mod builder;
mod cadence;
mod commit_watch;
mod completer;
mod context;
mod dispatcher;
mod errors;
mod events;
mod handle;
mod heartbeat;
mod heartbeat_signal;
mod metrics;
mod outcome;
mod pool;
mod queue_depth;
mod reclaim;
mod registration;
mod running_job;
mod shutdown;
mod shutdown_report;
mod slots;
#[cfg(test)]
mod slots_test;
mod span;
mod stop;
mod task;
mod threads;

pub use builder::WorkerBuilder;
pub use errors::{StartError, WorkerError, WorkerFailure};
pub use handle::{StopHandle, Worker};
pub use metrics::{AppliedOutcome, Metrics};
pub use outcome::{IntoOutcome, Outcome};
pub use shutdown_report::ShutdownReport;
pub use task::{Interruption, Task};

pub use crate::queue::Completion;
