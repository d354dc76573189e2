//! The thread that reclaims expired leases, takes ticks of recurring work, and claims jobs for the pool.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use fieldfen_domain::Timestamp;
use fieldfen_domain::job::{ClaimRequest, JobKind, JobState};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{catch_panic, with_causes};

use super::apply_outcome;
use super::claim_ahead::OpenKinds;
use super::commit_backoff::CommitBackoff;
use super::context::Context;
use super::events::DispatcherEvent;
use super::interval_timer::IntervalTimer;
use super::rate_limited_kinds::ClosedKinds;
use super::reclaim::Reclaim;
use super::running_job::RunningJob;
use super::slots::Capacity;
use super::stop_signal::StopLevel;
use crate::recurring;

/// The longest wait before the next look at the clock and the queue, in case a commit is not noticed.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The shortest wait for an event while jobs wait for a thread.
const LEAST_WAIT: Duration = Duration::from_millis(5);

/// The interval at which recurring work is read again, since new work may have been defined.
const TICKS_EVERY: Duration = Duration::from_secs(5);

/// The interval at which the pauses of budgets are read. A cost that is lower than its guess may end one.
const BUDGET_PAUSES_EVERY: Duration = Duration::from_secs(5);

/// The longest time for which a worker with a claimed job that must run alone claims nothing else while other handlers
/// run. The job is then released for the same time, and for the same time the worker does not wait for another such
/// job.
const WAIT_ALONE: TimeDelta = TimeDelta::minutes(10);

/// The first and the longest pause after a refusal by the store.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(5));

/// The first and the longest pause after a claim that got none of the due jobs.
const EMPTY_CLAIM_PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(100));

/// Dispatches until the worker is asked to stop.
pub(super) fn run<S: Store>(context: &Arc<Context<S>>) {
    let mut dispatcher = Dispatcher::new(context);
    let (first, longest) = PAUSES;
    let mut pause = first;
    while !context.stop.is_stopping() {
        match dispatcher.run_once() {
            Ok(Next::Look) => pause = first,
            Ok(Next::Wait { at_most, commits }) => {
                pause = first;
                let stalled = context.slots.until_stalled(Instant::now()).unwrap_or(LOOK_EVERY).max(LEAST_WAIT);
                dispatcher.wait(at_most.min(stalled).min(LOOK_EVERY), commits);
            }
            Ok(Next::Stop) => break,
            Err(error) => {
                log!(ERROR, error = with_causes(&error), "claim of jobs failed");
                context.settings.metrics.store_failed(&error);
                context.events.wait(pause, false);
                pause = (pause * 2).min(longest);
            }
        }
    }
}

/// The dispatcher's next step.
enum Next {
    /// Look again at once.
    Look,
    /// Wait for an event.
    Wait {
        /// The longest wait.
        at_most: Duration,
        /// Whether a commit ends the wait.
        commits: bool,
    },
    /// The worker has ended.
    Stop,
}

struct Dispatcher<'s, S> {
    context: &'s Arc<Context<S>>,
    reclaim: Reclaim,
    ticks: IntervalTimer,
    /// The timer by which pauses of budgets are lifted that are no longer spent.
    budget_pauses: IntervalTimer,
    batches: recurring::Batches,
    /// The time of the next tick of recurring work; `None` if it is unknown.
    next_tick: Option<Timestamp>,
    /// Whether the last claim took as many jobs as it requested, so that more jobs are probably due.
    more: bool,
    /// The pause if the next claim gets none of the due jobs.
    empty_claim_pause: Duration,
    /// The kinds whose service takes no call now.
    closed: ClosedKinds,
    commit_backoff: CommitBackoff,
    /// The time since which the worker does not wait for a job that must run alone, because it has waited for one in
    /// vain.
    waits_for_none_since: Option<Timestamp>,
}

impl<'s, S: Store> Dispatcher<'s, S> {
    fn new(context: &'s Arc<Context<S>>) -> Self {
        Self {
            context,
            reclaim: Reclaim::new(context.settings.lease),
            ticks: IntervalTimer::new(TICKS_EVERY),
            budget_pauses: IntervalTimer::new(BUDGET_PAUSES_EVERY),
            batches: recurring::Batches::default(),
            next_tick: None,
            more: false,
            empty_claim_pause: EMPTY_CLAIM_PAUSES.0,
            closed: ClosedKinds::default(),
            commit_backoff: CommitBackoff::new(),
            waits_for_none_since: None,
        }
    }

