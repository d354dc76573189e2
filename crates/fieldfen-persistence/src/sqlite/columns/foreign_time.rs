//! Reads the times that other programs write.

use chrono::{NaiveDate, TimeDelta};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::sql_types;
use diesel::sqlite::{Sqlite, SqliteType, SqliteValue};
use fieldfen_domain::{MAX_TIMESTAMP, MIN_TIMESTAMP, Timestamp};

/// The last second that SQLite's own functions read as a Unix time.
const LAST_UNIX_SECOND: f64 = 253_402_300_799.0;

/// SQLite's own functions read smaller numbers as Julian days.
const LAST_JULIAN_DAY: f64 = 5_373_484.5;

/// The Julian day of the Unix epoch.
const UNIX_EPOCH_DAY: f64 = 2_440_587.5;

/// The time that another program has written; `None` if its meaning is ambiguous or unknown.
///
/// A text is a date with an optional time of day, separated by a blank or a `T`, with any number of fraction digits,
/// and with `Z`, an offset or nothing at the end; without an offset it means UTC. A number means seconds, milliseconds
/// or microseconds since 1970, depending on its size, or a Julian day, as in SQLite's modifier `auto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromSqlRow)]
pub(crate) struct ForeignTime(pub(crate) Option<Timestamp>);

impl FromSql<sql_types::Timestamp, Sqlite> for ForeignTime {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let time = match value.value_type() {
            Some(SqliteType::Text) => std::str::from_utf8(value.read_blob()).ok().and_then(text),
            Some(SqliteType::Binary) => None,
            Some(SqliteType::Float | SqliteType::Double) => number(value.read_double()),
            _ => whole_number(value.read_long()),
        };
        Ok(Self(time.filter(|time| (MIN_TIMESTAMP..=MAX_TIMESTAMP).contains(time))))
    }
}

fn whole_number(number_read: i64) -> Option<Timestamp> {
    const SECONDS: i64 = LAST_UNIX_SECOND as i64;
    match number_read.unsigned_abs() {
        // Julian days are numbers of this size too. SQLite stores a whole Julian day as an integer.
        0..=5_373_484 => number(number_read as f64),
        magnitude if magnitude <= SECONDS.unsigned_abs() => Timestamp::from_timestamp(number_read, 0),
        magnitude if magnitude <= SECONDS.unsigned_abs() * 1000 => Timestamp::from_timestamp_millis(number_read),
        _ => Timestamp::from_timestamp_micros(number_read),
    }
}

fn number(number: f64) -> Option<Timestamp> {
    let micros_each = match number {
        _ if (0.0..LAST_JULIAN_DAY).contains(&number) => 86_400_000_000.0,
        _ if number.abs() <= LAST_UNIX_SECOND => 1_000_000.0,
        _ if number.abs() <= LAST_UNIX_SECOND * 1000.0 => 1000.0,
        _ => 1.0,
    };
    let since_epoch = if (0.0..LAST_JULIAN_DAY).contains(&number) { number - UNIX_EPOCH_DAY } else { number };
    let micros = (since_epoch * micros_each).round();
    // The cast clamps a number beyond the calendar to the range of i64, which is outside the calendar too.
    if micros.is_finite() { Timestamp::from_timestamp_micros(micros as i64) } else { None }
}

fn text(text: &str) -> Option<Timestamp> {
    let mut rest = text.trim();
    let year = digits(&mut rest, 4)?;
    let compact = !skip(&mut rest, "-");
    let month = digits(&mut rest, 2)?;
    if !compact && !skip(&mut rest, "-") {
        return None;
    }
    let day = digits(&mut rest, 2)?;
    let first = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, u32::try_from(month).ok()?, 1)?;
    // SQLite reads the 30th of February as the second of March.
    let date = first.checked_add_signed(TimeDelta::days(day - 1)).filter(|_| (1..=31).contains(&day))?;
    let mut time = TimeDelta::zero();
    if skip(&mut rest, "T") || skip(&mut rest, "t") || skip(&mut rest, " ") {
        time = time_of_day(&mut rest, compact)?;
    }
    let offset = offset(rest.trim_start())?;
    Some(date.and_time(chrono::NaiveTime::MIN).checked_add_signed(time)?.checked_sub_signed(offset)?.and_utc())
}

/// Reads `HH:MM` with optional seconds and an optional fraction; 24:00:00 is the start of the next day.
fn time_of_day(rest: &mut &str, compact: bool) -> Option<TimeDelta> {
    let hours = digits(rest, 2)?;
    if !compact && !skip(rest, ":") {
        return None;
    }
    let minutes = digits(rest, 2)?;
    let mut micros = 0;
    let mut seconds = 0;
    if if compact { rest.starts_with(|c: char| c.is_ascii_digit()) } else { skip(rest, ":") } {
        seconds = digits(rest, 2)?;
        if skip(rest, ".") || skip(rest, ",") {
            let fraction = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let read = fraction.min(6);
            micros = digits(rest, read)? * 10_i64.pow(u32::try_from(6 - read).ok()?);
            *rest = &rest[fraction - read..];
        }
    }
    let in_range = hours <= 24 && minutes <= 59 && seconds <= 59;
    in_range.then(|| TimeDelta::seconds(hours * 3600 + minutes * 60 + seconds) + TimeDelta::microseconds(micros))
}

