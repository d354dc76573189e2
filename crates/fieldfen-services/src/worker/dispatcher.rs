//! The thread that decides what the others do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use fieldfen_domain::Timestamp;
use fieldfen_domain::job::{ClaimRequest, JobKind, JobState};
use fieldfen_domain::store::{Store, StoreError};

use super::builder::Shared;
use super::floor::Capacity;
use super::outcome::with_causes;
use super::reclaim::Reclaim;
use super::state::Stop;
use super::task::Control;
use crate::recurring;

/// The longest wait before the clock and the queue are looked at again, should no commit be noticed.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How often recurring work is looked at that may have been set up in the meantime.
const TICKS_EVERY: Duration = Duration::from_secs(5);

/// How long a worker that has claimed a job that must run alone claims nothing else while other handlers run. Then the job
/// goes back for as long, and for as long the worker waits for no other such job either.
const WAIT_ALONE: TimeDelta = TimeDelta::minutes(10);

/// The first and the longest wait after the store has refused something.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(5));

/// The first and the longest wait after a claim that took nothing of what was due.
const EMPTY_CLAIM_PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(100));

/// Dispatches until the worker is asked to stop.
pub(super) fn run<S: Store>(shared: &Arc<Shared<S>>) {
    let mut dispatcher = Dispatcher::new(shared);
    let (first, longest) = PAUSES;
    let mut pause = first;
    while !shared.floor.is_stopping() {
        match dispatcher.turn() {
            Ok(Next::Look) => pause = first,
            Ok(Next::Wait { at_most, watching }) => {
                pause = first;
                shared.floor.wait_for_news(at_most.min(LOOK_EVERY), watching);
            }
            Ok(Next::Stop) => break,
            Err(error) => {
                log!(ERROR, error = with_causes(&error), "the queue cannot be read or claimed from");
                shared.settings.metrics.store_failed(&error);
                shared.floor.wait_for_news(pause, false);
                pause = (pause * 2).min(longest);
            }
        }
    }
}

/// What the dispatcher does after a turn.
enum Next {
    /// Look again at once.
    Look,
    /// Wait for news.
    Wait {
        /// At the most so long.
        at_most: Duration,
        /// Whether commits are news.
        watching: bool,
    },
    /// There is nothing more to do.
    Stop,
}

struct Dispatcher<'s, S> {
    shared: &'s Arc<Shared<S>>,
    reclaim: Reclaim,
    ticks: Cadence,
    batches: recurring::Batches,
    /// When the next tick of recurring work is due, as far as is known.
    next_tick: Option<Timestamp>,
    /// The last claim took all it asked for: more is likely to be due.
    more: bool,
    /// How long to wait when the next claim takes nothing of what is due.
    empty_claim_pause: Duration,
    /// Since when no job is waited for that must run alone, because one has waited in vain.
    waits_for_none_since: Option<Timestamp>,
}

impl<'s, S: Store> Dispatcher<'s, S> {
    fn new(shared: &'s Arc<Shared<S>>) -> Self {
        Self {
            shared,
            reclaim: Reclaim::new(shared.settings.lease),
            ticks: Cadence::new(TICKS_EVERY),
            batches: recurring::Batches::default(),
            next_tick: None,
            more: false,
            empty_claim_pause: EMPTY_CLAIM_PAUSES.0,
            waits_for_none_since: None,
        }
    }

    fn turn(&mut self) -> Result<Next, StoreError> {
        let shared = self.shared;
        shared.floor.look();
        let now = shared.queue.environment().now();
        self.do_what_recurs(now);
        self.give_up_waiting_alone(now)?;
        let periodic = self.until_something_recurs(now);
        // Asked before the queue is read: a job that ends in between may have enqueued another. And before it is asked
        // what may be claimed: a job that ends in between may have kept its kind from being looked at.
        let idle = shared.floor.is_empty();
        let Capacity { kinds, limits, most } = shared.floor.capacity(shared.kinds(), shared.settings.threads);
        if most == 0 || kinds.is_empty() {
            return Ok(Next::Wait { at_most: periodic, watching: false });
        }
        if !self.more {
            // Reading first costs little, takes no lock, and keeps an idle worker from writing.
            let due = shared.queue.store().read(|s| s.jobs().next_due(&kinds))?;
            if due.is_none_or(|due| due > now) {
                self.empty_claim_pause = EMPTY_CLAIM_PAUSES.0;
            }
            match due {
                Some(due) if due <= now => {}
                Some(due) => {
                    let left = due.signed_duration_since(now).to_std().unwrap_or_default();
                    return Ok(Next::Wait { at_most: left.min(periodic), watching: true });
                }
                None if self.reclaim.has_more() => return Ok(Next::Look),
                None if idle && shared.floor.stop_wanted() == Stop::WhenIdle => return Ok(Next::Stop),
                None => return Ok(Next::Wait { at_most: periodic, watching: true }),
            }
        }
        self.claim(kinds, limits, most)
    }

