//! Claims jobs.

use std::collections::BTreeSet;
use std::time::Duration;

use fieldfen_domain::job::{
    ClaimOutcome, ClaimRef, ClaimRequest, Job, JobKind, JobState, LONGEST_LEASE, UnreadableJob, WorkerName,
};
use fieldfen_domain::store::{Session, Store, StoreError};

use super::Queue;
use crate::write_retry::write_once;

/// A job that this program has claimed, with its claim.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClaimedJob {
    /// The job as it was claimed.
    pub job: Job,
    /// The claim. Every call that ends or extends the job needs it.
    pub claim: ClaimRef,
}

/// The result of a claim.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claims {
    /// The jobs, by priority, due time and insertion.
    pub jobs: Vec<ClaimedJob>,
    /// Due rows that could not be read as a job. Each has failed, with the reason.
    pub unreadable: Vec<UnreadableJob>,
    /// The number of due jobs that were set aside, because their limit is reached or their account paused.
    pub set_aside: u32,
}

/// Refuses a lease that other workers would take for the lease of a wrong clock.
pub(super) fn check_lease(lease: Duration) -> Result<(), StoreError> {
    if lease <= LONGEST_LEASE {
        return Ok(());
    }
    let value = format!("{lease:?}");
    Err(StoreError::Invalid { what: "lease", value, rule: "it must be at most 24 hours; heartbeats extend it" })
}

impl<S: Store> Queue<S> {
    /// Claims at most `limit` due jobs of these kinds. Without a heartbeat, each claim ends after `lease`.
    ///
    /// A job that [must run alone](Job::must_run_alone) is claimed alone, and counts as running alone. Run no other job
    /// in this process until it has ended: if the job kills the process, the other jobs would be lost too.
    ///
    /// A job that was enqueued without a consequence of its worker's death gets that of the queue's policy for its
    /// kind, if there is one.
    ///
    /// If the outcome is [unknown](StoreError::OutcomeUnknown), jobs may be claimed that nobody runs. They are
    /// reclaimed when their leases expire.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a lease above 24 hours.
    pub fn claim(
        &self,
        kinds: &BTreeSet<JobKind>,
        limit: u32,
        lease: Duration,
        worker: &WorkerName,
    ) -> Result<Claims, StoreError> {
        self.claim_by(
            ClaimRequest::new(
                kinds.clone(),
                limit,
                self.environment.token(),
                self.environment.now(),
                lease,
                worker.clone(),
            )
            .alone(true),
        )
    }

    /// Runs a claim request. Its time is replaced with the time of the write, and its consequences of the worker's
    /// death with those of the queue's policies.
    pub(crate) fn claim_by(&self, mut request: ClaimRequest) -> Result<Claims, StoreError> {
        check_lease(request.lease)?;
        let consequence = |kind: &JobKind| Some((kind.clone(), self.policies.of(kind).on_worker_death?));
        request.on_worker_death = request.kinds.iter().filter_map(consequence).collect();
        let claimed: ClaimOutcome = write_once(&self.store, |s, before: Option<&ClaimOutcome>| {
            for job in before.into_iter().flat_map(|before| &before.jobs) {
                if is_held(s, &ClaimRef { id: job.id, token: request.token })? {
                    return Ok(None);
                }
            }
            // A store may make its writers wait. The lease begins when it is written.
            request.now = self.environment.now();
            let claimed = s.jobs().claim(&request)?;
            self.failure_hooks.run_unreadable(s, &claimed.unreadable, request.now)?;
            Ok::<_, StoreError>(Some(claimed))
        })?;
        let with_claim = |job: Job| ClaimedJob { claim: ClaimRef { id: job.id, token: request.token }, job };
        let ClaimOutcome { jobs, unreadable, set_aside, .. } = claimed;
        Ok(Claims { jobs: jobs.into_iter().map(with_claim).collect(), unreadable, set_aside })
    }
}

/// Returns whether this claim holds its job. A claim does not hold a job whose row cannot be read: one row that another
/// program has damaged must not fail the other jobs of the transaction.
pub(super) fn is_held(s: &mut dyn Session, claim: &ClaimRef) -> Result<bool, StoreError> {
    let job = match s.jobs().find(&claim.id) {
        Err(StoreError::BadRow { .. }) => None,
        found => found?,
    };
    Ok(job.is_some_and(
        |job| matches!(job.state, JobState::Running { lease: Some(lease), .. } if lease.token == claim.token),
    ))
}
