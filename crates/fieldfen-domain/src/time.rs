//! Points in time, as the database keeps them.

use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

/// A point in time in UTC. Stores keep microseconds and truncate finer parts.
pub type Timestamp = DateTime<Utc>;

/// Cuts a time to whole microseconds, the resolution that every store keeps.
#[must_use]
pub fn truncate_to_micros(time: Timestamp) -> Timestamp {
    time.trunc_subsecs(6)
}

/// The time plus a span, at most [`MAX_TIMESTAMP`].
#[must_use]
pub fn later(time: Timestamp, span: Duration) -> Timestamp {
    let sum = TimeDelta::from_std(span).ok().and_then(|span| time.checked_add_signed(span));
    sum.map_or(MAX_TIMESTAMP, |sum| sum.min(MAX_TIMESTAMP))
}

/// The largest difference between two clocks that is tolerated. If a time that should be past is further in the future
/// than this, its clock was ahead.
pub const CLOCK_TOLERANCE: TimeDelta = TimeDelta::minutes(1);

/// Returns whether a time that should be past is in the future by more than [`CLOCK_TOLERANCE`], because a clock that
/// was ahead has written it.
#[must_use]
pub fn is_ahead(time: Timestamp, now: Timestamp) -> bool {
    time.signed_duration_since(now) > CLOCK_TOLERANCE
}

/// The corrected end of a span of time that a clock that was ahead has written: the span begins now, keeps its length,
/// and ends no later than before. `None` if the beginning is not [ahead](is_ahead) and the end stays unchanged.
#[must_use]
pub fn corrected_end(began: Timestamp, end: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let span = end.signed_duration_since(began).to_std().unwrap_or_default();
    is_ahead(began, now).then(|| later(now, span).min(end))
}

/// The first time that every store can keep: the beginning of the year 0.
pub const MIN_TIMESTAMP: Timestamp = from_micros(-62_167_219_200_000_000);

/// The last time that every store can keep: the end of the year 9999.
pub const MAX_TIMESTAMP: Timestamp = from_micros(253_402_300_799_999_999);

const fn from_micros(micros: i64) -> Timestamp {
    match DateTime::from_timestamp_micros(micros) {
        Some(time) => time,
        None => DateTime::UNIX_EPOCH,
    }
}
