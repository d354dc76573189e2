//! The answer to the question why a job does not run.

use fieldfen_domain::JobId;
use fieldfen_domain::Timestamp;
use fieldfen_domain::job::{ClaimPlace, Job, JobState, Pause, PauseScope, Why, lease_holds};
use fieldfen_domain::rate_limit::{Availability, CallScope, ClosedBy, PausesOfBudgets};
use fieldfen_domain::store::{ReadSession, Store, StoreError};
use fieldfen_domain::worker::{RegisteredWorker, SILENT_AFTER};

use super::Queue;
use crate::Transaction;
use crate::rate_limiter::RateLimiter;

impl<S: Store> Queue<S> {
    /// Says why a job runs, or does not run, now; `None` if there is no such job. All of the answer comes from one
    /// transaction, and claims in that transaction agree with it: they take the job if [`Why::is_claimable`], and not
    /// otherwise.
    ///
    /// ```
    /// use fieldfen_domain::job::Why;
    /// # use fieldfen_services::{Environment, queue::Queue};
    /// # use fieldfen_testkit::ModelStore;
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct Resize { width: u32 }
    /// # impl fieldfen_domain::job::Payload for Resize {
    /// #     const KIND: &'static str = "acme.resize";
    /// # }
    ///
    /// let queue = Queue::new(ModelStore::new(), Environment::system());
    /// let job = queue.enqueue(&queue.job(&Resize { width: 800 })?)?;
    /// let why = queue.why(job.id())?.ok_or("no such job")?;
    /// assert_eq!(why.to_string(), "no living worker handles acme.resize");
    /// assert!(matches!(why, Why::NoLiveWorker { .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError::BadRow`] if the job, or a row on which the answer depends, cannot be read.
    pub fn why(&self, id: &JobId) -> Result<Option<Why>, StoreError> {
        let now = self.environment.now();
        self.store.read(|s| why_in(s, id, now, |s, call| s.rate_limits().look(call, PausesOfBudgets::Refuse, now)))
    }

    /// As [`why`](Queue::why), with the limits and budgets that this rate limiter was given.
    ///
    /// # Errors
    /// As [`why`](Queue::why).
    pub fn why_with(&self, limiter: &RateLimiter<S>, id: &JobId) -> Result<Option<Why>, StoreError> {
        let now = self.environment.now();
        self.store.read(|s| why_in(s, id, now, |s, call| limiter.look_in(s, call, now)))
    }

    /// As [`why`](Queue::why), inside the caller's transaction.
    ///
    /// # Errors
    /// As [`why`](Queue::why).
    pub fn why_in(&self, t: &mut Transaction<'_>, id: &JobId) -> Result<Option<Why>, StoreError> {
        let now = self.environment.now();
        why_in(t.reads(), id, now, |s, call| s.rate_limits().look(call, PausesOfBudgets::Refuse, now))
    }
}

type Look<'l> = dyn FnMut(&mut dyn ReadSession, &CallScope) -> Result<Availability, StoreError> + 'l;

