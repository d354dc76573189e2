//! The graceful shutdown of a worker.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{catch_panic, with_causes};

use super::apply_outcome;
use super::context::Context;
use super::running_job::RunningJob;
use super::stop_signal::StopLevel;

/// The time that handlers have after the request to end.
const TIME_TO_END: Duration = Duration::from_secs(1);

/// The time for which the worker tries to release jobs while the store refuses.
const RELEASE_WITHIN: Duration = Duration::from_secs(5);

/// The same time for a worker that must stop at once.
const RELEASE_AT_ONCE_WITHIN: Duration = Duration::from_secs(1);

/// The first pause after a refusal by the store.
const PAUSE: Duration = Duration::from_millis(20);

/// Releases the jobs that have not begun. Waits for the running handlers, at most for the grace period. Then asks them
/// to end, and waits one more second.
///
/// A job whose handler runs is not released: another worker would run a second handler of it at the same time.
pub(super) fn shut_down<S: Store>(context: &Context<S>) {
    let not_begun = context.slots.take_not_begun();
    release(context, &not_begun);
    context.slots.remove(not_begun.iter());
    if !wait_until_empty(context, context.settings.grace, true) {
        context.stop.request(StopLevel::Now);
        wait_until_empty(context, TIME_TO_END, false);
    }
    for running in context.slots.in_hand() {
        let job = &running.claimed.job;
        log!(WARN, id = %job.id, kind = %job.kind, "worker stopped with a running handler: job keeps its lease");
    }
}

/// Waits until no job is in hand, until the timeout or, with `until_now`, until the worker must stop at once. Returns
/// whether no job is in hand.
fn wait_until_empty<S>(context: &Context<S>, timeout: Duration, until_now: bool) -> bool {
    let began = Instant::now();
    loop {
        let left = timeout.saturating_sub(began.elapsed());
        let is_empty = context.slots.is_empty();
        if is_empty || (until_now && context.stop.stops_now()) || left.is_zero() {
            return is_empty;
        }
        context.events.wait(left, false);
    }
}

/// Releases jobs in one transaction, so that a store with waiting writers makes the worker wait only once.
fn release<S: Store>(context: &Context<S>, jobs: &[Arc<RunningJob>]) {
    let began = Instant::now();
    let mut pause = PAUSE;
    while !jobs.is_empty() {
        let released = catch_panic(|| context.queue.release_all(jobs.iter().map(|job| &job.claimed), None));
        let error = match released {
            Ok(Ok(answers)) => {
                let each = jobs.iter().zip(answers);
                let released =
                    each.filter(|(job, answer)| apply_outcome::tell_of_not_begun(context, job, *answer)).count();
                context.stop.released.fetch_add(released, Ordering::SeqCst);
                return;
            }
            Ok(Err(error)) => error,
            Err(panic) => StoreError::Database(panic.into()),
        };
        log!(WARN, error = with_causes(&error), jobs = jobs.len(), "release of jobs refused for now");
        context.settings.metrics.store_failed(&error);
        let longest = if context.stop.stops_now() { RELEASE_AT_ONCE_WITHIN } else { RELEASE_WITHIN };
        if began.elapsed() + pause > longest {
            context.stop.unreleased.fetch_add(jobs.len(), Ordering::SeqCst);
            return;
        }
        context.stop.pause(pause);
        pause *= 2;
    }
}
