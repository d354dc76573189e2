//! Operators' actions.

use super::StoreError;
use crate::operator::{OperatorAction, OperatorActionFilter};
use crate::page::{Page, PageRequest};

/// Reading operators' actions.
pub trait OperatorActionReads {
    /// A page of actions, in the order of insertion. Rows that no action can be read from are named in it.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    fn page(&mut self, filter: &OperatorActionFilter, page: &PageRequest) -> Result<Page<OperatorAction>, StoreError>;
}

/// Recording operators' actions. The table is append-only.
pub trait OperatorActions: OperatorActionReads {
    /// Records an action.
    fn record(&mut self, action: &OperatorAction) -> Result<(), StoreError>;
}
