//! The values in a row of `rate_limits`: its number, units that hold until a time, the content of a bucket, a block.

use std::time::Duration;

use crate::time::Timestamp;

/// The longest time for which a statement of an answer holds. A service that closes for longer is called again after
/// this time.
pub const MAX_REPORTED_SPAN: Duration = Duration::from_secs(24 * 60 * 60);

/// The number of a row of `rate_limits`. It is never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RateLimitId(i64);

impl RateLimitId {
    /// The row with this number.
    #[must_use]
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number of the row.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }
}

/// A number of units that holds until a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnitsUntil {
    /// The number of units.
    pub units: u64,
    /// The time from which nothing is known of them.
    pub until: Timestamp,
}

impl UnitsUntil {
    /// This number of units until this time.
    #[must_use]
    pub const fn new(units: u64, until: Timestamp) -> Self {
        Self { units, until }
    }
}

/// The content of a bucket at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BucketLevel {
    /// Millionths of a unit.
    pub micros: u64,
    /// The time at which the bucket held them.
    pub at: Timestamp,
}

impl BucketLevel {
    /// This number of millionths of a unit at this time.
    #[must_use]
    pub const fn new(micros: u64, at: Timestamp) -> Self {
        Self { micros, at }
    }
}

/// A time in which no call is made, because the service has refused one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Block {
    /// The time of the answer that began it.
    pub since: Timestamp,
    /// Its end.
    pub until: Timestamp,
    /// Why, for people to read.
    pub reason: String,
}

impl Block {
    /// A block of this length and reason.
    #[must_use]
    pub fn new(since: Timestamp, until: Timestamp, reason: impl Into<String>) -> Self {
        Self { since, until, reason: reason.into() }
    }
}
