//! The measured work through a `SqliteStore`: claims and completions.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use fieldfen_domain::job::{ClaimRef, ClaimRequest, FencedResult, Job, JobKind, WorkerName};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{FenceToken, Timestamp};
use fieldfen_persistence::{Durability, SqliteOptions, SqliteStore, SqliteUrl};
use fieldfen_services::environment::{Randomness, SeededRandomness};

use crate::backlog::{KIND, NOW};

/// A worker on a store that claims and completes jobs.
pub struct FieldfenWorker {
    store: SqliteStore,
    request: ClaimRequest,
    random: SeededRandomness,
}

impl FieldfenWorker {
    /// Opens a migrated database.
    ///
    /// # Errors
    /// The errors of the store, with the path.
    pub fn open(path: &Path, durability: Durability) -> Result<Self> {
        Self::on(open(path, durability)?, "bench", 1)
    }

    /// A worker with this name on a store. The seed makes its tokens differ from those of other workers.
    ///
    /// # Errors
    /// Never.
    pub fn on(store: SqliteStore, worker: &str, seed: u64) -> Result<Self> {
        let request = ClaimRequest::new(
            BTreeSet::from([KIND]),
            1,
            FenceToken::from_random(0),
            now()?,
            Duration::from_secs(3600),
            WorkerName::new(worker),
        )
        .alone(true);
        Ok(Self { store, request, random: SeededRandomness::new(seed) })
    }

    /// The same worker for all kinds of the specification, each with a limit.
    #[must_use]
    pub fn with_limits(mut self) -> Self {
        self.request.kinds = JobKind::SPECIFIED.into();
        self.request.limits = JobKind::SPECIFIED.map(|kind| (kind, 4)).into();
        self
    }

    /// Claims at most this many jobs.
    ///
    /// # Errors
    /// The errors of the store.
    pub fn claim(&mut self, limit: u32) -> Result<Vec<Job>, StoreError> {
        self.request.token = FenceToken::from_random(self.random.bits());
        self.request.limit = limit;
        let request = &self.request;
        self.store.write(|s| s.jobs().claim(request)).map(|claimed| claimed.jobs)
    }

    /// Completes a job of the last claim.
    ///
    /// # Errors
    /// The errors of the store.
    pub fn complete(&self, job: &Job) -> Result<FencedResult<()>, StoreError> {
        let claim = self.claim_of(job);
        self.store.write(|s| s.jobs().complete(&claim, None, self.request.now))
    }

    /// Completes jobs of the last claim in one transaction. Returns the number of jobs that were still held.
    ///
    /// # Errors
    /// The errors of the store.
    pub fn complete_all(&self, jobs: &[Job]) -> Result<usize, StoreError> {
        self.store.write(|s| {
            let mut completed = 0;
            for job in jobs {
                completed += usize::from(s.jobs().complete(&self.claim_of(job), None, self.request.now)?.is_done());
            }
            Ok(completed)
        })
    }

    /// Completes jobs of the last claim in one transaction and one call. Returns the number of jobs that were still held.
    ///
    /// # Errors
    /// The errors of the store.
    pub fn complete_many(&self, jobs: &[Job]) -> Result<usize, StoreError> {
        let completions: Vec<_> = jobs.iter().map(|job| (self.claim_of(job), None)).collect();
        let completed = self.store.write(|s| s.jobs().complete_many(&completions, self.request.now))?;
        Ok(completed.iter().filter(|outcome| outcome.is_done()).count())
    }

    /// Releases jobs of the last claim in one transaction. Returns the number of jobs that were still held.
    ///
    /// # Errors
    /// The errors of the store.
    pub fn release_all(&self, jobs: &[Job]) -> Result<usize, StoreError> {
        self.store.write(|s| {
            let mut released = 0;
            for job in jobs {
                released += usize::from(s.jobs().release(&self.claim_of(job), job.run_at, job.run_at)?.is_done());
            }
            Ok(released)
        })
    }

    const fn claim_of(&self, job: &Job) -> ClaimRef {
        ClaimRef { id: job.id, token: self.request.token }
    }
}

/// Opens a store on a migrated database.
///
/// # Errors
/// The errors of the store, with the path.
pub fn open(path: &Path, durability: Durability) -> Result<SqliteStore> {
    let mut options = SqliteOptions::default();
    options.durability = durability;
    open_with(path, &options)
}

/// Opens a store on a migrated database with these options.
///
/// # Errors
/// The errors of the store, with the path.
pub fn open_with(path: &Path, options: &SqliteOptions) -> Result<SqliteStore> {
    let url = SqliteUrl::from(path).to_string();
    SqliteStore::open_with(&url, options).with_context(|| format!("cannot open {}", path.display()))
}

/// The present time of all benchmarks.
///
/// # Errors
/// Never.
pub fn now() -> Result<Timestamp> {
    Ok(format!("{NOW}Z").parse()?)
}
