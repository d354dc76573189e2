//! For random numbers and names: a reader returns the values that were written in a documented form.

use fieldfen_rate_limits::{Answer, Dialect, Timestamp};
use proptest::prelude::*;

use crate::{read, received_at};

const MAX_COUNT: u64 = 999_999_999_999_999;
/// The seconds from the time of the tests to the end of the year 9999.
const MAX_SECONDS: u64 = 251_606_858_090;

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z][a-zA-Z0-9_.:/*-]{0,40}"
}

proptest! {
    #[test]
    fn policies_and_what_is_left_of_them(
        policies in prop::collection::btree_map(name(), (0..=MAX_COUNT, 1..MAX_SECONDS, 0..=MAX_COUNT, 0..MAX_SECONDS), 1..8),
        quoted: bool,
        reverse: bool,
    ) {
        let quote = if quoted { "\"" } else { "" };
        let policy = policies.iter().map(|(name, (q, w, _, _))| format!("{quote}{name}{quote};q={q};w={w}"));
        let policy = policy.collect::<Vec<_>>().join(", ");
        let mut limits = policies.iter().map(|(name, (_, _, r, t))| format!("{quote}{name}{quote};r={r};t={t}"))
            .collect::<Vec<_>>();
        if reverse {
            limits.reverse();
        }
        let mut headers = vec![("RateLimit-Policy", policy.as_str())];
        headers.extend(limits.iter().map(|line| ("ratelimit", line.as_str())));
        let expected = policies.iter()
            .map(|(name, (q, w, r, t))| format!("{name} limit={q} remaining={r} resets-in={t} window={w}"));
        prop_assert_eq!(read(Dialect::Generic, 200, &headers, ""), expected.collect::<Vec<_>>());
    }

    #[test]
    fn the_three_older_fields(limit in 0..=MAX_COUNT, remaining in 0..=MAX_COUNT, reset in 0..1_000_000_000u64, x: bool) {
        let prefix = if x { "X-RateLimit" } else { "RateLimit" };
        let names = ["Limit", "Remaining", "Reset"].map(|field| format!("{prefix}-{field}"));
        let values = [limit, remaining, reset].map(|number| number.to_string());
        let headers = [0, 1, 2].map(|n| (names[n].as_str(), values[n].as_str()));
        let says = format!("- limit={limit} remaining={remaining} resets-in={reset}");
        prop_assert_eq!(read(Dialect::Generic, 200, &headers, ""), [says]);
    }

    #[test]
    fn a_bucket_of_shopify(used in 0..=MAX_COUNT, limit in 0..=MAX_COUNT) {
        let field = format!("{used}/{limit}");
        let says = format!("rest limit={limit} remaining={} used={used}", limit.saturating_sub(used));
        prop_assert_eq!(read(Dialect::Shopify, 200, &[("x-shopify-shop-api-call-limit", &field)], ""), [says]);
    }

    #[test]
    fn a_time_to_retry_in_each_form(micros in 0..=MAX_SECONDS * 1_000_000) {
        let whole = received_at() + chrono::TimeDelta::seconds((micros / 1_000_000) as i64);
        let exact = received_at() + chrono::TimeDelta::microseconds(micros as i64);
        let forms = [
            (format!("{}", micros / 1_000_000), whole),
            (format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000), exact),
            (whole.format("%a, %d %b %Y %H:%M:%S GMT").to_string(), whole),
            (whole.format("%a %b %e %H:%M:%S %Y").to_string(), whole),
        ];
        for (field, expected) in &forms {
            let answer = Answer::new(503, received_at()).headers([("Retry-After", field.as_str())]);
            let until = fieldfen_rate_limits::read(Dialect::Generic, &answer).retry_at();
            prop_assert_eq!(until, Some(*expected), "{}", field);
        }
    }

    #[test]
    fn a_text_of_any_kind_is_no_danger(text in "\\PC*", bytes in prop::collection::vec(any::<u8>(), 0..200), status: u16) {
        let names = ["ratelimit", "ratelimit-limit", "x-ratelimit-reset", "retry-after", "x-app-usage"];
        let lines = names.iter().flat_map(|name| [(*name, text.as_bytes()), (*name, bytes.as_slice())]);
        let answer = Answer::new(status, Timestamp::UNIX_EPOCH).headers(lines).body(&bytes);
        for dialect in Dialect::ALL {
            let reading = fieldfen_rate_limits::read(dialect, &answer);
            prop_assert_eq!(&reading, &fieldfen_rate_limits::read(dialect, &answer));
        }
    }

    #[test]
    fn a_service_name_of_any_kind_has_a_dialect(service in "\\PC*") {
        let dialect = Dialect::of_service(&service);
        prop_assert_eq!(Dialect::of_service(dialect.as_str()), dialect);
    }
}