    fn run_once(&mut self) -> Result<Next, StoreError> {
        let context = self.context;
        context.events.clear();
        let now = context.queue.environment().now();
        self.do_what_recurs(now);
        self.give_up_waiting_alone(now)?;
        self.closed = context.rate_limited_kinds.closed(Instant::now())?;
        let periodic = self.until_something_recurs(now).min(self.closed.ask_again.unwrap_or(Duration::MAX));
        self.give_back_stalled()?;
        // Read before the queue: a job that ends in between may have enqueued another one. Also read before the
        // capacity: a job that ends in between may have kept its kind out.
        let idle = context.slots.has_only_stuck();
        if let Some(next) = self.claim_ahead(now, periodic)? {
            return Ok(next);
        }
        let Capacity { kinds, limits, jobs: most } = context.slots.capacity(self.open_kinds());
        if most == 0 || kinds.is_empty() {
            if idle && context.stop.level() == StopLevel::WhenIdle && self.nothing_is_pending()? {
                return Ok(Next::Stop);
            }
            // A commit may lift the pause of a closed kind. While no thread is free, that changes nothing.
            let commits = most > 0 && !self.closed.opens_at.is_empty();
            if commits {
                self.commit_backoff.looked(false, Instant::now());
            }
            return Ok(Next::Wait { at_most: periodic, commits });
        }
        if !self.more {
            // Reading first is cheap, takes no lock, and keeps an idle worker from writing.
            let due = context.queue.store().read(|s| s.jobs().next_due(&kinds))?;
            let found = due.is_some_and(|due| due <= now);
            self.commit_backoff.looked(found, Instant::now());
            if !found {
                self.empty_claim_pause = EMPTY_CLAIM_PAUSES.0;
            }
            match due {
                Some(due) if due <= now => {}
                Some(due) => {
                    let left = due.signed_duration_since(now).to_std().unwrap_or_default();
                    return Ok(Next::Wait { at_most: left.min(periodic), commits: true });
                }
                None if self.reclaim.has_more() => return Ok(Next::Look),
                None if idle && context.stop.level() == StopLevel::WhenIdle && self.nothing_is_pending()? => {
                    return Ok(Next::Stop);
                }
                None => return Ok(Next::Wait { at_most: periodic, commits: true }),
            }
        }
        self.claim(kinds, limits, most)
    }

    /// Waits for an event until the timeout. While commits make nothing due again and again, the wait goes on for a
    /// while.
    fn wait(&mut self, timeout: Duration, commits: bool) {
        let (events, began) = (&self.context.events, Instant::now());
        if events.wait(timeout, commits) == Some(DispatcherEvent::Commit) {
            let now = Instant::now();
            let pause = self.commit_backoff.pause(now).min(timeout.saturating_sub(now.duration_since(began)));
            if !pause.is_zero() {
                events.wait(pause, false);
            }
        }
    }

    fn until_something_recurs(&self, now: Timestamp) -> Duration {
        let tick = self.next_tick.map(|next| next.signed_duration_since(now).to_std().unwrap_or_default());
        let opens = self
            .closed
            .opens_at
            .values()
            .min()
            .map(|opens| opens.signed_duration_since(now).to_std().unwrap_or_default());
        self.reclaim
            .left(now)
            .min(tick.unwrap_or(TICKS_EVERY))
            .min(opens.map_or(TICKS_EVERY, |opens| opens.max(LEAST_WAIT)))
    }

    /// The kinds that this worker has handlers for and whose services take calls, each with its limit.
    fn open_kinds(&self) -> impl Iterator<Item = (&'s JobKind, Option<u32>)> {
        self.context.kinds().filter(|(kind, _)| !self.closed.opens_at.contains_key(*kind))
    }

    /// Whether no job waits for a closed service to open.
    fn nothing_is_pending(&self) -> Result<bool, StoreError> {
        if self.closed.opens_at.is_empty() {
            return Ok(true);
        }
        let kinds: Vec<_> = self.closed.opens_at.keys().cloned().collect();
        Ok(self.context.queue.store().read(|s| s.jobs().next_due(&kinds))?.is_none())
    }

    /// Claims more jobs than there are free threads, if more are due and all of them are short. Returns `None` if jobs
    /// may only be claimed for free threads.
    ///
    /// If a due job of another kind may come before those of short kinds, none is claimed ahead of it.
    fn claim_ahead(&mut self, now: Timestamp, periodic: Duration) -> Result<Option<Next>, StoreError> {
        let context = self.context;
        if !self.more {
            return Ok(None);
        }
        let OpenKinds { short, others } = context.slots.open_kinds(self.open_kinds());
        if short.is_empty() {
            return Ok(None);
        }
        if !others.is_empty() {
            let due = context.queue.store().read(|s| s.jobs().next_due(&others))?;
            if due.is_some_and(|due| due <= now) {
                return Ok(None);
            }
        }
        let jobs = context.slots.capacity_ahead(&short, Instant::now());
        if jobs == 0 {
            return Ok(Some(Next::Wait { at_most: periodic, commits: false }));
        }
        self.claim(short, BTreeMap::new(), jobs).map(Some)
    }

