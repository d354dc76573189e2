//! Applies outcomes, many in one transaction.
//!
//! If no thread is applying outcomes when a handler returns, its thread applies its outcome at once. It then applies
//! the outcomes that have come meanwhile, in one transaction each time, until none is left. The other threads add their
//! outcomes to the queue and begin their next jobs. An outcome that comes alone therefore waits for nobody, and many
//! outcomes share a commit.

use std::collections::VecDeque;

use fieldfen_domain::store::Store;
use fieldfen_domain::{catch_panic, with_causes};

use super::apply_outcome;
use super::context::Context;
use super::metrics::AppliedOutcome;
use super::outcome_queue::{Applier, PendingOutcome};
use super::span;
use crate::queue::QueueError;

/// Applies an outcome, or leaves it to the thread that is applying outcomes.
pub(super) fn submit<S: Store>(context: &Context<S>, mut pending: PendingOutcome) {
    pending.outcome.clean(&context.settings.secrets);
    if let Some(applying) = context.outcomes.push(pending) {
        apply_until_empty(context, applying);
    }
}

/// Applies the outcomes that a thread has left behind after a panic.
pub(super) fn apply_left<S: Store>(context: &Context<S>) {
    if let Some(applying) = context.outcomes.begin() {
        apply_until_empty(context, applying);
    }
}

fn apply_until_empty<S: Store>(context: &Context<S>, mut applying: Applier<'_>) {
    while let Some(outcomes) = applying.next_batch(&context.stop) {
        let refused = Batch { context, outcomes }.apply();
        applying.defer(refused);
    }
}

/// Outcomes that are being applied. If this is dropped before its end, the jobs of the remaining outcomes are left to
/// their leases.
struct Batch<'c, S> {
    context: &'c Context<S>,
    outcomes: VecDeque<PendingOutcome>,
}

impl<S: Store> Batch<'_, S> {
    /// Applies the outcomes together. If one of them may prevent that, applies them one by one. Returns the outcomes
    /// that the store may accept later.
    fn apply(mut self) -> VecDeque<PendingOutcome> {
        if self.outcomes.len() > 1 && !self.outcomes.iter().any(|outcome| outcome.running.is_lost()) {
            match catch_panic(|| apply_outcome::apply_together(self.context, self.outcomes.make_contiguous())) {
                Ok(Ok(applied)) => {
                    self.tell_applied(applied);
                    return VecDeque::new();
                }
                // A write of one of them may also have failed with such an error, although the store accepts the
                // others.
                Ok(Err(QueueError::Store(error))) if apply_outcome::concerns_all(&error) => {
                    log!(
                        WARN,
                        error = with_causes(&error),
                        jobs = self.outcomes.len(),
                        "outcomes of jobs refused for now"
                    );
                    self.context.settings.metrics.store_failed(&error);
                }
                // Applying them one by one shows which one it is. The store has rolled everything back.
                Ok(Err(_)) | Err(_) => {}
            }
        }
        let mut refused = VecDeque::new();
        while let Some(first) = self.outcomes.front_mut() {
            match apply_outcome::apply_one(self.context, first) {
                Ok(applied) => self.tell_applied(vec![applied]),
                Err(error) => {
                    let first = self.outcomes.pop_front();
                    if apply_outcome::concerns_all(&error) {
                        refused.append(&mut self.outcomes);
                    }
                    // The new outcomes follow those that have not been tried alone yet, so that each is tried.
                    refused.extend(first);
                }
            }
        }
        refused
    }

    /// Reports the results of the first outcomes, and removes their jobs from the jobs in hand.
    fn tell_applied(&mut self, applied: Vec<AppliedOutcome>) {
        let mut jobs = Vec::with_capacity(applied.len());
        for (pending, applied) in self.outcomes.drain(..applied.len()).zip(applied) {
            let PendingOutcome { running, outcome, span, began, .. } = pending;
            let took = began.elapsed();
            let told = span::within(&span, || {
                log!(DEBUG, %applied, ?took, "job ended");
                apply_outcome::discard(outcome);
            });
            // Neither the log nor the drop can panic here.
            drop(told);
            span::end(span);
            self.context.settings.metrics.job_ended(&running.claimed.job, applied, took);
            jobs.push(running);
        }
        self.context.slots.remove(jobs.iter());
    }
}

impl<S> Drop for Batch<'_, S> {
    fn drop(&mut self) {
        if !self.outcomes.is_empty() {
            self.context.slots.remove(self.outcomes.iter().map(|outcome| &outcome.running));
        }
    }
}
