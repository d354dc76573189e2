//! The handles of a worker's threads.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// The handles of a worker's threads.
#[derive(Default)]
pub(super) struct ThreadHandles(Mutex<Vec<JoinHandle<()>>>);

impl ThreadHandles {
    /// Adds a thread, and forgets those that have ended.
    pub(super) fn push(&self, thread: JoinHandle<()>) {
        let mut threads = self.lock();
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
