//! `Retry-After` ([RFC 9110, section 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3)): a number of
//! seconds, or an HTTP date.
//!
//! Some services send seconds with a fraction: Shopify sends `2.0`. A client that takes only whole numbers would not
//! wait at all.

use crate::time::{after_seconds, http_date, not_past};
use crate::{Answer, Block, BlockSource, Reading};

/// Reads `Retry-After` of an answer that is an error. A redirection or an accepted job can have the field too, and no
/// limit is behind it. Of several lines, the latest time counts.
pub(crate) fn read(answer: &Answer<'_>, reading: &mut Reading) {
    if answer.status() < 400 {
        return;
    }
    let received_at = answer.received_at();
    for line in answer.lines("retry-after") {
        let until =
            after_seconds(received_at, line).or_else(|| http_date(line).and_then(|date| not_past(date, received_at)));
        if let Some(until) = until {
            reading.block(Block::new(until, BlockSource::RetryAfter));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    /// The seconds and microseconds until a retry, at Sun, 06 Nov 1994 08:49:00 GMT.
    fn wait(status: u16, lines: &[&str]) -> Option<i64> {
        let received_at: Timestamp = "1994-11-06T08:49:00Z".parse().unwrap();
        let answer = Answer::new(status, received_at).headers(lines.iter().map(|line| ("Retry-After", *line)));
        let mut reading = Reading::default();
        read(&answer, &mut reading);
        reading.blocked.map(|block| (block.until - received_at).num_microseconds().unwrap())
    }

    #[test]
    fn seconds_decimals_and_the_three_forms_of_a_date_are_read() {
        let waits = [
            ("120", 120_000_000),
            ("0", 0),
            ("2.0", 2_000_000),
            ("0.25", 250_000),
            ("1.0000001", 1_000_001),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 37_000_000),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 37_000_000),
            ("Sun Nov  6 08:49:37 1994", 37_000_000),
        ];
        for (line, expected) in waits {
            assert_eq!(wait(429, &[line]), Some(expected), "{line:?}");
        }
    }

    #[test]
    fn what_is_no_time_to_come_says_nothing() {
        let nonsense = [
            "",
            "-1",
            "soon",
            "NaN",
            "1e9",
            "Sun, 06 Nov 1994 08:48:59 GMT",
            "Fri, 31 Dec 9999 23:59:60 GMT",
            "Mon, 32 Nov 1994 08:49:37 GMT",
            "1994-11-06T08:49:37Z",
            "999999999999999",
            "253000000000",
        ];
        for line in nonsense {
            assert_eq!(wait(429, &[line]), None, "{line:?}");
        }
    }

    #[test]
    fn the_latest_of_several_lines_counts() {
        assert_eq!(wait(429, &["5", "Sun, 06 Nov 1994 08:49:37 GMT", "x", "7"]), Some(37_000_000));
    }

    #[test]
    fn only_an_error_has_a_time_to_retry() {
        assert_eq!(
            [200, 202, 301, 403, 429, 503].map(|status| wait(status, &["5"]).is_some()),
            [false, false, false, true, true, true]
        );
    }
}
