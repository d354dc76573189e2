//! Operators' actions.

use super::StoreError;
use crate::ids::OperatorActionId;
use crate::operator::{OperatorAction, OperatorActionFilter};
use crate::page::{Page, PageRequest};
use crate::time::Timestamp;

/// Reads rows of `operator_actions`.
pub trait OperatorActionReads {
    /// The action with this id; `None` if it was not recorded, or has been pruned.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] if the row cannot be read as an action.
    fn find(&mut self, id: &OperatorActionId) -> Result<Option<OperatorAction>, StoreError>;

    /// A page of actions, in the order of insertion. Unreadable rows are listed in [`Page::unreadable`].
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    fn page(&mut self, filter: &OperatorActionFilter, page: &PageRequest) -> Result<Page<OperatorAction>, StoreError>;
}

/// Writes rows of `operator_actions`. Rows never change, and are only deleted when they are pruned.
pub trait OperatorActions: OperatorActionReads {
    /// Inserts the row of an action.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] if an action with its id is recorded.
    fn record(&mut self, action: &OperatorAction) -> Result<(), StoreError>;

    /// Deletes actions from before this time, the oldest first and at most `limit` of them. Returns their number.
    fn prune(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
