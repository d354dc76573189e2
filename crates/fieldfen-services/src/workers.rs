//! The registry of living workers, with the kinds of jobs that they handle.
//!
//! ```
//! use fieldfen_domain::job::{GenerateMetadata, Payload};
//! use fieldfen_services::{Environment, workers::Workers};
//! use fieldfen_testkit::ModelStore;
//!
//! let workers = Workers::new(ModelStore::new(), Environment::system());
//! if workers.alive(&GenerateMetadata::kind())?.is_empty() {
//!     println!("no worker is alive that describes pictures; start one");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use fieldfen_domain::job::JobKind;
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::with_causes;
use fieldfen_domain::worker::{RegisteredWorker, SILENT_AFTER};

use crate::Environment;

/// The registry of the workers on a store, of this process and others. A clone is the same registry.
#[derive(Debug, Clone)]
pub struct Workers<S> {
    store: S,
    environment: Environment,
}

impl<S: Store> Workers<S> {
    /// Creates a handle on this store.
    #[must_use]
    pub const fn new(store: S, environment: Environment) -> Self {
        Self { store, environment }
    }

    /// The living workers: each has updated its row in the last minute. A worker that was killed is listed for up to a
    /// minute longer; after half a minute it [is late](RegisteredWorker::is_late). The log names rows that cannot be
    /// read as a worker.
    pub fn all_alive(&self) -> Result<Vec<RegisteredWorker>, StoreError> {
        let now = self.environment.now();
        let seen = self.store.read(|s| s.workers().seen_since(now - SILENT_AFTER))?;
        let readable = seen.into_iter().filter_map(|worker| match worker {
            Ok(worker) => Some(worker),
            Err(error) => {
                log!(ERROR, error = with_causes(&error), "row of worker not readable");
                None
            }
        });
        Ok(readable.filter(|worker| worker.is_alive(now)).collect())
    }

    /// The living workers that handle this kind of job. If there is none, a job of the kind waits until one starts.
    ///
    /// # Errors
    /// As [`Workers::all_alive`].
    pub fn alive(&self, kind: &JobKind) -> Result<Vec<RegisteredWorker>, StoreError> {
        Ok(self.all_alive()?.into_iter().filter(|worker| worker.kinds.contains(kind)).collect())
    }
}
