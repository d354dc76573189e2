//! What comes of a worker.

/// What a worker left behind when it stopped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stopped {
    /// Jobs that were given back without a retry spent.
    pub released: usize,
    /// Jobs that the store refused to take back. They come back, with a retry spent, when their leases have run out.
    pub kept: usize,
    /// Handlers that were still running and did not look at [`Task::is_cancelled`](super::Task::is_cancelled). Their
    /// threads end with the handler, or with the process.
    pub abandoned: usize,
}

/// A worker that ended although nobody had asked it to. Its program should end with an error too, for whatever restarts
/// programs to notice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the worker ended by itself: {failure}")]
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
}
