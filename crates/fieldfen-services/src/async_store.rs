//! A store for async programs.
//!
//! Stores block, and a call may wait for the disk or for another writer. [`AsyncStore`] runs each call on one of the
//! runtime's blocking threads.
//!
//! ```
//! use fieldfen_domain::store::StoreError;
//! use fieldfen_services::{AsyncStore, Environment, files::Files};
//! use fieldfen_testkit::ModelStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), StoreError> {
//! let store = AsyncStore::new(ModelStore::new());
//! let files = Files::new(store.blocking().clone(), Environment::system());
//! let arrived = files.new_file("buck.jpg");
//! store.run(move |_| files.ingest(&arrived)).await?;
//! let counts = store.read(|s| s.files().count()).await?;
//! assert_eq!(counts.len(), 1);
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::Arc;

use fieldfen_domain::store::{ReadSession, Session, Store, StoreError};
use tokio::sync::Semaphore;

/// The number of calls of an [`AsyncStore`] that run at once, unless [`AsyncStore::at_once`] sets another one.
const AT_ONCE: usize = 16;

/// A store whose calls are futures. A clone is the same store.
///
/// A call that has begun runs to its end even if its future is dropped: a write may then be committed without a report
/// to the caller. The calls need a tokio runtime.
#[derive(Clone)]
pub struct AsyncStore<S> {
    store: S,
    permits: Arc<Semaphore>,
}

impl<S> fmt::Debug for AsyncStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncStore").field("free", &self.permits.available_permits()).finish_non_exhaustive()
    }
}

impl<S: Store> AsyncStore<S> {
    /// Wraps a store. At most 16 calls run at once; the others wait without holding a thread.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self { store, permits: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Sets the largest number of calls at once, over this handle and all clones made of it later.
    #[must_use]
    pub fn at_once(mut self, calls: NonZeroUsize) -> Self {
        self.permits = Arc::new(Semaphore::new(calls.get().min(Semaphore::MAX_PERMITS)));
        self
    }

    /// The wrapped store, whose calls block.
    pub const fn blocking(&self) -> &S {
        &self.store
    }

    /// [`Store::read`] on a blocking thread.
    ///
    /// # Errors
    /// As [`Store::read`]; [`StoreError::Unavailable`] if the runtime shuts down before the call begins.
    pub async fn read<T, F>(&self, f: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn ReadSession) -> Result<T, StoreError> + Send + 'static,
    {
        self.try_read(f).await
    }

    /// [`Store::try_read`] on a blocking thread.
    ///
    /// # Errors
    /// As [`AsyncStore::read`], and the errors of `f`.
    pub async fn try_read<T, E, F>(&self, f: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnMut(&mut dyn ReadSession) -> Result<T, E> + Send + 'static,
    {
        self.run(move |store| store.try_read(f)).await
    }

    /// [`Store::read_stale`] on a blocking thread: the answer may be some seconds old.
    ///
    /// # Errors
    /// As [`AsyncStore::read`].
    pub async fn read_stale<T, F>(&self, f: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn ReadSession) -> Result<T, StoreError> + Send + 'static,
    {
        self.run(move |store| store.read_stale(f)).await
    }

    /// [`Store::write`] on a blocking thread.
    ///
    /// # Errors
    /// As [`Store::write`]; [`StoreError::Unavailable`] if the runtime shuts down before the call begins.
    pub async fn write<T, F>(&self, f: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn Session) -> Result<T, StoreError> + Send + 'static,
    {
        self.try_write(f).await
    }

    /// [`Store::try_write`] on a blocking thread.
    ///
    /// # Errors
    /// As [`AsyncStore::write`], and the errors of `f`.
    pub async fn try_write<T, E, F>(&self, f: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnMut(&mut dyn Session) -> Result<T, E> + Send + 'static,
    {
        self.run(move |store| store.try_write(f)).await
    }

    /// Runs a closure that uses the store on a blocking thread, for example a call of a service.
    ///
    /// ```
    /// # use fieldfen_services::{AsyncStore, Environment, queue::{Queue, QueueError}};
    /// # use fieldfen_domain::job::{EnqueueOutcome, NewJob};
    /// # use fieldfen_domain::store::Store;
    /// async fn enqueue<S: Store>(store: &AsyncStore<S>, queue: Queue<S>, job: NewJob) -> Result<EnqueueOutcome, QueueError> {
    ///     store.run(move |_| queue.enqueue(&job)).await
    /// }
    /// ```
    ///
    /// # Errors
    /// The errors of `f`; [`StoreError::Unavailable`] if the runtime shuts down before `f` begins.
    ///
    /// # Panics
    /// If `f` panics.
    pub async fn run<T, E, F>(&self, f: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&S) -> Result<T, E> + Send + 'static,
    {
        // The permits are never closed. A permit moves with its call, not with the future that waits for the call.
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let store = self.store.clone();
        let call = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            f(&store)
        });
        match call.await {
            Ok(answer) => answer,
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            Err(error) => Err(StoreError::Unavailable { waited_ms: 0, source: error.into() }.into()),
        }
    }
}
