//! Points in time, as the database keeps them.

use chrono::{DateTime, SubsecRound, Utc};

/// A point in time in UTC. Stores keep microseconds and cut off what is finer.
pub type Timestamp = DateTime<Utc>;

/// Cuts a time to whole microseconds, the resolution that every store keeps.
#[must_use]
pub fn to_micros(time: Timestamp) -> Timestamp {
    time.trunc_subsecs(6)
}
