//! What a worker leaves behind.

use fieldfen_domain::JobId;

/// What a worker has left behind when it stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// How many jobs were given back without a retry spent: jobs that had not begun, and jobs whose handlers ended without
    /// success after they had been asked to end.
    pub released: usize,
    /// How many jobs had not begun and could not be given back, because the store refused. They come back, with a retry
    /// spent, when their leases have run out.
    pub unreleased: usize,
    /// The jobs whose handlers still run, or whose outcomes the store has not taken yet. Their threads go on: as long as
    /// the process lives, the leases are extended, and an outcome is applied as ever. When the process ends first, the
    /// jobs come back, with a retry spent, when their leases have run out.
    pub still_running: Vec<JobId>,
}
