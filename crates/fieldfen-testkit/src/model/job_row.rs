//! A row of jobs in the model.

use fieldfen_domain::job::{Job, JobState, JobStatus, Lease};
use fieldfen_domain::{FenceToken, Timestamp, truncate_to_micros};

use super::keys::JobKey;
use super::table::Row;

/// A job, and the claim that ended it.
#[derive(Clone)]
pub(super) struct JobRow {
    pub(super) job: Job,
    /// The token of the claim that ended the job, by which a repeated report is recognised.
    pub(super) ended_by: Option<FenceToken>,
    /// Whether the holder of the job runs no other job beside it.
    pub(super) alone: bool,
    /// The lease under which the job was killed: its handler may still run.
    pub(super) killed_under: Option<Lease>,
    /// The time at which the wait for the due time began; `None` if a caller has chosen the due time.
    pub(super) waiting_since: Option<Timestamp>,
}

impl Row for JobRow {
    type Key = JobKey;

    fn keys(&self) -> Vec<JobKey> {
        let job = &self.job;
        let status = job.state.status();
        let mut keys = vec![JobKey::Id(job.id)];
        keys.extend(job.file_id.map(JobKey::File));
        if !status.is_final() {
            keys.extend(job.dedup_key.clone().map(JobKey::Dedup));
        }
        keys.extend(match &job.state {
            JobState::Pending => Some(JobKey::Due(job.kind.clone(), job.priority, job.run_at)),
            JobState::Running { lease, .. } => lease.as_ref().map(|lease| JobKey::Leased(lease.expires_at)),
            JobState::Completed { .. } | JobState::Failed { .. } => ended_at(job).map(|at| JobKey::Ended(status, at)),
            JobState::Parked { .. } => None,
        });
        if status == JobStatus::Pending {
            keys.extend(self.waiting_since.map(JobKey::Waiting));
        }
        keys
    }
}

impl JobRow {
    /// Makes the job wait for its next attempt from now on. Its progress, its error and a request to cancel it are
    /// kept.
    pub(super) fn go_back(&mut self, run_at: Timestamp, retries_spent: u32, now: Timestamp) {
        self.job.state = JobState::Pending;
        self.job.run_at = run_at;
        self.job.attempts = self.job.attempts.saturating_add(retries_spent);
        self.job.declined_since = None;
        self.waiting_since = Some(truncate_to_micros(now));
    }
}

/// The time at which a job ended. A job without that time counts as ended when it was created.
pub(super) fn ended_at(job: &Job) -> Option<Timestamp> {
    match job.state {
        JobState::Completed { at } | JobState::Failed { at } => at.or(job.created_at),
        JobState::Pending | JobState::Running { .. } | JobState::Parked { .. } => None,
    }
}
