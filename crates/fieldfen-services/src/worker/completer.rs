//! Applying outcomes.

use std::mem;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fieldfen_domain::job::{FailOutcome, FencedResult};
use fieldfen_domain::store::{Disposition, Store, StoreError};
use fieldfen_domain::{Timestamp, catch_panic, truncate_to_micros, with_causes};

use super::context::Context;
use super::metrics::AppliedOutcome;
use super::outcome::Outcome;
use super::running_job::RunningJob;
use crate::queue::QueueError;

/// The first and the longest wait between two attempts at a store that refuses.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));

/// Why an outcome could not be applied.
enum Refused {
    /// The store may take it later.
    ForNow(StoreError),
    /// It will never be taken as it is; the same again is of no use.
    Forever(Outcome),
    /// Nothing will be taken for this job.
    Hopeless(StoreError),
}

/// Applies an outcome, as often as it takes: a store that is busy or full must not lose what a handler has done.
pub(super) fn complete<S: Store>(context: &Context<S>, running: &RunningJob, mut outcome: Outcome) -> AppliedOutcome {
    outcome.cut();
    let ended = apply_until_taken(context, running, &mut outcome);
    discard(outcome);
    ended
}

/// Drops an outcome. The writes of a completion are the handler's, and may panic: each by itself, since a second panic
/// while the first one unwinds would abort the process.
fn discard(outcome: Outcome) {
    let Outcome::Complete(completion) = outcome else { return };
    for write in completion.into_writes() {
        if let Err(panic) = catch_panic(move || drop(write)) {
            log!(ERROR, panic, "what a write of a completion held panicked when it was dropped");
        }
    }
}

fn apply_until_taken<S: Store>(context: &Context<S>, running: &RunningJob, outcome: &mut Outcome) -> AppliedOutcome {
    let (mut pause, longest) = PAUSES;
    loop {
        if running.is_lost() {
            log!(WARN, ?outcome, "the job is no longer ours, its outcome counts for nothing");
            end_killed(context, running);
            return AppliedOutcome::Lost;
        }
        // Writes of a completion and their errors are the handler's code, and may panic; the store has taken everything
        // back by then.
        let applied = catch_panic(|| apply(context, running, outcome));
        match applied.unwrap_or_else(|panic| Err(instead_of_panic(outcome, panic))) {
            Ok(ended) => return ended,
            Err(Refused::Forever(mut instead)) => {
                instead.cut();
                log!(ERROR, ?outcome, ?instead, "the outcome of a job cannot be written");
                discard(mem::replace(outcome, instead));
            }
            Err(Refused::Hopeless(error)) => {
                log!(
                    ERROR,
                    error = with_causes(&error),
                    ?outcome,
                    "the outcome of a job cannot be written; it is given up"
                );
                context.settings.metrics.store_failed(&error);
                running.mark_lost();
                return AppliedOutcome::Lost;
            }
            Err(Refused::ForNow(error)) => {
                log!(WARN, error = with_causes(&error), "the outcome of a job cannot be written yet");
                context.settings.metrics.store_failed(&error);
                context.stop.pause(pause);
                pause = (pause * 2).min(longest);
            }
        }
    }
}

/// Says that the handler of a job has ended that may have been killed: the retry of a killed job waits for that.
fn end_killed<S: Store>(context: &Context<S>, running: &RunningJob) {
    let (queue, claimed) = (&context.queue, &running.claimed);
    let released = catch_panic(|| queue.release(claimed, queue.environment().now()).map(drop));
    if let Ok(Err(error)) = released {
        // The lease runs out by itself.
        log!(WARN, error = with_causes(&error), "it cannot be noted that the handler of a lost job has ended");
    }
}

fn apply<S: Store>(
    context: &Context<S>,
    running: &RunningJob,
    outcome: &mut Outcome,
) -> Result<AppliedOutcome, Refused> {
    let applied = write(context, running, outcome);
    applied.map_err(|error| match error {
        // Each of these writes is fenced: the answer to a second one says what the first one has done.
        QueueError::Store(error) if error.disposition() != Disposition::GiveUp => Refused::ForNow(error),
        error => instead_of(outcome, error),
    })
}

