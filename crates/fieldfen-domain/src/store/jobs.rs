//! The job queue.

use std::time::Duration;

use super::StoreError;
use crate::capped_count::CappedCount;
use crate::ids::JobId;
use crate::job::{
    ClaimOutcome, ClaimPlace, ClaimRef, ClaimRequest, DeadLetterGroup, EnqueueOutcome, FailOutcome, FailureReport,
    FencedResult, HeartbeatOutcome, Job, JobActionOutcome, JobAttempt, JobCount, JobFilter, JobKind, JobStatus,
    JobSummary, KindFlow, NewJob, Priority, PruneRequest, ReclaimReport, ReclaimRequest,
};
use crate::json::RawJson;
use crate::page::{Page, PageRequest};
use crate::time::Timestamp;

/// Reads rows of `jobs`, without changing or claiming any.
pub trait JobReads {
    /// The job with this id, whether its row holds the id with or without hyphens; `None` if there is none.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] if the row cannot be read as a job.
    fn find(&mut self, id: &JobId) -> Result<Option<Job>, StoreError>;

    /// The attempts of a job that ended without completing it, the first one first. At most
    /// [`MAX_ATTEMPTS_KEPT`](crate::job::MAX_ATTEMPTS_KEPT) are kept: the
    /// [first ones](crate::job::FIRST_ATTEMPTS) and the latest ones. They are deleted with the job.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] if a row cannot be read as an attempt.
    fn attempts(&mut self, id: &JobId) -> Result<Vec<JobAttempt>, StoreError>;

    /// The dead letters in groups of the same kind and fingerprint of the error, in the order of the kinds. A group
    /// without fingerprint comes before the others of its kind. Returns the first `limit` groups. At most `most` jobs of
    /// each group are counted, and fewer if the first groups have very many. Jobs whose kind is unreadable are left
    /// out.
    fn dead_letters_by_error(&mut self, limit: u32, most: u32) -> Result<Vec<DeadLetterGroup>, StoreError>;

    /// A page of jobs in the order of insertion, without their large columns. Unreadable rows are listed in
    /// [`Page::unreadable`].
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    fn page(&mut self, filter: &JobFilter, page: &PageRequest) -> Result<Page<JobSummary>, StoreError>;

    /// The number of jobs by kind, status and, for parked jobs, the event that they wait for. Combinations without jobs
    /// are left out. Rows with an unknown status are left out too, and the log names them.
    fn count(&mut self) -> Result<Vec<JobCount>, StoreError>;

    /// The number of jobs that have ended in this status, and that [`prune`](JobActions::prune) can delete. A parked
    /// job has not ended.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a status that is not final.
    fn count_ended(&mut self, status: JobStatus) -> Result<u64, StoreError>;

    /// The earliest due time of the pending jobs of these kinds, which may be in the past. `None` if there is no such
    /// job. For a job with an unreadable due time, it is the time from which a claim would find the job.
    ///
    /// A job of a paused kind or account counts with the end of the pause, and not at all if the pause has no end. Jobs
    /// of a kind whose limit is reached do not count. A job whose file or account has reached its limit counts until a
    /// claim has passed over it, so that a claim may find nothing at this time.
    fn next_due(&mut self, kinds: &[JobKind]) -> Result<Option<Timestamp>, StoreError>;

    /// The place of a job in the order in which claims take the jobs of its kind at this time. Several claims may be needed:
    /// one claim takes jobs up to its limit, and none behind a job that must run alone. The place is found among the first
    /// [`MOST_BEFORE`](crate::job::MOST_BEFORE) due jobs. Pauses of the job itself are not asked for; jobs of paused accounts
    /// take no place before it.
    ///
    /// `None` if the job is not there, not pending or not due.
    fn claim_place(&mut self, id: &JobId, now: Timestamp) -> Result<Option<ClaimPlace>, StoreError>;

    /// The jobs that wait and run now, the dead letters, and the jobs completed since a time, by kind. Kinds without any are
    /// left out. A store counts at most `most` rows for each kind or each status, and says where there may be more.
    fn flow(&mut self, since: Timestamp, now: Timestamp, most: u32) -> Result<Vec<KindFlow>, StoreError>;

    /// The number of jobs that were completed from `since` on and before `until`. A store counts at most `most` rows.
    fn count_completed(&mut self, since: Timestamp, until: Timestamp, most: u32) -> Result<CappedCount, StoreError>;
}

