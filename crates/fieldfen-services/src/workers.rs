//! Which workers live, and what they can do.
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

/// The registry of the workers on a store, of this process and others; clones are the same registry.
#[derive(Debug, Clone)]
pub struct Workers<S> {
    store: S,
    environment: Environment,
}

impl<S: Store> Workers<S> {
    /// The registry of this store.
    #[must_use]
    pub const fn new(store: S, environment: Environment) -> Self {
        Self { store, environment }
    }

    /// The workers that are alive: each has given a sign of life in the last minute. A worker that has just been killed
    /// is among them until then. Rows that no worker can be read from are named in the log.
    pub fn all_alive(&self) -> Result<Vec<RegisteredWorker>, StoreError> {
        let now = self.environment.now();
        let seen = self.store.read(|s| s.workers().seen_since(now - SILENT_AFTER))?;
        let readable = seen.into_iter().filter_map(|worker| match worker {
            Ok(worker) => Some(worker),
            Err(error) => {
                log!(ERROR, error = with_causes(&error), "unreadable row of a worker");
                None
            }
        });
        Ok(readable.filter(|worker| worker.is_alive(now)).collect())
    }

    /// The workers that are alive and handle this kind of job. Without one, a job of the kind waits until one starts.
    ///
    /// # Errors
    /// As [`Workers::all_alive`].
    pub fn alive(&self, kind: &JobKind) -> Result<Vec<RegisteredWorker>, StoreError> {
        Ok(self.all_alive()?.into_iter().filter(|worker| worker.kinds.contains(kind)).collect())
    }
}
