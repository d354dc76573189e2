//! The seam between rules and storage: one small trait for each concern, sessions that hand them out, and stores that
//! open sessions.
//!
//! A session is one open transaction. [`ReadSession`] has no method that writes. A [`Store`] runs closures in sessions;
//! a closure that fails or panics leaves nothing behind.

mod api_usage;
mod error;
mod files;
mod hashes;
mod jobs;
mod maintenance;
mod publications;
mod recurring;

use std::time::Duration;

pub use api_usage::{ApiUsage, ApiUsageReads};
pub use error::{Source, StoreError};
pub use files::{FileReads, Files};
pub use hashes::Hashes;
pub use jobs::{JobAdmin, JobQueue, JobReads};
pub use maintenance::{LogHeld, MaintenanceReport};
pub use publications::{Listings, PublicationReads, Publications};
pub use recurring::{Recurring, RecurringReads};

/// An open transaction that only reads. Everything it returns is of one and the same moment.
pub trait ReadSession {
    /// Files and their history.
    fn files(&mut self) -> &mut dyn FileReads;
    /// Jobs.
    fn jobs(&mut self) -> &mut dyn JobReads;
    /// Calls to external APIs.
    fn api_usage(&mut self) -> &mut dyn ApiUsageReads;
    /// Publications, listings and posts.
    fn publications(&mut self) -> &mut dyn PublicationReads;
    /// Recurring work.
    fn recurring(&mut self) -> &mut dyn RecurringReads;
}

/// An open transaction that reads and writes.
pub trait Session {
    /// Files and their history.
    fn files(&mut self) -> &mut dyn Files;
    /// Jobs on their way: enqueue, claim, complete, fail.
    fn jobs(&mut self) -> &mut dyn JobQueue;
    /// What operators do with jobs.
    fn job_admin(&mut self) -> &mut dyn JobAdmin;
    /// Hashes of webhooks.
    fn hashes(&mut self) -> &mut dyn Hashes;
    /// Calls to external APIs.
    fn api_usage(&mut self) -> &mut dyn ApiUsage;
    /// Publications.
    fn publications(&mut self) -> &mut dyn Publications;
    /// Listings.
    fn listings(&mut self) -> &mut dyn Listings;
    /// Recurring work.
    fn recurring(&mut self) -> &mut dyn Recurring;
    /// The same transaction, for code that only reads.
    fn reads(&mut self) -> &mut dyn ReadSession;
}

/// A place that keeps everything.
///
/// Stores are handles: a clone is the same store, and all threads may use it at once.
pub trait Store: Clone + Send + Sync + 'static {
    /// Runs `f` in a transaction that only reads.
    ///
    /// `f` may be run again when the database asks for it, so it should do nothing else but read.
    ///
    /// # Errors
    /// What `f` returns; [`StoreError`] when the transaction cannot be opened.
    fn read<T, E, F>(&self, f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn ReadSession) -> Result<T, E>;

    /// Runs `f` in a transaction that reads and writes, and returns after everything is committed.
    ///
    /// `f` may be run again when the database asks for it: what it does outside the session may then happen twice.
    /// When it fails or panics, nothing of what it wrote remains.
    ///
    /// # Errors
    /// What `f` returns; [`StoreError`] when the transaction cannot be opened or committed.
    fn write<T, E, F>(&self, f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn Session) -> Result<T, E>;

    /// A watch for commits, by this program or another, that may have made jobs due.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be watched.
    fn watch(&self) -> Result<Box<dyn Watch>, StoreError>;

    /// Lets the store put itself in order: planner statistics, and a log cut back to what its readers still need.
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
