//! What the outcome of a handler does to its job.

use std::mem;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fieldfen_domain::job::{FailOutcome, FencedResult};
use fieldfen_domain::store::{Disposition, Store, StoreError};
use fieldfen_domain::{Timestamp, catch_panic, truncate_to_micros, with_causes};

use super::context::Context;
use super::metrics::AppliedOutcome;
use super::outcome::Outcome;
use super::outcome_queue::PendingOutcome;
use super::running_job::RunningJob;
use super::span;
use crate::queue::{ClaimedJob, EndOutcome, EndResult, JobEnding, QueueError, TryEnding};

/// Why an outcome could not be applied.
enum ApplyError {
    /// The store may take it later.
    TryLater(StoreError),
    /// It will never be taken as it is; the same again is of no use.
    ApplyInstead(Outcome),
    /// Nothing will be taken for this job.
    GiveUp(StoreError),
}

/// Applies outcomes in one transaction, and says what became of each job, in their order.
///
/// # Errors
/// The first one of any of them: then none is applied.
pub(super) fn apply_together<S: Store>(
    context: &Context<S>,
    outcomes: &mut [PendingOutcome],
) -> Result<Vec<AppliedOutcome>, QueueError> {
    let stops_now = context.stop.stops_now();
    let mut endings: Vec<(&ClaimedJob, JobEnding<'_>)> = outcomes
        .iter_mut()
        .map(|PendingOutcome { running, outcome, .. }| {
            (&running.claimed, ending(context, &running.claimed, outcome, stops_now))
        })
        .collect();
    let answers = context.queue.end_many(&mut endings)?;
    drop(endings);
    let applied = |(pending, answer): (&PendingOutcome, EndResult)| {
        let applied = span::within(&pending.span, || applied(context, pending, stops_now, answer));
        // Nothing there panics.
        applied.unwrap_or(AppliedOutcome::Lost)
    };
    Ok(outcomes.iter().zip(answers).map(applied).collect())
}

/// Applies one outcome, or another one instead if it can never be applied as it is.
///
/// # Errors
/// The store's, if it may take the outcome later.
pub(super) fn apply_one<S: Store>(
    context: &Context<S>,
    pending: &mut PendingOutcome,
) -> Result<AppliedOutcome, StoreError> {
    let span = pending.span.clone();
    let applied = span::within(&span, || {
        loop {
            if pending.running.is_lost() {
                log!(WARN, outcome = ?pending.outcome, "job lost: its outcome counts for nothing");
                end_killed(context, &pending.running);
                return Ok(AppliedOutcome::Lost);
            }
            // Writes of a completion and their errors are the handler's code, and may panic; the store has taken everything
            // back by then.
            let applied = catch_panic(|| attempt(context, pending));
            match applied.unwrap_or_else(|panic| Err(instead_of_panic(&pending.outcome, panic))) {
                Ok(applied) => return Ok(applied),
                Err(ApplyError::ApplyInstead(mut instead)) => {
                    instead.cut();
                    log!(ERROR, outcome = ?pending.outcome, ?instead, "outcome of a job cannot be written");
                    discard(mem::replace(&mut pending.outcome, instead));
                }
                Err(ApplyError::GiveUp(error)) => {
                    let (error_text, outcome) = (with_causes(&error), &pending.outcome);
                    log!(ERROR, error = error_text, ?outcome, "outcome of a job given up: it cannot be written");
                    context.settings.metrics.store_failed(&error);
                    pending.running.mark_lost();
                    return Ok(AppliedOutcome::Lost);
                }
                Err(ApplyError::TryLater(error)) => {
                    log!(WARN, error = with_causes(&error), "outcome of a job cannot be written yet");
                    context.settings.metrics.store_failed(&error);
                    return Err(error);
                }
            }
        }
    });
    applied.unwrap_or_else(|panic| Err(StoreError::Database(panic.into())))
}

/// Whether the store would refuse any outcome for this reason.
pub(super) const fn concerns_all(error: &StoreError) -> bool {
    !matches!(error, StoreError::Full(_)) && !matches!(error.disposition(), Disposition::GiveUp)
}

/// Drops an outcome. The writes of a completion are the handler's, and may panic: each by itself, since a second panic
/// while the first one unwinds would abort the process.
pub(super) fn discard(outcome: Outcome) {
    let Outcome::Complete(completion) = outcome else { return };
    for write in completion.into_writes() {
        if let Err(panic) = catch_panic(move || drop(write)) {
            log!(ERROR, panic, "write of a completion panicked when it was dropped");
        }
    }
}

/// Says that the handler of a job has ended that may have been killed: the retry of a killed job waits for that.
fn end_killed<S: Store>(context: &Context<S>, running: &RunningJob) {
    let (queue, claimed) = (&context.queue, &running.claimed);
    let released = catch_panic(|| queue.release(claimed, queue.environment().now()).map(drop));
    if let Ok(Err(error)) = released {
        // The lease runs out by itself.
        log!(WARN, error = with_causes(&error), "cannot note that the handler of a lost job has ended");
    }
}

/// Tells what became of a job that was given back before its handler began, and says whether it has gone back.
pub(super) fn tell_of_not_begun<S>(
    context: &Context<S>,
    running: &RunningJob,
    answer: FencedResult<FailOutcome>,
) -> bool {
    let applied = match answer {
        FencedResult::Done(FailOutcome::Retrying { .. }) => return true,
        // Somebody has cancelled it.
        FencedResult::Done(FailOutcome::DeadLetter | FailOutcome::Parked) => AppliedOutcome::Failed,
        FencedResult::AlreadyDone { .. } | FencedResult::LeaseLost | FencedResult::NotFound => AppliedOutcome::Lost,
    };
    let job = &running.claimed.job;
    log!(INFO, id = %job.id, kind = %job.kind, %applied, "job ended before its handler began");
    context.settings.metrics.job_ended(job, applied, Duration::ZERO);
    false
}

fn attempt<S: Store>(context: &Context<S>, pending: &mut PendingOutcome) -> Result<AppliedOutcome, ApplyError> {
    let stops_now = context.stop.stops_now();
    let claimed = &pending.running.claimed;
    let ending = ending(context, claimed, &mut pending.outcome, stops_now);
    let ended = context.queue.end_many(&mut [(claimed, ending)]);
    match ended.map(|answers| answers.first().copied()) {
        Ok(Some(answer)) => Ok(applied(context, pending, stops_now, answer)),
        Ok(None) => Err(ApplyError::GiveUp(StoreError::Database("the store has given no answer".into()))),
        // Each of these writes is fenced: the answer to a second one says what the first one has done.
        Err(QueueError::Store(error)) if error.disposition() != Disposition::GiveUp => Err(ApplyError::TryLater(error)),
        Err(error) => Err(instead_of(&pending.outcome, error)),
    }
}

/// How a job ends by this outcome. A worker that stops gives a failed job back, since the stop may be the reason.
fn ending<'o, S: Store>(
    context: &Context<S>,
    claimed: &ClaimedJob,
    outcome: &'o mut Outcome,
    stops_now: bool,
) -> JobEnding<'o> {
    let queue = &context.queue;
    JobEnding::WithoutSuccess(match outcome {
        Outcome::Complete(completion) => return JobEnding::Complete(completion),
        Outcome::Retry { .. } | Outcome::Fail { .. } if stops_now => {
            TryEnding::Release { run_at: queue.environment().now() }
        }
        Outcome::Retry { error } => queue.retry_ending(claimed, error),
        Outcome::Fail { error } => TryEnding::Fail { error },
        Outcome::Decline { error } => TryEnding::Decline { error, patience: context.settings.decline_for },
        Outcome::Park { parked_for, reason } => TryEnding::Park { parked_for: *parked_for, reason },
        Outcome::Throttled { until, .. } => queue.throttle_ending(claimed, *until),
    })
}

