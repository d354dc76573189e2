//! Ending tries without success: failures, parked and declined jobs, and jobs that are given back.

use std::collections::BTreeMap;
use std::time::Duration;

use fieldfen_domain::job::{
    Backoff, ClaimRef, FailOutcome, FailureReport, FencedResult, JobKind, JobState, ParkedFor, Retry,
};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::{MAX_TIMESTAMP, MIN_TIMESTAMP, Timestamp, later, truncate_to_micros, with_causes};

use super::{ClaimedJob, Queue};
use crate::write_retry::{unless_done_before, write_once};

/// The shortest and the longest time after which a declined job is due again.
const DECLINED_PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// How a try ends otherwise than with success.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TryEnding<'e> {
    /// The job is tried again after `delay`, if a retry is left.
    Retry { error: &'e str, delay: Duration },
    /// The job has failed for good.
    Fail { error: &'e str },
    /// The job waits for something to come.
    Park { parked_for: ParkedFor, reason: &'e str },
    /// The job is left to other workers, and fails once it has been declined for `patience`.
    Decline { error: &'e str, patience: Duration },
    /// The job goes back without a retry spent.
    Release { run_at: Timestamp },
    /// The job goes back without a retry spent, and waits for `least` at least.
    Throttle { until: Timestamp, least: Duration },
}

impl<S: Store> Queue<S> {
    /// Ends a try without success: the job waits for its next try, as long as its kind's policy says, or has failed
    /// for good when its retries are spent or somebody asked for it to stop. A wait beyond the year 9999 ends with that
    /// year.
    pub fn fail(&self, claimed: &ClaimedJob, error: &str) -> Result<FencedResult<FailOutcome>, StoreError> {
        self.end_try(claimed, &self.retry_ending(claimed, error))
    }

    /// How long a job of this kind waits that has gone back so often before.
    pub(super) fn backoff(&self, kind: &JobKind, times: u32) -> Duration {
        self.policies.of(kind).backoff.delay(times.saturating_add(1), self.jitter())
    }

    /// Ends a job without success and without another try.
    pub fn fail_for_good(&self, claimed: &ClaimedJob, error: &str) -> Result<FencedResult<FailOutcome>, StoreError> {
        self.end_try(claimed, &TryEnding::Fail { error })
    }

    /// Parks a job that cannot go on before something comes: an approval, for example. It spends no retry, and nothing but
    /// [`retry`](Queue::retry) lets it run again, by whoever knows that what it waits for has come. It is no dead letter: it
    /// fails no file and is not pruned. A job that somebody asked to stop fails for good instead.
    pub fn park(
        &self,
        claimed: &ClaimedJob,
        parked_for: ParkedFor,
        reason: &str,
    ) -> Result<FencedResult<FailOutcome>, StoreError> {
        self.end_try(claimed, &TryEnding::Park { parked_for, reason })
    }

    /// Gives a job back that this program cannot do and another one may be able to, without spending a retry: during an
    /// upgrade, a job of the new version that a worker of the old one has claimed, for example. The error is kept.
    ///
    /// The job is due again after as long as it has been declined, at least a second and at most a minute. A job that was
    /// declined for the first time at least `patience` ago fails for good, and so does a job that was asked to stop.
    pub fn decline(
        &self,
        claimed: &ClaimedJob,
        error: &str,
        patience: Duration,
    ) -> Result<FencedResult<FailOutcome>, StoreError> {
        self.end_try(claimed, &TryEnding::Decline { error, patience })
    }

    /// Gives a job back without spending a retry; it is due again at `run_at`. A job that somebody asked to stop fails
    /// for good instead.
    pub fn release(&self, claimed: &ClaimedJob, run_at: Timestamp) -> Result<FencedResult<FailOutcome>, StoreError> {
        self.end_try(claimed, &TryEnding::Release { run_at })
    }

    /// Gives a job back that cannot be done yet, without spending a retry; it is due again at `until`, when an API lets
    /// us call it again. A job that somebody asked to stop fails for good instead.
    ///
    /// However often a job is throttled, it spends no retry, so that `until` is moved where it would make the job run in
    /// a circle or never again: the job waits at least as [`Backoff::LEAST`] says for the number of times it has been
    /// [throttled](fieldfen_domain::job::Job::throttled), and at most for the
    /// [longest throttle](super::RetryPolicies::longest_throttle). The answer says when it is due.
    pub fn throttle(&self, claimed: &ClaimedJob, until: Timestamp) -> Result<FencedResult<FailOutcome>, StoreError> {
        self.end_try(claimed, &self.throttle_ending(claimed, until))
    }

    /// Gives several jobs back in one transaction that were not tried: each is due at `run_at`, or else has the place in the
    /// queue that it had. The answers are in the order of the jobs; one whose row cannot be read is lost.
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
            // Jobs with one due time go back with one statement.
            let mut by_due_time: BTreeMap<Timestamp, Vec<(usize, &ClaimedJob)>> = BTreeMap::new();
            for (position, claimed) in jobs.clone().enumerate() {
                let run_at = run_at.unwrap_or_else(|| claimed.job.run_at.min(now));
                answers.push(if stop_requested(s, claimed)?.is_some() {
                    Some(lost_if_unreadable(self.fail_in(s, claimed, "given back", Retry::Never, now))?)
                } else if claimed.job.declined_since.is_some() {
                    // A release would begin the time anew after which the job fails, although nobody has tried it.
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

    /// Ends a try otherwise than with success.
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

    /// Ends a try for another one, after the wait that the policy of the kind says.
    pub(crate) fn retry_ending<'e>(&self, claimed: &ClaimedJob, error: &'e str) -> TryEnding<'e> {
        TryEnding::Retry { error, delay: self.backoff(&claimed.job.kind, claimed.job.attempts) }
    }

    /// Ends a try that was throttled until this time.
    pub(crate) fn throttle_ending(&self, claimed: &ClaimedJob, until: Timestamp) -> TryEnding<'static> {
        let least = Backoff::LEAST.delay(claimed.job.throttled.saturating_add(1), self.jitter());
        TryEnding::Throttle { until, least }
    }

    fn jitter(&self) -> u64 {
        // The upper half of the bits is as random as the whole.
        u64::try_from(self.environment.bits() >> 64).unwrap_or(0)
    }
}

impl<S: Store> Queue<S> {
    /// Ends a try otherwise than with success, in this transaction.
    pub(super) fn end_try_in(
        &self,
        s: &mut dyn Session,
        claimed: &ClaimedJob,
        ending: &TryEnding<'_>,
    ) -> Result<FencedResult<FailOutcome>, StoreError> {
        let now = self.environment.now();
        match *ending {
            TryEnding::Retry { error, delay } => self.fail_in(s, claimed, error, Retry::At(later(now, delay)), now),
            TryEnding::Fail { error } => self.fail_in(s, claimed, error, Retry::Never, now),
            TryEnding::Park { parked_for, reason } => self.fail_in(s, claimed, reason, Retry::Parked(parked_for), now),
            TryEnding::Decline { error, patience } => self.decline_in(s, claimed, error, patience, now),
            TryEnding::Release { run_at } => self.give_back(s, claimed, run_at, now, false),
            TryEnding::Throttle { until, least } => {
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
            return self.fail_in(s, claimed, error, Retry::Never, now);
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
            return self.fail_in(s, claimed, "given back", Retry::Never, at);
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
        error: &str,
        retry: Retry,
        at: Timestamp,
    ) -> Result<FencedResult<FailOutcome>, StoreError> {
        let report = match stop_requested(s, claimed)? {
            Some(reason) => FailureReport::new(format!("{reason} ({error})"), Retry::Never, at),
            None => FailureReport::new(error.to_owned(), retry, at),
        };
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

/// The same answer, with what became of a job that was given back.
fn done_with(answer: FencedResult<()>, finished: FailOutcome) -> FencedResult<FailOutcome> {
    match answer {
        FencedResult::Done(()) => FencedResult::Done(finished),
        FencedResult::AlreadyDone { at } => FencedResult::AlreadyDone { at },
        FencedResult::LeaseLost => FencedResult::LeaseLost,
        FencedResult::NotFound => FencedResult::NotFound,
    }
}

/// Whether an attempt with this answer, whose outcome is unknown, has given the job back, or has failed or parked it and a
/// failure hook lets it run again. If it has failed for good or is parked, the repetition is told so.
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
    // A job that was reclaimed has lost another lease, and one that was killed has failed.
    let is_ours = job.attempts >= attempts && job.lost_leases == claimed.job.lost_leases;
    // Nothing but a failed try spends a retry and loses no lease: the job may have run again meanwhile, and failed.
    let has_spent_one = attempts > claimed.job.attempts;
    Ok(is_ours
        && match job.state {
            JobState::Running { lease, .. } => lease.is_none_or(|lease| lease.token != claimed.claim.token),
            JobState::Failed { .. } | JobState::Parked { .. } => has_spent_one,
            JobState::Pending | JobState::Completed { .. } => true,
        })
}

/// The reason for which somebody asked the job to stop, if somebody did.
fn stop_requested(s: &mut dyn Session, claimed: &ClaimedJob) -> Result<Option<String>, StoreError> {
    let job = match s.jobs().find(&claimed.claim.id) {
        // What other programs wrote into the row must not keep the job from ending.
        Err(StoreError::BadRow { .. }) | Ok(None) => return Ok(None),
        Ok(Some(job)) => job,
        Err(error) => return Err(error),
    };
    let reason = job.last_error.unwrap_or_else(|| "cancelled".to_owned());
    Ok(job.cancel_requested_at.map(|_| reason))
}

/// One row that another program has damaged must not keep those beside it in the transaction from their answers.
fn lost_if_unreadable<T>(answer: Result<FencedResult<T>, StoreError>) -> Result<FencedResult<T>, StoreError> {
    match answer {
        Err(error @ StoreError::BadRow { .. }) => {
            log!(ERROR, error = with_causes(&error), "unreadable row of a claimed job");
            Ok(FencedResult::LeaseLost)
        }
        other => other,
    }
}
