//! The job queue.

use std::time::Duration;

use super::StoreError;
use crate::ids::JobId;
use crate::job::{
    ClaimOutcome, ClaimRef, ClaimRequest, EnqueueOutcome, FailOutcome, FailureReport, FencedResult, Heartbeat, Job,
    JobActionOutcome, JobCount, JobFilter, JobKind, JobStatus, JobSummary, NewJob, PruneRequest, ReclaimReport,
    ReclaimRequest,
};
use crate::json::RawJson;
use crate::page::{Page, PageRequest};
use crate::time::Timestamp;

/// Reads rows of `jobs`, without changing or claiming any.
pub trait JobReads {
    /// The job with this id, however its row spells it.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] when the row holds what no job can hold; other [`StoreError`]s as the store has them.
    fn find(&mut self, id: &JobId) -> Result<Option<Job>, StoreError>;

    /// A page of jobs in the order of insertion, without what may be large. Rows that no job can be read from are named in
    /// it.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list; other [`StoreError`]s as the store has them.
    fn page(&mut self, filter: &JobFilter, page: &PageRequest) -> Result<Page<JobSummary>, StoreError>;

    /// How many jobs of each kind are in each status, parked ones by what they are parked for. Combinations without jobs are
    /// left out, and so are rows whose status is none, which the log names.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn count(&mut self) -> Result<Vec<JobCount>, StoreError>;

    /// How many jobs have ended in this status: those that [`prune`](JobActions::prune) can remove. A parked job has not ended.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a status that is not final; others as the store has them.
    fn count_ended(&mut self, status: JobStatus) -> Result<u64, StoreError>;

    /// When the next pending job of one of these kinds is due; it may be past. One whose time cannot be read is due when a
    /// claim would come upon it.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn next_due(&mut self, kinds: &[JobKind]) -> Result<Option<Timestamp>, StoreError>;
}

/// Jobs on their way.
///
/// A method that takes a [`ClaimRef`] changes nothing unless its token is the current one, and says which it was. Two
/// things are kept for the claim of a job that was killed, although its answer is [`FencedResult::LeaseLost`]: a heartbeat
/// extends the lease that a [retry](JobActions::retry) waits for, and a complete, fail or release ends that lease.
///
/// A method whose name ends in `_many` does what the method without that ending does, for one claim after the other, and
/// gives each answer in the place of its claim. A store needs only the methods for one claim; it overrides those for many
/// where fewer statements can do it. The row of a claimed job that cannot be read is no error of the batch: its answer is
/// [`FencedResult::LeaseLost`], so that the row does not keep the other claims from their answers. Any other error is that of the
/// first claim that is refused: let the transaction fail with it, since the claims before it may have taken effect.
pub trait JobQueue: JobReads {
    /// Adds a job, unless a live one has its dedup key.
    ///
    /// A job that is due when it is created waits from then on, see [`reclaim`](Self::reclaim). A later due time is one that
    /// somebody has chosen, and no reclaim changes it.
    ///
    /// # Errors
    /// [`StoreError::MissingReference`] when its file does not exist, [`StoreError::AlreadyExists`] when its id is taken,
    /// [`StoreError::Invalid`] for a time before [`MIN_TIMESTAMP`](crate::MIN_TIMESTAMP) or after
    /// [`MAX_TIMESTAMP`](crate::MAX_TIMESTAMP), and for a payload that cannot be [read back](RawJson::check).
    fn enqueue(&mut self, job: &NewJob) -> Result<EnqueueOutcome, StoreError>;

    /// Adds jobs in this order, as [`enqueue`](Self::enqueue) does one by one; each answer stands in the place of its job.
    /// Two jobs of one batch with the same dedup key meet each other: the second answer names the first job.
    ///
    /// # Errors
    /// As [`enqueue`](Self::enqueue), for the first job that is refused. The jobs before it may have been added: let the
    /// transaction fail with the error.
    fn enqueue_many(&mut self, jobs: &[NewJob]) -> Result<Vec<EnqueueOutcome>, StoreError> {
        jobs.iter().map(|job| self.enqueue(job)).collect()
    }

