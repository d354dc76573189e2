//! What operators did: who, to which thing, and why.

use fieldfen_domain::operator::{OperatorAction, OperatorActionFilter};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{Page, PageRequest};

/// The actions that a store has on record; clones are the same handle. It only reads: every action is recorded by the
/// handle that carries it out.
#[derive(Debug, Clone)]
pub struct OperatorActions<S> {
    store: S,
}

impl<S: Store> OperatorActions<S> {
    /// The actions in this store.
    #[must_use]
    pub const fn new(store: S) -> Self {
        Self { store }
    }

    /// A page of actions, in the order in which they were done. The page names the rows that no action can be read from.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    pub fn list(&self, filter: &OperatorActionFilter, page: &PageRequest) -> Result<Page<OperatorAction>, StoreError> {
        self.store.read(|s| s.operator_actions().page(filter, page))
    }
}
