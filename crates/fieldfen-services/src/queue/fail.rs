//! Ends attempts without success: failed, parked, declined, released and throttled jobs.

use std::collections::BTreeMap;
use std::time::Duration;

use fieldfen_domain::job::{
    ApiAccount, Backoff, ClaimRef, FailOutcome, FailureReport, FencedResult, JobKind, JobState, ParkedFor, PauseScope,
    Retry,
};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::{MAX_TIMESTAMP, MIN_TIMESTAMP, Timestamp, later, truncate_to_micros, with_causes};

use super::{ClaimedJob, Queue};
use crate::write_retry::{unless_done_before, write_once};

/// The shortest and the longest pause of a declined job.
const DECLINED_PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// The end of an attempt without success. The errors and the reason have no [secrets](fieldfen_domain::Secrets).
#[derive(Debug, Clone, Copy)]
pub(crate) enum TryEnding<'e> {
    /// The job is retried after `delay`, if a retry is left.
    Retry {
        error: &'e str,
        delay: Duration,
        /// Whether the attempt has taken longer than its timeout.
        timed_out: bool,
    },
    /// The job has failed for good.
    Fail { error: &'e str },
    /// The job waits for an event.
    Park { parked_for: ParkedFor, reason: &'e str },
    /// The job is left to other workers. It fails after it has been declined for `patience`.
    Decline { error: &'e str, patience: Duration },
    /// The job is pending again without spending a retry.
    Release { run_at: Timestamp },
    /// The job is pending again without spending a retry. It waits at least `least`.
    Throttle { until: Timestamp, least: Duration },
}

impl<S: Store> Queue<S> {
    /// Ends an attempt without success. The job is retried after the backoff of its kind's policy. It fails for good if
    /// its retries are spent or its cancellation was requested. A wait beyond the year 9999 ends with that year.
    pub fn fail(&self, claimed: &ClaimedJob, error: &str) -> Result<FencedResult<FailOutcome>, StoreError> {
        self.end_try(claimed, &self.retry_ending(claimed, &self.secrets.clean(error), false))
    }

    /// The backoff of a job of this kind that was pending again this many times before.
    pub(super) fn backoff(&self, kind: &JobKind, times: u32) -> Duration {
        self.policies.of(kind).backoff.delay(times.saturating_add(1), self.jitter())
    }

    /// Fails a job for good, whatever retries it has left.
    pub fn fail_for_good(&self, claimed: &ClaimedJob, error: &str) -> Result<FencedResult<FailOutcome>, StoreError> {
        self.end_try(claimed, &TryEnding::Fail { error: &self.secrets.clean(error) })
    }

    /// Parks a job that waits for an event, for example an approval. Parking spends no retry. The job runs again only
    /// after [`retry`](Queue::retry) by a caller that knows of the event. A parked job is not a dead letter: it fails
    /// no file and is not pruned. If the cancellation of the job was requested, it fails for good instead.
    pub fn park(
        &self,
        claimed: &ClaimedJob,
        parked_for: ParkedFor,
        reason: &str,
    ) -> Result<FencedResult<FailOutcome>, StoreError> {
        self.end_try(claimed, &TryEnding::Park { parked_for, reason: &self.secrets.clean(reason) })
    }

    /// Declines a job that this program cannot run and another one may be able to run, without spending a retry. For
    /// example, during an upgrade a worker of the old version has claimed a job of the new one. The error is stored.
    ///
    /// The job waits for as long as it has been declined, at least a second and at most a minute. If it was first
    /// declined at least `patience` ago, or if its cancellation was requested, it fails for good.
    pub fn decline(
        &self,
        claimed: &ClaimedJob,
        error: &str,
        patience: Duration,
    ) -> Result<FencedResult<FailOutcome>, StoreError> {
        self.end_try(claimed, &TryEnding::Decline { error: &self.secrets.clean(error), patience })
    }

    /// Releases a job without spending a retry. It is due again at `run_at`. If the cancellation of the job was
    /// requested, it fails for good instead.
    pub fn snooze(&self, claimed: &ClaimedJob, run_at: Timestamp) -> Result<FencedResult<FailOutcome>, StoreError> {
        self.end_try(claimed, &TryEnding::Release { run_at })
    }

    /// Releases a job that must wait, for example for the rate limit of an API, without spending a retry. It is due
    /// again at `until`. If the cancellation of the job was requested, it fails for good instead.
    ///
    /// A throttled job spends no retry, however often it is throttled. An `until` that would make it run without pause
    /// or never again is therefore moved: the job waits at least as [`Backoff::LEAST`] says for the number of times
    /// that it has been [throttled](fieldfen_domain::job::Job::throttled), and at most for the [longest
    /// throttle](super::RetryPolicies::longest_throttle). The answer has the due time.
    ///
    /// While the account of the job is [paused](crate::pauses), the pause keeps the job from being claimed. The job is
    /// then due after the least wait, so that it runs as soon as the pause is lifted.
    pub fn throttle(&self, claimed: &ClaimedJob, until: Timestamp) -> Result<FencedResult<FailOutcome>, StoreError> {
        self.end_try(claimed, &self.throttle_ending(claimed, until))
    }

    /// Releases several jobs in one transaction without a try. Each job is due at `run_at`; without `run_at` it gets
    /// its earlier place in the queue. The answers are in the order of the jobs. A job whose row cannot be read counts
    /// as lost.
    pub(crate) fn release_all<'j>(
        &self,
        jobs: impl Iterator<Item = &'j ClaimedJob> + Clone,
        run_at: Option<Timestamp>,
    ) -> Result<Vec<FencedResult<FailOutcome>>, StoreError> {
        write_once(&self.store, |s, before: Option<&Vec<FencedResult<FailOutcome>>>| {
            for (claimed, before) in jobs.clone().zip(before.into_iter().flatten()) {
                if has_gone_back(s, claimed, before)? {
                    return Ok(None);
                }
            }
            let now = self.environment.now();
            let mut answers: Vec<Option<FencedResult<FailOutcome>>> = Vec::new();
            // Jobs with the same due time are released with one statement.
            let mut by_due_time: BTreeMap<Timestamp, Vec<(usize, &ClaimedJob)>> = BTreeMap::new();
            for (position, claimed) in jobs.clone().enumerate() {
                let run_at = run_at.unwrap_or_else(|| claimed.job.run_at.min(now));
                answers.push(if stop_requested(s, claimed)?.is_some() {
                    Some(lost_if_unreadable(self.fail_in(
                        s,
                        claimed,
                        FailureReport::new("given back", Retry::Never, now),
                    ))?)
                } else if claimed.job.declined_since.is_some() {
                    // A release would restart the time after which a declined job fails, although no worker has tried
                    // it.
                    let error = claimed.job.last_error.as_deref().unwrap_or_default();
                    let declined = s.jobs().decline(&claimed.claim, error, run_at, now);
                    let run_at = truncate_to_micros(run_at.clamp(MIN_TIMESTAMP, MAX_TIMESTAMP));
                    let retrying = FailOutcome::Retrying { run_at, attempts: claimed.job.attempts };
                    Some(lost_if_unreadable(declined.map(|answer| done_with(answer, retrying)))?)
                } else {
                    by_due_time.entry(run_at).or_default().push((position, claimed));
                    None
                });
            }
            for (run_at, given) in by_due_time {
                let claims: Vec<ClaimRef> = given.iter().map(|(_, claimed)| claimed.claim).collect();
                let released = s.jobs().release_many(&claims, run_at, now)?;
                let run_at = truncate_to_micros(run_at.clamp(MIN_TIMESTAMP, MAX_TIMESTAMP));
                for ((position, claimed), answer) in given.into_iter().zip(released) {
                    let retrying = FailOutcome::Retrying { run_at, attempts: claimed.job.attempts };
                    if let Some(place) = answers.get_mut(position) {
                        *place = Some(done_with(answer, retrying));
                    }
                }
            }
            let answers = answers.into_iter().map(|answer| answer.unwrap_or(FencedResult::LeaseLost));
            Ok::<_, StoreError>(Some(answers.collect()))
        })
    }

    /// Ends an attempt without success.
    fn end_try(&self, claimed: &ClaimedJob, ending: &TryEnding<'_>) -> Result<FencedResult<FailOutcome>, StoreError> {
        write_once(&self.store, |s, before| {
            if let Some(before) = before
                && has_gone_back(s, claimed, before)?
            {
                return Ok(None);
            }
            self.end_try_in(s, claimed, ending).map(|now| unless_done_before(before, now))
        })
    }

    /// The ending for a retry after the backoff of the kind's policy.
    pub(crate) fn retry_ending<'e>(&self, claimed: &ClaimedJob, error: &'e str, timed_out: bool) -> TryEnding<'e> {
        TryEnding::Retry { error, delay: self.backoff(&claimed.job.kind, claimed.job.attempts), timed_out }
    }

    /// The ending of an attempt that was throttled until this time.
    pub(crate) fn throttle_ending(&self, claimed: &ClaimedJob, until: Timestamp) -> TryEnding<'static> {
        let least = Backoff::LEAST.delay(claimed.job.throttled.saturating_add(1), self.jitter());
        TryEnding::Throttle { until, least }
    }

    fn jitter(&self) -> u64 {
        // The upper half of the bits is as random as all of them.
        u64::try_from(self.environment.bits() >> 64).unwrap_or(0)
    }
}

