//! The public interface, read as a client of an HTTP API reads it.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod documented;
mod examples;
mod hostile;
mod properties;
mod random_cases;
mod recorded;
mod standard_fields;

use fieldfen_rate_limits::{Answer, BlockSource, Dialect, LimitReading, Reading, Timestamp, Unit};

/// The time at which the answers of the tests arrived, unless a test sets another one.
fn received_at() -> Timestamp {
    "2026-11-23T14:05:09Z".parse().unwrap()
}

/// The reading of an answer with this header.
fn read(dialect: Dialect, status: u16, headers: &[(&str, &str)], body: &str) -> Vec<String> {
    let answer = Answer::new(status, received_at()).headers(headers.iter().copied()).body(body.as_bytes());
    describe(&fieldfen_rate_limits::read(dialect, &answer))
}

/// The content of a reading, one value a line. Times are in seconds after the answer.
fn describe(reading: &Reading) -> Vec<String> {
    let seconds = |time: Timestamp| (time - received_at()).as_seconds_f64();
    let mut lines = reading.limits.iter().map(describe_limit).collect::<Vec<_>>();
    if reading.throttled {
        lines.push("throttled".to_owned());
    }
    if let Some(block) = &reading.blocked {
        let source = match block.source {
            BlockSource::RetryAfter => "Retry-After",
            BlockSource::Stated => "stated",
            BlockSource::Documented => "documented",
            other => panic!("{other:?}"),
        };
        let bucket = block.bucket.as_ref().map(|bucket| format!(" {bucket}")).unwrap_or_default();
        lines.push(format!("blocked{bucket} for={} ({source})", seconds(block.until)));
    }
    lines.extend(reading.error_code.as_ref().map(|code| format!("error {code}")));
    if let Some(cost) = reading.cost {
        lines.push(format!("cost{}{}", named("requested", cost.requested), named("actual", cost.actual)));
    }
    for charge in &reading.charges {
        let billable = if charge.billable { "charge" } else { "no charge" };
        let item = charge.item.as_ref().map(|item| format!(" item={item}")).unwrap_or_default();
        let amounts = charge.amounts.iter().map(|amount| format!(" {}={}µ", amount.name, amount.micros));
        lines.push(format!("{billable} {}{item}{}", charge.external_id, amounts.collect::<String>()));
    }
    for pending in &reading.pending_charges {
        let item = pending.item.as_ref().map(|item| format!(" item={item}")).unwrap_or_default();
        lines.push(format!("pending {}{item}", pending.external_id));
    }
    lines
}

fn describe_limit(limit: &LimitReading) -> String {
    let bucket = limit.bucket.as_deref().unwrap_or("-");
    let partition = limit.partition.as_ref().map(|key| format!("[{key}]")).unwrap_or_default();
    let unit = if limit.unit == Unit::Requests { String::new() } else { format!(" {:?}", limit.unit) };
    let resets_at = limit.resets_at.map(|time| (time - received_at()).as_seconds_f64());
    let parts = [
        named("limit", limit.limit),
        named("remaining", limit.remaining),
        named("used", limit.used),
        named("used-basis-points", limit.used_basis_points),
        named("resets-in", resets_at),
        named("window", limit.window.map(|window| window.as_secs())),
        named("refill", limit.refill.map(|refill| format!("{}µ/s", refill.micros_per_second))),
    ];
    format!("{bucket}{partition}{unit}{}", parts.concat())
}

fn named(name: &str, value: Option<impl std::fmt::Display>) -> String {
    value.map(|value| format!(" {name}={value}")).unwrap_or_default()
}
