//! Applies the outcomes of handlers to their jobs.

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

/// The reason why an outcome was not applied.
enum ApplyError {
    /// The store may accept it later.
    TryLater(StoreError),
    /// The store will never accept it. The value is the outcome to apply instead.
    ApplyInstead(Outcome),
    /// The store will accept no outcome for this job.
    GiveUp(StoreError),
}

/// Applies outcomes in one transaction, and returns the result for each job, in their order.
///
/// # Errors
/// The first error of any outcome. No outcome is applied then.
pub(super) fn apply_together<S: Store>(
    context: &Context<S>,
    outcomes: &mut [PendingOutcome],
) -> Result<Vec<AppliedOutcome>, QueueError> {
    let stops_now = context.stop.stops_now();
    let mut endings: Vec<(&ClaimedJob, JobEnding<'_>)> = outcomes
        .iter_mut()
        .map(|PendingOutcome { running, outcome, timed_out, .. }| {
            (&running.claimed, ending(context, &running.claimed, outcome, *timed_out, stops_now))
        })
        .collect();
    let answers = context.queue.end_many(&mut endings)?;
    drop(endings);
    let applied = |(pending, answer): (&PendingOutcome, EndResult)| {
        let applied = span::within(&pending.span, || applied(context, pending, stops_now, answer));
        // The closure does not panic, so this value is never used.
        applied.unwrap_or(AppliedOutcome::Lost)
    };
    Ok(outcomes.iter().zip(answers).map(applied).collect())
}

/// Applies one outcome. If the store will never accept it, applies another one instead.
///
/// # Errors
/// The error of the store, if the store may accept the outcome later.
pub(super) fn apply_one<S: Store>(
    context: &Context<S>,
    pending: &mut PendingOutcome,
) -> Result<AppliedOutcome, StoreError> {
    let span = pending.span.clone();
    let applied = span::within(&span, || {
        loop {
            if pending.running.is_lost() {
                log!(WARN, outcome = ?pending.outcome, "outcome of a job dropped: lease lost");
                end_killed(context, &pending.running);
                return Ok(AppliedOutcome::Lost);
            }
            // The writes of a completion and their errors are the handler's code and may panic. The store has rolled
            // everything back by then.
            let applied = catch_panic(|| attempt(context, pending));
            match applied.unwrap_or_else(|panic| Err(instead_of_panic(&pending.outcome, panic))) {
                Ok(applied) => return Ok(applied),
                Err(ApplyError::ApplyInstead(mut instead)) => {
                    instead.clean(&context.settings.secrets);
                    log!(ERROR, outcome = ?pending.outcome, ?instead, "outcome of a job refused");
                    pending.timed_out = false;
                    discard(mem::replace(&mut pending.outcome, instead));
                }
                Err(ApplyError::GiveUp(error)) => {
                    let (error_text, outcome) = (with_causes(&error), &pending.outcome);
                    log!(ERROR, error = error_text, ?outcome, "outcome of a job given up");
                    context.settings.metrics.store_failed(&error);
                    pending.running.mark_lost();
                    return Ok(AppliedOutcome::Lost);
                }
                Err(ApplyError::TryLater(error)) => {
                    log!(WARN, error = with_causes(&error), "outcome of a job refused for now");
                    context.settings.metrics.store_failed(&error);
                    return Err(error);
                }
            }
        }
    });
    applied.unwrap_or_else(|panic| Err(StoreError::Database(panic.into())))
}

/// Returns whether the store would refuse every outcome because of this error.
pub(super) const fn concerns_all(error: &StoreError) -> bool {
    !matches!(error, StoreError::Full(_)) && !matches!(error.disposition(), Disposition::GiveUp)
}

/// Drops an outcome. The writes of a completion are the handler's code and may panic when they are dropped. They are
/// dropped one by one, since a panic during another panic would abort the process.
pub(super) fn discard(outcome: Outcome) {
    let Outcome::Complete(completion) = outcome else { return };
    for write in completion.into_writes() {
        if let Err(panic) = catch_panic(move || drop(write)) {
            log!(ERROR, panic, "drop of a completion panicked");
        }
    }
}

/// Records that the handler of a job that may have been killed has ended. The retry of a killed job waits for that.
fn end_killed<S: Store>(context: &Context<S>, running: &RunningJob) {
    let (queue, claimed) = (&context.queue, &running.claimed);
    let released = catch_panic(|| queue.snooze(claimed, queue.environment().now()).map(drop));
    if let Ok(Err(error)) = released {
        // Without this record, the lease expires by itself.
        log!(WARN, error = with_causes(&error), "end of a killed job's handler not recorded");
    }
}

/// Logs and counts a job that was released before its handler began. Returns its state.
pub(super) fn tell_of_not_begun<S>(
    context: &Context<S>,
    running: &RunningJob,
    answer: FencedResult<FailOutcome>,
) -> bool {
    let applied = match answer {
        FencedResult::Done(FailOutcome::Retrying { .. }) => return true,
        // An operator has cancelled the job.
        FencedResult::Done(FailOutcome::DeadLetter | FailOutcome::Parked) => AppliedOutcome::Failed,
        FencedResult::AlreadyDone { .. } | FencedResult::LeaseLost | FencedResult::NotFound => AppliedOutcome::Lost,
    };
    let job = &running.claimed.job;
    log!(INFO, id = %job.id, kind = %job.kind, %applied, "job released before its handler began");
    context.settings.metrics.job_ended(job, applied, Duration::ZERO);
    false
}

fn attempt<S: Store>(context: &Context<S>, pending: &mut PendingOutcome) -> Result<AppliedOutcome, ApplyError> {
    let stops_now = context.stop.stops_now();
    let claimed = &pending.running.claimed;
    let ending = ending(context, claimed, &mut pending.outcome, pending.timed_out, stops_now);
    let ended = context.queue.end_many(&mut [(claimed, ending)]);
    match ended.map(|answers| answers.first().copied()) {
        Ok(Some(answer)) => Ok(applied(context, pending, stops_now, answer)),
        Ok(None) => Err(ApplyError::GiveUp(StoreError::Database("the store has given no answer".into()))),
        // Each of these writes is fenced. The answer to a repeated write shows whether the first one took effect.
        Err(QueueError::Store(error)) if error.disposition() != Disposition::GiveUp => Err(ApplyError::TryLater(error)),
        Err(error) => Err(instead_of(&pending.outcome, error)),
    }
}

/// The ending of a job with this outcome. A worker that stops releases a failed job, since the stop may be the cause.
/// It is not the cause of a failure that has timed out.
fn ending<'o, S: Store>(
    context: &Context<S>,
    claimed: &ClaimedJob,
    outcome: &'o mut Outcome,
    timed_out: bool,
    stops_now: bool,
) -> JobEnding<'o> {
    let queue = &context.queue;
    JobEnding::WithoutSuccess(match outcome {
        Outcome::Complete(completion) => return JobEnding::Complete(completion),
        Outcome::Retry { .. } | Outcome::Fail { .. } if stops_now && !timed_out => {
            TryEnding::Release { run_at: queue.environment().now() }
        }
        Outcome::Retry { error } => queue.retry_ending(claimed, error, timed_out),
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

/// The outcome to apply instead of one that can never be applied: a completion becomes a failure. If not even a failure
/// can be written, the job is left to its lease, since repeated attempts would keep the job in hand for ever.
fn instead_of(outcome: &Outcome, error: QueueError) -> ApplyError {
    match (outcome, error) {
        // A follow-up job with an invalid payload, or a result that is not JSON, is a mistake of the handler.
        (Outcome::Complete(_), error @ (QueueError::Job(_) | QueueError::Store(StoreError::Invalid { .. }))) => {
            ApplyError::ApplyInstead(Outcome::fail(error))
        }
        (Outcome::Complete(_), error) => ApplyError::ApplyInstead(Outcome::retry(error)),
        (_, QueueError::Store(error)) => ApplyError::GiveUp(error),
        (_, error) => ApplyError::ApplyInstead(Outcome::fail(error)),
    }
}

/// The state of the job after the store's answer, which is also logged.
fn applied<S>(context: &Context<S>, pending: &PendingOutcome, stops_now: bool, answer: EndResult) -> AppliedOutcome {
    let outcome = &pending.outcome;
    let end = match answer {
        FencedResult::Done(end) => Some(end),
        // This claim ended the job in an earlier attempt, whose answer was lost.
        FencedResult::AlreadyDone { .. } => None,
        FencedResult::LeaseLost | FencedResult::NotFound => {
            log!(WARN, "outcome of a job dropped: lease lost");
            return AppliedOutcome::Lost;
        }
    };
    let goes_back = matches!(end, Some(EndOutcome::Failed(FailOutcome::Retrying { .. })));
    let back_or_failed = |back| if goes_back { back } else { AppliedOutcome::Failed };
    match outcome {
        Outcome::Complete(_) => AppliedOutcome::Completed,
        Outcome::Retry { error } | Outcome::Fail { error } if stops_now && !pending.timed_out => {
            let applied = back_or_failed(AppliedOutcome::Released);
            log!(INFO, error, %applied, "job released: worker stops");
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
                    log!(WARN, error, %applied, ?fails_after, "job declined");
                }
            }
            applied
        }
        Outcome::Park { parked_for, reason } => {
            if matches!(end, None | Some(EndOutcome::Failed(FailOutcome::Parked))) {
                log!(INFO, %parked_for, reason, "job parked");
                AppliedOutcome::Parked
            } else {
                log!(WARN, %parked_for, reason, "job failed instead of parked: cancellation requested");
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
        // The time was beyond a limit, or the account of the job is paused.
        log!(INFO, %until, %run_at, reason, "job throttled: due at another time");
    }
}