fn instead_of_panic(outcome: &Outcome, panic: String) -> ApplyError {
    match outcome {
        Outcome::Complete(_) => ApplyError::ApplyInstead(Outcome::retry(format!("its writes panicked: {panic}"))),
        _ => ApplyError::GiveUp(StoreError::Database(panic.into())),
    }
}

/// What to do about an outcome that can never be applied: a completion becomes a failure. Where not even a failure can
/// be written, the job is left to its lease, since a thread that tries for ever would keep the job in hand.
fn instead_of(outcome: &Outcome, error: QueueError) -> ApplyError {
    match (outcome, error) {
        // A follow-up job with a broken payload, or a result that is no JSON, is a mistake in the handler.
        (Outcome::Complete(_), error @ (QueueError::Job(_) | QueueError::Store(StoreError::Invalid { .. }))) => {
            ApplyError::ApplyInstead(Outcome::fail(error))
        }
        (Outcome::Complete(_), error) => ApplyError::ApplyInstead(Outcome::retry(error)),
        (_, QueueError::Store(error)) => ApplyError::GiveUp(error),
        (_, error) => ApplyError::ApplyInstead(Outcome::fail(error)),
    }
}

/// What the store's answer means for the job, which the log is told.
fn applied<S>(context: &Context<S>, pending: &PendingOutcome, stops_now: bool, answer: EndResult) -> AppliedOutcome {
    let outcome = &pending.outcome;
    let end = match answer {
        FencedResult::Done(end) => Some(end),
        // This claim had ended the job before, and the answer was lost on its way.
        FencedResult::AlreadyDone { .. } => None,
        FencedResult::LeaseLost | FencedResult::NotFound => {
            log!(WARN, "job lost: its outcome counts for nothing");
            return AppliedOutcome::Lost;
        }
    };
    let goes_back = matches!(end, Some(EndOutcome::Failed(FailOutcome::Retrying { .. })));
    let back_or_failed = |back| if goes_back { back } else { AppliedOutcome::Failed };
    match outcome {
        Outcome::Complete(_) => AppliedOutcome::Completed,
        Outcome::Retry { error } | Outcome::Fail { error } if stops_now => {
            let applied = back_or_failed(AppliedOutcome::Released);
            log!(INFO, error, %applied, "job given back: the worker stops");
            context.stop.released.fetch_add(usize::from(goes_back), Ordering::SeqCst);
            applied
        }
        Outcome::Retry { error } | Outcome::Fail { error } => {
            let applied = back_or_failed(AppliedOutcome::Retrying);
            log!(WARN, error, %applied, "job failed");
            applied
        }
        Outcome::Decline { error } => {
            let applied = back_or_failed(AppliedOutcome::Declined);
            match pending.running.claimed.job.declined_since {
                Some(since) if goes_back => log!(INFO, error, %since, "job declined again"),
                _ => {
                    let fails_after = context.settings.decline_for;
                    log!(WARN, error, %applied, ?fails_after, "job declined: this worker cannot do it");
                }
            }
            applied
        }
        Outcome::Park { parked_for, reason } => {
            if matches!(end, None | Some(EndOutcome::Failed(FailOutcome::Parked))) {
                log!(INFO, %parked_for, reason, "job parked");
                AppliedOutcome::Parked
            } else {
                log!(WARN, %parked_for, reason, "job failed instead of being parked: somebody has cancelled it");
                AppliedOutcome::Failed
            }
        }
        Outcome::Throttled { until, reason } => {
            log_throttled(end, *until, reason);
            back_or_failed(AppliedOutcome::Released)
        }
    }
}

fn log_throttled(end: Option<EndOutcome>, until: Timestamp, reason: &str) {
    let Some(EndOutcome::Failed(FailOutcome::Retrying { run_at, .. })) = end else { return };
    if run_at == truncate_to_micros(until) {
        log!(INFO, %until, reason, "job throttled");
    } else {
        log!(WARN, %until, %run_at, reason, "job throttled, and the time moved: it was too early or too late");
    }
}
