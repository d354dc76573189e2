//! Workers: handlers for kinds of jobs, run on a pool of threads, with leases kept alive meanwhile.
//!
//! A worker has one thread that dispatches (reclaims, takes ticks of recurring work, claims exactly as many jobs as
//! there are free threads), one that watches the store for commits, one that keeps leases alive, the pool, and one that
//! counts jobs where metrics want that. No transaction is open while a handler runs.
//!
//! What a handler returns is applied in one transaction: the end of the job, the handler's own writes, the jobs that
//! follow. A handler may run more than once for one job, when its worker dies or loses the lease; what it writes through
//! its [`Completion`] counts exactly once.

#[cfg(feature = "tokio")]
mod asynchronous;
mod blocking;
mod builder;
mod depth;
mod dispatcher;
mod floor;
#[cfg(test)]
mod floor_test;
mod heartbeat;
mod metrics;
mod outcome;
mod pool;
mod reclaim;
mod registration;
mod running;
mod settle;
mod span;
mod state;
mod stopped;
mod task;
mod threads;
mod wind_down;

pub use builder::{StartError, Worker};
pub use metrics::{Ended, Metrics};
pub use outcome::{IntoOutcome, Outcome};
pub use running::{RunningWorker, StopHandle};
pub use stopped::{Stopped, WorkerError, WorkerFailure};
pub use task::{Interruption, Task};

pub use crate::queue::Completion;
