//! eBay's REST APIs.
//!
//! No header says anything of limits. The answers to `GET /developer/analytics/v1_beta/rate_limit` (for the
//! application) and `/user_rate_limit` (for the user) do, for one resource or for all:
//! <https://developer.ebay.com/api-docs/developer/analytics/resources/rate_limit/methods/getRateLimits>. The field
//! `remaining` can be missing where `count` is there.
//!
//! The code of an error is its `errorId`. A page on the code of a refused call could not be had; its status is 429.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::time::{iso_date, not_past};
use crate::{Answer, LimitReading, MAX_LIMITS, Reading, Timestamp, json};

pub(crate) fn read(answer: &Answer<'_>, reading: &mut Reading) {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default, rename = "rateLimits")]
        rate_limits: Value,
        #[serde(default)]
        errors: Value,
    }
    let Some(body) = json::body::<Body>(answer) else { return };
    reading.error_code = elements(&body.errors).find_map(|error| json::code(&error["errorId"]));
    let resources = elements(&body.rate_limits).flat_map(|api| elements(&api["resources"]));
    let limits = resources.flat_map(|resource| {
        let bucket = resource["name"].as_str().and_then(json::name);
        let rates = elements(if bucket.is_some() { &resource["rates"] } else { &Value::Null });
        rates.filter_map(move |rate| limit(bucket.clone()?, rate, answer.received_at()))
    });
    reading.limits.extend(limits.take(MAX_LIMITS));
}

fn limit(bucket: String, rate: &Value, received_at: Timestamp) -> Option<LimitReading> {
    let (limit, used) = (json::count(&rate["limit"]), json::count(&rate["count"]));
    let left_of = || Some(limit?.saturating_sub(used?));
    let reading = LimitReading {
        limit,
        used,
        remaining: json::count(&rate["remaining"]).or_else(left_of),
        resets_at: rate["reset"].as_str().and_then(iso_date).and_then(|reset| not_past(reset, received_at)),
        window: json::count(&rate["timeWindow"]).filter(|seconds| *seconds > 0).map(Duration::from_secs),
        ..LimitReading::default()
    };
    (reading != LimitReading::default()).then_some(LimitReading { bucket: Some(bucket), ..reading })
}

fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
