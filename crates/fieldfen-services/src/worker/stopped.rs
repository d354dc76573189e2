//! What comes of a worker.

use fieldfen_domain::JobId;

/// What a worker left behind when it stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stopped {
    /// How many jobs were given back without a retry spent: those that had not begun, and those whose handlers ended
    /// without success after they had been asked to.
    pub released: usize,
    /// How many jobs that had not begun the store refused to take back. They come back, with a retry spent, when their
    /// leases have run out.
    pub kept: usize,
    /// The jobs whose handlers still run, or whose outcomes the store has not taken yet. Their threads go on: as long as
    /// the process lives, the leases are extended, and an outcome is applied as ever. When the process ends first, the
    /// jobs come back, with a retry spent, when their leases have run out.
    pub still_running: Vec<JobId>,
}

/// A worker that ended although nobody had asked it to. Its program should end with an error too, for whatever restarts
/// programs to notice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the worker ended by itself: {failure}")]
#[non_exhaustive]
pub struct WorkerError {
    /// Why.
    pub failure: WorkerFailure,
    /// What it left behind.
    pub stopped: Stopped,
}

/// Why a worker ended by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerFailure {
    /// A thread of the worker panicked again and again, and each time could not do its work.
    #[error("its thread {thread} panicked again and again, at last with {panic:?}")]
    Panicked {
        /// The name of the thread.
        thread: String,
        /// What the last panic said.
        panic: String,
    },
    /// The tokio runtime of async handlers has shut down: the worker could claim their jobs, but do none of them.
    #[error("the runtime of its async handlers has shut down")]
    RuntimeGone,
    /// [`join`](super::RunningWorker::join) was called by the thread that runs the tasks of a current-thread runtime or a
    /// `LocalSet`. No task runs there while `join` waits, not even one that would stop the worker. The worker has been
    /// stopped gracefully instead.
    #[error(
        "join() blocks the only thread that runs the tasks of its runtime, also a task that is to stop the worker; call \
         it through spawn_blocking or on a thread of its own"
    )]
    JoinBlocksRuntime,
    /// [`join`](super::RunningWorker::join) was called by a thread of the worker: by a handler or by its metrics. The
    /// worker waits for that thread; it has been told to stop gracefully and ends after the call.
    #[error("join() was called by a thread of the worker itself, which cannot wait for its own end; call it elsewhere")]
    JoinedByItself,
}