    /// Takes due jobs, by priority, due time and insertion, each with a new lease. A job that
    /// [must run alone](Job::must_run_alone) is taken when it is the first one, and then it is the only one; otherwise the
    /// claim takes what is due before it.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn claim(&mut self, request: &ClaimRequest) -> Result<ClaimOutcome, StoreError>;

    /// Ends a job with success.
    ///
    /// A completion after the lease has expired counts as long as nobody has reclaimed the job: no clock decides.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a result that cannot be [read back](RawJson::check); others as the store has them.
    fn complete(
        &mut self,
        claim: &ClaimRef,
        result: Option<&RawJson>,
        at: Timestamp,
    ) -> Result<FencedResult<()>, StoreError>;

    /// [Completes](Self::complete) many jobs, each with its result.
    ///
    /// # Errors
    /// As [`complete`](Self::complete).
    fn complete_many(
        &mut self,
        completions: &[(ClaimRef, Option<RawJson>)],
        at: Timestamp,
    ) -> Result<Vec<FencedResult<()>>, StoreError> {
        let complete = |(claim, result): &(ClaimRef, Option<RawJson>)| self.complete(claim, result.as_ref(), at);
        completions.iter().map(complete).map(lost_if_unreadable).collect()
    }

    /// Ends a try without success: the job goes back with one retry spent, has failed for good, or is parked. A parked job
    /// has spent no retry, and stays parked until an operator or a service [retries](JobActions::retry) or
    /// [cancels](JobActions::cancel) it. A job that was asked to stop fails for good, whatever the report says.
    ///
    /// A next try that no store can keep the time of is due at the first or last time that it can.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn fail(&mut self, claim: &ClaimRef, report: &FailureReport) -> Result<FencedResult<FailOutcome>, StoreError>;

    /// [Fails](Self::fail) many jobs, each with its report.
    ///
    /// # Errors
    /// As [`fail`](Self::fail).
    fn fail_many(
        &mut self,
        failures: &[(ClaimRef, FailureReport)],
    ) -> Result<Vec<FencedResult<FailOutcome>>, StoreError> {
        let fail = |(claim, report): &(ClaimRef, FailureReport)| self.fail(claim, report);
        failures.iter().map(fail).map(lost_if_unreadable).collect()
    }

    /// Gives a job back without spending a retry; it is due again at `run_at`, or at the first or last time that every
    /// store can keep. `at` is the time now.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn release(&mut self, claim: &ClaimRef, run_at: Timestamp, at: Timestamp) -> Result<FencedResult<()>, StoreError>;

    /// [Gives](Self::release) many jobs back.
    ///
    /// # Errors
    /// As [`release`](Self::release).
    fn release_many(
        &mut self,
        claims: &[ClaimRef],
        run_at: Timestamp,
        at: Timestamp,
    ) -> Result<Vec<FencedResult<()>>, StoreError> {
        claims.iter().map(|claim| self.release(claim, run_at, at)).map(lost_if_unreadable).collect()
    }

