//! The fields that many services share: the IETF's `RateLimit`, in its current and its older forms, and
//! `X-RateLimit-*`.
//!
//! [The draft](https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/) has changed its fields often. A
//! server sends the fields of the revision for which it was written:
//!
//! | revisions | fields |
//! | --- | --- |
//! | 08 to 10 | `RateLimit-Policy: "day";q=1000;w=86400` and `RateLimit: "day";r=100;t=36000` |
//! | 07 | `RateLimit: limit=100, remaining=50, reset=5` and `RateLimit-Policy: 100;w=60` |
//! | 00 to 06 | `RateLimit-Limit: 100, 100;w=60`, `RateLimit-Remaining: 50`, `RateLimit-Reset: 5` |
//!
//! The text of revision 11 could not be had; the working group's text at the time of revision 10 was read.
//!
//! `X-RateLimit-*` has no document. Its reset is a number of seconds, a time since 1970 in seconds or milliseconds, or
//! a date. GitHub adds `X-RateLimit-Used`, and the name of the limit in `X-RateLimit-Resource`:
//! <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>.

use serde::Deserialize;
use serde_json::Value;

use crate::quota::{Remaining, combine, integers, items, limit_and_policies, parameter, policy};
use crate::time::{after, reset};
use crate::{Answer, LimitReading, Reading, Timestamp, json};

/// Reads the current fields of the IETF; if there are none, the older ones; if there are none either, `X-RateLimit-*`.
pub(crate) fn read(answer: &Answer<'_>, reading: &mut Reading) {
    let policies = answer.list("ratelimit-policy").and_then(|field| items(&field)).unwrap_or_default();
    let policies = policies.iter().filter_map(policy).filter(|policy| policy.limit.is_some()).collect::<Vec<_>>();
    reading.limits = service_limits(answer, policies.clone())
        .or_else(|| three_fields(answer, ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"], &policies))
        .or_else(|| {
            three_fields(answer, ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"], &policies)
        })
        .or_else(|| {
            three_fields(answer, ["x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset"], &policies)
        })
        .unwrap_or(policies);
    if let [only] = reading.limits.as_mut_slice()
        && only.bucket.is_none()
    {
        only.bucket = answer.lines("x-ratelimit-resource").find_map(json::name);
        only.used = answer.least_count("x-ratelimit-used");
    }
    // GitHub may answer 403 in place of 429.
    let refuses = || reading.blocked.is_some() || reading.limits.iter().any(LimitReading::is_exhausted);
    if answer.status() == 403 && refuses() {
        reading.throttled = true;
    }
}

/// `RateLimit` of the current drafts or of revision 07.
fn service_limits(answer: &Answer<'_>, mut policies: Vec<LimitReading>) -> Option<Vec<LimitReading>> {
    let field = answer.list("ratelimit")?;
    let seconds = |seconds: u64| after(answer.received_at(), seconds.checked_mul(1_000_000)?);
    if let Some([limit, remaining, reset]) = integers(&field, ["limit", "remaining", "reset"])
        && (limit, remaining, reset) != (None, None, None)
    {
        return Some(combine(Remaining { limit, remaining, resets_at: reset.and_then(seconds) }, policies));
    }
    for item in items(&field)? {
        let (remaining, resets_at) = (parameter(&item, "r"), parameter(&item, "t").and_then(seconds));
        let Some(named) = policy(&item).filter(|_| (remaining, resets_at) != (None, None)) else { continue };
        let same = |other: &&mut LimitReading| (&other.bucket, &other.partition) == (&named.bucket, &named.partition);
        match policies.iter_mut().find(same) {
            Some(policy) => (policy.remaining, policy.resets_at) = (remaining, resets_at),
            None => policies.push(LimitReading { remaining, resets_at, ..named }),
        }
    }
    (!policies.is_empty()).then_some(policies)
}

/// The three fields of the older drafts, or of `X-RateLimit-*`, if one of them says something.
fn three_fields(answer: &Answer<'_>, names: [&str; 3], policies: &[LimitReading]) -> Option<Vec<LimitReading>> {
    let [limit, remaining, resets_at] = names;
    let (limit, mut with_limit) = answer.list(limit).map(|field| limit_and_policies(&field)).unwrap_or_default();
    if with_limit.is_empty() {
        with_limit.extend_from_slice(policies);
    }
    let resets_at = latest_reset(answer, resets_at);
    let known = Remaining { limit, remaining: answer.least_count(remaining), resets_at };
    (known != Remaining::default()).then(|| combine(known, with_limit))
}

/// The latest reset in the lines of a field, which are dates, numbers, or lists of numbers.
fn latest_reset(answer: &Answer<'_>, name: &str) -> Option<Timestamp> {
    let one = |text: &str| reset(text.split(';').next().unwrap_or_default(), answer.received_at());
    answer.lines(name).filter_map(|line| one(line).or_else(|| line.split(',').filter_map(one).max())).max()
}

/// Reads the problem types of the draft, section "Problem Types", and the violated policies that the answer names.
pub(crate) fn read_problem(answer: &Answer<'_>, reading: &mut Reading) {
    #[derive(Deserialize)]
    struct Problem {
        r#type: Value,
        #[serde(default, rename = "violated-policies")]
        violated_policies: Value,
    }
    if answer.status() < 400 {
        return;
    }
    let Some(problem) = json::body::<Problem>(answer) else { return };
    let known = ["quota-exceeded", "temporary-reduced-capacity", "abnormal-usage-detected"];
    let Some((_, code)) = problem.r#type.as_str().and_then(|text| text.split_once("http-problem-types#")) else {
        return;
    };
    if known.contains(&code) {
        reading.error_code = Some(code.to_owned());
        reading.throttled = true;
        if let (Some(block), Some([Value::String(policy)])) =
            (&mut reading.blocked, problem.violated_policies.as_array().map(Vec::as_slice))
        {
            block.bucket = json::name(policy);
        }
    }
}
