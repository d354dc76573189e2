//! Time limits for SQL comparisons.

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::sql_types;
use diesel::sqlite::{Sqlite, SqliteType, SqliteValue};
use fieldfen_domain::{MAX_TIMESTAMP, MIN_TIMESTAMP, Timestamp};

use super::SqlTime;

/// The smallest text that any program may have written for this time.
///
/// SQLite compares these texts byte by byte. fieldfen writes six fraction digits, other programs omit trailing zeros:
/// `…:09` sorts before `…:09.000000`. A text at or above this limit means this time or a later one, and a text below it
/// an earlier one, for any number of digits. If no row can hold the time, the limit sorts before or after all rows.
pub(crate) fn least_text(time: Timestamp) -> String {
    match SqlTime(time).text() {
        Some(text) => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        None if time.timestamp() < 0 => String::new(),
        None => ":".to_owned(),
    }
}

/// The first time that compares as not less than the value of a column; `None` if the value sorts above all times.
///
/// SQLite sorts numbers before all texts and blobs after them. Texts in other forms, also those with a `T` in the
/// middle, sort anywhere among the regular times. A statement treats the row as due from this time on.
#[derive(Debug, Clone, Copy, FromSqlRow)]
pub(crate) struct DueFrom(pub(crate) Option<Timestamp>);

impl FromSql<sql_types::Timestamp, Sqlite> for DueFrom {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self(match value.value_type() {
            Some(SqliteType::Text) => reached_at(value.read_text()),
            Some(SqliteType::Binary) => None,
            _ => Some(MIN_TIMESTAMP),
        }))
    }
}

fn reached_at(text: &str) -> Option<Timestamp> {
    let (mut above, mut last) = (MIN_TIMESTAMP.timestamp_micros(), MAX_TIMESTAMP.timestamp_micros());
    let reached = |micros| {
        let time = Timestamp::from_timestamp_micros(micros)?;
        (SqlTime(time).text()?.as_str() >= text).then_some(time)
    };
    reached(last)?;
    while above < last {
        let middle = above + (last - above) / 2;
        match reached(middle) {
            Some(_) => last = middle,
            None => above = middle + 1,
        }
    }
    reached(last)
}

#[cfg(test)]
mod tests {
    use fieldfen_domain::Timestamp;

    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_limit_stands_between_earlier_times_and_its_own_however_they_are_written() {
        let limit = least_text(time("2026-11-23T14:05:10Z"));
        for own in ["2026-11-23 14:05:10", "2026-11-23 14:05:10.0", "2026-11-23 14:05:10.000000"] {
            assert!(own >= limit.as_str(), "{own}");
        }
        for earlier in ["2026-11-23 14:05:09", "2026-11-23 14:05:09.9", "2026-11-23 14:05:09.999999"] {
            assert!(earlier < limit.as_str(), "{earlier}");
        }
    }

    #[test]
    fn fractions_lose_their_last_zeros_and_years_beyond_the_text_are_beyond_all_rows() {
        assert_eq!(least_text(time("2026-11-23T14:05:10.500Z")), "2026-11-23 14:05:10.5");
        assert_eq!(least_text(time("2026-11-23T10:00:00Z")), "2026-11-23 10:00:00");
        assert!(least_text(Timestamp::MIN_UTC).as_str() < "0000-01-01 00:00:00");
        assert!(least_text(Timestamp::MAX_UTC).as_str() > "9999-12-31 23:59:59.999999");
    }

    #[test]
    fn a_text_is_reached_by_the_first_time_that_does_not_come_before_it() {
        for (text, reached) in [
            ("", Some("0000-01-01T00:00:00Z")),
            ("2026-11-23 14:05:10", Some("2026-11-23T14:05:10Z")),
            ("2026-11-23 14:05:10.000000", Some("2026-11-23T14:05:10Z")),
            ("2026-11-23 14:05:10.123456789", Some("2026-11-23T14:05:10.123457Z")),
            ("2026-11-23 14:05:10+01:00", Some("2026-11-23T14:05:10Z")),
            ("2026-11-23T14:05:10", Some("2026-11-24T00:00:00Z")),
            ("2026-11-31 00:00:00", Some("2026-12-01T00:00:00Z")),
            ("1763906709", Some("1764-01-01T00:00:00Z")),
            ("9999-12-31 23:59:59.999999", Some("9999-12-31T23:59:59.999999Z")),
            ("9999-12-31T00:00:00", None),
            ("soon", None),
        ] {
            assert_eq!(reached_at(text), reached.map(time), "{text:?}");
        }
    }
}