impl<S: Store> Queue<S> {
    /// Ends an attempt without success, in this transaction.
    pub(super) fn end_try_in(
        &self,
        s: &mut dyn Session,
        claimed: &ClaimedJob,
        ending: &TryEnding<'_>,
    ) -> Result<FencedResult<FailOutcome>, StoreError> {
        let now = self.environment.now();
        let report = |error: &str, retry| FailureReport::new(error, retry, now);
        match *ending {
            TryEnding::Retry { error, delay, timed_out } => {
                self.fail_in(s, claimed, report(error, Retry::At(later(now, delay))).timed_out(timed_out))
            }
            TryEnding::Fail { error } => self.fail_in(s, claimed, report(error, Retry::Never)),
            TryEnding::Park { parked_for, reason } => {
                self.fail_in(s, claimed, report(reason, Retry::Parked(parked_for)))
            }
            TryEnding::Decline { error, patience } => self.decline_in(s, claimed, error, patience, now),
            TryEnding::Release { run_at } => self.give_back(s, claimed, run_at, now, false),
            TryEnding::Throttle { until, least } => {
                let until = if is_paused(s, claimed, now)? { now } else { until };
                let run_at = until.min(later(now, self.policies.longest_throttle)).max(later(now, least));
                self.give_back(s, claimed, run_at, now, true)
            }
        }
    }

