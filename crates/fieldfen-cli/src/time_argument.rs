//! Times in arguments: RFC 3339, or a span before or after now.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use fieldfen_domain::{Timestamp, truncate_to_micros};

/// The form of times in tables.
const SHOWN: &str = "%Y-%m-%d %H:%M:%S";

/// A time, or a span between it and now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeArgument {
    At(Timestamp),
    Span(TimeDelta),
}

impl TimeArgument {
    /// The time; a span counts back from now.
    pub(crate) fn before(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Span(span) => now.checked_sub_signed(span).unwrap_or(fieldfen_domain::MIN_TIMESTAMP),
        }
    }

    /// The time; a span counts forward from now.
    pub(crate) fn after(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Span(span) => now.checked_add_signed(span).unwrap_or(fieldfen_domain::MAX_TIMESTAMP),
        }
    }
}

impl FromStr for TimeArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rule = || {
            format!("{text:?} must be a time such as 2026-11-26T09:00:00Z, a day or a span such as 90s, 15m, 2h or 3d")
        };
        if let Some(span) = span(text) {
            return Ok(Self::Span(span));
        }
        // A time as tables show it, and a day, are in UTC.
        let at = DateTime::parse_from_rfc3339(text).map(|at| at.with_timezone(&Utc)).ok();
        let at = at.or_else(|| NaiveDateTime::parse_from_str(text, SHOWN).ok().map(|at| at.and_utc()));
        let at = at.or_else(|| text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0).map(|at| at.and_utc()));
        Ok(Self::At(truncate_to_micros(at.ok_or_else(rule)?)))
    }
}

/// A time in a table, in UTC to the second.
pub(crate) fn shown(at: Timestamp) -> String {
    at.format(SHOWN).to_string()
}

/// A duration in a table, rounded down to one decimal of its unit: `250 ms`, `3.8 s`, `2.5 min`, `1.2 h`.
pub(crate) fn shown_millis(millis: u64) -> String {
    let (unit, name) = match millis {
        0..1_000 => return format!("{millis} ms"),
        1_000..60_000 => (1_000, "s"),
        60_000..3_600_000 => (60_000, "min"),
        _ => (3_600_000, "h"),
    };
    match millis % unit * 10 / unit {
        0 => format!("{} {name}", millis / unit),
        tenth => format!("{}.{tenth} {name}", millis / unit),
    }
}

/// The span of a number and a unit: `s`, `m`, `h` or `d`.
fn span(text: &str) -> Option<TimeDelta> {
    let (number, seconds) = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)]
        .iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, *seconds)))?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    TimeDelta::try_seconds(number.parse::<i64>().ok()?.checked_mul(seconds)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_span_counts_from_now_in_either_direction() {
        let now = at("2026-11-26T12:00:00Z");
        let argument: TimeArgument = "2h".parse().unwrap();
        assert_eq!(argument.before(now), at("2026-11-26T10:00:00Z"));
        assert_eq!(argument.after(now), at("2026-11-26T14:00:00Z"));
        let far: TimeArgument = "99999999999d".parse().unwrap();
        assert!(far.after(now) > now && far.before(now) < now);
    }

    #[test]
    fn a_time_has_a_zone_and_microseconds() {
        let argument: TimeArgument = "2026-11-26T13:00:00.1234567+01:00".parse().unwrap();
        assert_eq!(argument, TimeArgument::At(at("2026-11-26T12:00:00.123456Z")));
    }

    #[test]
    fn a_day_and_a_time_as_tables_show_it_are_in_utc() {
        for (text, means) in [("2026-11-26", "2026-11-26T00:00:00Z"), ("2026-11-26 12:30:00", "2026-11-26T12:30:00Z")] {
            assert_eq!(text.parse(), Ok(TimeArgument::At(at(means))), "{text}");
        }
        assert_eq!(shown(at("2026-11-26T12:30:00Z")), "2026-11-26 12:30:00");
    }

    #[test]
    fn a_duration_has_the_unit_that_a_person_reads() {
        for (millis, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_000, "1 s"),
            (3_899, "3.8 s"),
            (59_999, "59.9 s"),
            (150_000, "2.5 min"),
            (3_600_000, "1 h"),
            (4_320_000, "1.2 h"),
            (u64::MAX, "5124095576030.4 h"),
        ] {
            assert_eq!(shown_millis(millis), text);
        }
    }

    #[test]
    fn other_texts_are_refused_with_the_rule() {
        for text in ["", "h", "-2h", "1.5h", "2w", "tomorrow", "2026-11-31", "2026-11-26T12:00:00", "é"] {
            let error = text.parse::<TimeArgument>().unwrap_err();
            assert!(error.contains("must be a time such as"), "{text}: {error}");
        }
    }
}
