//! The thread that keeps the worker's row in the registry.

use std::time::Duration;

use chrono::TimeDelta;
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::with_causes;
use fieldfen_domain::worker::{RENEWED_EVERY, RegisteredWorker};

use super::context::Context;
use super::interval_timer::IntervalTimer;
use crate::write_retry::write;

/// The longest wait before the next look at the clock.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Rows of workers without a heartbeat for this time are deleted.
const FORGOTTEN_AFTER: TimeDelta = TimeDelta::days(1);

/// Updates the worker's row until the worker is closed, and then deletes it.
pub(super) fn run<S: Store>(context: &Context<S>) {
    let environment = context.queue.environment();
    let mut timer = IntervalTimer::new(RENEWED_EVERY.to_std().unwrap_or_default());
    let mut worker = registration(context);
    loop {
        let now = environment.now();
        let stuck_jobs: Vec<_> = context.slots.stuck().iter().map(|job| job.id).collect();
        if timer.is_due(now) || stuck_jobs != worker.stuck_jobs {
            timer.mark_done(now);
            worker.last_seen_at = now;
            worker.stuck_jobs = stuck_jobs;
            let written = write(context.queue.store(), |s| {
                s.workers().register(&worker)?;
                s.workers().forget_silent(now - FORGOTTEN_AFTER)
            });
            or_logged(context, "registration of the worker failed", written.map(drop));
        }
        if context.stop.wait_until_closed(timer.time_left(now).clamp(Duration::from_millis(1), LOOK_EVERY)) {
            let removed = write(context.queue.store(), |s| s.workers().unregister(&worker.id));
            return or_logged(context, "deletion of the worker's registration failed", removed.map(drop));
        }
    }
}

fn or_logged<S>(context: &Context<S>, what: &str, written: Result<(), StoreError>) {
    if let Err(error) = written {
        log!(WARN, error = with_causes(&error), "{what}");
        context.settings.metrics.store_failed(&error);
    }
}

fn registration<S: Store>(context: &Context<S>) -> RegisteredWorker {
    let environment = context.queue.environment();
    let kinds = context.handlers.keys().cloned().collect();
    let mut worker = RegisteredWorker::new(environment.worker_id(), kinds, environment.now());
    worker.name = context.settings.name.clone();
    worker.process = std::process::id();
    worker.host = host();
    worker.version.clone_from(&context.settings.version);
    worker.threads = u32::try_from(context.settings.threads).unwrap_or(u32::MAX);
    worker
}

/// The name of this machine.
#[cfg(unix)]
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The name of this machine.
#[cfg(not(unix))]
fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| "unknown".to_owned())
}
