//! The forms in which Python programs and SQLite write times.
//!
//! A time without an offset means UTC: the specification's `CURRENT_TIMESTAMP` is UTC
//! (<https://sqlite.org/lang_createtable.html>, section 3.2), and SQLAlchemy stores a `datetime` as it is, without its
//! zone. The local time of a program that says so nowhere cannot be told from UTC afterwards.

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime, TimeDelta, Timelike as _};
use fieldfen_domain::Timestamp;

use super::form::{Form, NULL, no_text};
use super::value::Value;

/// The form that fieldfen and SQLAlchemy write.
pub(super) const REGULAR: Form = Form::kept("YYYY-MM-DD HH:MM:SS.ffffff");

/// The first and the last second in which a number can be a time: the years 2000 to 2099. Outside of them, the number
/// may be something else, for example a date without hyphens.
const SECONDS_OF_NUMBERS: (f64, f64) = (946_684_800.0, 4_102_444_799.0);

/// The Julian day of the Unix epoch.
const UNIX_EPOCH_DAY: f64 = 2_440_587.5;

/// The form of a time, and the time; `None` if the value has no certain meaning.
pub(super) fn read(value: &Value) -> (Form, Option<Timestamp>) {
    match value {
        Value::Null => (NULL, None),
        #[expect(clippy::cast_precision_loss, reason = "every microsecond of the allowed years fits")]
        Value::Integer(number) => of_number(*number as f64),
        Value::Real(number) => of_number(*number),
        Value::Text(text) if text.is_empty() => (Form::refused("an empty text"), None),
        Value::Text(text) => match of_text(text) {
            Some((form, time)) => (form, Some(time)),
            None => (Form::refused("no time"), None),
        },
        other => (no_text(other), None),
    }
}

/// The text that fieldfen writes for a time.
pub(super) fn written(time: Timestamp) -> String {
    time.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

fn of_number(number: f64) -> (Form, Option<Timestamp>) {
    // A floating-point Julian day has no more than milliseconds, as SQLite reads it.
    let days = ((number - UNIX_EPOCH_DAY) * 86_400_000.0).round() / 1000.0;
    let readings = [
        ("seconds since 1970", number, 1.0),
        ("milliseconds since 1970", number, 1e-3),
        ("microseconds since 1970", number, 1e-6),
        ("a Julian day", days, 1.0),
    ];
    let (from, to) = SECONDS_OF_NUMBERS;
    let reading = readings.into_iter().find(|(_, number, unit)| (from..=to).contains(&(number * unit)));
    let time = reading.and_then(|(name, number, unit)| {
        #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
        let micros = (number * (unit * 1e6)).round() as i64;
        Some((Form::normalised(name), DateTime::from_timestamp_micros(micros)?))
    });
    time.map_or((Form::refused("a number that is no time from 2000 to 2099"), None), |(form, time)| (form, Some(time)))
}

fn of_text(text: &str) -> Option<(Form, Timestamp)> {
    let (date, rest) = text.split_at_checked(10)?;
    let date = has_shape(date, "0000-00-00").then(|| NaiveDate::parse_from_str(date, "%Y-%m-%d").ok())??;
    let Some(separator) = rest.chars().next() else {
        return Some((Form::normalised("YYYY-MM-DD"), date.and_time(NaiveTime::MIN).and_utc()));
    };
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (clock, offset) = rest.split_at(rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len()));
    let (time, digits) = time_of_day(clock.trim_end())?;
    let form = match (offset, separator, digits) {
        ("Z" | "z", ..) => Form::normalised("with Z"),
        (_, _, _) if !offset.is_empty() => Form::normalised("with an offset"),
        (_, 'T' | 't', _) => Form::normalised("YYYY-MM-DDTHH:MM:SS"),
        (_, _, Some(6)) => REGULAR,
        (_, _, Some(0)) => Form::normalised("YYYY-MM-DD HH:MM:SS"),
        (_, _, Some(_)) => Form::normalised("YYYY-MM-DD HH:MM:SS with other digits"),
        (_, _, None) => Form::normalised("YYYY-MM-DD HH:MM"),
    };
    let time = date.and_time(time).checked_sub_signed(offset_of(offset)?)?.and_utc();
    (0..=9999).contains(&time.year()).then_some((form, time))
}

/// Reads `HH:MM`, with seconds and a fraction of up to nine digits. Also returns the number of digits of the fraction;
/// `None` without seconds. The fraction is cut to microseconds.
fn time_of_day(text: &str) -> Option<(NaiveTime, Option<usize>)> {
    let (clock, fraction) = text.split_once(['.', ',']).map_or((text, ""), |(clock, fraction)| (clock, fraction));
    let has_fraction = clock.len() < text.len();
    let is_digits = (1..=9).contains(&fraction.len()) && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let has_seconds = has_shape(clock, "00:00:00");
    if has_fraction && !(is_digits && has_seconds) || !has_seconds && !has_shape(clock, "00:00") {
        return None;
    }
    let format = if has_seconds { "%H:%M:%S" } else { "%H:%M" };
    let time = NaiveTime::parse_from_str(clock, format).ok()?;
    // chrono reads second 60 as a leap second, for which no form in the database exists.
    let micros: u32 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    let time = if time.nanosecond() == 0 { time.with_nanosecond(micros * 1000)? } else { return None };
    Some((time, has_seconds.then_some(fraction.len())))
}

