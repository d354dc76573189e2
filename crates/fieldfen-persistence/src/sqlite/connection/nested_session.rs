//! Refuses a session inside another session of the same store and thread, because it would wait for itself.

use std::cell::RefCell;
use std::marker::PhantomData;

use fieldfen_domain::store::StoreError;

thread_local! {
    /// The addresses of the stores in which this thread has a session open.
    static OPEN: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Marks a session of this thread as open until it is dropped.
pub(in crate::sqlite) struct SessionGuard {
    store: usize,
    /// The thread that made the guard must drop it.
    not_send: PhantomData<*const ()>,
}

impl SessionGuard {
    /// Marks a session of the store with this address as open. Fails with [`StoreError::Nested`] if one is open
    /// already.
    pub(in crate::sqlite) fn enter(store: usize) -> Result<Self, StoreError> {
        OPEN.with_borrow_mut(|open| {
            if open.contains(&store) {
                return Err(StoreError::Nested);
            }
            open.push(store);
            Ok(Self { store, not_send: PhantomData })
        })
    }
}

impl Drop for SessionGuard {
    fn drop(&mut self) {
        OPEN.with_borrow_mut(|open| open.retain(|&store| store != self.store));
    }
}