    fn decline_in(
        &self,
        s: &mut dyn Session,
        claimed: &ClaimedJob,
        error: &str,
        patience: Duration,
        now: Timestamp,
    ) -> Result<FencedResult<FailOutcome>, StoreError> {
        let first = claimed.job.declined_since.unwrap_or(now);
        let declined_for = now.signed_duration_since(first).to_std().unwrap_or_default();
        if declined_for >= patience || stop_requested(s, claimed)?.is_some() {
            return self.fail_in(s, claimed, FailureReport::new(error, Retry::Never, now));
        }
        let (shortest, longest) = DECLINED_PAUSES;
        let run_at = later(now, declined_for.clamp(shortest, longest));
        let retrying = FailOutcome::Retrying { run_at, attempts: claimed.job.attempts };
        Ok(done_with(s.jobs().decline(&claimed.claim, error, run_at, now)?, retrying))
    }

    fn give_back(
        &self,
        s: &mut dyn Session,
        claimed: &ClaimedJob,
        run_at: Timestamp,
        at: Timestamp,
        throttled: bool,
    ) -> Result<FencedResult<FailOutcome>, StoreError> {
        if stop_requested(s, claimed)?.is_some() {
            return self.fail_in(s, claimed, FailureReport::new("given back", Retry::Never, at));
        }
        let run_at = truncate_to_micros(run_at.clamp(MIN_TIMESTAMP, MAX_TIMESTAMP));
        let released = FailOutcome::Retrying { run_at, attempts: claimed.job.attempts };
        let claim = &claimed.claim;
        let answer =
            if throttled { s.jobs().throttle(claim, run_at, at)? } else { s.jobs().release(claim, run_at, at)? };
        Ok(done_with(answer, released))
    }