    /// Gives a job back that this worker cannot do and another one may be able to: its payload is of a newer program, for
    /// example. No retry is spent. The job is due again at `run_at`, or at the first or last time that every store can
    /// keep, and keeps the error and, in `declined_since`, the first time that it was declined. A failed try, a release
    /// and an operator's retry clear that time, since a worker could do the job again.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn decline(
        &mut self,
        claim: &ClaimRef,
        error: &str,
        run_at: Timestamp,
        at: Timestamp,
    ) -> Result<FencedResult<()>, StoreError>;

    /// Gives a job back as [`release`](Self::release) does, and counts that in [`Job::throttled`].
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn throttle(&mut self, claim: &ClaimRef, run_at: Timestamp, at: Timestamp) -> Result<FencedResult<()>, StoreError>;

    /// Extends a lease to `now + lease` and keeps the progress, where one is given.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for progress that cannot be [read back](RawJson::check); others as the store has them.
    fn heartbeat(
        &mut self,
        claim: &ClaimRef,
        progress: Option<&RawJson>,
        now: Timestamp,
        lease: Duration,
    ) -> Result<FencedResult<Heartbeat>, StoreError>;

    /// [Extends](Self::heartbeat) many leases, and keeps the progress of those claims that have one.
    ///
    /// # Errors
    /// As [`heartbeat`](Self::heartbeat).
    fn heartbeat_many(
        &mut self,
        claims: &[(ClaimRef, Option<RawJson>)],
        now: Timestamp,
        lease: Duration,
    ) -> Result<Vec<FencedResult<Heartbeat>>, StoreError> {
        let beat =
            |(claim, progress): &(ClaimRef, Option<RawJson>)| self.heartbeat(claim, progress.as_ref(), now, lease);
        claims.iter().map(beat).map(lost_if_unreadable).collect()
    }

    /// Says that from now on the holder of this claim runs nothing beside the job.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn run_alone(&mut self, claim: &ClaimRef) -> Result<FencedResult<()>, StoreError>;

    /// Takes back at most `limit` jobs whose lease has expired (it ends at `expired_at` or before), the longest expired first,
    /// or ends later than `latest`, or at no time. Each has one retry spent, and is due again after the `backoff` that is given
    /// for the job as it was held.
    ///
    /// A job has failed for good instead when somebody asked for it to stop, and the reason of that request stays in its
    /// last error; when it has no retries at all; and when its retries are spent and it ran alone. With spent retries it
    /// goes back if it ran beside others: one of those may have killed the worker.
    ///
    /// Pending jobs that no claim would ever find, since another program gave them a priority that there is not or a due
    /// time that is none, fail as well. Due times and ends of leases in a form by which times do not compare are written
    /// anew, so that the jobs are due when they say.
    ///
    /// At most `limit` jobs whose wait began [in the future](crate::is_ahead) wait anew from now on, for as long as they were
    /// to wait: a clock that was ahead has enqueued them, given them back or let them run again.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn reclaim(
        &mut self,
        request: &ReclaimRequest,
        backoff: &dyn Fn(&Job) -> Duration,
    ) -> Result<ReclaimReport, StoreError>;
}

fn lost_if_unreadable<T>(answer: Result<FencedResult<T>, StoreError>) -> Result<FencedResult<T>, StoreError> {
    match answer {
        Err(StoreError::BadRow { .. }) => Ok(FencedResult::LeaseLost),
        other => other,
    }
}

/// What operators do with jobs.
pub trait JobActions: JobReads {
    /// Lets a failed or parked job run again at once, with all its retries.
    ///
    /// A job that was killed is not due before its lease has run out or its handler has ended: until then the handler
    /// may still run. Each heartbeat of that handler makes the job wait for the extended lease. A lease that does not
    /// [hold](crate::job::lease_holds) is not waited for.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn retry(&mut self, id: &JobId, at: Timestamp) -> Result<JobActionOutcome, StoreError>;

    /// Stops a job: a pending one fails at once, and so does a parked one, which nothing but a retry of its own lets run
    /// again then. A running one is asked to stop. `reason` becomes its last error.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn cancel(&mut self, id: &JobId, reason: &str, at: Timestamp) -> Result<JobActionOutcome, StoreError>;

    /// Fails a running job, even if a worker holds it: later reports of that worker are refused. The lease stays with
    /// the job for a [retry](JobActions::retry) to wait for.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn kill(&mut self, id: &JobId, reason: &str, at: Timestamp) -> Result<JobActionOutcome, StoreError>;

    /// Deletes a job that does not run.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn delete(&mut self, id: &JobId) -> Result<JobActionOutcome, StoreError>;

    /// Deletes ended jobs, the oldest first, and says how many. A job that does not say when it ended counts as if it had
    /// ended when it was created; one that does not say that either stays. So does a parked job, however long it has waited:
    /// what it waits for may still come.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a status that is not final.
    fn prune(&mut self, request: &PruneRequest) -> Result<u64, StoreError>;
}
