//! The thread that reads the figures of the queue for metrics.
//!
//! They take some ten milliseconds: too long for the threads that claim and that extend leases.

use std::time::Duration;

use fieldfen_domain::store::Store;
use fieldfen_domain::with_causes;

use super::context::Context;
use super::interval_timer::IntervalTimer;
use crate::overview::Overviews;

/// The longest wait before the next look at the clock.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Reads the figures at this interval until the worker is closed.
pub(super) fn run<S: Store>(context: &Context<S>, interval: Duration) {
    let mut timer = IntervalTimer::new(interval);
    let queue = &context.queue;
    let mut overviews = Overviews::new(queue.store().clone(), queue.environment().clone());
    if let Some(budgets) = &context.budgets {
        overviews = overviews.budgets(budgets.clone());
    }
    loop {
        let now = queue.environment().now();
        if timer.is_due(now) {
            timer.mark_done(now);
            match overviews.figures() {
                Ok(figures) => context.settings.metrics.queue(&figures),
                Err(error) => {
                    log!(ERROR, error = with_causes(&error), "reading the figures of the queue failed");
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
