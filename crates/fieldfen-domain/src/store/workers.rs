//! The registry of workers.

use super::StoreError;
use crate::ids::WorkerId;
use crate::page::UnreadableRow;
use crate::time::Timestamp;
use crate::worker::RegisteredWorker;

/// Reading the registry of workers.
pub trait WorkerReads {
    /// The workers that have given a sign of life since this time, that with the oldest sign first. Rows that no worker
    /// can be read from are named among them.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn seen_since(&mut self, since: Timestamp) -> Result<Vec<Result<RegisteredWorker, UnreadableRow>>, StoreError>;
}

/// Writing the registry of workers.
pub trait Workers: WorkerReads {
    /// Writes a worker's row, or writes it anew with this sign of life.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn register(&mut self, worker: &RegisteredWorker) -> Result<(), StoreError>;

    /// Deletes a worker's row; `false` when there is none.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn unregister(&mut self, id: &WorkerId) -> Result<bool, StoreError>;

    /// Deletes the rows whose last sign of life is before this time, and says how many.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn forget_silent(&mut self, before: Timestamp) -> Result<u64, StoreError>;
}
