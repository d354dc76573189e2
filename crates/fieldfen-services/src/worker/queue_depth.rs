//! The thread that counts jobs for metrics.
//!
//! Counting reads the whole table, which takes about a second for a million jobs: too long for the threads that claim
//! and that extend leases.

use std::time::Duration;

use fieldfen_domain::store::Store;
use fieldfen_domain::with_causes;

use super::context::Context;
use super::interval_timer::IntervalTimer;

/// The longest wait before the next look at the clock.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Counts at this interval until the worker is closed.
pub(super) fn run<S: Store>(context: &Context<S>, interval: Duration) {
    let mut timer = IntervalTimer::new(interval);
    loop {
        let now = context.queue.environment().now();
        if timer.is_due(now) {
            timer.mark_done(now);
            match context.queue.count() {
                Ok(counts) => context.settings.metrics.queue_depth(&counts),
                Err(error) => {
                    log!(ERROR, error = with_causes(&error), "counting jobs failed");
                    context.settings.metrics.store_failed(&error);
                }
            }
        }
        // The pause is at least 1 ms, even if the interval of the metrics is shorter.
        let pause = timer.time_left(now).clamp(Duration::from_millis(1), LOOK_EVERY);
        if context.stop.wait_until_closed(pause) {
            return;
        }
    }
}
