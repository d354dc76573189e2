//! The thread that watches the store for commits.

use std::time::Duration;

use fieldfen_domain::store::{Store, Watch};
use fieldfen_domain::with_causes;

use super::context::Context;

/// The longest wait for a commit before the thread checks whether the dispatcher still waits for one.
const WATCH_FOR: Duration = Duration::from_secs(1);

/// The pause after a failed attempt to watch the store.
const PAUSE: Duration = Duration::from_secs(1);

/// Informs the dispatcher of commits while it waits for them, until the worker is closed.
pub(super) fn run<S: Store>(context: &Context<S>, watch: &mut dyn Watch) {
    while context.events.wait_until_commits_wanted() {
        match watch.wait(WATCH_FOR) {
            Ok(true) => context.events.send_commit(),
            Ok(false) => {}
            Err(error) => {
                // The dispatcher also looks from time to time by itself, so jobs begin later but none is lost.
                log!(WARN, error = with_causes(&error), "watching for commits failed");
                context.settings.metrics.store_failed(&error);
                context.stop.pause(PAUSE);
            }
        }
    }
}
