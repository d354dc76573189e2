//! Upkeep keeps the database small and quick.
//!
//! An [`Upkeep`] job prunes ended jobs by age and number, ended publications by age and, if so configured, operators'
//! actions by age. It adds the calls to external APIs to the totals of their days and prunes the rows of the calls. It
//! purges expired hashes of webhooks and lets the store maintain itself. It is meant to recur:
//!
//! ```
//! use fieldfen_services::upkeep::{self, Upkeep};
//! use fieldfen_services::{Environment, recurring::Recurring, worker::Worker};
//! use fieldfen_domain::operator::{Action, Actor, Via};
//! use fieldfen_testkit::ModelStore;
//!
//! let (store, environment) = (ModelStore::new(), Environment::system());
//! let every_ten_minutes = "*/10 * * * *".parse()?;
//! let program = Action::new(Actor::new("worker", Via::Library)?, "the program defines it at its start")?;
//! let recurring = Recurring::new(store.clone(), environment.clone());
//! recurring.define(&upkeep::name(), &every_ten_minutes, &Upkeep::default(), &program)?;
//! let worker = Worker::builder(store.clone(), environment).handle(upkeep::handler(store)).start()?;
//! # worker.stop_handle().stop();
//! # worker.join()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::time::Duration;

use chrono::TimeDelta;
use fieldfen_domain::job::{
    InvalidPayload, JobFilter, JobState, JobStatus, JobSummary, Payload, PruneRequest, lease_holds,
};
use fieldfen_domain::publication::PrunePublications;
use fieldfen_domain::recurring::RecurringName;
use fieldfen_domain::store::{MaintenanceReport, Store, StoreError};
use fieldfen_domain::{PageRequest, Timestamp};
use serde::{Deserialize, Serialize};

use crate::worker::{Completion, Outcome, Task};
use crate::write_retry::write;

/// The kind of the job, and the name of its recurring work.
const NAME: &str = "fieldfen.upkeep";

/// The largest batch. A transaction with more rows delays other writers noticeably.
const MAX_BATCH: u32 = 10_000;

/// The pause between two batches, in which other processes can write.
const PAUSE: Duration = Duration::from_millis(10);

/// Payload of the job that keeps the database small and quick. A field that is left out has its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Upkeep {
    /// Completed jobs that ended longer ago than this, in seconds, are deleted. By default a week.
    pub completed_max_age_secs: u64,
    /// The number of younger completed jobs that are kept; `None` keeps all. By default 100,000.
    pub completed_keep: Option<u32>,
    /// Failed jobs that ended longer ago than this, in seconds, are deleted. By default 90 days.
    pub failed_max_age_secs: u64,
    /// The number of younger failed jobs that are kept; `None` (the default) keeps all.
    pub failed_keep: Option<u32>,
    /// Publications that were released or have ended longer ago than this, in seconds, are deleted. A publication
    /// whose last call may still take effect, or whose listing is live, is kept. By default 90 days.
    pub publications_max_age_secs: u64,
    /// Operators' actions that are older than this, in seconds, are deleted, and so are finished bulk actions; `None`
    /// (the default) keeps all, since the tables record who did what, and why.
    pub operator_actions_max_age_secs: Option<u64>,
    /// Rows of `api_usage` whose calls were made longer ago than this, in seconds, are deleted. The totals of their
    /// days are kept. By default 90 days.
    pub api_calls_max_age_secs: u64,
    /// Rate limits that no program has configured, and of which no answer has said anything for this time, in seconds,
    /// are deleted. By default 90 days.
    pub rate_limits_max_age_secs: u64,
    /// The number of rows that are deleted in one transaction, 1 to 10,000. By default 500.
    pub batch: u32,
}

impl Upkeep {
    /// Upkeep with the default figures.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the age, in seconds, above which completed jobs are deleted.
    #[must_use]
    pub const fn completed_max_age_secs(mut self, completed_max_age_secs: u64) -> Self {
        self.completed_max_age_secs = completed_max_age_secs;
        self
    }

    /// Sets the number of younger completed jobs that are kept; `None` keeps all.
    #[must_use]
    pub fn completed_keep(mut self, completed_keep: impl Into<Option<u32>>) -> Self {
        self.completed_keep = completed_keep.into();
        self
    }

    /// Sets the age, in seconds, above which failed jobs are deleted.
    #[must_use]
    pub const fn failed_max_age_secs(mut self, failed_max_age_secs: u64) -> Self {
        self.failed_max_age_secs = failed_max_age_secs;
        self
    }

    /// Sets the number of younger failed jobs that are kept; `None` keeps all.
    #[must_use]
    pub fn failed_keep(mut self, failed_keep: impl Into<Option<u32>>) -> Self {
        self.failed_keep = failed_keep.into();
        self
    }

    /// Sets the age, in seconds, above which released and ended publications are deleted.
    #[must_use]
    pub const fn publications_max_age_secs(mut self, publications_max_age_secs: u64) -> Self {
        self.publications_max_age_secs = publications_max_age_secs;
        self
    }

