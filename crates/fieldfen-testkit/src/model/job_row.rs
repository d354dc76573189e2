//! A row of jobs in the model.

use fieldfen_domain::job::{
    AttemptOutcome, FIRST_ATTEMPTS, Job, JobAttempt, JobState, JobStatus, Lease, MAX_ATTEMPTS_KEPT, OnWorkerDeath,
    error_fingerprint,
};
use fieldfen_domain::{FenceToken, Timestamp, cut_reason, truncate_to_micros};

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
    /// The consequence of the death of its worker, if it has one.
    pub(super) on_worker_death: Option<OnWorkerDeath>,
    /// The worker that runs the job, or ran it as the last one since the job was pending.
    pub(super) worker: Option<String>,
    /// The attempts that ended without completing the job.
    pub(super) attempts: Vec<JobAttempt>,
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
    /// Records the attempt that ends now. Call this before the state changes.
    pub(super) fn end_attempt(&mut self, outcome: AttemptOutcome, error: Option<&str>, at: Timestamp) {
        let number = self.attempts.last().map_or(0, |last| last.number) + 1;
        let mut attempt = JobAttempt::new(number, outcome, truncate_to_micros(at));
        if let JobState::Running { started_at, .. } = self.job.state {
            attempt.claimed_at = started_at;
        }
        attempt.worker.clone_from(&self.worker);
        attempt.error = error.map(|error| cut_reason(error).into_owned());
        self.attempts.push(attempt);
        let latest = MAX_ATTEMPTS_KEPT - FIRST_ATTEMPTS;
        self.attempts.retain(|kept| kept.number <= FIRST_ATTEMPTS || kept.number + latest > number);
    }

    /// The fingerprint of the last error.
    pub(super) fn fingerprint(&self) -> Option<String> {
        self.job.last_error.as_deref().map(error_fingerprint).filter(|fingerprint| !fingerprint.is_empty())
    }

    /// Makes the job wait for its next attempt from now on. Its progress, its error and a request to cancel it are
    /// kept.
    pub(super) fn go_back(&mut self, run_at: Timestamp, retries_spent: u32, now: Timestamp) {
        self.job.state = JobState::Pending;
        self.job.run_at = run_at;
        self.job.attempts = self.job.attempts.saturating_add(retries_spent);
        self.job.declined_since = None;
        self.worker = None;
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
