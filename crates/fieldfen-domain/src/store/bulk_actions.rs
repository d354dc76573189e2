//! Actions on all jobs that match a filter.

use super::StoreError;
use crate::ids::BulkActionId;
use crate::job::{BulkAction, BulkProgress, NewBulkAction};
use crate::page::{Page, PageRequest};
use crate::time::Timestamp;

/// Reads rows of `bulk_actions`.
pub trait BulkActionReads {
    /// The bulk action with this id; `None` if there is none.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] if the row cannot be read as a bulk action.
    fn find(&mut self, id: &BulkActionId) -> Result<Option<BulkAction>, StoreError>;

    /// A page of bulk actions, in the order of insertion. Unreadable rows are listed in [`Page::unreadable`].
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    fn page(&mut self, page: &PageRequest) -> Result<Page<BulkAction>, StoreError>;
}

/// Writes rows of `bulk_actions`. The rows do not change jobs: a service changes the jobs in the transaction that moves
/// the progress.
pub trait BulkActions: BulkActionReads {
    /// Inserts a bulk action without progress, and returns the row. Its [`until`](BulkAction::until) is the position
    /// after the last job.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] if its id is taken, [`StoreError::Invalid`] if its filter is too long.
    fn start(&mut self, order: &NewBulkAction) -> Result<BulkAction, StoreError>;

    /// Replaces the progress `from` by `to`. Returns `false`, and changes nothing, if the row is not there or has
    /// another progress: another process has carried out a batch.
    fn advance(&mut self, id: &BulkActionId, from: &BulkProgress, to: &BulkProgress) -> Result<bool, StoreError>;

    /// Deletes finished bulk actions that were started before this time, the oldest first and at most `limit` of them.
    /// Returns their number.
    fn prune(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
