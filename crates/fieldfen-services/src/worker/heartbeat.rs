//! The thread that extends the leases of the jobs in hand.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fieldfen_domain::job::{ClaimRef, FencedResult};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{RawJson, Timestamp, with_causes};

use super::context::Context;
use super::events::DispatcherEvent;
use super::running_job::RunningJob;

/// The longest interval, whatever the lease, so that a running job notices a cancellation within this time.
const AT_LEAST_EVERY: Duration = Duration::from_secs(5);

/// The shortest time between two writes of progress.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

/// The longest wait before the next look at the clock, which may have been set.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Extends leases until the worker is closed. The first heartbeat is due one interval after `last`, or at once.
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
                log!(WARN, error = with_causes(&error), jobs = in_hand.len(), "heartbeat failed");
                context.settings.metrics.store_failed(&error);
                context.stop.pause((interval / 4).min(Duration::from_secs(1)));
            }
        }
    }
}

/// The interval of the heartbeats for leases of this length.
pub(super) fn interval(lease: Duration) -> Duration {
    (lease / 3).clamp(Duration::from_millis(1), AT_LEAST_EVERY)
}

/// The time until the next heartbeat. If the clock was set back, it is due at once.
fn until_next(last: Option<Timestamp>, interval: Duration, now: Timestamp) -> Duration {
    let passed = last.and_then(|last| now.signed_duration_since(last).to_std().ok());
    passed.map_or(Duration::ZERO, |passed| interval.saturating_sub(passed))
}

/// Extends the leases of these jobs, writes their progress, and marks the jobs whose leases are lost.
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

/// Extends the leases of these jobs, and marks the jobs whose leases are lost. Only the heartbeat writes progress: with
/// two writing threads, the older progress could overwrite the newer.
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
            // The outcome was applied after the list was made.
            FencedResult::Done(_) | FencedResult::AlreadyDone { .. } => continue,
            FencedResult::LeaseLost | FencedResult::NotFound => running.mark_lost(),
        }
        interrupted = true;
    }
    if interrupted {
        // Some of these jobs may not have begun.
        context.events.sender().send(DispatcherEvent::Interrupted);
    }
    Ok(())
}
