//! Instagram, and Meta's other Graph APIs.
//!
//! - Usage: <https://developers.facebook.com/docs/graph-api/overview/rate-limiting/>. `X-App-Usage` and
//!   `X-Business-Use-Case-Usage` are JSON with three percentages each: calls, processor time, total time. A service that
//!   is full at 100 refuses calls. `estimated_time_to_regain_access` is in *minutes*; 0 means that nothing is refused.
//! - Errors: codes 4, 17, 32 and 613, and 80000 to 80009 and 80014 of the business use cases, on the same page; code 9 with
//!   the subcode 2207042 for too many posts, on
//!   <https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/error-codes/>. The tables of
//!   both pages were cut off in the copies that could be had; public clients agree on these codes.
//! - Posts: <https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/content_publishing_limit/>.
//!   Meta's pages name 25, 50 and 100 posts in 24 hours. The answer to `GET /…/content_publishing_limit` has the number
//!   that holds, in a sliding window. `config` is there only if the call asks for it.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::time::after;
use crate::{Answer, Block, BlockSource, LimitReading, MAX_LIMITS, Reading, Unit, json};

/// The fields of the usage that are percentages.
const PERCENTAGES: [&str; 3] = ["call_count", "total_cputime", "total_time"];

pub(crate) fn read(answer: &Answer<'_>, reading: &mut Reading) {
    for usage in objects(answer, "x-app-usage") {
        read_usage("app", &Value::Object(usage), reading);
    }
    for usage in objects(answer, "x-business-use-case-usage") {
        for (account, use_cases) in &usage {
            for usage in use_cases.as_array().into_iter().flatten() {
                let Some(use_case) = usage["type"].as_str() else { continue };
                let Some(bucket) = json::name(&format!("{account}/{use_case}")) else { continue };
                read_usage(&bucket, usage, reading);
                read_block(bucket, &usage["estimated_time_to_regain_access"], answer, reading);
            }
        }
    }
    read_body(answer, reading);
}

/// The lines of a field that are JSON objects.
fn objects(answer: &Answer<'_>, name: &str) -> Vec<Map<String, Value>> {
    answer.lines(name).filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn read_usage(bucket: &str, usage: &Value, reading: &mut Reading) {
    for percentage in PERCENTAGES {
        let used = json::micros(&usage[percentage]).and_then(|micros| u32::try_from(micros / 10_000).ok());
        if let (Some(used), true) = (used, reading.limits.len() < MAX_LIMITS) {
            let bucket = json::name(&format!("{bucket}/{percentage}"));
            let used_basis_points = Some(used);
            let limit = LimitReading { bucket, unit: Unit::Other, used_basis_points, ..LimitReading::default() };
            reading.limits.extend(limit.bucket.is_some().then_some(limit));
        }
    }
}

fn read_block(bucket: String, minutes: &Value, answer: &Answer<'_>, reading: &mut Reading) {
    let minutes = json::count_rounded_up(minutes).filter(|minutes| *minutes > 0);
    let until = minutes.and_then(|minutes| after(answer.received_at(), minutes.checked_mul(60_000_000)?));
    if let Some(until) = until {
        reading.block(Block { until, bucket: Some(bucket), source: BlockSource::Stated });
    }
}

fn read_body(answer: &Answer<'_>, reading: &mut Reading) {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default)]
        data: Value,
        #[serde(default)]
        error: Value,
    }
    let Some(body) = json::body::<Body>(answer) else { return };
    if let Some(code) = body.error["code"].as_i64() {
        reading.throttled |= matches!(code, 4 | 9 | 17 | 32 | 613 | 80_000..=80_009 | 80_014);
        reading.error_code = Some(match body.error["error_subcode"].as_i64() {
            Some(subcode) => format!("{code}/{subcode}"),
            None => code.to_string(),
        });
    }
    let published = &body.data[0];
    if let Some(used) = json::count(&published["quota_usage"]) {
        let limit = json::count(&published["config"]["quota_total"]);
        let window = json::count(&published["config"]["quota_duration"]).filter(|seconds| *seconds > 0);
        reading.limits.push(LimitReading {
            bucket: Some("content_publishing".to_owned()),
            unit: Unit::Posts,
            limit,
            used: Some(used),
            remaining: limit.map(|limit| limit.saturating_sub(used)),
            window: window.map(Duration::from_secs),
            ..LimitReading::default()
        });
    }
}
