//! Concurrency limits, and the question whether one more job may run.

use std::collections::BTreeMap;

use fieldfen_domain::Timestamp;
use fieldfen_domain::job::{ConcurrencyLimit, Job, JobKind, JobStatus, Partition};
use fieldfen_domain::store::{ConcurrencyLimitReads, ConcurrencyLimits, StoreError};

use super::table::Row;
use super::{ModelSession, State};

impl Row for ConcurrencyLimit {
    type Key = (JobKind, Partition);

    fn keys(&self) -> Vec<Self::Key> {
        vec![(self.kind.clone(), self.partition)]
    }
}

impl ConcurrencyLimitReads for ModelSession<'_> {
    fn list(&mut self) -> Result<Vec<ConcurrencyLimit>, StoreError> {
        let mut limits: Vec<ConcurrencyLimit> = self.state.concurrency_limits.rows().cloned().collect();
        limits.sort_by_key(|limit| (limit.kind.as_str().to_owned(), limit.partition.as_str()));
        Ok(limits)
    }
}

impl ConcurrencyLimits for ModelSession<'_> {
    fn set(&mut self, limit: &ConcurrencyLimit) -> Result<(), StoreError> {
        let of_kind: Vec<_> =
            self.state.concurrency_limits.rows().filter(|set| set.kind == limit.kind).cloned().collect();
        limit.check(&of_kind)?;
        match self.state.concurrency_limits.find(&(limit.kind.clone(), limit.partition)) {
            Some((number, _)) => self.state.concurrency_limits.update(number, limit.clone()),
            None => self.state.concurrency_limits.insert(limit.clone()),
        }
        Ok(())
    }

    fn remove(&mut self, kind: &JobKind, partition: Partition) -> Result<bool, StoreError> {
        let key = (kind.clone(), partition);
        let is_there = self.state.concurrency_limits.find(&key).is_some();
        self.state.concurrency_limits.remove_all(&key);
        Ok(is_there)
    }

    /// A claim of the model looks at all jobs, so that none of them waits.
    fn admit_waiting(&mut self, _: &JobKind, _: &str, _: Timestamp) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    fn set_aside_due(&mut self, _: &JobKind, _: Timestamp) -> Result<bool, StoreError> {
        Ok(false)
    }
}

/// The number of jobs of one kind that run, and the largest allowed number.
pub(super) struct Running {
    limits: Vec<ConcurrencyLimit>,
    /// By partition and key.
    running: BTreeMap<(Partition, String), u32>,
}

impl Running {
    pub(super) fn of_kind(state: &State, kind: &JobKind) -> Self {
        let limits = state.concurrency_limits.rows().filter(|limit| limit.kind == *kind).cloned().collect();
        let mut counted = Self { limits, running: BTreeMap::new() };
        for row in state.jobs.rows().filter(|row| row.job.kind == *kind) {
            if row.job.state.status() == JobStatus::Running {
                counted.add(&row.job);
            }
        }
        counted
    }

    /// Counts one more running job.
    pub(super) fn add(&mut self, job: &Job) {
        for &partition in Partition::ALL {
            if let Some(key) = partition.key(job.file_id, job.account.as_ref()) {
                *self.running.entry((partition, key)).or_default() += 1;
            }
        }
    }

    /// Whether this job may run beside those that are counted.
    pub(super) fn has_room(&self, job: &Job) -> bool {
        self.full_limit(job).is_none()
    }

    /// The first limit that the counted jobs have reached and that counts this job too. The limit of the whole kind comes
    /// first.
    pub(super) fn full_limit(&self, job: &Job) -> Option<&ConcurrencyLimit> {
        let is_full = |limit: &&ConcurrencyLimit| {
            let key = limit.partition.key(job.file_id, job.account.as_ref());
            let running = key.and_then(|key| self.running.get(&(limit.partition, key)));
            running.is_some_and(|running| *running >= limit.max_running)
        };
        self.limits.iter().filter(is_full).min_by_key(|limit| limit.partition)
    }
}