fn write<S: Store>(
    context: &Context<S>,
    running: &RunningJob,
    outcome: &mut Outcome,
) -> Result<AppliedOutcome, QueueError> {
    let (queue, claimed) = (&context.queue, &running.claimed);
    match outcome {
        Outcome::Retry { error } | Outcome::Fail { error } if context.stop.stops_now() => {
            let fenced = queue.release(claimed, queue.environment().now())?;
            let ended = ended(&fenced, AppliedOutcome::Failed, after_release);
            log!(INFO, error, %ended, "the worker stops, and the job goes back");
            context.stop.released.fetch_add(usize::from(ended == AppliedOutcome::Released), Ordering::SeqCst);
            Ok(ended)
        }
        Outcome::Complete(completion) => queue
            .complete(claimed, completion)
            .map(|fenced| ended(&fenced, AppliedOutcome::Completed, |()| AppliedOutcome::Completed)),
        Outcome::Retry { error } => Ok(queue.fail(claimed, error).map(log_failure(error))?),
        Outcome::Fail { error } => Ok(queue.fail_for_good(claimed, error).map(log_failure(error))?),
        Outcome::Decline { error } => {
            let patience = context.settings.decline_for;
            let fenced = queue.decline(claimed, error, patience)?;
            let ended = ended(&fenced, AppliedOutcome::Failed, |finished| match finished {
                FailOutcome::Retrying { .. } => AppliedOutcome::Declined,
                FailOutcome::DeadLetter | FailOutcome::Parked => AppliedOutcome::Failed,
            });
            match claimed.job.declined_since {
                Some(since) if ended == AppliedOutcome::Declined => log!(INFO, error, %since, "job declined again"),
                _ => log!(WARN, error, %ended, fails_after = ?patience, "job declined: this worker cannot do it"),
            }
            Ok(ended)
        }
        Outcome::Park { parked_for, reason } => {
            let fenced = queue.park(claimed, *parked_for, reason)?;
            let ended = ended(&fenced, AppliedOutcome::Parked, |finished| match finished {
                FailOutcome::Parked => AppliedOutcome::Parked,
                FailOutcome::Retrying { .. } | FailOutcome::DeadLetter => AppliedOutcome::Failed,
            });
            if ended == AppliedOutcome::Parked {
                log!(INFO, %parked_for, reason, "job parked");
            } else {
                log!(WARN, %parked_for, reason, %ended, "a job that was to be parked has ended otherwise");
            }
            Ok(ended)
        }
        Outcome::Throttled { until, reason } => {
            let fenced = queue.throttle(claimed, *until)?;
            log_throttled(&fenced, *until, reason);
            Ok(ended(&fenced, AppliedOutcome::Failed, after_release))
        }
    }
}

fn instead_of_panic(outcome: &Outcome, panic: String) -> Refused {
    match outcome {
        Outcome::Complete(_) => Refused::Forever(Outcome::retry(format!("its writes panicked: {panic}"))),
        _ => Refused::Hopeless(StoreError::Database(panic.into())),
    }
}

/// What to do about an outcome that can never be applied: a completion becomes a failure. Where not even a failure can
/// be written, the job is left to its lease, since a thread that tries for ever would keep the job in hand.
fn instead_of(outcome: &Outcome, error: QueueError) -> Refused {
    match (outcome, error) {
        // A follow-up job with a broken payload, or a result that is no JSON, is a mistake in the handler.
        (Outcome::Complete(_), error @ (QueueError::Job(_) | QueueError::Store(StoreError::Invalid { .. }))) => {
            Refused::Forever(Outcome::fail(error))
        }
        (Outcome::Complete(_), error) => Refused::Forever(Outcome::retry(error)),
        (_, QueueError::Store(error)) => Refused::Hopeless(error),
        (_, error) => Refused::Forever(Outcome::fail(error)),
    }
}

fn log_failure(error: &str) -> impl Fn(FencedResult<FailOutcome>) -> AppliedOutcome {
    move |fenced| {
        let ended = ended(&fenced, AppliedOutcome::Failed, |finished| match finished {
            FailOutcome::Retrying { .. } => AppliedOutcome::Retrying,
            FailOutcome::DeadLetter | FailOutcome::Parked => AppliedOutcome::Failed,
        });
        log!(WARN, error, %ended, "job failed");
        ended
    }
}

fn log_throttled(fenced: &FencedResult<FailOutcome>, until: Timestamp, reason: &str) {
    let FencedResult::Done(FailOutcome::Retrying { run_at, .. }) = fenced else { return };
    if *run_at == truncate_to_micros(until) {
        log!(INFO, %until, reason, "job throttled");
    } else {
        log!(WARN, %until, %run_at, reason, "job throttled until a time that is too early or too late, and moved");
    }
}

const fn after_release(finished: &FailOutcome) -> AppliedOutcome {
    match finished {
        FailOutcome::Retrying { .. } => AppliedOutcome::Released,
        FailOutcome::DeadLetter | FailOutcome::Parked => AppliedOutcome::Failed,
    }
}

/// What an answer means; `already` is what this claim had made of the job when the answer was lost on its way.
fn ended<T>(fenced: &FencedResult<T>, already: AppliedOutcome, done: impl Fn(&T) -> AppliedOutcome) -> AppliedOutcome {
    match fenced {
        FencedResult::Done(answer) => done(answer),
        FencedResult::AlreadyDone { .. } => already,
        FencedResult::LeaseLost | FencedResult::NotFound => {
            log!(WARN, "the job is no longer ours, its outcome counts for nothing");
            AppliedOutcome::Lost
        }
    }
}
