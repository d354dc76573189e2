//! The end of a worker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fieldfen_domain::catch_panic;
use fieldfen_domain::store::{Store, StoreError};

use super::builder::Shared;
use super::outcome::with_causes;
use super::state::Stop;
use super::task::Control;

/// How long handlers have to end once they are asked to.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// How long it is tried to give jobs back when the store refuses; not so long when the stop is to be at once.
const GIVE_BACK_FOR: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(1));

/// The first wait after the store has refused.
const PAUSE: Duration = Duration::from_millis(20);

/// Gives back what no thread has begun, and waits for what runs: first for the grace period, and then, once every handler
/// is asked to end, for a moment.
///
/// A job whose handler runs is not given back: another worker would run a second one beside it.
pub(super) fn wind_down<S: Store>(shared: &Shared<S>) {
    let not_begun = shared.floor.take_back();
    give_back(shared, &not_begun);
    for control in &not_begun {
        shared.floor.put_down(control);
    }
    if !shared.floor.wait_until_empty(shared.settings.grace, true) {
        shared.floor.stop(Stop::Now);
        shared.floor.wait_until_empty(LAST_MOMENT, false);
    }
    for control in shared.floor.in_hand() {
        let job = &control.claimed.job;
        log!(WARN, id = %job.id, kind = %job.kind, "the worker has stopped, and a handler still runs; its job is kept");
    }
}

/// Gives jobs back that have not begun, in one transaction, so that a store that makes its writers wait does so once for
/// all of them.
fn give_back<S: Store>(shared: &Shared<S>, controls: &[Arc<Control>]) {
    let began = Instant::now();
    let mut pause = PAUSE;
    while !controls.is_empty() {
        let released = catch_panic(|| shared.queue.release_all(controls.iter().map(|control| &control.claimed)));
        let error = match released {
            Ok(Ok(answers)) => {
                return shared.floor.count_released(answers.iter().filter(|answer| answer.is_done()).count());
            }
            Ok(Err(error)) => error,
            Err(panic) => StoreError::Database(panic.into()),
        };
        log!(WARN, error = with_causes(&error), jobs = controls.len(), "jobs cannot be given back yet");
        shared.settings.metrics.store_failed(&error);
        let (patient, hurried) = GIVE_BACK_FOR;
        let most = if shared.floor.stops_now() { hurried } else { patient };
        if began.elapsed() + pause > most {
            return shared.floor.count_kept(controls.len());
        }
        shared.floor.pause(pause);
        pause *= 2;
    }
}