    /// Releases jobs that were claimed ahead and have waited too long for a thread, and ends those that were cancelled
    /// meanwhile.
    fn give_back_stalled(&mut self) -> Result<(), StoreError> {
        let context = self.context;
        let stalled = context.slots.take_stalled(Instant::now());
        if stalled.is_empty() {
            return Ok(());
        }
        let released = catch_panic(|| context.queue.release_all(stalled.iter().map(|running| &running.claimed), None));
        match released.unwrap_or_else(|panic| Err(StoreError::Database(panic.into()))) {
            Ok(answers) => {
                let each = stalled.iter().zip(answers);
                let jobs = each
                    .filter(|(running, answer)| apply_outcome::tell_of_not_begun(context, running, *answer))
                    .count();
                log!(DEBUG, jobs, "claimed-ahead jobs released");
                context.slots.remove(stalled.iter());
                Ok(())
            }
            Err(error) => {
                context.slots.return_not_begun(stalled);
                Err(error)
            }
        }
    }

    fn claim(&mut self, kinds: Vec<JobKind>, limits: BTreeMap<JobKind, u32>, most: usize) -> Result<Next, StoreError> {
        let context = self.context;
        self.more = false;
        let limit = u32::try_from(most).unwrap_or(u32::MAX);
        let kinds = BTreeSet::from_iter(kinds);
        let environment = context.queue.environment();
        let claims = context.queue.claim_by(
            ClaimRequest::new(
                kinds,
                limit,
                environment.token(),
                environment.now(),
                context.settings.lease,
                context.settings.name.clone(),
            )
            .limits(limits),
        )?;
        let taken = claims.jobs.len() + claims.unreadable.len();
        self.more = taken >= most;
        if !claims.jobs.is_empty() {
            context.slots.dispatch(claims.jobs.into_iter().map(|claimed| context.running(claimed)).collect());
        }
        let (first, longest) = EMPTY_CLAIM_PAUSES;
        // A claim that has set jobs aside has not seen those behind them.
        if taken > 0 || claims.set_aside > 0 {
            self.empty_claim_pause = first;
            return Ok(Next::Look);
        }
        // Another worker was faster. If that is so repeatedly, no commit makes this worker claim earlier.
        let at_most = self.empty_claim_pause;
        self.empty_claim_pause = (at_most * 2).min(longest);
        Ok(Next::Wait { at_most, commits: at_most == first })
    }

    /// Releases a job that has waited too long to run alone. The worker claims nothing until then, so a handler that
    /// does not return must not keep it from all other work, however many jobs must run alone. The job waits for no
    /// handler that is known to be stuck.
    fn give_up_waiting_alone(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let context = self.context;
        // The absolute value also covers a clock that was set back.
        let is_over = |since: Timestamp| now.signed_duration_since(since).abs() > WAIT_ALONE;
        if self.waits_for_none_since.is_some_and(is_over) {
            self.waits_for_none_since = None;
        }
        let waits_too_long = |running: &RunningJob| match running.claimed.job.state {
            JobState::Running { started_at: Some(claimed_at), .. } => {
                self.waits_for_none_since.is_some() || is_over(claimed_at)
            }
            _ => false,
        };
        let Some(running) = context.slots.take_waiting_alone(waits_too_long) else { return Ok(()) };
        self.waits_for_none_since.get_or_insert(now);
        let job = &running.claimed.job;
        log!(WARN, id = %job.id, kind = %job.kind, "job released: it must run alone, and other jobs run too long");
        let _finish = context.slots.remove_when_dropped(std::slice::from_ref(&running));
        for answer in context.queue.release_all(std::iter::once(&running.claimed), Some(now + WAIT_ALONE))? {
            apply_outcome::tell_of_not_begun(context, &running, answer);
        }
        Ok(())
    }

    /// Reclaims jobs and takes ticks when they are due. Neither may keep the worker from claiming: each round takes one
    /// batch of due ticks, and a refusal is logged and tried again later.
    fn do_what_recurs(&mut self, now: Timestamp) {
        let reclaimed = self.reclaim.when_due(self.context, now);
        self.log_refusal("reclaim failed", reclaimed);
        if self.budget_pauses.is_due(now) {
            self.budget_pauses.mark_done(now);
            let lifted = self.context.rate_limited_kinds.lift_pauses_of_budgets();
            self.log_refusal("lifting pauses of budgets failed", lifted);
        }
        if self.ticks.is_due(now) || self.next_tick.is_some_and(|next| next <= now) {
            self.ticks.mark_done(now);
            self.next_tick = None;
            let queue = &self.context.queue;
            let taken = self.batches.take(queue.store(), queue.environment());
            let taken = taken.map(|batch| self.next_tick = batch.ticks.next_at);
            self.log_refusal("taking ticks of recurring work failed", taken);
        }
    }

    fn log_refusal(&self, what: &str, result: Result<(), StoreError>) {
        if let Err(error) = result {
            log!(ERROR, error = with_causes(&error), "{what}");
            self.context.settings.metrics.store_failed(&error);
        }
    }
}
