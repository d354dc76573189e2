//! The thread that keeps the leases of everything in hand alive.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fieldfen_domain::job::{ClaimRef, FencedResult};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{RawJson, Timestamp, with_causes};

use super::context::Context;
use super::events::DispatcherEvent;
use super::running_job::RunningJob;

/// However long the lease: a job that was asked to stop notices within this time.
const AT_LEAST_EVERY: Duration = Duration::from_secs(5);

/// Progress is written at most this often.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

/// The longest wait before the clock is looked at again: it may have been set.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Keeps leases alive until the worker is closed. The first heartbeat is due an interval after `last`, or at once.
pub(super) fn run<S: Store>(context: &Context<S>, mut last: Option<Timestamp>) {
    let interval = interval(context.settings.lease);
    let mut written = Instant::now();
    while context.heartbeat.wait_until_in_hand() {
        let now = context.queue.environment().now();
        let left = until_next(last, interval, now);
        let progress = context.heartbeat.wait_for_progress(left.min(LOOK_EVERY));
        if progress {
            context.stop.pause(PROGRESS_EVERY.saturating_sub(written.elapsed()).min(left));
        }
        let now = context.queue.environment().now();
        if !progress && !until_next(last, interval, now).is_zero() {
            continue;
        }
        let in_hand = context.slots.in_hand();
        match beat(context, &in_hand) {
            Ok(()) => {
                last = Some(now);
                written = Instant::now();
            }
            Err(error) => {
                log!(WARN, error = with_causes(&error), jobs = in_hand.len(), "cannot extend leases");
                context.settings.metrics.store_failed(&error);
                context.stop.pause((interval / 4).min(Duration::from_secs(1)));
            }
        }
    }
}

/// How often leases of this length are extended.
pub(super) fn interval(lease: Duration) -> Duration {
    (lease / 3).clamp(Duration::from_millis(1), AT_LEAST_EVERY)
}

/// How long until the next heartbeat; a clock that was set back makes it due at once.
fn until_next(last: Option<Timestamp>, interval: Duration, now: Timestamp) -> Duration {
    let passed = last.and_then(|last| now.signed_duration_since(last).to_std().ok());
    passed.map_or(Duration::ZERO, |passed| interval.saturating_sub(passed))
}

/// Extends the leases of these jobs, writes their progress, and tells those that are no longer ours.
fn beat<S: Store>(context: &Context<S>, in_hand: &[Arc<RunningJob>]) -> Result<(), StoreError> {
    let claims: Vec<_> = in_hand.iter().map(|running| (running.claimed.claim, running.take_progress())).collect();
    extend_with(context, in_hand, &claims).inspect_err(|_| {
        for (running, (_, progress)) in in_hand.iter().zip(claims) {
            if let Some(progress) = progress {
                running.restore_progress(progress);
            }
        }
    })
}

/// Extends the leases of these jobs, and tells those that are no longer ours. Their progress is left to the heartbeat:
/// of two threads that write it, one may come with an older one after the other.
pub(super) fn extend<S: Store>(context: &Context<S>, in_hand: &[Arc<RunningJob>]) -> Result<(), StoreError> {
    let claims: Vec<_> = in_hand.iter().map(|running| (running.claimed.claim, None)).collect();
    extend_with(context, in_hand, &claims)
}

fn extend_with<S: Store>(
    context: &Context<S>,
    in_hand: &[Arc<RunningJob>],
    claims: &[(ClaimRef, Option<RawJson>)],
) -> Result<(), StoreError> {
    if in_hand.is_empty() {
        return Ok(());
    }
    let answers = context.queue.heartbeat(claims, context.settings.lease)?;
    let mut interrupted = false;
    for (running, answer) in in_hand.iter().zip(answers) {
        match answer {
            FencedResult::Done(beat) if beat.cancel_requested => running.request_cancel(),
            // Its outcome has been applied since the list was made.
            FencedResult::Done(_) | FencedResult::AlreadyDone { .. } => continue,
            FencedResult::LeaseLost | FencedResult::NotFound => running.mark_lost(),
        }
        interrupted = true;
    }
    if interrupted {
        // Some of them may not have begun.
        context.events.sender().send(DispatcherEvent::Interrupted);
    }
    Ok(())
}
