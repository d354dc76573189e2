//! The time until which the hash of a webhook counts as seen.

use chrono::TimeDelta;
use fieldfen_domain::{Timestamp, is_ahead, truncate_to_micros};

/// The retention of a row without `expires_at`. The database's specification has hashes deleted after 24 hours.
const SPECIFIED_RETENTION: TimeDelta = TimeDelta::hours(24);

/// The time at which a hash without `expires_at` expires.
pub(crate) fn specified_expiry(first_seen: Timestamp) -> Option<Timestamp> {
    first_seen.checked_add_signed(SPECIFIED_RETENTION)
}

/// Hashes without `expires_at` that were first seen at this time or earlier have expired by now.
pub(crate) fn specified_cutoff(now: Timestamp) -> Timestamp {
    now.checked_sub_signed(SPECIFIED_RETENTION).unwrap_or(now)
}

/// The time from which a stored hash counts as seen. `true` if that is now because a clock that was ahead has written
/// the row; the row is then written anew.
pub(crate) fn first_seen(stored: Option<Timestamp>, now: Timestamp) -> (Option<Timestamp>, bool) {
    let now = truncate_to_micros(now);
    if stored.is_some_and(|seen| is_ahead(seen, now)) { (Some(now), true) } else { (stored, false) }
}

#[cfg(test)]
mod tests {
    use fieldfen_domain::MAX_TIMESTAMP;
    use fieldfen_testkit::fixtures::at;

    use super::*;

    #[test]
    fn a_row_without_an_end_counts_for_24_hours() {
        let day = 24 * 60 * 60;
        assert_eq!(specified_expiry(at(0)), Some(at(day)));
        assert_eq!(specified_cutoff(at(day)), at(0));
        assert_eq!(specified_expiry(Timestamp::MAX_UTC), None);
        assert_eq!(specified_cutoff(Timestamp::MIN_UTC), Timestamp::MIN_UTC);
    }

    #[test]
    fn a_hash_that_was_first_seen_in_the_future_is_first_seen_now() {
        for (stored, expected) in [
            (None, (None, false)),
            (Some(at(-5)), (Some(at(-5)), false)),
            (Some(at(60)), (Some(at(60)), false)),
            (Some(at(61)), (Some(at(0)), true)),
            (Some(MAX_TIMESTAMP), (Some(at(0)), true)),
        ] {
            assert_eq!(first_seen(stored, at(0)), expected, "{stored:?}");
        }
    }
}
