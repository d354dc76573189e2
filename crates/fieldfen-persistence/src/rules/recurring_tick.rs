//! Taking the ticks of recurring work, and pausing it.

use fieldfen_domain::recurring::{PauseOutcome, Tick};
use fieldfen_domain::{Timestamp, truncate_to_micros};

/// Whether a tick is the next one of its work, which the row says is at `next_at`.
pub(crate) fn is_next(tick: &Tick, next_at: Timestamp) -> bool {
    next_at == truncate_to_micros(tick.due)
}

/// The answer to a pause or a resumption, by whether it has changed the row and whether there is one.
pub(crate) const fn pause_outcome(changed: bool, exists: bool) -> PauseOutcome {
    match (changed, exists) {
        (true, _) => PauseOutcome::Done,
        (false, true) => PauseOutcome::Unchanged,
        (false, false) => PauseOutcome::NotFound,
    }
}
