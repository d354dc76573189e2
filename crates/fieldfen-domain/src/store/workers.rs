//! The registry of workers.

use super::StoreError;
use crate::ids::{JobId, WorkerId};
use crate::job::OnWorkerDeath;
use crate::page::UnreadableRow;
use crate::time::Timestamp;
use crate::worker::RegisteredWorker;

/// Reads rows of `workers`.
pub trait WorkerReads {
    /// The workers that have renewed their rows since this time, the least recently renewed first. An unreadable row is
    /// an `Err` in its place.
    fn seen_since(&mut self, since: Timestamp) -> Result<Vec<Result<RegisteredWorker, UnreadableRow>>, StoreError>;

    /// The consequence for a job if its worker dies. `None` if there is no such job, or if the job has no consequence:
    /// a claim may give it one, and without one the job is retried. No claim reads it, so it is not part of a
    /// [`Job`](crate::job::Job).
    ///
    /// # Errors
    /// [`StoreError::BadRow`] if the row holds another word.
    fn on_worker_death(&mut self, id: &JobId) -> Result<Option<OnWorkerDeath>, StoreError>;
}

/// Writes rows of `workers`.
pub trait Workers: WorkerReads {
    /// Inserts a worker's row, or replaces the row with the same id.
    fn register(&mut self, worker: &RegisteredWorker) -> Result<(), StoreError>;

    /// Deletes a worker's row. Returns `false` if there is none.
    fn unregister(&mut self, id: &WorkerId) -> Result<bool, StoreError>;

    /// Deletes the rows that were last renewed before this time, and returns their number.
    fn forget_silent(&mut self, before: Timestamp) -> Result<u64, StoreError>;
}
