//! Reads and writes times.
//!
//! fieldfen writes UTC text with exactly six fraction digits, so that texts sort like times. Other programs write fewer
//! digits: SQLite's `CURRENT_TIMESTAMP` writes none, SQLAlchemy six, diesel 0, 3, 6 or 9. This module reads all of
//! these forms. It refuses an offset, a number and an empty text, because their meaning is not certain.

use chrono::{Datelike, NaiveDate, Timelike};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types;
use diesel::sqlite::{Sqlite, SqliteType, SqliteValue};
use fieldfen_domain::Timestamp;

/// The `GLOB` pattern of the times that fieldfen writes. Only texts of this form sort like times. Partial indexes use
/// the pattern in their conditions.
macro_rules! regular_time {
    () => {
        "'[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]'"
    };
}

pub(crate) use regular_time;

/// The rule for times in error messages.
pub(super) const RULE: &str = "it must be UTC text like 2026-11-23 14:05:09.000000, without an offset";

/// A time to be written into the database.
#[derive(Debug, Clone, Copy, AsExpression)]
#[diesel(sql_type = sql_types::Timestamp)]
pub(crate) struct SqlTime(pub(crate) Timestamp);

impl SqlTime {
    /// The text in the database: 26 characters. `None` if the year does not fit into four digits.
    pub(crate) fn text(self) -> Option<String> {
        let time = self.0;
        let year = u32::try_from(time.year()).ok().filter(|year| *year <= 9999)?;
        let mut text = *b"0000-00-00 00:00:00.000000";
        // chrono gives a leap second a nanosecond part above one second. The text has no form for it, so that it
        // becomes the last microsecond before the next second.
        let micros = (time.nanosecond() / 1000).min(999_999);
        for (place, digits, mut number) in [
            (0, 4, year),
            (5, 2, time.month()),
            (8, 2, time.day()),
            (11, 2, time.hour()),
            (14, 2, time.minute()),
            (17, 2, time.second()),
            (20, 6, micros),
        ] {
            for digit in text[place..place + digits].iter_mut().rev() {
                *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
                number /= 10;
            }
        }
        String::from_utf8(text.to_vec()).ok()
    }
}

impl ToSql<sql_types::Timestamp, Sqlite> for SqlTime {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        let text = self.text().ok_or(OutOfRange(self.0))?;
        out.set_value(text);
        Ok(IsNull::No)
    }
}

/// A time whose year does not fit into four digits.
#[derive(Debug, thiserror::Error)]
#[error("the time {0} is not between the years 0 and 9999")]
pub(crate) struct OutOfRange(pub(crate) Timestamp);

/// A value read from a time column.
///
/// Reading it never fails, so that the error can name the row: see [`RowRef::time`](super::RowRef::time).
#[derive(Debug, Clone, FromSqlRow)]
pub(crate) enum StoredTime {
    /// A time in one of the known forms.
    Time(Timestamp),
    /// A text in another form.
    Text(String),
    /// A value of another type, whose SQLite name this is.
    Other(&'static str),
}

impl FromSql<sql_types::Timestamp, Sqlite> for StoredTime {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(match value.value_type() {
            Some(SqliteType::Text) => Self::from_text(value.read_text()),
            Some(SqliteType::Binary) => Self::Other("a blob"),
            Some(SqliteType::Float | SqliteType::Double) => Self::Other("a real number"),
            _ => Self::Other("an integer"),
        })
    }
}

impl StoredTime {
    /// The time, or `None` for any other value.
    pub(crate) const fn time(&self) -> Option<Timestamp> {
        match self {
            Self::Time(time) => Some(*time),
            Self::Text(_) | Self::Other(_) => None,
        }
    }

    fn from_text(text: &str) -> Self {
        parse(text.as_bytes()).map_or_else(|| Self::Text(text.to_owned()), Self::Time)
    }
}

