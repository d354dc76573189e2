//! Applying outcomes, many in one transaction.
//!
//! The thread whose handler returns while no outcomes are applied applies its own at once, and then whatever outcomes have
//! come meanwhile, all of them in one transaction, until none is left. The other threads hand their outcomes over and begin
//! their next jobs. So an outcome that comes alone waits for nobody, and outcomes that come in numbers share a commit.

use std::collections::VecDeque;

use fieldfen_domain::store::Store;
use fieldfen_domain::{catch_panic, with_causes};

use super::apply_outcome;
use super::context::Context;
use super::metrics::AppliedOutcome;
use super::outcome_queue::{Applier, PendingOutcome};
use super::span;
use crate::queue::QueueError;

/// Applies an outcome, or leaves it to the thread that applies outcomes.
pub(super) fn submit<S: Store>(context: &Context<S>, mut pending: PendingOutcome) {
    pending.outcome.cut();
    if let Some(applying) = context.outcomes.push(pending) {
        apply_until_empty(context, applying);
    }
}

/// Applies the outcomes that are left of a thread that has panicked.
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

/// Outcomes that are being applied. The jobs of those that are left when this is dropped are left to their leases.
struct Batch<'c, S> {
    context: &'c Context<S>,
    outcomes: VecDeque<PendingOutcome>,
}

impl<S: Store> Batch<'_, S> {
    /// Applies the outcomes together, and one by one if one of them may keep the others from it. Gives back those that the
    /// store may take later.
    fn apply(mut self) -> VecDeque<PendingOutcome> {
        if self.outcomes.len() > 1 && !self.outcomes.iter().any(|outcome| outcome.running.is_lost()) {
            match catch_panic(|| apply_outcome::apply_together(self.context, self.outcomes.make_contiguous())) {
                Ok(Ok(applied)) => {
                    self.tell_applied(applied);
                    return VecDeque::new();
                }
                // Also when a write of one of them has failed so, although the store takes the others.
                Ok(Err(QueueError::Store(error))) if apply_outcome::concerns_all(&error) => {
                    log!(WARN, error = with_causes(&error), jobs = self.outcomes.len(), "cannot apply outcomes yet");
                    self.context.settings.metrics.store_failed(&error);
                }
                // Which of them it is shows when each is applied by itself. The store has taken everything back.
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
                    // Behind those that have not been tried by themselves, so that each has its turn.
                    refused.extend(first);
                }
            }
        }
        refused
    }

    /// Tells what became of the first outcomes, and says that their jobs are no longer in hand.
    fn tell_applied(&mut self, applied: Vec<AppliedOutcome>) {
        let mut jobs = Vec::with_capacity(applied.len());
        for (pending, applied) in self.outcomes.drain(..applied.len()).zip(applied) {
            let PendingOutcome { running, outcome, span, began } = pending;
            let took = began.elapsed();
            let told = span::within(&span, || {
                log!(DEBUG, %applied, ?took, "job ended");
                apply_outcome::discard(outcome);
            });
            // Neither the log nor what is discarded can panic here.
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
