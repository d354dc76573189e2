//! Decides whether a tick is the next one, and what a pause has changed.

use fieldfen_domain::recurring::{PauseOutcome, Tick};
use fieldfen_domain::{Timestamp, truncate_to_micros};

/// Returns whether a tick is the next tick of its work. `next_at` is the next tick in the row.
pub(crate) fn is_next(tick: &Tick, next_at: Timestamp) -> bool {
    next_at == truncate_to_micros(tick.due)
}

/// The answer to a pause or a resumption. `changed` says whether the row was changed, `exists` whether there is a row.
pub(crate) const fn pause_outcome(changed: bool, exists: bool) -> PauseOutcome {
    match (changed, exists) {
        (true, _) => PauseOutcome::Done,
        (false, true) => PauseOutcome::Unchanged,
        (false, false) => PauseOutcome::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fieldfen_testkit::fixtures::{at, recurring_name};

    use super::*;

    #[test]
    fn only_the_tick_that_the_row_has_is_taken() {
        for (due, next_at, expected) in [
            (at(60), at(60), true),
            // Rows keep microseconds.
            (at(60) + Duration::from_nanos(999), at(60), true),
            (at(60), at(59), false),
            (at(60), at(61), false),
            (at(60), at(120), false),
        ] {
            // Neither the following tick nor the time of taking a tick counts.
            for (following, now) in [(at(120), at(61)), (at(61), at(0))] {
                let tick = Tick::new(recurring_name("upkeep"), due, following, now);
                assert_eq!(is_next(&tick, next_at), expected, "{tick:?}, {next_at}");
            }
        }
    }

    #[test]
    fn a_pause_is_done_or_changes_nothing_or_finds_no_work() {
        for (changed, exists, expected) in [
            (true, true, PauseOutcome::Done),
            // Another program has deleted the row since.
            (true, false, PauseOutcome::Done),
            (false, true, PauseOutcome::Unchanged),
            (false, false, PauseOutcome::NotFound),
        ] {
            assert_eq!(pause_outcome(changed, exists), expected, "changed: {changed}, exists: {exists}");
        }
    }
}
