//! Decides which of two status updates of a listing is newer.

use fieldfen_domain::Timestamp;
use fieldfen_domain::publication::ListingUpdate;

use super::clock_ahead::latest_written;

/// The known status events that an update replaces: none, an event at or before `not_after`, and an event after
/// `ahead_after`, which a clock that was ahead has dated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Replaces {
    pub(crate) not_after: Timestamp,
    pub(crate) ahead_after: Timestamp,
}

/// The known events that this update replaces. An update dated in the future counts as one of now.
pub(crate) fn replaces(update: &ListingUpdate) -> Replaces {
    Replaces { not_after: update.event_at.min(update.at), ahead_after: latest_written(update.at) }
}

#[cfg(test)]
mod tests {
    use fieldfen_domain::MAX_TIMESTAMP;
    use fieldfen_domain::publication::ListingStatus;
    use fieldfen_testkit::fixtures::at;

    use super::*;

    #[test]
    fn an_update_replaces_what_is_known_unless_that_is_newer() {
        // For updates that arrive at 100: whether an earlier, a simultaneous and a future event replace the known state.
        for (known, by_event_of_50, by_event_of_100, by_event_of_500) in [
            (at(49), true, true, true),
            (at(50), true, true, true),
            (at(51), false, true, true),
            (at(100), false, true, true),
            // The clock of another program may differ by a minute.
            (at(101), false, false, false),
            (at(160), false, false, false),
            // The time comes from a clock that was ahead.
            (at(161), true, true, true),
            (MAX_TIMESTAMP, true, true, true),
        ] {
            for (event_at, expected) in [(50, by_event_of_50), (100, by_event_of_100), (500, by_event_of_500)] {
                let Replaces { not_after, ahead_after } =
                    replaces(&ListingUpdate::new(ListingStatus::Active, at(event_at), at(100)));
                assert_eq!(known <= not_after || known > ahead_after, expected, "{known}, event of {event_at}");
            }
        }
    }
}
