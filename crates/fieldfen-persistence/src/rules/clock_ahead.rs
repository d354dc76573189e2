//! Recognises times that were written by a clock that was ahead of this one.

use fieldfen_domain::{CLOCK_TOLERANCE, MAX_TIMESTAMP, Timestamp, corrected_end, truncate_to_micros};

/// The latest time that a clock which agrees with this one may have written by now. If a row that should have been
/// written in the past has a later time, its clock was ahead.
pub(crate) fn latest_written(now: Timestamp) -> Timestamp {
    now.checked_add_signed(CLOCK_TOLERANCE).unwrap_or(MAX_TIMESTAMP).min(MAX_TIMESTAMP)
}

/// The end of a wait that begins in the future, counted from now. `None` if the length of the wait is unknown, because
/// another program has written one of its times.
pub(crate) fn wait_from_now(began: Option<Timestamp>, end: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    corrected_end(began?, end?, truncate_to_micros(now))
}

#[cfg(test)]
mod tests {
    use fieldfen_domain::MIN_TIMESTAMP;
    use fieldfen_testkit::fixtures::at;

    use super::*;

    #[test]
    fn a_time_of_a_clock_ahead_is_more_than_a_minute_from_now() {
        assert_eq!(latest_written(at(0)), at(60));
        assert_eq!(latest_written(MAX_TIMESTAMP), MAX_TIMESTAMP);
    }

    #[test]
    fn a_wait_keeps_its_length_and_ends_no_later_than_it_was_to() {
        for (began, end, now, expected) in [
            (Some(at(100)), Some(at(130)), at(0), Some(at(30))),
            (Some(at(100)), Some(at(90)), at(0), Some(at(0))),
            (Some(at(60)), Some(at(90)), at(0), None),
            (None, Some(at(90)), at(0), None),
            (Some(at(100)), None, at(0), None),
            (Some(at(100)), Some(MAX_TIMESTAMP), MIN_TIMESTAMP, Some(MIN_TIMESTAMP + (MAX_TIMESTAMP - at(100)))),
        ] {
            assert_eq!(wait_from_now(began, end, now), expected, "{began:?} to {end:?}, seen at {now}");
        }
    }
}
