//! The seam between rules and storage: one small trait for each concern, sessions that hand them out, and stores that
//! open sessions.
//!
//! Programs call services; stores implement this module. The traits keep what a single row can tell: fences, keys,
//! references. They enqueue any payload, move a file without its jobs, and record no operator. The rules across rows are
//! those of the services, `fieldfen-services` for example, whose handles do each thing with all that belongs to it.
//!
//! A session is one open transaction. [`ReadSession`] has no method that writes. A [`Store`] runs closures in sessions;
//! a closure that fails or panics leaves nothing behind.

mod api_usage;
mod checks;
pub mod decisions;
mod error;
mod files;
mod hashes;
mod jobs;
mod maintenance;
mod operator_actions;
mod publications;
mod recurring;
pub mod rows;
mod workers;

use std::time::Duration;

pub use api_usage::{ApiUsage, ApiUsageReads};
pub use error::{Disposition, Source, StoreError};
pub use files::{FileReads, Files};
pub use hashes::{HashReads, Hashes};
pub use jobs::{JobActions, JobQueue, JobReads};
pub use maintenance::{LogHeld, MaintenanceReport};
pub use operator_actions::{OperatorActionReads, OperatorActions};
pub use publications::{ListingReads, Listings, PublicationReads, Publications};
pub use recurring::{Recurring, RecurringReads};
pub use workers::{WorkerReads, Workers};

/// An open transaction that only reads. Everything it returns is of one and the same moment.
pub trait ReadSession {
    /// Files and their history.
    fn files(&mut self) -> &mut dyn FileReads;
    /// Jobs in every status.
    fn jobs(&mut self) -> &mut dyn JobReads;
    /// Hashes of webhooks.
    fn hashes(&mut self) -> &mut dyn HashReads;
    /// Calls to external APIs.
    fn api_usage(&mut self) -> &mut dyn ApiUsageReads;
    /// Publications: what was wanted, called and confirmed.
    fn publications(&mut self) -> &mut dyn PublicationReads;
    /// Listings and posts.
    fn listings(&mut self) -> &mut dyn ListingReads;
    /// Recurring work and its next ticks.
    fn recurring(&mut self) -> &mut dyn RecurringReads;
    /// Operators' actions.
    fn operator_actions(&mut self) -> &mut dyn OperatorActionReads;
    /// The registry of workers.
    fn workers(&mut self) -> &mut dyn WorkerReads;
}

/// An open transaction that reads and writes. Each trait that writes can read what it writes.
///
/// When a method returns an error, the closure returns an error too, since a database may refuse all further statements
/// of that transaction. The one exception is [`StoreError::BadRow`]: the row was read, and the transaction goes on.
pub trait Session {
    /// Files and their history.
    fn files(&mut self) -> &mut dyn Files;
    /// Jobs on their way: enqueue, claim, complete, fail.
    fn jobs(&mut self) -> &mut dyn JobQueue;
    /// What operators do with jobs.
    fn job_actions(&mut self) -> &mut dyn JobActions;
    /// Hashes of webhooks.
    fn hashes(&mut self) -> &mut dyn Hashes;
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
    /// The registry of workers.
    fn workers(&mut self) -> &mut dyn Workers;
    /// The same transaction, for a function that takes a [`ReadSession`].
    fn reads(&mut self) -> &mut dyn ReadSession;
}

/// A place that keeps everything.
///
/// Stores are handles: a clone is the same store, and all threads may use it at once.
pub trait Store: Clone + Send + Sync + 'static {
    /// Runs `f` in a transaction that only reads, with an error type of the caller's.
    ///
    /// `f` sees one moment, and every write that a call to this store, in this process, has answered as committed. The
    /// store may run `f` again, so `f` must do nothing but read.
    ///
    /// # Errors
    /// The error that `f` returns. [`StoreError::Nested`] inside another session of this store in the same thread, and other
    /// [`StoreError`]s when the transaction cannot be opened.
    fn try_read<T, E, F>(&self, f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn ReadSession) -> Result<T, E>;

    /// Runs `f` in a transaction that reads and writes, with an error type of the caller's, and returns after everything
    /// is committed.
    ///
    /// Transactions behave as if they ran one after another. A store that cannot guarantee this for a transaction takes
    /// it back and runs `f` again. `f` must therefore keep its effects inside the session, and must compute the same
    /// from what it reads there. When `f` fails or panics, nothing of what it wrote remains.
    ///
    /// If the connection is lost during the commit, the answer is [`StoreError::OutcomeUnknown`]: everything that `f` wrote is
    /// there, or nothing of it. The caller looks in its next transaction. Writes that carry a fence token or a dedup key may be
    /// repeated without a look, since a repetition is recognised; so may deletions of what is old, and updates to a given
    /// value. An insert without a key (a recorded call, an operator's action) would be there twice.
    ///
    /// # Errors
    /// The error that `f` returns. [`StoreError::Nested`] inside another session of this store in the same thread,
    /// [`StoreError::Conflict`] when a store that runs `f` again has given up, [`StoreError::OutcomeUnknown`] as above, and
    /// other [`StoreError`]s when the transaction cannot be opened or committed.
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

    /// Like [`Store::read`], but the answer may be some seconds old: a store with replicas may ask one that lags. For
    /// figures and lists that a person looks at; never for a decision.
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
    /// [`StoreError`] when the store cannot be watched.
    fn watch(&self) -> Result<Box<dyn Watch>, StoreError>;

    /// Lets the store put itself in order: statistics for its query plans, and a transaction log
    /// cut back to what its readers still need.
    ///
    /// Cheap when there is nothing to do; meant to be called every few minutes. A log that readers hold back grows with
    /// every commit: the report says so, and the caller is to pass it on.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read or written. A busy database is none: the next call tries again.
    fn maintain(&self) -> Result<MaintenanceReport, StoreError>;
}

/// Waits for commits. Made by [`Store::watch`]; what was committed since then, or since the last wait, is not missed.
pub trait Watch: Send {
    /// Waits until something has been committed or the time is over, and says whether something was.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be watched any more.
    fn wait(&mut self, timeout: Duration) -> Result<bool, StoreError>;
}
