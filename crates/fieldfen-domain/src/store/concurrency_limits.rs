//! Limits on the number of jobs that run at the same time.

use super::StoreError;
use crate::job::{ConcurrencyLimit, JobKind, Partition};

/// Reads the concurrency limits.
pub trait ConcurrencyLimitReads {
    /// All limits, by kind and partition.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] when a row holds what no limit can hold.
    fn list(&mut self) -> Result<Vec<ConcurrencyLimit>, StoreError>;
}

/// Sets the limits that every [claim](super::JobQueue::claim) of every process honours from then on.
///
/// Each kind has at most one limit for all its jobs, and at most one limit per file or per account.
pub trait ConcurrencyLimits: ConcurrencyLimitReads {
    /// Sets a limit, or changes the one of this kind and partition. Jobs that run already go on, even if they are more
    /// than the limit; no job is claimed until they are fewer.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a limit per file of a kind with a limit per account, and the other way round.
    fn set(&mut self, limit: &ConcurrencyLimit) -> Result<(), StoreError>;

    /// Removes a limit. `false` if there was none.
    fn remove(&mut self, kind: &JobKind, partition: Partition) -> Result<bool, StoreError>;
}