    /// Sets the age, in seconds, above which operators' actions are deleted; `None` keeps all.
    #[must_use]
    pub fn operator_actions_max_age_secs(mut self, operator_actions_max_age_secs: impl Into<Option<u64>>) -> Self {
        self.operator_actions_max_age_secs = operator_actions_max_age_secs.into();
        self
    }

    /// Sets the age, in seconds, after which the rows of calls to external APIs are deleted.
    #[must_use]
    pub const fn api_calls_max_age_secs(mut self, api_calls_max_age_secs: u64) -> Self {
        self.api_calls_max_age_secs = api_calls_max_age_secs;
        self
    }

    /// Sets the time, in seconds, after which rate limits that only answers have named are deleted.
    #[must_use]
    pub const fn rate_limits_max_age_secs(mut self, rate_limits_max_age_secs: u64) -> Self {
        self.rate_limits_max_age_secs = rate_limits_max_age_secs;
        self
    }

    /// Sets the largest number of rows that are deleted in one transaction, 1 to 10,000.
    #[must_use]
    pub const fn batch(mut self, batch: u32) -> Self {
        self.batch = batch;
        self
    }
}

impl Default for Upkeep {
    fn default() -> Self {
        const DAY: u64 = 24 * 60 * 60;
        Self {
            completed_max_age_secs: 7 * DAY,
            completed_keep: Some(100_000),
            failed_max_age_secs: 90 * DAY,
            failed_keep: None,
            publications_max_age_secs: 90 * DAY,
            operator_actions_max_age_secs: None,
            api_calls_max_age_secs: 90 * DAY,
            rate_limits_max_age_secs: 90 * DAY,
            batch: 500,
        }
    }
}

impl Payload for Upkeep {
    const KIND: &'static str = NAME;

    fn check(&self) -> Result<(), InvalidPayload> {
        if (1..=MAX_BATCH).contains(&self.batch) {
            return Ok(());
        }
        let (value, rule) = (self.batch.to_string(), "1 to 10000");
        Err(InvalidPayload::Field { kind: Self::kind(), field: "batch", value, rule })
    }
}

/// The name of the recurring work.
#[must_use]
#[expect(clippy::expect_used, reason = "the name is a constant, and a test reads it")]
pub fn name() -> RecurringName {
    NAME.parse().expect("the name of upkeep is a name of recurring work")
}

/// The handler of [`Upkeep`] jobs on this store. Its result is a [`UpkeepReport`]. The worker's
/// [`Metrics::store_maintained`](crate::worker::Metrics::store_maintained) gets the figures of the store's log.
pub fn handler<S: Store>(store: S) -> impl Fn(Task<Upkeep>) -> Result<Completion, Outcome> + Send + Sync + 'static {
    move |task: Task<Upkeep>| {
        let go_on = || !task.is_cancelled() && !task.is_stopping();
        let (done, report) = delete_and_maintain(&store, task.now(), &task, go_on)?;
        task.metrics().store_maintained(&report);
        log!(INFO, ?done, "upkeep done");
        Ok(Completion::new().result(&done))
    }
}

/// The numbers of deleted rows, and the state of the store. If the outcome of a transaction was unknown, its rows are
/// not counted, although they may have been deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UpkeepReport {
    /// The number of completed jobs that were deleted.
    pub completed_jobs: u64,
    /// The number of dead letters that were deleted.
    pub failed_jobs: u64,
    /// The number of expired hashes of webhooks that were deleted.
    pub hashes: u64,
    /// The number of released and ended publications that were deleted.
    #[serde(default)]
    pub publications: u64,
    /// The number of operators' actions that were deleted.
    #[serde(default)]
    pub operator_actions: u64,
    /// The number of finished bulk actions that were deleted.
    #[serde(default)]
    pub bulk_actions: u64,
    /// The number of calls to external APIs that were added to the totals of their days.
    #[serde(default)]
    pub rolled_up_api_calls: u64,
    /// The number of calls to external APIs whose rows were deleted.
    #[serde(default)]
    pub api_calls: u64,
    /// The number of rate limits that were deleted.
    #[serde(default)]
    pub rate_limits: u64,
    /// The size of the store's write-ahead log, in bytes.
    #[serde(default)]
    pub log_bytes: u64,
    /// The reason why a long log could not be truncated, with the processes that read it; `None` if there was no such
    /// problem.
    #[serde(default)]
    pub log_held: Option<String>,
}

/// The upkeep job that a worker or another program runs at this time; `None` if there is none. A job whose lease has
/// expired does not run.
///
/// # Errors
/// [`StoreError`] if the jobs cannot be read.
pub fn running<S: Store>(store: &S, now: Timestamp) -> Result<Option<JobSummary>, StoreError> {
    let runs = JobFilter::new().kind(Some(Upkeep::kind())).status(JobStatus::Running);
    let jobs = store.read(|s| s.jobs().page(&runs, &PageRequest::first(1).newest_first()))?.items;
    let is_held = |job: &JobSummary| match &job.state {
        JobState::Running { lease: Some(lease), .. } => lease_holds(lease.expires_at, now),
        JobState::Running { lease: None, .. } => true,
        _ => false,
    };
    Ok(jobs.into_iter().find(is_held))
}

