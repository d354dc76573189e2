//! Times as services write them: seconds from now, seconds or milliseconds since 1970, and dates.

use chrono::{DateTime, TimeDelta, Utc};

use crate::Timestamp;
use crate::number::micros_rounded_up;

/// The last time that a reading tells: the end of the year 9999.
const LAST_MICROS: i64 = 253_402_300_799_999_999;

/// The time that is this many microseconds after another one, if it is before the year 10,000.
pub(crate) fn after(start: Timestamp, micros: u64) -> Option<Timestamp> {
    let end = start.checked_add_signed(TimeDelta::microseconds(i64::try_from(micros).ok()?))?;
    (end.timestamp_micros() <= LAST_MICROS).then_some(end)
}

/// The time that is this many seconds after another one. The seconds may have a fraction.
pub(crate) fn after_seconds(start: Timestamp, seconds: &str) -> Option<Timestamp> {
    after(start, micros_rounded_up(seconds)?)
}

/// A number of seconds from the answer on, or since 1970 in seconds, milliseconds or finer units, or a date.
///
/// Services use one name for all of them. A number below 1,000,000,000 is from the answer on, which is up to 31 years.
/// A larger one is a time since 2001, and its number of digits tells the unit.
pub(crate) fn reset(text: &str, received_at: Timestamp) -> Option<Timestamp> {
    let Some(micros) = micros_rounded_up(text) else {
        let text = text.trim_matches([' ', '\t']);
        return http_date(text).or_else(|| iso_date(text)).and_then(|date| not_past(date, received_at));
    };
    let micros_since_1970 = match micros / 1_000_000 {
        0..1_000_000_000 => return after(received_at, micros),
        1_000_000_000..100_000_000_000 => micros,
        100_000_000_000..100_000_000_000_000 => micros / 1_000,
        _ => return None,
    };
    not_past(after(DateTime::UNIX_EPOCH, micros_since_1970)?, received_at)
}

/// An HTTP date in one of the three forms of RFC 9110, section 5.6.7.
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    httpdate::parse_http_date(text).ok().map(DateTime::<Utc>::from)
}

/// A date in ISO 8601, as RFC 3339 has it.
pub(crate) fn iso_date(text: &str) -> Option<Timestamp> {
    DateTime::parse_from_rfc3339(text).ok().map(DateTime::<Utc>::from)
}

/// A time, unless it is before the answer or after the year 9999. A service that names a time in the past has another
/// clock or an error, and the time says nothing of the future.
pub(crate) fn not_past(time: Timestamp, received_at: Timestamp) -> Option<Timestamp> {
    (received_at <= time && time.timestamp_micros() <= LAST_MICROS).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_is_a_delta_an_epoch_or_a_date() {
        let received_at: Timestamp = "2024-12-31T23:59:00.5Z".parse().unwrap();
        let resets = [
            ("0", "2024-12-31T23:59:00.5Z"),
            ("60", "2025-01-01T00:00:00.5Z"),
            ("1.25", "2024-12-31T23:59:01.75Z"),
            ("999999999", "2056-09-09T01:45:39.5Z"),
            ("1735689600", "2025-01-01T00:00:00Z"),
            ("1735689600.125", "2025-01-01T00:00:00.125Z"),
            ("1735689600125", "2025-01-01T00:00:00.125Z"),
            ("99999999999", "5138-11-16T09:46:39Z"),
            ("Wed, 01 Jan 2025 00:00:00 GMT", "2025-01-01T00:00:00Z"),
            ("2025-01-01T01:00:00.000+01:00", "2025-01-01T00:00:00Z"),
        ];
        for (text, time) in resets {
            assert_eq!(reset(text, received_at), Some(time.parse().unwrap()), "{text:?}");
        }
        let nonsense = [
            "",
            "-60",
            "1000000000",
            "1735689540",
            "1735689540000",
            "999999999999999",
            "2024-12-31T23:59:00Z",
            "Tue, 31 Dec 2024 23:59:00 GMT",
            "9999-12-31T23:59:59-00:01",
            "10000-01-01T00:00:00Z",
            "+10000-01-01T00:00:00Z",
            "2025-01-01",
            "6m0s",
        ];
        for text in nonsense {
            assert_eq!(reset(text, received_at), None, "{text:?}");
        }
    }

    #[test]
    fn no_time_is_after_the_year_9999() {
        let last: Timestamp = "9999-12-31T23:59:59.999999Z".parse().unwrap();
        assert_eq!(after(last, 0), Some(last));
        assert_eq!(after(last, 1), None);
        assert_eq!(after(Timestamp::MAX_UTC, 0), None);
        assert_eq!(after(last, u64::MAX), None);
        assert_eq!(not_past(Timestamp::MAX_UTC, last), None);
    }
}