/// Reads `Z`, `+HH:MM`, `+HHMM`, `+HH`, the same forms with a minus, or nothing.
fn offset(mut rest: &str) -> Option<TimeDelta> {
    if matches!(rest, "" | "Z" | "z") {
        return Some(TimeDelta::zero());
    }
    let sign = if skip(&mut rest, "+") { 1 } else { skip(&mut rest, "-").then_some(-1)? };
    let hours = digits(&mut rest, 2)?;
    skip(&mut rest, ":");
    let minutes = if rest.is_empty() { 0 } else { digits(&mut rest, 2)? };
    let ends = rest.is_empty() && hours <= 14 && minutes <= 59;
    ends.then(|| TimeDelta::minutes(sign * (hours * 60 + minutes)))
}

/// Reads a number of at most `count` digits and at least one.
fn digits(rest: &mut &str, count: usize) -> Option<i64> {
    let number = rest.get(..count).filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))?;
    *rest = &rest[count..];
    number.parse().ok()
}

fn skip(rest: &mut &str, what: &str) -> bool {
    let behind = rest.strip_prefix(what);
    *rest = behind.unwrap_or(rest);
    behind.is_some()
}

#[cfg(test)]
mod tests {
    use diesel::prelude::*;

    use super::*;
    use crate::sqlite::columns::test_database::database;

    fn read(sql: &str) -> Option<String> {
        let ForeignTime(time) =
            diesel::select(diesel::dsl::sql::<sql_types::Timestamp>(sql)).get_result(&mut database()).unwrap();
        time.map(|time| time.format("%Y-%m-%d %H:%M:%S%.6f").to_string())
    }

    #[test]
    fn what_python_javascript_and_sqlite_write_is_understood() {
        for (sql, time) in [
            ("'2026-11-25 10:00:00'", "2026-11-25 10:00:00.000000"),
            ("'2026-11-25 10:00:00.5'", "2026-11-25 10:00:00.500000"),
            ("'2026-11-25 10:00:00.1234567891'", "2026-11-25 10:00:00.123456"),
            ("'2026-11-25T10:00:00'", "2026-11-25 10:00:00.000000"),
            ("'2026-11-25T10:00:00.250Z'", "2026-11-25 10:00:00.250000"),
            ("'2026-11-25 10:00:00+00:00'", "2026-11-25 10:00:00.000000"),
            ("'2026-11-25T10:00:00.000001+01:30'", "2026-11-25 08:30:00.000001"),
            ("'2026-11-25 10:00:00-0500'", "2026-11-25 15:00:00.000000"),
            ("'2026-11-25T10:00:00 +02'", "2026-11-25 08:00:00.000000"),
            ("'2026-11-25 10:00'", "2026-11-25 10:00:00.000000"),
            ("'2026-11-25'", "2026-11-25 00:00:00.000000"),
            ("'2026-11-25 24:00:00'", "2026-11-26 00:00:00.000000"),
            ("'2026-02-30 12:00:00'", "2026-03-02 12:00:00.000000"),
            ("'20261125T100000Z'", "2026-11-25 10:00:00.000000"),
            (" ' 2026-11-25 10:00:00\n'", "2026-11-25 10:00:00.000000"),
            ("1795600800", "2026-11-25 10:00:00.000000"),
            ("1795600800.25", "2026-11-25 10:00:00.250000"),
            ("1795600800250", "2026-11-25 10:00:00.250000"),
            ("1795600800250000", "2026-11-25 10:00:00.250000"),
            ("2461369.5", "2026-11-25 00:00:00.000000"),
            ("julianday('2026-11-25 12:00:00')", "2026-11-25 12:00:00.000000"),
            ("-1", "1969-12-31 23:59:59.000000"),
        ] {
            assert_eq!(read(sql).as_deref(), Some(time), "{sql}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for sql in [
            "'soon'",
            "''",
            "'2026-13-01 00:00:00'",
            "'2026-11-32'",
            "'2026-11-25 25:00:00'",
            "'2026-11-25 10:60:00'",
            "'2026-11-25 10:00:00.'",
            "'2026-11-25 10:00:00 tomorrow'",
            "'2026-11-25 10:00:00+99:00'",
            "'2026-1-5 10:00:00'",
            "'9999-12-31 24:00:00'",
            "'zweitausend…'",
            "x'00'",
            "CAST(x'e9' AS TEXT)",
            "9223372036854775807",
            "1e300",
            "-1e300",
        ] {
            assert_eq!(read(sql), None, "{sql}");
        }
    }
}
