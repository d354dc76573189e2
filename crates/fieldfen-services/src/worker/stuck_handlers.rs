//! The thread that watches the handlers: it notices timeouts, and replaces the threads of stuck handlers.
//!
//! A handler is stuck if it has not returned within a while after an interruption that it cannot ignore: its timeout is
//! over, or its job was killed, reclaimed or deleted. No thread can be ended from outside, so the job keeps its lease
//! and its place in the limits, and another thread serves the other jobs. When the stuck handler returns, its outcome
//! is applied and its thread ends.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use fieldfen_domain::job::Job;
use fieldfen_domain::store::Store;

use super::context::Context;
use super::errors::WorkerFailure;
use super::pool;
use super::running_job::RunningJob;
use super::slot_state::{SlotState, ThreadState};
use super::slots::Slots;
use super::stuck_job::StuckJob;
use super::timeouts;

/// The longest wait between two looks while a handler runs, so that the end of a handler that has just begun and the
/// loss of a job are noticed.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The wait after the first handler has begun, so that short jobs, one after the other, do not cause a look each.
const AFTER_BEGIN: Duration = Duration::from_millis(20);

/// The shortest wait between two looks.
const LEAST_WAIT: Duration = Duration::from_millis(1);

/// Watches the handlers until the worker is closed.
pub(super) fn run<S: Store>(context: &Arc<Context<S>>) {
    let mut wait = Duration::ZERO;
    while !context.stop.wait_until_closed(wait) {
        let now = Instant::now();
        for running in context.slots.running() {
            timeouts::notice(context, &running);
        }
        let stuck_after = context.settings.stuck_after;
        for running in context.slots.mark_stuck(now, stuck_after) {
            let (job, ran) = (&running.claimed.job, running.ran_for(now));
            log!(ERROR, id = %job.id, kind = %job.kind, ?ran, "handler stuck: another thread takes the place of its thread");
            context.settings.metrics.handler_stuck(job, ran);
        }
        let stuck = context.slots.stuck();
        if stuck.len() > context.settings.most_stuck() {
            let failure = WorkerFailure::StuckHandlers { jobs: stuck };
            log!(ERROR, error = %failure, "too many handlers are stuck: worker stops");
            context.stop.fail(failure);
        }
        let all_serve = replace_threads(context);
        if all_serve && context.slots.wait_until_running() {
            wait = AFTER_BEGIN;
            continue;
        }
        let next = context.slots.next_look(stuck_after);
        wait = next.map_or(LOOK_EVERY, |next| next.saturating_duration_since(now).clamp(LEAST_WAIT, LOOK_EVERY));
    }
}

/// Starts threads for those whose handlers are stuck. A worker that stops begins no job and needs none. Returns whether
/// none is missing.
fn replace_threads<S: Store>(context: &Arc<Context<S>>) -> bool {
    while !context.stop.is_stopping() && context.slots.lock().serving() < context.settings.threads {
        if let Err(error) = pool::start_thread(context) {
            log!(ERROR, %error, "thread for the place of a stuck one not started");
            return false;
        }
    }
    true
}

impl Slots {
    /// The jobs whose handlers run.
    fn running(&self) -> Vec<Arc<RunningJob>> {
        let state = self.lock();
        let running = state.threads.iter().filter_map(|thread| match thread {
            ThreadState::Running { running, .. } => Some(Arc::clone(running)),
            _ => None,
        });
        running.collect()
    }

    /// Sleeps while no handler runs, apart from those that are stuck, until one begins or the worker is closed. Returns
    /// whether it has slept.
    pub(super) fn wait_until_running(&self) -> bool {
        let runs = |state: &SlotState| state.threads.iter().any(|thread| matches!(thread, ThreadState::Running { .. }));
        let mut state = self.lock();
        if runs(&state) || self.stop.is_closed() {
            return false;
        }
        state.watcher_sleeps = true;
        // The handler that has begun may have ended by now. The next one wakes nobody then.
        while state.watcher_sleeps && !self.stop.is_closed() {
            state = self.handler_begun.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.watcher_sleeps = false;
        true
    }

    /// Marks the handlers that have not returned within `after` since they had to, and returns their jobs.
    pub(super) fn mark_stuck(&self, now: Instant, after: Duration) -> Vec<Arc<RunningJob>> {
        let mut state = self.lock();
        let state = &mut *state;
        let mut stuck = Vec::new();
        for thread in &mut state.threads {
            let ThreadState::Running { running, .. } = thread else { continue };
            if running.must_return_since().is_none_or(|since| now.saturating_duration_since(since) < after) {
                continue;
            }
            let running = Arc::clone(running);
            running.set_stuck();
            // The job has run alone for as long as it may. Otherwise the worker would serve no job any more.
            if running.claimed.job.must_run_alone() {
                state.run_alone = state.run_alone.saturating_sub(1);
            }
            *thread = ThreadState::Stuck { running: Arc::clone(&running) };
            stuck.push(running);
        }
        stuck
    }

    /// The jobs whose handlers are stuck, in the order of their ids.
    pub(super) fn stuck(&self) -> Vec<StuckJob> {
        let of_job = |job: &Job| StuckJob { id: job.id, kind: job.kind.clone() };
        let mut stuck: Vec<_> = self.lock().stuck().map(|running| of_job(&running.claimed.job)).collect();
        stuck.sort_by_key(|job| job.id);
        stuck
    }

    /// The next time at which a running handler times out or counts as stuck; `None` if none does.
    fn next_look(&self, stuck_after: Duration) -> Option<Instant> {
        let running = self.running();
        let next = running.iter().filter_map(|running| match running.must_return_since() {
            Some(since) => since.checked_add(stuck_after),
            None => running.deadline(),
        });
        next.min()
    }
}