/// Reads `Z`, `+HH:MM`, `+HHMM`, `+HH`, the same forms with a minus, or nothing.
fn offset_of(text: &str) -> Option<TimeDelta> {
    if matches!(text, "" | "Z" | "z") {
        return Some(TimeDelta::zero());
    }
    let (sign, digits) = match text.strip_prefix('+') {
        Some(digits) => (1, digits),
        None => (-1, text.strip_prefix('-')?),
    };
    if !["00", "0000", "00:00"].iter().any(|shape| has_shape(digits, shape)) {
        return None;
    }
    let hours: i64 = digits.get(..2)?.parse().ok()?;
    let minutes: i64 = digits.get(2..)?.trim_start_matches(':').parse().unwrap_or(0);
    (hours <= 14 && minutes <= 59).then(|| TimeDelta::minutes(sign * (hours * 60 + minutes)))
}

/// Whether a text has a digit where the shape has `0`, and the characters of the shape elsewhere.
fn has_shape(text: &str, shape: &str) -> bool {
    let fits = |(byte, wanted): (u8, u8)| if wanted == b'0' { byte.is_ascii_digit() } else { byte == wanted };
    text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adopt::form::Treatment;

    fn read_text(text: &str) -> (Form, Option<String>) {
        let (form, time) = read(&Value::Text(text.to_owned()));
        (form, time.map(written))
    }

    #[test]
    fn each_form_is_read_as_the_same_instant() {
        for (text, form, time) in [
            ("2026-11-23 14:05:09.000001", REGULAR, "2026-11-23 14:05:09.000001"),
            ("2026-11-23 14:05:09", Form::normalised("YYYY-MM-DD HH:MM:SS"), "2026-11-23 14:05:09.000000"),
            (
                "2026-11-23 14:05:09.1234567",
                Form::normalised("YYYY-MM-DD HH:MM:SS with other digits"),
                "2026-11-23 14:05:09.123456",
            ),
            ("2026-11-23T14:05:09.5", Form::normalised("YYYY-MM-DDTHH:MM:SS"), "2026-11-23 14:05:09.500000"),
            ("2026-11-23T14:05:09Z", Form::normalised("with Z"), "2026-11-23 14:05:09.000000"),
            ("2026-11-23 07:05:09-07:00", Form::normalised("with an offset"), "2026-11-23 14:05:09.000000"),
            ("2026-11-23T15:35:09.000001 +0130", Form::normalised("with an offset"), "2026-11-23 14:05:09.000001"),
            ("2026-11-23T16:05+02", Form::normalised("with an offset"), "2026-11-23 14:05:00.000000"),
            ("2026-11-23 14:05", Form::normalised("YYYY-MM-DD HH:MM"), "2026-11-23 14:05:00.000000"),
            ("2026-11-23", Form::normalised("YYYY-MM-DD"), "2026-11-23 00:00:00.000000"),
        ] {
            assert_eq!(read_text(text), (form, Some(time.to_owned())), "{text}");
        }
    }

    #[test]
    fn numbers_are_times_of_this_century_alone() {
        for (value, form) in [
            (Value::Integer(1_795_600_800), "seconds since 1970"),
            (Value::Real(1_795_600_800.0), "seconds since 1970"),
            (Value::Integer(1_795_600_800_000), "milliseconds since 1970"),
            (Value::Integer(1_795_600_800_000_000), "microseconds since 1970"),
            (Value::Real(2_461_369.916_666_666_5), "a Julian day"),
        ] {
            let (found, time) = read(&value);
            assert_eq!(found, Form::normalised(form), "{value}");
            assert_eq!(time.map(|time| written(time)[..19].to_owned()).unwrap(), "2026-11-25 10:00:00", "{value}");
        }
        for value in [Value::Integer(20_261_125), Value::Integer(0), Value::Integer(i64::MAX), Value::Real(f64::NAN)] {
            assert_eq!(read(&value).0.treatment, Treatment::Refused, "{value}");
        }
    }

    #[test]
    fn other_values_have_no_certain_meaning() {
        for text in [
            "",
            "yesterday",
            "2026-02-30 00:00:00",
            "2026-13-01",
            "2026-11-23 24:00:00",
            "2026-11-23 14:05:60",
            "2026-11-23 14:05:09.",
            "2026-11-23 14:05:09.1234567890",
            "2026-11-23 14:05.5",
            "2026-11-23 14:05:09+15:00",
            "2026-11-23 14:05:09+1",
            "2026-11-23 14:05:09 UTC",
            "2026-1-5 10:00:00",
            "0000-01-01 00:00:00+01:00",
            "2026-11-2é 10:00:00",
            "+026-11-23",
        ] {
            assert_eq!(read_text(text).0.treatment, Treatment::Refused, "{text}");
        }
        for value in [Value::Blob(vec![1]), Value::NotUtf8(vec![0xe9])] {
            assert_eq!(read(&value).0.treatment, Treatment::Refused, "{value}");
        }
        assert_eq!(read(&Value::Null), (NULL, None));
    }
}
