//! Limits on the number of jobs that run at the same time.

use super::StoreError;
use crate::Timestamp;
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
    /// than the limit; no job is claimed until they are fewer. After a higher limit,
    /// [`admit_waiting`](Self::admit_waiting) admits the jobs that waited for the lower one.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a limit per file of a kind with a limit per account, and the other way round.
    fn set(&mut self, limit: &ConcurrencyLimit) -> Result<(), StoreError>;

    /// Removes a limit. `false` if there was none. [`admit_waiting`](Self::admit_waiting) admits the jobs that waited.
    fn remove(&mut self, kind: &JobKind, partition: Partition) -> Result<bool, StoreError>;

    /// Admits jobs of a kind that wait although their partition has room: a bounded number, so that the write lock is held
    /// for a short time. Begins behind the partition key `after`, at first the empty text. Returns the key behind which the
    /// next call goes on; `None` if no partition is left. Setting or removing a limit makes the first call, and each
    /// [reclaim](super::JobQueue::reclaim) makes one more.
    fn admit_waiting(&mut self, kind: &JobKind, after: &str, now: Timestamp) -> Result<Option<String>, StoreError>;

    /// Sets due jobs of a kind aside that have no place in their partition, as a claim does: a bounded number. After a limit
    /// is set, claims then need not do so. Returns whether more of them may be left.
    fn set_aside_due(&mut self, kind: &JobKind, now: Timestamp) -> Result<bool, StoreError>;
}