/// Reads `YYYY-MM-DD HH:MM:SS` with a `T` or a blank in the middle and 0 to 9 fraction digits, truncated to
/// microseconds.
///
/// chrono's parser accepts the same forms but takes about ten times as long. A claim reads several times for each job.
fn parse(text: &[u8]) -> Option<Timestamp> {
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0')))
    };
    let [date @ .., _, _, _, _, _, _, _, _] = text.get(..19)? else { return None };
    let time = &text[11..19];
    let punctuated = date[4] == b'-' && date[7] == b'-' && time[2] == b':' && time[5] == b':';
    if !punctuated || (date[10] != b' ' && date[10] != b'T') {
        return None;
    }
    let micros = match &text[19..] {
        [] => 0,
        [b'.', digits @ ..] if (1..=9).contains(&digits.len()) => {
            let digits_read = digits.len().min(6);
            number(digits)?;
            number(&digits[..digits_read])? * 10_u32.pow(u32::try_from(6 - digits_read).ok()?)
        }
        _ => return None,
    };
    let year = i32::try_from(number(&date[..4])?).ok()?;
    NaiveDate::from_ymd_opt(year, number(&date[5..7])?, number(&date[8..10])?)?
        .and_hms_micro_opt(number(&time[..2])?, number(&time[3..5])?, number(&time[6..])?, micros)
        .map(|time| time.and_utc())
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use fieldfen_domain::MAX_TIMESTAMP;

    use super::*;
    use crate::sqlite::columns::RowRef;

    fn read(text: &str) -> Result<String, String> {
        RowRef::known("jobs", "7")
            .time("run_at", StoredTime::from_text(text))
            .map(|time| SqlTime(time).text().unwrap())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn what_sqlite_sqlalchemy_and_diesel_write_is_read_and_written_with_six_digits() {
        for (stored, written) in [
            ("2026-11-23 14:05:09", "2026-11-23 14:05:09.000000"),
            ("2026-11-23 14:05:09.5", "2026-11-23 14:05:09.500000"),
            ("2026-11-23 14:05:09.123", "2026-11-23 14:05:09.123000"),
            ("2026-11-23 14:05:09.123456", "2026-11-23 14:05:09.123456"),
            ("2026-11-23T14:05:09.123456789", "2026-11-23 14:05:09.123456"),
            ("1970-01-01 00:00:00.000000", "1970-01-01 00:00:00.000000"),
        ] {
            assert_eq!(read(stored).unwrap(), written);
        }
    }

    #[test]
    fn everything_else_is_an_error_that_names_the_place() {
        for stored in [
            "",
            "2026-11-23",
            "2026-11-23 14:05:09+01:00",
            "2026-11-23 14:05:09Z",
            "1763906709",
            "2026-13-01 00:00:00",
            "2026-11-23 14:05:09.",
            "gestern um halb zwei…",
        ] {
            let message = read(stored).unwrap_err();
            assert!(message.starts_with("jobs 7: column run_at holds"), "{message}");
            assert!(message.contains(&format!("{stored:?}")), "{message}");
        }
    }

    #[test]
    fn every_time_of_four_digit_years_survives_and_others_are_refused() {
        for micros in [-62_167_219_200_000_000, -1, 0, 1, 1_763_906_709_123_456, 253_402_300_799_999_999] {
            let time = DateTime::from_timestamp_micros(micros).unwrap();
            let text = SqlTime(time).text().unwrap();
            assert_eq!(text, time.format("%Y-%m-%d %H:%M:%S%.6f").to_string());
            assert_eq!(RowRef::known("t", "r").time("c", StoredTime::from_text(&text)).unwrap(), time);
        }
        assert_eq!(SqlTime(MAX_TIMESTAMP).text().unwrap(), "9999-12-31 23:59:59.999999");
        for micros in [-62_167_219_200_000_001, 253_402_300_800_000_000] {
            assert_eq!(SqlTime(DateTime::from_timestamp_micros(micros).unwrap()).text(), None);
        }
    }
}
