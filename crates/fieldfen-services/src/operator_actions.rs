//! The recorded actions of operators: who did what to which subject, and why.

use fieldfen_domain::operator::{OperatorAction, OperatorActionFilter};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{Page, PageRequest};

/// The recorded actions in a store. A clone is the same handle. It only reads: the handle that carries out an action
/// also records it.
#[derive(Debug, Clone)]
pub struct OperatorActions<S> {
    store: S,
}

impl<S: Store> OperatorActions<S> {
    /// Creates a handle on this store.
    #[must_use]
    pub const fn new(store: S) -> Self {
        Self { store }
    }

    /// A page of actions, in the order in which they were recorded. The page names the rows that cannot be read as an
    /// action.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    pub fn list(&self, filter: &OperatorActionFilter, page: &PageRequest) -> Result<Page<OperatorAction>, StoreError> {
        self.store.read(|s| s.operator_actions().page(filter, page))
    }
}
