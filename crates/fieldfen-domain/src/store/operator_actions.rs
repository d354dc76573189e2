//! Operators' actions.

use super::StoreError;
use crate::ids::OperatorActionId;
use crate::operator::{OperatorAction, OperatorActionFilter};
use crate::page::{Page, PageRequest};
use crate::time::Timestamp;

/// Reading operators' actions.
pub trait OperatorActionReads {
    /// The action with this id; `None` when it was not recorded, or has been pruned.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] when another program has written what no action can hold.
    fn find(&mut self, id: &OperatorActionId) -> Result<Option<OperatorAction>, StoreError>;

    /// A page of actions, in the order of insertion. Rows that no action can be read from are named in it.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    fn page(&mut self, filter: &OperatorActionFilter, page: &PageRequest) -> Result<Page<OperatorAction>, StoreError>;
}

/// Recording operators' actions. Rows are never changed, and deleted only when they are pruned.
pub trait OperatorActions: OperatorActionReads {
    /// Records an action.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] when an action with its id is recorded.
    fn record(&mut self, action: &OperatorAction) -> Result<(), StoreError>;

    /// Deletes actions that were done before this time, the oldest first and at most `limit` of them. Returns their number.
    fn prune(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
