//! Why a worker does not start, and why it ends by itself.

use fieldfen_domain::store::StoreError;

use super::shutdown_report::ShutdownReport;

/// Why a worker does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// It has no handler, and so nothing to do.
    #[error("cannot start the worker without a handler: give it one for each kind of job that it is to run")]
    NoHandler,
    /// A setting breaks a rule.
    #[error("cannot start the worker with {what} {value:?}: {rule}")]
    Setting {
        /// Which setting: `threads`, `lease`, `limit`, `backoff`, `handler` or `runtime`.
        what: &'static str,
        /// Its value, with the kind of job where it belongs to one.
        value: String,
        /// The rule that it breaks, and what to do.
        rule: &'static str,
    },
    /// The store cannot be watched for commits.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The operating system gives no thread.
    #[error("cannot start a thread of the worker")]
    Thread(#[from] std::io::Error),
}

/// A worker that ended although nobody had asked it to. Its program should end with an error too, for whatever restarts
/// programs to notice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the worker ended by itself: {failure}")]
#[non_exhaustive]
pub struct WorkerError {
    /// What kept it from its work.
    pub failure: WorkerFailure,
    /// What it has left behind.
    pub report: ShutdownReport,
}

/// Why a worker ended by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerFailure {
    /// A thread of the worker panicked again and again, and each time could not do its work.
    #[error("its thread {thread} panicked again and again, at last with {panic:?}")]
    Panicked {
        /// The name of the thread: `fieldfen-job-1`, for example.
        thread: String,
        /// The message of the last panic.
        panic: String,
    },
    /// The tokio runtime of async handlers has shut down: the worker could claim their jobs, but do none of them.
    #[error("the runtime of its async handlers has shut down")]
    RuntimeGone,
    /// [`join`](super::Worker::join) was called by the thread that runs the tasks of a current-thread runtime or a
    /// `LocalSet`. No task runs there while `join` waits, not even one that would stop the worker. The worker has been
    /// stopped gracefully instead.
    #[error(
        "join() blocks the only thread that runs the tasks of its runtime, also a task that is to stop the worker; call \
         it through spawn_blocking or on a thread of its own"
    )]
    JoinBlocksRuntime,
    /// [`join`](super::Worker::join) was called by a thread of the worker: by a handler or by its metrics. The
    /// worker waits for that thread; it has been told to stop gracefully and ends after the call.
    #[error("join() was called by a thread of the worker itself, which cannot wait for its own end; call it elsewhere")]
    JoinedByItself,
}
