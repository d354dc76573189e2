//! The interface between rules and storage. Each concern has one small trait. A session hands out the traits, and a
//! store opens sessions.
//!
//! Programs call services; stores implement this module. The traits enforce the rules of a single row: fence tokens,
//! unique keys, references. They do not know the rules across rows: a trait enqueues any payload, moves a file
//! without its jobs, and records no operator. Those rules are in the services (`fieldfen-services`).
//!
//! A session is one open transaction. [`ReadSession`] has no method that writes. A [`Store`] runs closures in
//! sessions. If a closure fails or panics, its transaction is rolled back.
//!
//! # Errors
//! Every method can fail with a [`StoreError`] whose cause is the database: it is busy, full, read-only, damaged or
//! cannot be reached. [`StoreError::disposition`] tells whether to try again. The documentation of a method names only
//! the errors that depend on its arguments and on the rows that it reads.

mod api_costs;
mod api_usage;
mod bulk_actions;
mod checks;
mod concurrency_limits;
mod error;
mod files;
mod hashes;
mod ids;
mod jobs;
mod maintenance;
mod operator_actions;
mod pauses;
pub mod publication_decisions;
mod publications;
pub mod rate_limit_decisions;
pub mod rate_limit_rows;
mod rate_limits;
mod recurring;
pub mod rows;
mod watch;
mod workers;

pub use api_costs::{ApiCostReads, ApiCosts};
pub use api_usage::{ApiUsage, ApiUsageReads};
pub use bulk_actions::{BulkActionReads, BulkActions};
pub use concurrency_limits::{ConcurrencyLimitReads, ConcurrencyLimits};
pub use error::{Disposition, Source, StoreError};
pub use files::{FileReads, Files};
pub use hashes::{HashReads, Hashes};
pub use ids::IdReads;
pub use jobs::{JobActions, JobQueue, JobReads};
pub use maintenance::{LogHeld, MaintenanceReport};
pub use operator_actions::{OperatorActionReads, OperatorActions};
pub use pauses::{PauseReads, Pauses};
pub use publications::{ListingReads, Listings, PublicationReads, Publications};
pub use rate_limits::{RateLimitReads, RateLimits};
pub use recurring::{Recurring, RecurringReads};
pub use watch::{Watch, WatchCloser};
pub use workers::{WorkerReads, Workers};

/// An open transaction that only reads. All its answers come from one snapshot of the database.
pub trait ReadSession {
    /// Files and their history.
    fn files(&mut self) -> &mut dyn FileReads;
    /// Jobs in every status.
    fn jobs(&mut self) -> &mut dyn JobReads;
    /// Hashes of webhooks.
    fn hashes(&mut self) -> &mut dyn HashReads;
    /// Costs of external APIs.
    fn api_costs(&mut self) -> &mut dyn ApiCostReads;
    /// Calls to external APIs.
    fn api_usage(&mut self) -> &mut dyn ApiUsageReads;
    /// Publications: reserved, unknown, confirmed, released and ended.
    fn publications(&mut self) -> &mut dyn PublicationReads;
    /// Listings and posts.
    fn listings(&mut self) -> &mut dyn ListingReads;
    /// Recurring work and its next ticks.
    fn recurring(&mut self) -> &mut dyn RecurringReads;
    /// Operators' actions.
    fn operator_actions(&mut self) -> &mut dyn OperatorActionReads;
    /// Actions on all jobs that match a filter.
    fn bulk_actions(&mut self) -> &mut dyn BulkActionReads;
    /// The registry of workers.
    fn workers(&mut self) -> &mut dyn WorkerReads;
    /// Rate limits of external services.
    fn rate_limits(&mut self) -> &mut dyn RateLimitReads;
    /// Limits on the number of jobs that run at the same time.
    fn concurrency_limits(&mut self) -> &mut dyn ConcurrencyLimitReads;
    /// Pauses of kinds, services and accounts.
    fn pauses(&mut self) -> &mut dyn PauseReads;
    /// Ids by their beginning.
    fn ids(&mut self) -> &mut dyn IdReads;
}

