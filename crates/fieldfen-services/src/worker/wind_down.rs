//! The end of a worker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fieldfen_domain::caught;
use fieldfen_domain::job::Fenced;
use fieldfen_domain::store::{Store, StoreError};

use super::builder::Shared;
use super::floor::Stop;
use super::outcome::with_causes;
use super::task::Control;

/// How long handlers have to notice that their jobs have been given back.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// How long it is tried to give jobs back when the store refuses; not so long when the stop is to be at once.
const GIVE_BACK_FOR: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(1));

/// The first wait after the store has refused.
const PAUSE: Duration = Duration::from_millis(20);

/// What became of jobs whose handlers had not ended.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LeftBehind {
    /// They are back in the queue.
    pub(super) released: usize,
    /// The store refused to take them back.
    pub(super) kept: usize,
}

/// Gives back what no thread has begun, waits for what runs, and gives back what does not end in time.
pub(super) fn wind_down<S: Store>(shared: &Shared<S>) -> LeftBehind {
    let not_begun = shared.floor.take_back();
    let mut left = give_back(shared, &not_begun);
    for control in &not_begun {
        shared.floor.put_down(control);
    }
    if !shared.floor.wait_until_empty(shared.settings.grace, true) {
        shared.floor.stop(Stop::Now);
        left.released += give_back(shared, &shared.floor.in_hand()).released;
        shared.floor.wait_until_empty(LAST_MOMENT, false);
        // What is still ours was refused. Nobody extends its lease from now on, so that its handler has to end too.
        for control in shared.floor.in_hand().iter().filter(|control| !control.is_over()) {
            control.give_up();
            left.kept += 1;
        }
    }
    left
}

/// Gives jobs back in one transaction, so that a store that makes its writers wait does so once for all of them.
///
/// What the store refuses remains ours for the moment: a handler that ends meanwhile may still have its outcome written.
fn give_back<S: Store>(shared: &Shared<S>, controls: &[Arc<Control>]) -> LeftBehind {
    let began = Instant::now();
    let mut pause = PAUSE;
    while !controls.is_empty() {
        // A store that panics must not keep the handlers from being told.
        let released = caught(|| shared.queue.release_all(controls.iter().map(|control| &control.claimed)));
        let released = released.unwrap_or_else(|panic| Err(StoreError::Database(panic.into())));
        match released {
            Ok(answers) => {
                let mut left = LeftBehind::default();
                for (control, answer) in controls.iter().zip(answers) {
                    match answer {
                        Fenced::Done(_) => {
                            control.give_up();
                            left.released += 1;
                        }
                        // Its outcome has been applied meanwhile, and nothing else will count.
                        Fenced::AlreadyDone { .. } => control.give_up(),
                        Fenced::LeaseLost | Fenced::Gone => control.lose(),
                    }
                }
                return left;
            }
            Err(error) => {
                log!(WARN, error = with_causes(&error), jobs = controls.len(), "jobs cannot be given back yet");
                shared.settings.metrics.store_failed(&error);
                let (patient, hurried) = GIVE_BACK_FOR;
                let most = if shared.floor.stop_wanted() == Stop::Now { hurried } else { patient };
                if began.elapsed() + pause > most {
                    return LeftBehind { released: 0, kept: controls.len() };
                }
                shared.floor.pause(pause);
                pause *= 2;
            }
        }
    }
    LeftBehind::default()
}
