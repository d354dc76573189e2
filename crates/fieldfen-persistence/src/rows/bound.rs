//! Times as limits of a comparison.

use fieldfen_domain::Timestamp;

use super::SqlTime;

/// The least text that any program may have written for this time.
///
/// fieldfen writes six fraction digits, others fewer where the last ones are zero, and texts compare letter by letter:
/// `…:09` comes before `…:09.000000`. A text at or above this limit means this time or a later one, a text below it an
/// earlier one, however many digits it has. Times that no row can hold become a limit below or above all rows.
pub(crate) fn limit(time: Timestamp) -> String {
    match SqlTime(time).text() {
        Some(text) => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        None if time.timestamp() < 0 => String::new(),
        None => ":".to_owned(),
    }
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
        let limit = limit(time("2026-11-23T14:05:10Z"));
        for own in ["2026-11-23 14:05:10", "2026-11-23 14:05:10.0", "2026-11-23 14:05:10.000000"] {
            assert!(own >= limit.as_str(), "{own}");
        }
        for earlier in ["2026-11-23 14:05:09", "2026-11-23 14:05:09.9", "2026-11-23 14:05:09.999999"] {
            assert!(earlier < limit.as_str(), "{earlier}");
        }
    }

    #[test]
    fn fractions_lose_their_last_zeros_and_years_beyond_the_text_are_beyond_all_rows() {
        assert_eq!(limit(time("2026-11-23T14:05:10.500Z")), "2026-11-23 14:05:10.5");
        assert_eq!(limit(time("2026-11-23T10:00:00Z")), "2026-11-23 10:00:00");
        assert!(limit(Timestamp::MIN_UTC).as_str() < "0000-01-01 00:00:00");
        assert!(limit(Timestamp::MAX_UTC).as_str() > "9999-12-31 23:59:59.999999");
    }
}