/// Runs the upkeep in short transactions while `go_on` returns `true`. The next run deletes the remaining rows.
///
/// # Errors
/// Rows that were deleted before an error stay deleted.
pub fn run<S: Store>(
    store: &S,
    now: Timestamp,
    upkeep: &Upkeep,
    go_on: impl Fn() -> bool,
) -> Result<UpkeepReport, StoreError> {
    Ok(delete_and_maintain(store, now, upkeep, go_on)?.0)
}

fn delete_and_maintain<S: Store>(
    store: &S,
    now: Timestamp,
    upkeep: &Upkeep,
    go_on: impl Fn() -> bool,
) -> Result<(UpkeepReport, MaintenanceReport), StoreError> {
    let limit = upkeep.batch;
    let prune = |status, age, keep: Option<u32>| {
        let ended_before = before(now, age);
        let older = PruneRequest::new(status, ended_before, limit);
        let mut deleted = in_batches(limit, &go_on, || write(store, |s| s.job_actions().prune(&older)))?;
        if let Some(keep) = keep {
            // Counting reads the whole index. It runs once, and in a read transaction that does not delay writers.
            let ended: u64 = store.read(|s| s.jobs().count_ended(status))?;
            let mut surplus = ended.saturating_sub(keep.into());
            deleted += in_batches(limit, &go_on, || {
                let oldest = older.also_oldest(u32::try_from(surplus).unwrap_or(u32::MAX));
                let rows = write(store, |s| s.job_actions().prune(&oldest))?;
                surplus = surplus.saturating_sub(rows);
                Ok(rows)
            })?;
        }
        Ok::<_, StoreError>(deleted)
    };
    let completed_jobs = prune(JobStatus::Completed, upkeep.completed_max_age_secs, upkeep.completed_keep)?;
    let failed_jobs = prune(JobStatus::Failed, upkeep.failed_max_age_secs, upkeep.failed_keep)?;
    let hashes = in_batches(limit, &go_on, || write(store, |s| s.hashes().purge(now, limit)))?;
    let over = PrunePublications::new(before(now, upkeep.publications_max_age_secs), limit);
    let publications = in_batches(limit, &go_on, || write(store, |s| s.publications().prune(&over)))?;
    let (operator_actions, bulk_actions) = match upkeep.operator_actions_max_age_secs {
        Some(age) => {
            let before = before(now, age);
            let actions = in_batches(limit, &go_on, || write(store, |s| s.operator_actions().prune(before, limit)))?;
            (actions, in_batches(limit, &go_on, || write(store, |s| s.bulk_actions().prune(before, limit)))?)
        }
        None => (0, 0),
    };
    let rolled_up_api_calls = in_batches(MAX_BATCH, &go_on, || write(store, |s| s.api_usage().roll_up(MAX_BATCH)))?;
    let api_calls = before(now, upkeep.api_calls_max_age_secs);
    let api_calls = in_batches(limit, &go_on, || write(store, |s| s.api_usage().prune(api_calls, limit)))?;
    let rate_limits = before(now, upkeep.rate_limits_max_age_secs);
    let rate_limits = in_batches(limit, &go_on, || write(store, |s| s.rate_limits().prune(rate_limits, limit)))?;
    let report = store.maintain()?;
    let log_bytes = report.log_bytes;
    if let Some(held) = &report.log_held {
        log!(WARN, log_bytes, processes = ?held.processes, "{held}");
    }
    let log_held = report.log_held.as_ref().map(ToString::to_string);
    let done = UpkeepReport {
        completed_jobs,
        failed_jobs,
        hashes,
        publications,
        operator_actions,
        bulk_actions,
        rolled_up_api_calls,
        api_calls,
        rate_limits,
        log_bytes,
        log_held,
    };
    Ok((done, report))
}

/// Deletes batch by batch, with pauses, until a batch is not full. Returns the number of deleted rows.
fn in_batches(
    limit: u32,
    go_on: impl Fn() -> bool,
    mut batch: impl FnMut() -> Result<u64, StoreError>,
) -> Result<u64, StoreError> {
    let mut deleted = 0;
    while go_on() {
        let rows = batch()?;
        deleted += rows;
        if rows < u64::from(limit) {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    Ok(deleted)
}

/// The time this many seconds ago. If that is outside the calendar, the earliest time.
fn before(now: Timestamp, age_secs: u64) -> Timestamp {
    let age = TimeDelta::from_std(Duration::from_secs(age_secs)).ok();
    age.and_then(|age| now.checked_sub_signed(age)).unwrap_or(Timestamp::UNIX_EPOCH)
}
