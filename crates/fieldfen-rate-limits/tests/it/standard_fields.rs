//! The standard fields in all their forms.

use fieldfen_rate_limits::Dialect;

use crate::read;

type Header = &'static [(&'static str, &'static str)];

fn generic(headers: &[(&str, &str)]) -> Vec<String> {
    read(Dialect::Generic, 200, headers, "")
}

#[test]
fn the_current_form_can_leave_out_either_half() {
    let cases: &[(Header, &[&str])] = &[
        (&[("RateLimit", r#""day";r=100;t=36000"#)], &["day remaining=100 resets-in=36000"]),
        (&[("RateLimit", r#""day";r=0"#)], &["day remaining=0"]),
        (&[("RateLimit", r#""day";t=60"#)], &["day resets-in=60"]),
        (&[("RateLimit", "day;r=100;t=36000")], &["day remaining=100 resets-in=36000"]),
        (&[("RateLimit", r#""day""#)], &[]),
        (&[("RateLimit-Policy", r#""day";q=5"#)], &["day limit=5"]),
        (&[("RateLimit-Policy", "100;w=60")], &["- limit=100 window=60"]),
        (&[("RateLimit-Policy", r#""c";q=5;qu="concurrent-requests""#)], &["c ConcurrentRequests limit=5"]),
        (&[("RateLimit-Policy", r#""c";q=5;qu="kittens""#)], &["c Other limit=5"]),
        (&[("RateLimit-Policy", r#""c";q=5;w=0"#)], &["c limit=5"]),
    ];
    for (headers, says) in cases {
        assert_eq!(generic(headers), *says, "{headers:?}");
    }
}

#[test]
fn what_is_left_belongs_to_the_policy_of_the_same_name_and_partition() {
    let headers = [
        ("RateLimit-Policy", r#""a";q=10;w=1;pk=:AQ==:"#),
        ("RateLimit-Policy", r#""a";q=20;w=1;pk=:Ag==:, "b";q=30"#),
        ("RateLimit", r#""a";r=2;t=1;pk=:Ag==:"#),
        ("RateLimit", r#""b";r=3, "c";r=4"#),
    ];
    let says = [
        "a[01] limit=10 window=1",
        "a[02] limit=20 remaining=2 resets-in=1 window=1",
        "b limit=30 remaining=3",
        "c remaining=4",
    ];
    assert_eq!(generic(&headers), says);
}

#[test]
fn what_is_left_belongs_to_the_longest_of_the_windows_with_the_same_quota() {
    let rest = [("RateLimit-Remaining", "7"), ("RateLimit-Reset", "9")];
    let cases: &[(&str, &[&str])] = &[
        ("10", &["- limit=10 remaining=7 resets-in=9"]),
        ("10, 10;w=1, 10;w=60", &["- limit=10 window=1", "- limit=10 remaining=7 resets-in=9 window=60"]),
        ("10;w=60", &["- limit=10 remaining=7 resets-in=9 window=60"]),
        ("10, 20;w=1, 30;w=60", &["- limit=10 remaining=7 resets-in=9", "- limit=20 window=1", "- limit=30 window=60"]),
        ("10;w=1;comment=\"x\", 50;w=60", &["- limit=10 remaining=7 resets-in=9 window=1", "- limit=50 window=60"]),
    ];
    for (limit, says) in cases {
        let headers = [("RateLimit-Limit", *limit), rest[0], rest[1]];
        assert_eq!(generic(&headers), *says, "{limit}");
    }
}

#[test]
fn a_policy_stands_beside_the_older_fields() {
    let headers =
        [("RateLimit-Limit", "100"), ("RateLimit-Remaining", "5"), ("RateLimit-Policy", "100;w=60, 1000;w=3600")];
    assert_eq!(generic(&headers), ["- limit=100 remaining=5 window=60", "- limit=1000 window=3600"]);
}

#[test]
fn the_current_fields_are_preferred_to_the_older_ones() {
    let older = [("RateLimit-Remaining", "2"), ("X-RateLimit-Remaining", "3"), ("X-Rate-Limit-Remaining", "4")];
    let newest = [("RateLimit", r#""a";r=1"#), older[0], older[1], older[2]];
    assert_eq!(generic(&newest), ["a remaining=1"]);
    assert_eq!(generic(&older), ["- remaining=2"]);
    assert_eq!(generic(&older[1..]), ["- remaining=3"]);
    assert_eq!(generic(&older[2..]), ["- remaining=4"]);
}

#[test]
fn of_repeated_fields_the_stricter_one_counts() {
    let headers = [
        ("X-RateLimit-Remaining", "7"),
        ("x-ratelimit-remaining", "3, 9"),
        ("X-RATELIMIT-RESET", "5"),
        ("X-RateLimit-Reset", "60, 2"),
    ];
    assert_eq!(generic(&headers), ["- remaining=3 resets-in=60"]);
    assert_eq!(generic(&[("X-RateLimit-Limit", "9"), ("X-RateLimit-Limit", "9")]), ["- limit=9"]);
}

#[test]
fn a_reset_is_a_delta_an_epoch_or_a_date() {
    let resets = [
        ("60", "60"),
        ("0.5", "0.5"),
        ("1795442769", "60"),
        ("1795442769000", "60"),
        ("1795442769.25", "60.25"),
        ("Mon, 23 Nov 2026 14:06:09 GMT", "60"),
        ("2026-11-23T15:06:09+01:00", "60"),
    ];
    for (reset, expected) in resets {
        let says = format!("- remaining=1 resets-in={expected}");
        assert_eq!(generic(&[("X-RateLimit-Reset", reset), ("X-RateLimit-Remaining", "1")]), [says], "{reset}");
    }
}

#[test]
fn a_refusal_with_status_403_is_one_if_the_limit_says_so() {
    let cases: &[(Header, bool)] = &[
        (&[], false),
        (&[("X-RateLimit-Remaining", "1")], false),
        (&[("X-RateLimit-Remaining", "0")], true),
        (&[("Retry-After", "60")], true),
    ];
    for (headers, throttled) in cases {
        let says = read(Dialect::Generic, 403, headers, "");
        assert_eq!(says.contains(&"throttled".to_owned()), *throttled, "{headers:?}");
    }
}

#[test]
fn a_service_that_changes_to_the_standard_fields_is_still_read() {
    for dialect in Dialect::ALL {
        let headers = [("RateLimit", r#""day";r=1;t=2"#), ("Retry-After", "3")];
        let says = ["day remaining=1 resets-in=2", "throttled", "blocked for=3 (Retry-After)"];
        assert_eq!(read(dialect, 429, &headers, ""), says, "{dialect}");
    }
}