fn why_in(
    s: &mut dyn ReadSession,
    id: &JobId,
    now: Timestamp,
    mut look: impl FnMut(&mut dyn ReadSession, &CallScope) -> Result<Availability, StoreError>,
) -> Result<Option<Why>, StoreError> {
    let Some(job) = s.jobs().find(id)? else { return Ok(None) };
    let error = job.last_error.clone();
    Ok(Some(match &job.state {
        JobState::Pending if job.run_at > now => Why::DueLater {
            at: job.run_at,
            retries: job.attempts,
            max_retries: job.max_retries,
            throttled: job.throttled,
            declined_since: job.declined_since,
            error,
        },
        JobState::Pending => why_pending(s, &job, now, &mut look)?,
        JobState::Running { started_at, lease: None } => Why::RunByOtherProgram { since: *started_at },
        JobState::Running { started_at, lease: Some(lease) } => {
            let on_worker_death = s.workers().on_worker_death(id)?.unwrap_or_default();
            let (worker, lease_until) = (lease.worker.clone(), lease.expires_at);
            if lease_holds(lease_until, now) {
                let is_alive = alive(s, now)?.iter().any(|alive| alive.name.as_str() == worker);
                let cancel_requested = job.cancel_requested_at;
                let since = *started_at;
                Why::Running { worker, since, lease_until, is_alive, cancel_requested, on_worker_death }
            } else {
                Why::LeaseExpired { worker, lease_until, on_worker_death }
            }
        }
        JobState::Parked { at, parked_for } => {
            Why::Parked { parked_for: parked_for.as_str().to_owned(), since: *at, error }
        }
        JobState::Failed { at } if job.cancel_requested_at.is_some() => Why::Cancelled { at: *at, error },
        JobState::Failed { at } => Why::Failed { at: *at, retries: job.attempts, error },
        JobState::Completed { at } => Why::Completed { at: *at },
    }))
}

/// Why a due pending job does not run yet.
fn why_pending(s: &mut dyn ReadSession, job: &Job, now: Timestamp, look: &mut Look<'_>) -> Result<Why, StoreError> {
    if let Some(Pause { scope, reason, until, by, .. }) = pause_of(s, job, now)? {
        return Ok(Why::Paused { scope: scope.kind(), name: scope.name().to_owned(), reason, until, by });
    }
    let before = match s.jobs().claim_place(&job.id, now)? {
        Some(ClaimPlace::Claimable { before }) => before,
        Some(ClaimPlace::Limited { limit, running, jobs }) => {
            let (partition, max_running) = (limit.partition, limit.max_running);
            return Ok(match max_running.saturating_sub(running) {
                0 => Why::LimitReached { partition, max_running, running, jobs },
                before => Why::LimitReachedByJobsBefore { partition, max_running, running, before },
            });
        }
        Some(ClaimPlace::FarBehind { before }) => return Ok(Why::FarBehind { before }),
        Some(_) | None => return Ok(Why::AfterReclaim),
    };
    if !alive(s, now)?.iter().any(|worker| worker.kinds.contains(&job.kind)) {
        return Ok(Why::NoLiveWorker { kind: job.kind.clone(), before });
    }
    if let Some(account) = &job.account {
        let call = CallScope::new(account.service()).account(account.account().map(str::to_owned));
        if let Availability::Closed(closed) = look(s, &call)? {
            let (until, reason) = (closed.until, closed.by.to_string());
            return Ok(match closed.by {
                ClosedBy::BudgetSpent { budget, in_use, .. } => {
                    Why::BudgetSpent { budget, reason: in_use.to_string(), until }
                }
                _ => Why::ServiceClosed { account: account.to_string(), reason, until },
            });
        }
    }
    Ok(Why::Claimable { before, runs_alone: job.must_run_alone() })
}

/// The pause that keeps claims from the job and lasts longest.
fn pause_of(s: &mut dyn ReadSession, job: &Job, now: Timestamp) -> Result<Option<Pause>, StoreError> {
    let concerns = |pause: &Pause| match &pause.scope {
        PauseScope::Kind(kind) => *kind == job.kind,
        PauseScope::Account(account) => job.account.as_ref().is_some_and(|of_job| account.covers(of_job)),
    };
    let pauses = s.pauses().list(now)?.into_iter().filter(concerns);
    Ok(pauses.reduce(|longest, pause| if longest.outlasts(&pause) { longest } else { pause }))
}

/// The workers that count as alive. A row that cannot be read is none.
fn alive(s: &mut dyn ReadSession, now: Timestamp) -> Result<Vec<RegisteredWorker>, StoreError> {
    let seen = s.workers().seen_since(now - SILENT_AFTER)?;
    Ok(seen.into_iter().flatten().filter(|worker| worker.is_alive(now)).collect())
}
