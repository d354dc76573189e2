//! The queue of outcomes that have not been applied, with the thread that applies them.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::Span;

use super::outcome::Outcome;
use super::running_job::RunningJob;
use super::stop_signal::{StopLevel, StopSignal};

/// The first and the longest pause between two attempts after a refusal by the store.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));

/// The largest number of outcomes in one transaction.
const BATCH: usize = 256;

/// The total length of results, in bytes, that ends a batch. The batch may be longer by its last result.
const BATCH_BYTES: usize = 1 << 20;

/// The interval at which the waiting thread checks whether the worker is to stop.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The outcome of a handler that has returned, with its job.
pub(super) struct PendingOutcome {
    pub(super) running: Arc<RunningJob>,
    pub(super) outcome: Outcome,
    /// Whether the outcome stands for a handler that has returned after its timeout.
    pub(super) timed_out: bool,
    /// The tracing span of the attempt.
    pub(super) span: Span,
    /// The time at which the handler began.
    pub(super) began: Instant,
}

/// The outcomes that wait to be applied.
#[derive(Default)]
pub(super) struct OutcomeQueue {
    state: Mutex<QueueState>,
    arrived: Condvar,
}

#[derive(Default)]
struct QueueState {
    pending: VecDeque<PendingOutcome>,
    /// Whether a thread is applying outcomes.
    is_applying: bool,
}

impl OutcomeQueue {
    /// Adds an outcome. If no thread is applying outcomes, the answer gives that right and duty to the caller.
    pub(super) fn push(&self, pending: PendingOutcome) -> Option<Applier<'_>> {
        let mut state = self.lock();
        state.pending.push_back(pending);
        let applying = self.begin_with(&mut state);
        drop(state);
        if applying.is_none() {
            self.arrived.notify_one();
        }
        applying
    }

    /// Gives the right to apply the waiting outcomes to the caller; `None` if another thread has it or no outcome
    /// waits.
    pub(super) fn begin(&self) -> Option<Applier<'_>> {
        let mut state = self.lock();
        if state.pending.is_empty() { None } else { self.begin_with(&mut state) }
    }

    fn begin_with(&self, state: &mut QueueState) -> Option<Applier<'_>> {
        if mem::replace(&mut state.is_applying, true) {
            return None;
        }
        Some(Applier { queue: self, deferred: Deferred::new(), has_ended: false })
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Outcomes that the store has refused for now.
struct Deferred {
    outcomes: VecDeque<PendingOutcome>,
    pause: Duration,
    retry_at: Instant,
    /// The worker's stop level at the refusal.
    level: StopLevel,
}

impl Deferred {
    fn new() -> Self {
        Self { outcomes: VecDeque::new(), pause: PAUSES.0, retry_at: Instant::now(), level: StopLevel::None }
    }

    /// Returns whether the next attempt is due: the pause is over, or the stop level has risen.
    fn is_due(&mut self, level: StopLevel) -> bool {
        mem::replace(&mut self.level, level) < level || self.retry_at <= Instant::now()
    }
}

/// The right and duty of one thread to apply outcomes. If the thread panics, another one applies the remaining
/// outcomes.
pub(super) struct Applier<'q> {
    queue: &'q OutcomeQueue,
    deferred: Deferred,
    has_ended: bool,
}

impl Applier<'_> {
    /// The next outcomes to be applied together. `None` if there are none, which ends the duty of this thread. Refused
    /// outcomes come again after a pause, or when the stop level rises.
    pub(super) fn next_batch(&mut self, stop: &StopSignal) -> Option<VecDeque<PendingOutcome>> {
        let mut state = self.queue.lock();
        loop {
            // Refused outcomes come before newer ones, which a busy worker always has.
            if !self.deferred.outcomes.is_empty() && self.deferred.is_due(stop.level()) {
                return Some(mem::take(&mut self.deferred.outcomes));
            }
            if !state.pending.is_empty() {
                return Some(first_batch(&mut state.pending));
            }
            if self.deferred.outcomes.is_empty() {
                state.is_applying = false;
                self.has_ended = true;
                return None;
            }
            let left = self.deferred.retry_at.saturating_duration_since(Instant::now());
            let wait = self.queue.arrived.wait_timeout(state, left.min(LOOK_EVERY));
            state = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Keeps the outcomes of the last batch that the store has refused for now.
    pub(super) fn defer(&mut self, refused: VecDeque<PendingOutcome>) {
        let deferred = &mut self.deferred;
        if deferred.outcomes.is_empty() {
            if refused.is_empty() {
                deferred.pause = PAUSES.0;
                return;
            }
            deferred.retry_at = Instant::now() + deferred.pause;
            deferred.pause = (deferred.pause * 2).min(PAUSES.1);
        }
        deferred.outcomes.extend(refused);
    }
}

impl Drop for Applier<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            let mut state = self.queue.lock();
            state.pending.append(&mut self.deferred.outcomes);
            state.is_applying = false;
        }
    }
}

fn first_batch(pending: &mut VecDeque<PendingOutcome>) -> VecDeque<PendingOutcome> {
    let mut bytes = 0;
    let fits = |pending: &&PendingOutcome| {
        let fits = bytes <= BATCH_BYTES;
        bytes += pending.outcome.result_bytes();
        fits
    };
    let outcomes = pending.iter().take(BATCH).take_while(fits).count();
    pending.drain(..outcomes).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fieldfen_domain::job::WorkerName;
    use fieldfen_testkit::{ModelStore, fixtures};

    use super::*;
    use crate::Environment;
    use crate::queue::{Completion, Queue};
    use crate::worker::events::Events;
    use crate::worker::heartbeat_signal::HeartbeatSignal;

    #[test]
    fn an_outcome_that_the_store_has_refused_comes_again_although_others_arrive_all_the_time() {
        let events = Events::new();
        let (stop, heartbeat) = (Arc::new(StopSignal::new(events.sender())), Arc::new(HeartbeatSignal::default()));
        let jobs = [1, 2, 3].map(fixtures::job);
        let queue = Queue::new(ModelStore::new(), Environment::system());
        queue.enqueue_many(&jobs).unwrap();
        let (kinds, lease) = (BTreeSet::from([jobs[0].kind.clone()]), Duration::from_secs(60));
        let claims = queue.claim(&kinds, 3, lease, &WorkerName::new("test")).unwrap();
        let mut pending = claims.jobs.into_iter().map(|claimed| PendingOutcome {
            running: Arc::new(RunningJob::new(claimed, None, Arc::clone(&stop), Arc::clone(&heartbeat))),
            outcome: Outcome::Complete(Completion::new()),
            timed_out: false,
            span: Span::none(),
            began: Instant::now(),
        });
        let ids = |batch: &VecDeque<PendingOutcome>| batch.iter().map(|p| p.running.key().0).collect::<Vec<_>>();

        let outcomes = OutcomeQueue::default();
        let mut applying = outcomes.push(pending.next().unwrap()).unwrap();
        let refused = applying.next_batch(&stop).unwrap();
        assert!(outcomes.push(pending.next().unwrap()).is_none());
        applying.defer(refused);
        assert_eq!(ids(&applying.next_batch(&stop).unwrap()), [jobs[1].id], "the store is left alone for a while");
        assert!(outcomes.push(pending.next().unwrap()).is_none());
        std::thread::sleep(PAUSES.0);
        assert_eq!(ids(&applying.next_batch(&stop).unwrap()), [jobs[0].id]);
        assert_eq!(ids(&applying.next_batch(&stop).unwrap()), [jobs[2].id]);
        assert!(applying.next_batch(&stop).is_none());
    }
}
