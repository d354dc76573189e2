//! Which of two reports about a listing is newer.

use fieldfen_domain::Timestamp;
use fieldfen_domain::publication::ListingUpdate;

use super::clock_ahead::latest_written;

/// Which known event of a listing an update replaces: none, one that is not after `not_after`, or one that is after
/// `ahead_after`, since a clock that was ahead has dated it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Replaces {
    pub(crate) not_after: Timestamp,
    pub(crate) ahead_after: Timestamp,
}

/// Which known event this update replaces. An event in the future counts as one of now.
pub(crate) fn replaces(update: &ListingUpdate) -> Replaces {
    Replaces { not_after: update.event_at.min(update.at), ahead_after: latest_written(update.at) }
}
