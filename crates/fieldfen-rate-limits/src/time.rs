//! Times as services write them: seconds from now, seconds or milliseconds since 1970, and dates.

use chrono::{DateTime, TimeDelta, Utc};

use crate::Timestamp;
use crate::number::micros_rounded_up;

/// The last time that a reading tells: the end of the year 9999.
const LAST_MICROS: i64 = 253_402_300_799_999_999;

/// The time so many microseconds after another one, if it is before the year 10,000.
pub(crate) fn after(start: Timestamp, micros: u64) -> Option<Timestamp> {
    let end = start.checked_add_signed(TimeDelta::microseconds(i64::try_from(micros).ok()?))?;
    (end.timestamp_micros() <= LAST_MICROS).then_some(end)
}

/// The time so many seconds after another one. The seconds may have a fraction.
pub(crate) fn after_seconds(start: Timestamp, seconds: &str) -> Option<Timestamp> {
    after(start, micros_rounded_up(seconds)?)
}

/// An HTTP date in one of the three forms of RFC 9110, section 5.6.7.
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    httpdate::parse_http_date(text).ok().map(DateTime::<Utc>::from)
}

/// A date in ISO 8601, as RFC 3339 has it.
#[expect(dead_code, reason = "the readers of the services follow")]
pub(crate) fn iso_date(text: &str) -> Option<Timestamp> {
    DateTime::parse_from_rfc3339(text).ok().map(DateTime::<Utc>::from)
}

/// A time, unless it is before the answer or after the year 9999. A service that names a time in the past has another
/// clock or an error, and the time says nothing of the future.
pub(crate) fn not_past(time: Timestamp, received_at: Timestamp) -> Option<Timestamp> {
    (received_at <= time && time.timestamp_micros() <= LAST_MICROS).then_some(time)
}
