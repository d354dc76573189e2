//! The errors of a worker's start and of its end.

use fieldfen_domain::store::StoreError;

use super::shutdown_report::ShutdownReport;
use super::stuck_job::StuckJob;

/// The error of a worker that was not started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The worker has no handler.
    #[error("cannot start the worker without a handler: give it one for each kind of job that it is to run")]
    NoHandler,
    /// A setting breaks a rule.
    #[error("cannot start the worker with {what} {value:?}: {rule}")]
    Setting {
        /// The setting: `threads`, `lease`, `limit`, `timeout`, `backoff`, `handler` or
        /// `runtime`.
        what: &'static str,
        /// The value of the setting, with the kind of job if it belongs to one.
        value: String,
        /// The rule that the value breaks, with the remedy.
        rule: &'static str,
    },
    /// The store cannot be watched for commits.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The operating system starts no more threads.
    #[error("cannot start a thread of the worker")]
    Thread(#[from] std::io::Error),
}

/// The error of a worker that ended without a request. Its program should end with an error too, so that its supervisor
/// notices.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the worker ended by itself: {failure}")]
#[non_exhaustive]
pub struct WorkerError {
    /// The reason for the end.
    pub failure: WorkerFailure,
    /// The jobs that the worker has left behind.
    pub report: ShutdownReport,
}

/// The reason why a worker ended by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerFailure {
    /// A thread of the worker panicked repeatedly and could not do its work.
    #[error("its thread {thread:?} panicked repeatedly, at last with {panic:?}")]
    Panicked {
        /// The name of the thread, for example `fieldfen-job-1`.
        thread: String,
        /// The message of the last panic.
        panic: String,
    },
    /// More handlers were stuck than [`max_stuck_handlers`](super::WorkerBuilder::max_stuck_handlers) allows. No thread
    /// can be ended from outside, so the process must end.
    #[error(
        "{} of its handlers do not return although they were interrupted: {}; end the process, and look in these \
         handlers for waits without a limit",
        jobs.len(), named(jobs)
    )]
    StuckHandlers {
        /// The jobs of the stuck handlers.
        jobs: Vec<StuckJob>,
    },
    /// The tokio runtime of the async handlers has shut down. The worker could claim their jobs, but run none of them.
    #[error("the runtime of its async handlers has shut down")]
    RuntimeGone,
    /// [`join`](super::Worker::join) was called by the thread that runs the tasks of a current-thread runtime or a
    /// `LocalSet`. While `join` waits, no task runs there, not even one that would stop the worker. The worker has been
    /// stopped gracefully instead.
    #[error(
        "join() blocks the only thread that runs the tasks of its runtime, also a task that is to stop the worker; call \
         it through spawn_blocking or on a thread of its own"
    )]
    JoinBlocksRuntime,
    /// [`join`](super::Worker::join) was called by a thread of the worker, in a handler or in the metrics. The worker
    /// waits for that thread. It has been asked to stop gracefully and ends after the call.
    #[error("join() was called by a thread of the worker itself, which cannot wait for its own end; call it elsewhere")]
    JoinedByItself,
}

fn named(jobs: &[StuckJob]) -> String {
    let named: Vec<_> = jobs.iter().map(ToString::to_string).collect();
    named.join(", ")
}
