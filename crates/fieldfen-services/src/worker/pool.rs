//! The threads that run handlers.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Instant;

use fieldfen_domain::catch_panic;
use fieldfen_domain::job::Job;
use fieldfen_domain::store::Store;

use super::builder::Shared;
use super::outcome::{Outcome, with_causes};
use super::settle::settle;
use super::span;
use super::task::{Control, Run};

/// Runs handlers until the worker is closed.
pub(super) fn run<S: Store>(shared: &Shared<S>) {
    while let Some(control) = shared.floor.next() {
        let _in_hand = shared.floor.in_hand_until_dropped(&control);
        let span = span::of_try(&control.claimed.job);
        let executed = span::within(&span, || execute(shared, &control));
        span::end(span);
        if let Err(panic) = executed {
            // Neither the handler nor its outcome: this thread cannot do its work. The job is left to its lease.
            resume_unwind(Box::new(panic));
        }
    }
}

fn execute<S: Store>(shared: &Shared<S>, control: &Arc<Control>) {
    let job = &control.claimed.job;
    if job.must_run_alone() && !begins_alone(shared, control) {
        return;
    }
    let waited = shared.queue.environment().now().signed_duration_since(job.run_at).to_std().unwrap_or_default();
    shared.settings.metrics.job_started(&job.kind, waited);
    let began = Instant::now();
    let outcome = call(shared, job, control);
    let ended = settle(shared, control, outcome);
    let took = began.elapsed();
    log!(DEBUG, %ended, ?took, "job dealt with");
    shared.settings.metrics.job_ended(&job.kind, ended, took);
}

/// Notes that the job runs alone from now on, so that the next lost lease counts as the job's own doing; says whether the
/// job may run.
fn begins_alone<S: Store>(shared: &Shared<S>, control: &Control) -> bool {
    log!(INFO, lost_leases = control.claimed.job.lost_leases, "a job that has lost its leases before runs alone");
    match shared.queue.run_alone(&control.claimed.claim) {
        Ok(fenced) => fenced.is_done(),
        Err(error) => {
            // At worst the job is run alone once more.
            log!(WARN, error = with_causes(&error), "it cannot be noted that a job runs alone");
            true
        }
    }
}

/// Runs the handler; a panic is a failure of this try.
fn call<S: Store>(shared: &Shared<S>, job: &Job, control: &Arc<Control>) -> Outcome {
    let Some(handler) = shared.handlers.get(&job.kind) else {
        // Only claimed kinds come here, and only kinds with handlers are claimed.
        return Outcome::retry(format!("this worker has no handler for {}", job.kind));
    };
    let (environment, metrics) = (shared.queue.environment().clone(), Arc::clone(&shared.settings.metrics));
    let run = Run { control: Arc::clone(control), environment, metrics };
    catch_panic(|| handler(run)).unwrap_or_else(|panic| Outcome::retry(format!("the handler panicked: {panic}")))
}
