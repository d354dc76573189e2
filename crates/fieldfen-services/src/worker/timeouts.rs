//! The timeouts of handlers: the moment at which one is over, and the outcome of a handler that returns after it.

use std::time::{Duration, Instant};

use super::context::Context;
use super::outcome::Outcome;
use super::outcome_queue::PendingOutcome;
use super::running_job::RunningJob;
use super::span;

/// Logs and counts that a handler has run for longer than its timeout, once for each job.
pub(super) fn notice<S>(context: &Context<S>, running: &RunningJob) {
    if running.tells_timeout() {
        let job = &running.claimed.job;
        let timeout = running.timeout().unwrap_or_default();
        log!(WARN, id = %job.id, kind = %job.kind, ?timeout, "handler timed out: asked to end");
        context.settings.metrics.handler_timed_out(job, timeout);
    }
}

/// Changes the outcome of a handler that has returned after its deadline. A completion stays one, because the work is
/// done, and so does a failure for good, because a later attempt would fail too. Every other outcome becomes a failure
/// that spends the attempt.
pub(super) fn judge<S>(context: &Context<S>, pending: &mut PendingOutcome) {
    let running = &pending.running;
    let Some(timeout) = running.timeout() else { return };
    let now = Instant::now();
    let judged = span::within(&pending.span, || {
        notice(context, running);
        if !running.is_timed_out() || running.is_lost() {
            return None;
        }
        match &pending.outcome {
            Outcome::Complete(_) => {
                let took = running.ran_for(now);
                log!(WARN, ?timeout, ?took, "job completed after its timeout");
                context.settings.metrics.completed_late(&running.claimed.job, took);
                None
            }
            Outcome::Fail { .. } => None,
            outcome => Some(Outcome::Retry { error: format!("timed out after {}: {outcome}", seconds(timeout)) }),
        }
    });
    // Neither the log nor the metrics can panic here.
    if let Ok(Some(instead)) = judged {
        pending.outcome = instead;
        pending.timed_out = true;
    }
}

/// The duration in seconds, such as `60 s` and `0.25 s`.
fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_names_the_timeout_in_seconds() {
        let named = [60_000, 250, 1500].map(|millis| seconds(Duration::from_millis(millis)));
        assert_eq!(named, ["60 s", "0.25 s", "1.5 s"]);
    }
}
