//! The thread that counts the queue for metrics that want it.
//!
//! Counting reads the whole table, which takes about a second for a million jobs: too long for the threads that claim
//! and that extend leases.

use std::time::Duration;

use fieldfen_domain::store::Store;

use super::builder::Shared;
use super::dispatcher::Cadence;
use super::outcome::with_causes;

/// The longest wait before the clock is looked at again.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Counts so often until the worker is closed.
pub(super) fn run<S: Store>(shared: &Shared<S>, every: Duration) {
    let mut cadence = Cadence::new(every);
    loop {
        let now = shared.queue.environment().now();
        if cadence.is_due(now) {
            cadence.done(now);
            match shared.queue.count() {
                Ok(counts) => shared.settings.metrics.queue_depth(&counts),
                Err(error) => {
                    log!(ERROR, error = with_causes(&error), "the jobs cannot be counted");
                    shared.settings.metrics.store_failed(&error);
                }
            }
        }
        // At least a moment, however often the metrics want to know.
        let pause = cadence.left(now).clamp(Duration::from_millis(1), LOOK_EVERY);
        if shared.floor.wait_until_closed(pause) {
            return;
        }
    }
}