/// Writes of producers and workers: enqueue, claim, extend, end.
///
/// A method that takes a [`ClaimRef`] changes the job only if the token is the current one. Its answer tells whether it
/// was. There is one exception: for the claim of a killed job the answer is [`FencedResult::LeaseLost`], but a
/// heartbeat still extends the lease that a [retry](JobActions::retry) waits for, and a complete, fail or release still
/// ends that lease.
///
/// A method whose name ends in `_many` applies the method without that ending to one claim after the other. It
/// returns the answers in the order of the claims. By default it calls the method for one claim; a store overrides it
/// to use fewer statements. If the row of a claimed job is unreadable, the answer for that claim is
/// [`FencedResult::LeaseLost`], and the others are not affected. Any other error is the error of the first claim that
/// is refused. The claims before it may have taken effect, so the caller must let the transaction fail.
pub trait JobQueue: JobReads {
    /// Inserts a job, unless a live job has the same dedup key.
    ///
    /// For a job that is due when it is created, the store records that its wait begins then;
    /// [`reclaim`](Self::reclaim) uses that time. A later due time was chosen by the caller, and no reclaim changes it.
    ///
    /// # Errors
    /// [`StoreError::MissingReference`] if its file does not exist, [`StoreError::AlreadyExists`] if its id is taken,
    /// [`StoreError::Invalid`] for a time before [`MIN_TIMESTAMP`](crate::MIN_TIMESTAMP) or after
    /// [`MAX_TIMESTAMP`](crate::MAX_TIMESTAMP), and for a payload that cannot be [read back](RawJson::check).
    fn enqueue(&mut self, job: &NewJob) -> Result<EnqueueOutcome, StoreError>;

    /// Inserts jobs in this order and returns the answers in the same order. Of two jobs with the same dedup key, the
    /// second is a duplicate of the first.
    ///
    /// # Errors
    /// As [`enqueue`](Self::enqueue), for the first job that is refused. The jobs before it may have been inserted, so
    /// the caller must let the transaction fail.
    fn enqueue_many(&mut self, jobs: &[NewJob]) -> Result<Vec<EnqueueOutcome>, StoreError> {
        jobs.iter().map(|job| self.enqueue(job)).collect()
    }

    /// Claims due jobs in the order of priority, due time and insertion, and gives each a new lease. A job that [must
    /// run alone](Job::must_run_alone) is claimed only if it is the first of that order, and then no other job is
    /// claimed with it. If it is not the first, the claim takes only the jobs before it.
    ///
    /// The claim passes over jobs that are [paused](super::Pauses), and jobs whose [limits](super::ConcurrencyLimits)
    /// are reached by the running jobs and the jobs that it takes before them.
    fn claim(&mut self, request: &ClaimRequest) -> Result<ClaimOutcome, StoreError>;

    /// Completes a job.
    ///
    /// A completion after the lease has expired counts as long as no worker has reclaimed the job: no clock decides.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a result that cannot be [read back](RawJson::check).
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

    /// Ends an attempt without success. The job becomes pending again with one retry spent, fails for good, or is
    /// parked. Parking spends no retry. A parked job stays parked until an operator or a service
    /// [retries](JobActions::retry) or [cancels](JobActions::cancel) it. A job whose cancellation was requested fails
    /// for good, whatever the report contains.
    ///
    /// A due time outside [`MIN_TIMESTAMP`](crate::MIN_TIMESTAMP) to [`MAX_TIMESTAMP`](crate::MAX_TIMESTAMP) is
    /// clamped to that range.
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

    /// Makes a running job pending again without spending a retry. It is due at `run_at`, clamped to the range of
    /// timestamps that every store can keep. `at` is the current time.
    fn release(&mut self, claim: &ClaimRef, run_at: Timestamp, at: Timestamp) -> Result<FencedResult<()>, StoreError>;

    /// [Releases](Self::release) many jobs.
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

    /// Releases a job that this worker cannot run but another one may, for example because a newer program wrote its
    /// payload. No retry is spent. The job is due again at `run_at`, clamped to the range of timestamps that every
    /// store can keep. The store keeps the error, and in `declined_since` the time of the first decline. A failed
    /// attempt, a release and an operator's retry clear `declined_since`.
    fn decline(
        &mut self,
        claim: &ClaimRef,
        error: &str,
        run_at: Timestamp,
        at: Timestamp,
    ) -> Result<FencedResult<()>, StoreError>;

    /// [Releases](Self::release) a job, and adds one to [`Job::throttled`].
    fn throttle(&mut self, claim: &ClaimRef, run_at: Timestamp, at: Timestamp) -> Result<FencedResult<()>, StoreError>;

    /// Extends a lease to `now + lease`, and stores the progress if one is given.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for progress that cannot be [read back](RawJson::check).
    fn heartbeat(
        &mut self,
        claim: &ClaimRef,
        progress: Option<&RawJson>,
        now: Timestamp,
        lease: Duration,
    ) -> Result<FencedResult<HeartbeatOutcome>, StoreError>;

