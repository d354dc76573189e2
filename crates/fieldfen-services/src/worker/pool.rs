//! The threads that run handlers and apply their outcomes.

use std::io;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Instant;

use fieldfen_domain::job::Job;
use fieldfen_domain::store::Store;
use fieldfen_domain::{catch_panic, with_causes};

use super::context::Context;
use super::outcome::Outcome;
use super::outcome_batch;
use super::outcome_queue::PendingOutcome;
use super::running_job::RunningJob;
use super::span;
use super::task::JobContext;
use super::threads::spawn;
use super::timeouts;
use crate::api_usage::current_job::{self, CurrentJob};

/// Starts a thread of the pool.
pub(super) fn start_thread<S: Store>(context: &Arc<Context<S>>) -> io::Result<()> {
    let thread = context.slots.add_thread();
    let spawned = spawn(
        context,
        format!("fieldfen-job-{}", thread + 1),
        move |context| run(context, thread),
        move |context| context.slots.pool_thread_ended(thread),
    );
    spawned.inspect_err(|_| context.slots.pool_thread_ended(thread))
}

/// Runs handlers on the thread with this number until the worker is closed, or another thread has taken its place.
fn run<S: Store>(context: &Context<S>, thread: usize) {
    // Outcomes may remain from before a panic of this thread.
    outcome_batch::apply_left(context);
    while let Some(running) = context.slots.next(thread) {
        let (began, span) = (Instant::now(), span::of_try(&running.claimed.job));
        let outcome = span::within(&span, || outcome_of(context, &running));
        context.slots.handler_returned(thread);
        match outcome {
            Ok(Some(outcome)) => {
                let mut pending = PendingOutcome { running, outcome, timed_out: false, span, began };
                timeouts::judge(context, &mut pending);
                outcome_batch::submit(context, pending);
            }
            Ok(None) => {
                span::end(span);
                context.slots.remove([&running].into_iter());
            }
            Err(panic) => {
                span::end(span);
                // The panic came neither from the handler nor from its outcome, so this thread cannot do its work. The
                // job is left to its lease.
                context.slots.remove([&running].into_iter());
                resume_unwind(Box::new(panic));
            }
        }
    }
}

/// Runs the handler of a job; `None` if the job must not run any more.
fn outcome_of<S: Store>(context: &Context<S>, running: &Arc<RunningJob>) -> Option<Outcome> {
    let job = &running.claimed.job;
    if running.is_lost() || running.is_cancelled() {
        return Some(Outcome::fail("it had not begun"));
    }
    if job.must_run_alone() && !begins_alone(context, running) {
        return None;
    }
    let waited = context.queue.environment().now().signed_duration_since(job.run_at).to_std().unwrap_or_default();
    context.settings.metrics.job_started(job, waited);
    Some(call(context, job, running))
}

/// Records that the job runs alone from now on, so that the next lost lease counts as caused by the job. Returns
/// whether the job may run.
fn begins_alone<S: Store>(context: &Context<S>, running: &RunningJob) -> bool {
    log!(INFO, lost_leases = running.claimed.job.lost_leases, "job runs alone after lost leases");
    match context.queue.run_alone(&running.claimed.claim) {
        Ok(fenced) => fenced.is_done(),
        Err(error) => {
            // If this fails, the job runs alone once more, at worst.
            log!(WARN, error = with_causes(&error), "exclusive run of a job not recorded");
            true
        }
    }
}

/// Runs the handler. A panic is a failure of this attempt.
fn call<S: Store>(context: &Context<S>, job: &Job, running: &Arc<RunningJob>) -> Outcome {
    let Some(handler) = context.handlers.get(&job.kind) else {
        // The worker only claims kinds with a handler, so this is not expected.
        return Outcome::retry(format!("this worker has no handler for {}", job.kind));
    };
    let (environment, metrics) = (context.queue.environment().clone(), Arc::clone(&context.settings.metrics));
    let job = JobContext { running: Arc::clone(running), environment, metrics };
    let current = CurrentJob::of(job.job());
    running.begin();
    catch_panic(|| current_job::within(current, || handler(job)))
        .unwrap_or_else(|panic| Outcome::retry(format!("the handler panicked: {panic}")))
}