    fn until_something_recurs(&self, now: Timestamp) -> Duration {
        let tick = self.next_tick.map(|next| next.signed_duration_since(now).to_std().unwrap_or_default());
        self.reclaim.left(now).min(tick.unwrap_or(TICKS_EVERY))
    }

    fn claim(&mut self, kinds: Vec<JobKind>, limits: BTreeMap<JobKind, u32>, most: usize) -> Result<Next, StoreError> {
        let shared = self.shared;
        self.more = false;
        let limit = u32::try_from(most).unwrap_or(u32::MAX);
        let kinds = BTreeSet::from_iter(kinds);
        let environment = shared.queue.environment();
        let claims = shared.queue.claim_by(
            ClaimRequest::new(
                kinds,
                limit,
                environment.token(),
                environment.now(),
                shared.settings.lease,
                shared.settings.name.clone(),
            )
            .limits(limits),
        )?;
        let taken = claims.jobs.len() + claims.unreadable.len();
        self.more = taken >= most;
        let in_hand = |claimed| Arc::new(Control::new(claimed, Arc::clone(&shared.floor)));
        if !claims.jobs.is_empty() {
            shared.floor.hand_out(claims.jobs.into_iter().map(in_hand).collect());
        }
        let (first, longest) = EMPTY_CLAIM_PAUSES;
        if taken > 0 {
            self.empty_claim_pause = first;
            return Ok(Next::Look);
        }
        // Another worker was quicker. Where that is so again and again, no commit makes this one claim earlier.
        let at_most = self.empty_claim_pause;
        self.empty_claim_pause = (at_most * 2).min(longest);
        Ok(Next::Wait { at_most, watching: at_most == first })
    }

    /// Gives a job back that has waited too long to run alone. Until then the worker claims nothing, and a handler that
    /// does not return must not keep it from all other work, however many jobs must run alone.
    fn give_up_waiting_alone(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let shared = self.shared;
        // Also when the clock was set back.
        let is_over = |since: Timestamp| now.signed_duration_since(since).abs() > WAIT_ALONE;
        if self.waits_for_none_since.is_some_and(is_over) {
            self.waits_for_none_since = None;
        }
        let waits_too_long = |control: &Control| match control.claimed.job.state {
            JobState::Running { started_at: Some(claimed_at), .. } => {
                self.waits_for_none_since.is_some() || is_over(claimed_at)
            }
            _ => false,
        };
        let Some(control) = shared.floor.take_back_alone(waits_too_long) else { return Ok(()) };
        self.waits_for_none_since.get_or_insert(now);
        let _in_hand = shared.floor.in_hand_until_dropped(&control);
        let job = &control.claimed.job;
        log!(WARN, id = %job.id, kind = %job.kind, "a job must run alone, but other jobs run for too long; it waits");
        shared.queue.release(&control.claimed, now + WAIT_ALONE).map(drop)
    }

    /// Reclaims and takes ticks, when it is time. Neither may keep the worker from claiming: of many due ticks each turn
    /// takes one batch, a refusal is logged, and it is tried again at the next time.
    fn do_what_recurs(&mut self, now: Timestamp) {
        let reclaimed = self.reclaim.when_due(self.shared, now);
        self.log_refusal("expired leases cannot be taken back", reclaimed);
        if self.ticks.is_due(now) || self.next_tick.is_some_and(|next| next <= now) {
            self.ticks.done(now);
            self.next_tick = None;
            let queue = &self.shared.queue;
            let taken = self.batches.take(queue.store(), queue.environment());
            let taken = taken.map(|batch| self.next_tick = batch.ticks.next_at);
            self.log_refusal("ticks of recurring work cannot be taken", taken);
        }
    }

    fn log_refusal(&self, what: &str, result: Result<(), StoreError>) {
        if let Err(error) = result {
            log!(ERROR, error = with_causes(&error), "{what}");
            self.shared.settings.metrics.store_failed(&error);
        }
    }
}

/// Something that is done again and again.
pub(super) struct Cadence {
    every: Duration,
    last: Option<Timestamp>,
}

impl Cadence {
    pub(super) const fn new(every: Duration) -> Self {
        Self { every, last: None }
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.left(now).is_zero()
    }

    /// How long until it is due; a clock that was set back makes it due at once.
    pub(super) fn left(&self, now: Timestamp) -> Duration {
        let passed = self.last.and_then(|last| now.signed_duration_since(last).to_std().ok());
        passed.map_or(Duration::ZERO, |passed| self.every.saturating_sub(passed))
    }

    pub(super) const fn done(&mut self, now: Timestamp) {
        self.last = Some(now);
    }
}