    /// [Extends](Self::heartbeat) many leases, and stores the progress of the claims that have one.
    ///
    /// # Errors
    /// As [`heartbeat`](Self::heartbeat).
    fn heartbeat_many(
        &mut self,
        claims: &[(ClaimRef, Option<RawJson>)],
        now: Timestamp,
        lease: Duration,
    ) -> Result<Vec<FencedResult<HeartbeatOutcome>>, StoreError> {
        let beat =
            |(claim, progress): &(ClaimRef, Option<RawJson>)| self.heartbeat(claim, progress.as_ref(), now, lease);
        claims.iter().map(beat).map(lost_if_unreadable).collect()
    }

    /// Records that the holder of this claim runs no other job from now on.
    fn run_alone(&mut self, claim: &ClaimRef) -> Result<FencedResult<()>, StoreError>;

    /// Reclaims at most `limit` jobs whose lease has expired: it ends at `expired_at` or before, later than `latest`,
    /// or at a time that cannot be read. The leases that expired first come first. Each job has one retry spent and is
    /// due again after `backoff`, which is called with the job as it was while it ran.
    ///
    /// A job with [`OnWorkerDeath::Hold`](crate::job::OnWorkerDeath::Hold) is parked for a person instead, unless its
    /// cancellation was requested, and one with [`OnWorkerDeath::Fail`](crate::job::OnWorkerDeath::Fail) fails for good. A
    /// row in which this column holds another word is an unreadable one, and fails.
    ///
    /// Every other job fails for good in three cases: its cancellation was requested (its last error keeps the reason of the
    /// request), its `max_retries` is 0, or its retries are spent and it ran alone. A job with spent retries that ran
    /// beside other jobs becomes pending again, because one of the others may have killed the worker.
    ///
    /// Also fails pending jobs that can never be claimed, because another program stored an invalid priority or due
    /// time. Due times and lease ends in a form that does not compare as text are rewritten in the usual form.
    ///
    /// Also corrects at most `limit` jobs whose wait began [in the future](crate::is_ahead), because a clock that was
    /// ahead had enqueued, released or retried them. Their wait begins now and keeps its length.
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

/// Actions of operators on jobs.
pub trait JobActions: JobReads {
    /// Makes a failed or parked job pending and due at once, with all its retries.
    ///
    /// The handler of a killed job may still run. Such a job is therefore not due before its lease has expired or its
    /// handler has ended, and each heartbeat of that handler delays it further. A lease that does not
    /// [hold](crate::job::lease_holds) delays nothing.
    fn retry(&mut self, id: &JobId, at: Timestamp) -> Result<JobActionOutcome, StoreError>;

    /// Cancels a job. A pending or parked job fails at once. A cancelled parked job only runs again after a retry of
    /// its own. A running job is asked to stop. `reason` becomes the last error.
    fn cancel(&mut self, id: &JobId, reason: &str, at: Timestamp) -> Result<JobActionOutcome, StoreError>;

    /// Fails a running job although a worker holds it. Later reports of that worker are refused. The store keeps the
    /// lease, for which a [retry](JobActions::retry) waits.
    fn kill(&mut self, id: &JobId, reason: &str, at: Timestamp) -> Result<JobActionOutcome, StoreError>;

    /// Gives a running job back to the queue although a worker holds it. No retry is spent. Later reports of that worker
    /// are refused. `reason` is the error of the recorded attempt.
    ///
    /// The handler may still run. As after [`kill`](Self::kill) and [`retry`](Self::retry), the job is therefore not due
    /// before its lease has expired or its handler has ended. A job without a lease is due at once.
    fn release_running(&mut self, id: &JobId, reason: &str, at: Timestamp) -> Result<JobActionOutcome, StoreError>;

    /// Sets the due time of a pending job, clamped to the range of timestamps that every store can keep. A job that
    /// waits for the handler of a killed or released claim is not due before that handler has ended.
    fn reschedule(&mut self, id: &JobId, run_at: Timestamp, at: Timestamp) -> Result<JobActionOutcome, StoreError>;

    /// Sets the priority of a job that has not completed.
    fn set_priority(&mut self, id: &JobId, priority: Priority) -> Result<JobActionOutcome, StoreError>;

    /// Deletes a job that is not running.
    fn delete(&mut self, id: &JobId) -> Result<JobActionOutcome, StoreError>;

    /// Deletes ended jobs, the oldest first, and returns their number. A job without an end time counts as ended when
    /// it was created; a job without either time is kept. A parked job is kept however long it has waited, because the
    /// event that it waits for may still come.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a status that is not final.
    fn prune(&mut self, request: &PruneRequest) -> Result<u64, StoreError>;
}