/// An open transaction that reads and writes. Each trait that writes can read what it writes.
///
/// If a method returns an error, the closure returns an error too, since a database may refuse all further statements
/// of that transaction. The one exception is [`StoreError::BadRow`]: the row was read, and the transaction goes on.
pub trait Session {
    /// Files and their history.
    fn files(&mut self) -> &mut dyn Files;
    /// Jobs that are enqueued, claimed and ended by workers.
    fn jobs(&mut self) -> &mut dyn JobQueue;
    /// Actions of operators on jobs, and the pruning of ended jobs.
    fn job_actions(&mut self) -> &mut dyn JobActions;
    /// Hashes of webhooks.
    fn hashes(&mut self) -> &mut dyn Hashes;
    /// Costs of external APIs.
    fn api_costs(&mut self) -> &mut dyn ApiCosts;
    /// Calls to external APIs.
    fn api_usage(&mut self) -> &mut dyn ApiUsage;
    /// Publications: reserve, confirm, adopt and release.
    fn publications(&mut self) -> &mut dyn Publications;
    /// Listings and posts.
    fn listings(&mut self) -> &mut dyn Listings;
    /// Recurring work: define it, take its ticks, pause it.
    fn recurring(&mut self) -> &mut dyn Recurring;
    /// Operators' actions.
    fn operator_actions(&mut self) -> &mut dyn OperatorActions;
    /// Actions on all jobs that match a filter.
    fn bulk_actions(&mut self) -> &mut dyn BulkActions;
    /// The registry of workers.
    fn workers(&mut self) -> &mut dyn Workers;
    /// Rate limits of external services: permits are acquired and settled.
    fn rate_limits(&mut self) -> &mut dyn RateLimits;
    /// Limits on the number of jobs that run at the same time.
    fn concurrency_limits(&mut self) -> &mut dyn ConcurrencyLimits;
    /// Pauses of kinds, services and accounts.
    fn pauses(&mut self) -> &mut dyn Pauses;
    /// The same transaction, for a function that takes a [`ReadSession`].
    fn reads(&mut self) -> &mut dyn ReadSession;
}

/// A database, or something that behaves like one.
///
/// Stores are handles: a clone is the same store, and all threads may use it at once.
pub trait Store: Clone + Send + Sync + 'static {
    /// Runs `f` in a transaction that only reads, with an error type of the caller's.
    ///
    /// `f` reads one snapshot. The snapshot contains every write that this store has reported as committed in this
    /// process. The store may run `f` again, so `f` must only read.
    ///
    /// # Errors
    /// The error that `f` returns. [`StoreError::Nested`] inside another session of this store in the same thread, and
    /// other [`StoreError`]s if the transaction cannot be opened.
    fn try_read<T, E, F>(&self, f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn ReadSession) -> Result<T, E>;

    /// Runs `f` in a transaction that reads and writes, with an error type of the caller's, and returns after the
    /// commit.
    ///
    /// Transactions are serializable: they behave as if they ran one after another. A store that cannot guarantee
    /// this for a transaction rolls it back and runs `f` again. `f` must therefore have no effect outside the
    /// session, and must depend only on what it reads there. If `f` fails or panics, the transaction is rolled back.
    ///
    /// If the connection is lost during the commit, the error is [`StoreError::OutcomeUnknown`]: the transaction was
    /// committed as a whole, or not at all. The caller finds out which in its next transaction. A write with a fence
    /// token or a dedup key may be repeated without that check, because the store recognises the repetition. The same
    /// holds for deletions of old rows and for updates to a fixed value. An insert without a key, for example of a
    /// recorded call, would be done twice.
    ///
    /// # Errors
    /// The error that `f` returns. [`StoreError::Nested`] inside another session of this store in the same thread,
    /// [`StoreError::Conflict`] if the store has given up running `f` again, [`StoreError::OutcomeUnknown`] as above,
    /// and other [`StoreError`]s if the transaction cannot be opened or committed.
    fn try_write<T, E, F>(&self, f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn Session) -> Result<T, E>;

    /// [`Store::try_read`] with the store's own errors.
    ///
    /// # Errors
    /// As [`Store::try_read`].
    fn read<T, F>(&self, f: F) -> Result<T, StoreError>
    where
        F: FnMut(&mut dyn ReadSession) -> Result<T, StoreError>,
    {
        self.try_read(f)
    }

    /// Like [`Store::read`], but the answer may be some seconds old, because a store may read from a replica. Use it
    /// for figures and lists for people, and never for a decision.
    ///
    /// # Errors
    /// As [`Store::try_read`].
    fn read_stale<T, F>(&self, f: F) -> Result<T, StoreError>
    where
        F: FnMut(&mut dyn ReadSession) -> Result<T, StoreError>,
    {
        self.try_read(f)
    }

    /// [`Store::try_write`] with the store's own errors.
    ///
    /// # Errors
    /// As [`Store::try_write`].
    fn write<T, F>(&self, f: F) -> Result<T, StoreError>
    where
        F: FnMut(&mut dyn Session) -> Result<T, StoreError>,
    {
        self.try_write(f)
    }

    /// A watch for commits, by this program or another, that may have made jobs due.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be watched.
    fn watch(&self) -> Result<Box<dyn Watch>, StoreError>;

    /// Maintains the database: truncates the transaction log to what readers still need, and removes statistics of the
    /// query planner by which the store's statements would become slow.
    ///
    /// The call is cheap when there is nothing to do; call it every few minutes. If a reader keeps the log from being
    /// truncated, the log grows with every commit. The report then says so, and the caller should log it.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be read or written. A busy database is no error: the next call tries
    /// again.
    fn maintain(&self) -> Result<MaintenanceReport, StoreError>;
}
