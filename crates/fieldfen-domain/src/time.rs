//! Points in time, as the database keeps them.

use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

/// A point in time in UTC. Stores keep microseconds and cut off what is finer.
pub type Timestamp = DateTime<Utc>;

/// Cuts a time to whole microseconds, the resolution that every store keeps.
#[must_use]
pub fn to_micros(time: Timestamp) -> Timestamp {
    time.trunc_subsecs(6)
}

/// The time that is this much later, at most [`LAST_TIME`].
#[must_use]
pub fn later(time: Timestamp, span: Duration) -> Timestamp {
    let sum = TimeDelta::from_std(span).ok().and_then(|span| time.checked_add_signed(span));
    sum.map_or(LAST_TIME, |sum| sum.min(LAST_TIME))
}

/// The first time that every store can keep: the beginning of the year 0.
pub const FIRST_TIME: Timestamp = from_micros(-62_167_219_200_000_000);

/// The last time that every store can keep: the end of the year 9999.
pub const LAST_TIME: Timestamp = from_micros(253_402_300_799_999_999);

const fn from_micros(micros: i64) -> Timestamp {
    match DateTime::from_timestamp_micros(micros) {
        Some(time) => time,
        None => DateTime::UNIX_EPOCH,
    }
}
