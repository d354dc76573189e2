//! Extending the leases of claimed jobs, and reclaiming jobs whose leases have expired.

use std::time::Duration;

use fieldfen_domain::job::{
    ClaimRef, FencedResult, HeartbeatOutcome, Job, JobState, LONGEST_LEASE, ReclaimReport, ReclaimRequest, ReclaimedJob,
};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{CLOCK_TOLERANCE, MAX_TIMESTAMP, RawJson, Timestamp, later};

use super::Queue;
use super::claim::check_lease;
use crate::write_retry::{write, write_once};

impl<S: Store> Queue<S> {
    /// Extends the leases of these claims to `lease` from now in one transaction, and stores the progress of each job
    /// that has one. The answers are in the order of the claims. A job whose row cannot be read counts as lost.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for progress that cannot be stored as JSON. No lease was extended then.
    pub fn heartbeat(
        &self,
        claims: &[(ClaimRef, Option<RawJson>)],
        lease: Duration,
    ) -> Result<Vec<FencedResult<HeartbeatOutcome>>, StoreError> {
        check_lease(lease)?;
        write(&self.store, |s| {
            // Read inside the transaction, after the wait for the write lock: the lease begins when it is written.
            let now = self.environment.now();
            s.jobs().heartbeat_many(claims, now, lease)
        })
    }

    /// Records that the job of this claim runs without other jobs.
    pub(crate) fn run_alone(&self, claim: &ClaimRef) -> Result<FencedResult<()>, StoreError> {
        write(&self.store, |s| s.jobs().run_alone(claim))
    }

    /// Reclaims at most `limit` jobs whose leases have expired. Call it again until the answer is empty.
    ///
    /// Each job waits for the backoff of its kind's policy, by the number of leases that it has lost. A job that was
    /// enqueued with another [consequence](fieldfen_domain::job::OnWorkerDeath) is parked for a person or fails. Jobs that
    /// cannot be read fail, and the log names them.
    pub fn reclaim(&self, limit: u32) -> Result<Vec<ReclaimedJob>, StoreError> {
        // Read before the wait for the write lock: a living worker may wait for the same lock to extend its lease.
        let expired_at = self.environment.now();
        loop {
            let taken = self.reclaim_expired(expired_at, limit, true)?;
            // After a batch of unreadable jobs there may be readable ones.
            if !taken.jobs.is_empty() || (taken.unreadable.is_empty() && taken.rewritten == 0 && taken.shortened == 0) {
                return Ok(taken.jobs);
            }
        }
    }

    /// Reclaims at most `limit` jobs whose leases had expired at this time, in one transaction. With `far_ones`, also
    /// jobs whose leases end later than a living worker could have set them.
    pub(crate) fn reclaim_expired(
        &self,
        expired_at: Timestamp,
        limit: u32,
        far_ones: bool,
    ) -> Result<ReclaimReport, StoreError> {
        let backoff = |job: &Job| self.backoff(&job.kind, job.lost_leases);
        write_once(&self.store, |s, before: Option<&ReclaimReport>| {
            if let Some(ReclaimedJob { job, .. }) = before.and_then(|before| before.jobs.first())
                && s.jobs().find(&job.id)?.is_none_or(|now| now.lost_leases >= job.lost_leases)
            {
                return Ok(None);
            }
            // Other processes may have written while this thread waited for the lock.
            let now = self.environment.now();
            // A lease never ends later than the longest lease from now.
            let latest = if far_ones { later(now + CLOCK_TOLERANCE, LONGEST_LEASE) } else { MAX_TIMESTAMP };
            let taken =
                s.jobs().reclaim(&ReclaimRequest::new(now, limit).expired_at(expired_at).latest(latest), &backoff)?;
            self.failure_hooks.run_unreadable(s, &taken.unreadable, now)?;
            for ReclaimedJob { job, .. } in &taken.jobs {
                match job.state {
                    JobState::Failed { .. } => {
                        let reason = job.last_error.as_deref().unwrap_or("its lease ran out too often");
                        self.failure_hooks.run(s, job, reason, now)?;
                    }
                    JobState::Parked { parked_for, .. } => self.failure_hooks.run_parked(s, job, parked_for, now)?,
                    _ => {}
                }
            }
            Ok(Some(taken))
        })
    }
}
