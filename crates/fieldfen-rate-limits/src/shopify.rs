//! Shopify's Admin API.
//!
//! - REST, legacy since October 2024: <https://shopify.dev/docs/api/admin-rest/usage/rate-limits>.
//!   `X-Shopify-Shop-Api-Call-Limit: 32/40` is the *used* part of the bucket, and its size. An answer with status 429 does
//!   not have it. `Retry-After: 2.0` is a decimal.
//! - GraphQL: <https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits>. The body has the cost of the query and
//!   the state of the bucket in `extensions.cost`. A refused query has status 200 and the error code `THROTTLED`.
//!   `throttleStatus` can be missing, and a development store has a much smaller bucket than the documented ones.
//!
//! Both have a bucket for each pair of app and store. They are called `rest` and `graphql` here.

use serde::Deserialize;
use serde_json::Value;

use crate::number::count;
use crate::{Answer, CallCost, LimitReading, Reading, Refill, Unit, json};

pub(crate) fn read(answer: &Answer<'_>, reading: &mut Reading) {
    reading.limits.extend(rest_bucket(answer));
    if reading.limits.is_empty() {
        read_graphql(answer, reading);
    }
}

/// The fullest bucket of the lines.
fn rest_bucket(answer: &Answer<'_>) -> Option<LimitReading> {
    let parse = |line: &str| {
        let (used, limit) = line.split_once('/')?;
        Some((count(used)?, count(limit)?))
    };
    let buckets = answer.lines("x-shopify-shop-api-call-limit").filter_map(parse);
    let (used, limit) = buckets.min_by_key(|(used, limit)| limit.saturating_sub(*used))?;
    Some(LimitReading {
        bucket: Some("rest".to_owned()),
        limit: Some(limit),
        remaining: Some(limit.saturating_sub(used)),
        used: Some(used),
        ..LimitReading::default()
    })
}

fn read_graphql(answer: &Answer<'_>, reading: &mut Reading) {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default)]
        errors: Value,
        #[serde(default)]
        extensions: Value,
    }
    let Some(body) = json::body::<Body>(answer) else { return };
    let codes = || body.errors.as_array().into_iter().flatten().map(|error| &error["extensions"]["code"]);
    reading.throttled |= codes().any(|code| code == "THROTTLED");
    reading.error_code = codes().find_map(json::code);
    let cost = &body.extensions["cost"];
    let call = CallCost {
        requested: json::count_rounded_up(&cost["requestedQueryCost"]),
        actual: json::count_rounded_up(&cost["actualQueryCost"]),
    };
    reading.cost = (call != CallCost::default()).then_some(call);
    let bucket = &cost["throttleStatus"];
    let (limit, remaining) = (json::count(&bucket["maximumAvailable"]), json::count(&bucket["currentlyAvailable"]));
    let refill = json::micros(&bucket["restoreRate"]).and_then(Refill::new);
    if (limit, remaining, refill) != (None, None, None) {
        let bucket = Some("graphql".to_owned());
        reading.limits.push(LimitReading {
            bucket,
            unit: Unit::Points,
            limit,
            remaining,
            refill,
            ..LimitReading::default()
        });
    }
}
