//! Headers and bodies that are wrong, too long, or meant to harm.

use std::fmt::Write as _;

use fieldfen_rate_limits::{Answer, Dialect, MAX_BODY_BYTES, MAX_FIELD_BYTES, MAX_LIMITS, MAX_NAME_BYTES, Timestamp};

use crate::{read, received_at};

#[test]
fn an_answer_that_says_nothing_is_read_as_nothing() {
    for dialect in Dialect::ALL {
        let answer = Answer::new(200, received_at());
        assert!(fieldfen_rate_limits::read(dialect, &answer).is_silent(), "{dialect}");
        for body in ["", "{}", "[]", "null", "0", "\"\"", "not JSON", "{", "\u{0}", r#"{"error": null, "data": null}"#]
        {
            assert!(read(dialect, 200, &[("content-type", "application/json")], body).is_empty(), "{dialect} {body:?}");
        }
    }
}

#[test]
fn a_value_that_is_no_number_says_nothing_and_never_0() {
    let names: &[(Dialect, &[&str])] = &[
        (Dialect::Shopify, &["x-shopify-shop-api-call-limit"]),
        (Dialect::Etsy, &["x-limit-per-second", "x-remaining-this-second", "x-limit-per-day", "x-remaining-today"]),
        (Dialect::Amazon, &["x-amzn-ratelimit-limit"]),
        (Dialect::Instagram, &["x-app-usage", "x-business-use-case-usage"]),
        (Dialect::Generic, &["ratelimit", "ratelimit-policy", "ratelimit-limit", "ratelimit-remaining"]),
        (Dialect::Pinterest, &["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]),
    ];
    let nonsense = [
        "",
        " ",
        "-1",
        "-1/-40",
        "/40",
        "32/",
        "//",
        "NaN",
        "inf",
        "1e3",
        "many",
        "0x10",
        "99999999999999999999",
        "99999999999999999999/40",
        "[1]",
        "{\"call_count\": -1}",
        "{\"1\": 2}",
        "{\"1\": [3]}",
        "٣",
        "\u{0}",
        "\"",
        ";",
        ",",
        "a=",
        "=1",
        "\"a\";r=-1",
        "\"a\";q=-1;w=-1",
        "\"a\";r=",
        "(1 2)",
        ":AA==:",
        "?1",
        "@1",
        "%\"a\"",
    ];
    for (dialect, names) in names {
        for name in *names {
            for value in nonsense {
                let says = read(*dialect, 200, &[(name, value)], "");
                assert!(says.is_empty(), "{name}: {value:?} says {says:?}");
            }
        }
    }
}

#[test]
fn a_value_that_is_not_utf_8_says_nothing() {
    let headers: [(&str, &[u8]); 3] =
        [("ratelimit-remaining", b"\xff7"), ("retry-after", b"30\xc3"), ("x-app-usage", b"{\"call_count\": 1\xff}")];
    for dialect in Dialect::ALL {
        let answer = Answer::new(503, received_at()).headers(headers).body(b"\xff\xfe{}");
        assert!(fieldfen_rate_limits::read(dialect, &answer).is_silent(), "{dialect}");
    }
}

#[test]
fn a_line_that_is_too_long_is_skipped_and_the_others_are_read() {
    let long = "7".repeat(MAX_FIELD_BYTES + 1);
    let says = read(Dialect::Generic, 200, &[("RateLimit-Remaining", &long), ("RateLimit-Remaining", "7")], "");
    assert_eq!(says, ["- remaining=7"]);
    let half = format!("\"{}\";r=1", "x".repeat(MAX_FIELD_BYTES / 2));
    let lines = [("RateLimit", half.as_str()), ("RateLimit", half.as_str()), ("RateLimit", r#""day";r=1"#)];
    assert_eq!(read(Dialect::Generic, 200, &lines, ""), ["day remaining=1"], "names that are too long are skipped");
}

#[test]
fn no_more_than_the_first_limits_are_kept() {
    let mut field = String::new();
    let mut resources = String::new();
    for n in 0..2 * MAX_LIMITS {
        let comma = if n == 0 { "" } else { "," };
        let _ = write!(field, "{comma}\"p{n}\";r=1");
        let _ = write!(resources, r#"{comma}{{"name": "p{n}", "rates": [{{"remaining": 1}}]}}"#);
    }
    let body = format!(r#"{{"rateLimits": [{{"resources": [{resources}]}}]}}"#);
    for says in [read(Dialect::Generic, 200, &[("RateLimit", &field)], ""), read(Dialect::Ebay, 200, &[], &body)] {
        assert_eq!(says.len(), MAX_LIMITS);
        assert_eq!(says[MAX_LIMITS - 1], format!("p{} remaining=1", MAX_LIMITS - 1));
    }
}

#[test]
fn a_name_that_is_too_long_or_not_printable_is_skipped() {
    let (longest, too_long) = ("x".repeat(MAX_NAME_BYTES), "x".repeat(MAX_NAME_BYTES + 1));
    for (name, kept) in [(longest.as_str(), true), (&too_long, false), ("a\\u001b[2J", false), ("", false)] {
        let body = format!(r#"{{"rateLimits": [{{"resources": [{{"name": "{name}", "rates": [{{"limit": 1}}]}}]}}]}}"#);
        assert_eq!(read(Dialect::Ebay, 200, &[], &body).len(), usize::from(kept), "{name}");
        let body = format!(r#"{{"id": "{name}", "status": "succeeded"}}"#);
        assert_eq!(read(Dialect::Replicate, 200, &[], &body).len(), usize::from(kept), "{name}");
    }
}

#[test]
fn json_that_is_nested_without_end_is_no_danger() {
    let deep = |depth: usize, inner: &str| format!("{}{inner}{}", "[".repeat(depth), "]".repeat(depth));
    for dialect in Dialect::ALL {
        for field in ["errors", "extensions", "error", "data", "rateLimits", "metrics", "results", "type", "ignored"] {
            let body = format!(r#"{{"{field}": {}}}"#, deep(100_000, "{}"));
            assert!(read(dialect, 200, &[("x-app-usage", &body)], &body).is_empty(), "{dialect} {field}");
        }
        assert!(read(dialect, 200, &[], &"[".repeat(1_000_000)).is_empty(), "{dialect}");
        assert!(read(dialect, 200, &[], &"{\"error\":".repeat(100_000)).is_empty(), "{dialect}");
    }
    let body = format!(r#"{{"data": {}, "extensions": {{"cost": {{"requestedQueryCost": 3}}}}}}"#, deep(100_000, "1"));
    assert_eq!(read(Dialect::Shopify, 200, &[], &body), ["cost requested=3"], "what is not looked at may be deep");
}

#[test]
fn a_body_that_is_too_large_is_not_read() {
    let body = |padding: usize| format!(r#"{{"id": "a", "status": "aborted"{}}}"#, " ".repeat(padding));
    let padding = MAX_BODY_BYTES - body(0).len();
    assert_eq!(read(Dialect::Replicate, 200, &[], &body(padding)), ["no charge a"]);
    assert!(read(Dialect::Replicate, 200, &[], &body(padding + 1)).is_empty());
}

#[test]
fn a_reset_in_the_past_or_after_the_year_9999_says_nothing() {
    for reset in ["1", "1795442708", "1795442708999", "999999999999999", "Mon, 23 Nov 2026 14:05:08 GMT"] {
        let says = read(Dialect::Generic, 200, &[("X-RateLimit-Remaining", "1"), ("X-RateLimit-Reset", reset)], "");
        assert_eq!(says[0] == "- remaining=1", reset != "1", "{reset}");
    }
    let rates = r#"[{"limit": 1, "reset": "2026-11-23T14:05:08.999Z"}, {"limit": 2, "reset": "soon"},
        {"limit": 3, "reset": "+12026-11-23T14:05:09Z"}, {"limit": 4, "reset": 5}, {"limit": 5, "timeWindow": -1}]"#;
    let body = format!(r#"{{"rateLimits": [{{"resources": [{{"name": "a", "rates": {rates}}}]}}]}}"#);
    assert_eq!(read(Dialect::Ebay, 200, &[], &body), ["a limit=1", "a limit=2", "a limit=3", "a limit=4", "a limit=5"]);
}

#[test]
fn a_clock_beyond_the_year_9999_gives_no_times() {
    for received_at in [Timestamp::MAX_UTC, "9999-12-31T23:59:59.999999Z".parse().unwrap()] {
        let headers = [("Retry-After", "1"), ("RateLimit-Reset", "1"), ("RateLimit-Remaining", "0")];
        let answer =
            Answer::new(429, received_at).headers(headers).body(br#"{"error": {"code": "rate_limit_exceeded"}}"#);
        for dialect in Dialect::ALL {
            let reading = fieldfen_rate_limits::read(dialect, &answer);
            assert_eq!((reading.retry_at(), reading.limits[0].resets_at), (None, None), "{dialect}");
        }
    }
    let answer = Answer::new(429, Timestamp::MIN_UTC).headers([("Retry-After", "1")]);
    assert!(fieldfen_rate_limits::read(Dialect::Generic, &answer).retry_at().is_some());
}

#[test]
fn only_the_first_header_lines_are_read() {
    let filler = (0..5_000).map(|_| ("x-filler", "1"));
    let late = Answer::new(200, received_at()).headers(filler).headers([("RateLimit-Remaining", "1")]);
    assert!(fieldfen_rate_limits::read(Dialect::Generic, &late).is_silent());
}