    fn fail_in(
        &self,
        s: &mut dyn Session,
        claimed: &ClaimedJob,
        mut report: FailureReport,
    ) -> Result<FencedResult<FailOutcome>, StoreError> {
        let at = report.at;
        if let Some(reason) = stop_requested(s, claimed)? {
            report.error = format!("{reason} ({})", report.error);
            report.retry = Retry::Never;
        }
        let fenced = s.jobs().fail(&claimed.claim, &report)?;
        match (fenced, report.retry) {
            (FencedResult::Done(FailOutcome::DeadLetter), _) => {
                self.failure_hooks.run(s, &claimed.job, &report.error, at)?
            }
            (FencedResult::Done(FailOutcome::Parked), Retry::Parked(parked_for)) => {
                self.failure_hooks.run_parked(s, &claimed.job, parked_for, at)?;
            }
            _ => {}
        }
        Ok(fenced)
    }
}

/// Whether the account of the job is paused. The pause keeps the job from being claimed, so that the job needs no due
/// time for that, and is due when the pause is lifted.
fn is_paused(s: &mut dyn Session, claimed: &ClaimedJob, now: Timestamp) -> Result<bool, StoreError> {
    let Some(account) = &claimed.job.account else { return Ok(false) };
    let service = account.service().parse::<ApiAccount>().ok();
    for paused in service.iter().chain([account]) {
        match s.pauses().find(&PauseScope::Account(paused.clone()), now) {
            Ok(Some(_)) => return Ok(true),
            // A pause that cannot be read must not keep the job from ending.
            Ok(None) | Err(StoreError::BadRow { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// The same answer, with the outcome of a job that was released.
fn done_with(answer: FencedResult<()>, finished: FailOutcome) -> FencedResult<FailOutcome> {
    match answer {
        FencedResult::Done(()) => FencedResult::Done(finished),
        FencedResult::AlreadyDone { at } => FencedResult::AlreadyDone { at },
        FencedResult::LeaseLost => FencedResult::LeaseLost,
        FencedResult::NotFound => FencedResult::NotFound,
    }
}

/// Returns whether an attempt with unknown outcome has made the job pending again: by itself, or because a failure hook
/// retried the job after it had failed or was parked. If the job has failed for good or is parked, the repeated call
/// gets that answer from the store.
pub(super) fn has_gone_back(
    s: &mut dyn Session,
    claimed: &ClaimedJob,
    before: &FencedResult<FailOutcome>,
) -> Result<bool, StoreError> {
    let attempts = match before {
        FencedResult::Done(FailOutcome::Retrying { attempts, .. }) => *attempts,
        FencedResult::Done(FailOutcome::DeadLetter | FailOutcome::Parked) => 0,
        _ => return Ok(false),
    };
    let job = match s.jobs().find(&claimed.claim.id) {
        Err(StoreError::BadRow { .. }) | Ok(None) => return Ok(false),
        Ok(Some(job)) => job,
        Err(error) => return Err(error),
    };
    // A reclaimed job has lost another lease, and a killed job has failed.
    let is_ours = job.attempts >= attempts && job.lost_leases == claimed.job.lost_leases;
    // Only a failed attempt spends a retry without losing a lease. The job may have run and failed again meanwhile.
    let has_spent_one = attempts > claimed.job.attempts;
    Ok(is_ours
        && match job.state {
            JobState::Running { lease, .. } => lease.is_none_or(|lease| lease.token != claimed.claim.token),
            JobState::Failed { .. } | JobState::Parked { .. } => has_spent_one,
            JobState::Pending | JobState::Completed { .. } => true,
        })
}

/// The reason of a request to cancel the job; `None` if there is none.
fn stop_requested(s: &mut dyn Session, claimed: &ClaimedJob) -> Result<Option<String>, StoreError> {
    let job = match s.jobs().find(&claimed.claim.id) {
        // Unreadable values of other programs in the row must not keep the job from ending.
        Err(StoreError::BadRow { .. }) | Ok(None) => return Ok(None),
        Ok(Some(job)) => job,
        Err(error) => return Err(error),
    };
    let reason = job.last_error.unwrap_or_else(|| "cancelled".to_owned());
    Ok(job.cancel_requested_at.map(|_| reason))
}

/// Turns an unreadable row into a lost lease, so that the other jobs of the transaction get their answers.
fn lost_if_unreadable<T>(answer: Result<FencedResult<T>, StoreError>) -> Result<FencedResult<T>, StoreError> {
    match answer {
        Err(error @ StoreError::BadRow { .. }) => {
            log!(ERROR, error = with_causes(&error), "row of claimed job not readable");
            Ok(FencedResult::LeaseLost)
        }
        other => other,
    }
}
