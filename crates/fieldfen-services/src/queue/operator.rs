//! Queries of operators on the queue.

use fieldfen_domain::job::{
    DeadLetterGroup, Job, JobAttempt, JobCount, JobFilter, JobSummary, MAX_DEAD_LETTERS_COUNTED, OnWorkerDeath,
};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{CappedCount, JobId, Page, PageRequest, Timestamp};

use super::Queue;

impl<S: Store> Queue<S> {
    /// Finds the job with this id.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] if the row cannot be read as a job.
    pub fn find(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        self.store.read(|s| s.jobs().find(id))
    }

    /// The attempts of a job that ended without completing it, the first one first. A [retry](Queue::retry) deletes
    /// none. At most [`MAX_ATTEMPTS_KEPT`](fieldfen_domain::job::MAX_ATTEMPTS_KEPT) are kept.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] if a row cannot be read as an attempt.
    pub fn attempts(&self, id: &JobId) -> Result<Vec<JobAttempt>, StoreError> {
        self.store.read(|s| s.jobs().attempts(id))
    }

    /// The consequence for a job if its worker dies. `None` if there is no such job, or if the job has none: the
    /// worker that claims it may give it one, and without one it is retried.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] if the row holds an unknown word.
    pub fn on_worker_death(&self, id: &JobId) -> Result<Option<OnWorkerDeath>, StoreError> {
        self.store.read(|s| s.workers().on_worker_death(id))
    }

    /// The dead letters in at most `limit` groups of the same kind and
    /// [fingerprint](fieldfen_domain::job::error_fingerprint) of the error, in the order of the kinds.
    /// [`JobFilter::fingerprint`] selects the jobs of a group.
    pub fn dead_letters_by_error(&self, limit: u32) -> Result<Vec<DeadLetterGroup>, StoreError> {
        self.store.read(|s| s.jobs().dead_letters_by_error(limit, MAX_DEAD_LETTERS_COUNTED))
    }

    /// A page of jobs in the order of insertion, without their large values: [`find`](Queue::find) returns the whole
    /// job. The page names the rows that cannot be read as a job. It may have fewer jobs than its limit, or none,
    /// although a next page follows.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    pub fn list(&self, filter: &JobFilter, page: &PageRequest) -> Result<Page<JobSummary>, StoreError> {
        self.store.read(|s| s.jobs().page(filter, page))
    }

    /// A page of the jobs that have failed for good or were cancelled, in the order of insertion, without
    /// [parked](Queue::parked) jobs.
    ///
    /// # Errors
    /// As [`Queue::list`].
    pub fn dead_letters(&self, page: &PageRequest) -> Result<Page<JobSummary>, StoreError> {
        self.list(&JobFilter::new().dead_letters(), page)
    }

    /// A page of the parked jobs, in the order of insertion. [`JobFilter::parked_for`] selects the jobs that wait for
    /// one event.
    ///
    /// # Errors
    /// As [`Queue::list`].
    pub fn parked(&self, page: &PageRequest) -> Result<Page<JobSummary>, StoreError> {
        self.list(&JobFilter::default().parked(), page)
    }

    /// The number of jobs by kind, status and, for parked jobs, the event that they wait for. Combinations without jobs
    /// are left out.
    ///
    /// The figures may be some seconds old, since they serve people and graphs and no decision: a store with replicas
    /// may ask [a lagging one](Store::read_stale).
    pub fn count(&self) -> Result<Vec<JobCount>, StoreError> {
        self.store.read_stale(|s| s.jobs().count())
    }

    /// The number of jobs of all kinds that were completed from `since` on and before `until`: at most `most`, so that
    /// the question stays cheap however many there are.
    pub fn completed_between(&self, since: Timestamp, until: Timestamp, most: u32) -> Result<CappedCount, StoreError> {
        self.store.read(|s| s.jobs().count_completed(since, until, most))
    }
}
