//! Calls that have been settled and still count in a window.

use std::time::Duration;

use crate::time::Timestamp;

/// A window is cut into so many cells. Calls of one cell stop counting together, so that a limit of any size has at
/// most this number of cells and a few more. A call counts for up to one cell longer than the window: at most 1/256.
const CELLS_PER_WINDOW: i64 = 256;

/// Units of settled calls that stop counting at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct UsageCell {
    /// The time from which they no longer count.
    pub frees_at: Timestamp,
    /// The number of units.
    pub units: u64,
}

impl UsageCell {
    /// So many units that count until this time.
    #[must_use]
    pub const fn new(frees_at: Timestamp, units: u64) -> Self {
        Self { frees_at, units }
    }

    /// The cell of units that the service counted at this time or before. They count for more than one window from then
    /// on.
    pub(super) fn of_window(counted_by: Timestamp, window: Duration, units: u64) -> Self {
        let window = micros(window);
        let size = cell_size(window);
        let free = counted_by.timestamp_micros().saturating_add(window);
        let frees_at = free.saturating_sub(free.rem_euclid(size)).saturating_add(size);
        Self::new(Timestamp::from_timestamp_micros(frees_at).unwrap_or(crate::MAX_TIMESTAMP), units)
    }
}

/// The latest time until which a cell written now can count. A later one was written by a clock that was ahead.
pub(super) fn last_possible_cell(window: Duration, now: Timestamp) -> Timestamp {
    let window = micros(window);
    let last = now.timestamp_micros().saturating_add(window).saturating_add(2 * cell_size(window));
    Timestamp::from_timestamp_micros(last).unwrap_or(crate::MAX_TIMESTAMP)
}

fn cell_size(window_micros: i64) -> i64 {
    (window_micros / CELLS_PER_WINDOW).max(1)
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_ends_more_than_a_window_and_at_most_a_window_and_a_cell_after_the_call() {
        let window = Duration::from_secs(60);
        for micros in [0, 1, 234_374, 234_375, 234_376, 59_999_999, 1_767_225_600_123_456] {
            let at = Timestamp::from_timestamp_micros(micros).unwrap();
            let cell = UsageCell::of_window(at, window, 3);
            let counts = (cell.frees_at - at).num_microseconds().unwrap();
            assert!((60_000_001..=60_234_375).contains(&counts), "{micros}: {counts}");
            assert!(cell.frees_at <= last_possible_cell(window, at));
            assert_eq!(cell.units, 3);
        }
    }

    #[test]
    fn the_calls_of_a_window_share_at_most_257_cells() {
        let window = Duration::from_secs(24 * 60 * 60);
        let start = 1_767_225_600_000_000_i64;
        let cells = (0..100_000).map(|call| {
            let at = Timestamp::from_timestamp_micros(start + call * 864_000).unwrap();
            UsageCell::of_window(at, window, 1).frees_at
        });
        assert!(cells.collect::<std::collections::BTreeSet<_>>().len() <= 257);
    }
}
