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
    /// Extends the leases of these claims to `lease` from now in one transaction, and keeps the progress of those that
    /// have one. The answers are in the order of the claims; a job whose row cannot be read is lost.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for progress that cannot be kept as JSON; then no lease was extended.
    pub fn heartbeat(
        &self,
        claims: &[(ClaimRef, Option<RawJson>)],
        lease: Duration,
    ) -> Result<Vec<FencedResult<HeartbeatOutcome>>, StoreError> {
        check_lease(lease)?;
        write(&self.store, |s| {
            // Not before the lock is had: the lease begins when it is written.
            let now = self.environment.now();
            s.jobs().heartbeat_many(claims, now, lease)
        })
    }

    /// Notes that this claim's job runs with nothing beside it.
    pub(crate) fn run_alone(&self, claim: &ClaimRef) -> Result<FencedResult<()>, StoreError> {
        write(&self.store, |s| s.jobs().run_alone(claim))
    }

    /// Takes back at most `limit` jobs whose lease has expired. Call it again until it answers with none.
    ///
    /// Each waits as its kind's policy says, by the number of leases that it has lost. Jobs that cannot be read fail,
    /// and are named in the log.
    pub fn reclaim(&self, limit: u32) -> Result<Vec<ReclaimedJob>, StoreError> {
        // Not when the lock is had at last: who was alive then may have waited for the same lock.
        let expired_at = self.environment.now();
        loop {
            let taken = self.reclaim_expired(expired_at, limit, true)?;
            // Behind a batch of jobs that cannot be read there may be others.
            if !taken.jobs.is_empty() || (taken.unreadable.is_empty() && taken.rewritten == 0 && taken.shortened == 0) {
                return Ok(taken.jobs);
            }
        }
    }

    /// Takes back at most `limit` jobs whose lease had expired at this time, in one transaction; with `far_ones`, those too
    /// whose lease ends later than any lease of a holder that lives.
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
            // Others may have written while this thread waited for the lock.
            let now = self.environment.now();
            // Every lease that is written is at most as long as the longest one from now.
            let latest = if far_ones { later(now + CLOCK_TOLERANCE, LONGEST_LEASE) } else { MAX_TIMESTAMP };
            let taken =
                s.jobs().reclaim(&ReclaimRequest::new(now, limit).expired_at(expired_at).latest(latest), &backoff)?;
            self.failure_hooks.run_unreadable(s, &taken.unreadable, now)?;
            for ReclaimedJob { job, .. } in &taken.jobs {
                if let JobState::Failed { .. } = job.state {
                    let reason = job.last_error.as_deref().unwrap_or("its lease ran out too often");
                    self.failure_hooks.run(s, job, reason, now)?;
                }
            }
            Ok(Some(taken))
        })
    }
}
