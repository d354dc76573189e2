//! The report about the jobs of a stopped worker.

use fieldfen_domain::JobId;

/// The jobs that a worker has left behind when it stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// The number of jobs that were released without spending a retry: jobs that had not begun, and jobs whose handlers
    /// ended without success after the request to end.
    pub released: usize,
    /// The number of jobs that had not begun and could not be released, because the store refused. They are reclaimed
    /// after their leases expire, which spends a retry.
    pub unreleased: usize,
    /// The jobs whose handlers still run, or whose outcomes the store has not accepted yet. Their threads go on: while
    /// the process lives, it extends the leases and applies the outcomes. If the process ends first, the jobs are
    /// reclaimed after their leases expire, which spends a retry.
    pub still_running: Vec<JobId>,
}
