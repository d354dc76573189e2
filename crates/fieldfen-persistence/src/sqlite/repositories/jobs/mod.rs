//! The repository traits of jobs, implemented with the functions of this folder.

mod actions;
mod admission;
mod attempts;
#[cfg(test)]
mod attempts_test;
mod claim;
mod claim_place;
pub(super) mod claim_rules;
mod complete;
mod dead_letter_groups;
mod enqueue;
mod error_text;
mod fail;
mod fence;
mod flow;
mod future_waits;
mod heartbeat;
mod limited_claim;
#[cfg(test)]
mod limits_test;
mod on_worker_death;
#[cfg(test)]
mod other_programs_test;
#[cfg(test)]
mod page_test;
#[cfg(test)]
mod parked_test;
mod read;
mod reclaim;
mod release;
mod reschedule;
mod row;
mod unclaimable;
mod waiting_check;

use std::time::Duration;

use fieldfen_domain::job::{
    ClaimOutcome, ClaimRef, ClaimRequest, EnqueueOutcome, FailOutcome, FailureReport, FencedResult, HeartbeatOutcome,
    Job, NewJob, ReclaimReport, ReclaimRequest,
};
use fieldfen_domain::store::{JobQueue, StoreError};
use fieldfen_domain::{RawJson, Timestamp};

use crate::sqlite::session::SqliteSession;

impl JobQueue for SqliteSession<'_> {
    fn enqueue(&mut self, job: &NewJob) -> Result<EnqueueOutcome, StoreError> {
        self.enqueue_job(job)
    }

    fn enqueue_many(&mut self, jobs: &[NewJob]) -> Result<Vec<EnqueueOutcome>, StoreError> {
        self.enqueue_jobs(jobs)
    }

    fn claim(&mut self, request: &ClaimRequest) -> Result<ClaimOutcome, StoreError> {
        self.claim_jobs(request)
    }

    fn complete(
        &mut self,
        claim: &ClaimRef,
        result: Option<&RawJson>,
        at: Timestamp,
    ) -> Result<FencedResult<()>, StoreError> {
        StoreError::check_json("result of a job", result)?;
        self.complete_job(claim, result, at)
    }

    fn complete_many(
        &mut self,
        completions: &[(ClaimRef, Option<RawJson>)],
        at: Timestamp,
    ) -> Result<Vec<FencedResult<()>>, StoreError> {
        completions.iter().try_for_each(|(_, result)| StoreError::check_json("result of a job", result.as_ref()))?;
        self.complete_jobs(completions, at)
    }

    fn fail(&mut self, claim: &ClaimRef, report: &FailureReport) -> Result<FencedResult<FailOutcome>, StoreError> {
        self.fail_job(claim, report)
    }

    fn release(&mut self, claim: &ClaimRef, run_at: Timestamp, at: Timestamp) -> Result<FencedResult<()>, StoreError> {
        self.release_job(claim, run_at, at, 0)
    }

    fn release_many(
        &mut self,
        claims: &[ClaimRef],
        run_at: Timestamp,
        at: Timestamp,
    ) -> Result<Vec<FencedResult<()>>, StoreError> {
        self.release_jobs(claims, run_at, at)
    }

    fn throttle(&mut self, claim: &ClaimRef, run_at: Timestamp, at: Timestamp) -> Result<FencedResult<()>, StoreError> {
        self.release_job(claim, run_at, at, 1)
    }

    fn decline(
        &mut self,
        claim: &ClaimRef,
        error: &str,
        run_at: Timestamp,
        at: Timestamp,
    ) -> Result<FencedResult<()>, StoreError> {
        self.decline_job(claim, error, run_at, at)
    }

    fn heartbeat(
        &mut self,
        claim: &ClaimRef,
        progress: Option<&RawJson>,
        now: Timestamp,
        lease: Duration,
    ) -> Result<FencedResult<HeartbeatOutcome>, StoreError> {
        StoreError::check_json("progress of a job", progress)?;
        self.extend_lease(claim, progress, now, lease)
    }

    fn heartbeat_many(
        &mut self,
        claims: &[(ClaimRef, Option<RawJson>)],
        now: Timestamp,
        lease: Duration,
    ) -> Result<Vec<FencedResult<HeartbeatOutcome>>, StoreError> {
        claims.iter().try_for_each(|(_, progress)| StoreError::check_json("progress of a job", progress.as_ref()))?;
        self.extend_leases(claims, now, lease)
    }

    fn run_alone(&mut self, claim: &ClaimRef) -> Result<FencedResult<()>, StoreError> {
        self.mark_alone(claim)
    }

    fn reclaim(
        &mut self,
        request: &ReclaimRequest,
        backoff: &dyn Fn(&Job) -> Duration,
    ) -> Result<ReclaimReport, StoreError> {
        self.reclaim_jobs(request, backoff)
    }
}

/// The statements with which a claim finds its jobs, with their names.
pub(in crate::sqlite) fn claim_statements() -> Vec<(&'static str, &'static str)> {
    [claim::statements(), limited_claim::statements(), claim_rules::statements()].concat()
}

/// Every statement of the queue with its name, for the tests of query plans.
#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, String)> {
    let constant = [
        enqueue::statements(),
        claim::statements(),
        complete::statements(),
        fail::statements(),
        release::statements(),
        heartbeat::statements(),
        claim_rules::statements(),
        limited_claim::statements(),
        admission::statements(),
        waiting_check::statements(),
        fence::statements(),
        reclaim::statements(),
        unclaimable::statements(),
        future_waits::statements(),
        actions::statements(),
        reschedule::statements(),
        attempts::statements(),
        on_worker_death::statements(),
        dead_letter_groups::statements(),
        claim_place::statements(),
        flow::statements(),
    ]
    .concat();
    let constant = constant.into_iter().map(|(name, sql)| (name, sql.to_owned()));
    constant.chain(read::statements()).collect()
}
