//! TikTok's API v2.
//!
//! - Limits: <https://developers.tiktok.com/docs/en/tiktok-api-v2-rate-limit>. Each endpoint takes 600 requests in a
//!   sliding minute, posting takes 6 and the status of a post 30 for each user. No header states the rest.
//! - Errors: <https://developers.tiktok.com/doc/tiktok-api-v2-error-handling> and
//!   <https://developers.tiktok.com/doc/content-posting-api-reference-direct-post>. The body has
//!   `{"error": {"code": "rate_limit_exceeded", …}}`, with `ok` for no error. The table of the second page was cut off in
//!   the copy that could be had; public clients agree on its codes. They are about limits per day. The page does not
//!   say when a day begins. The refusal ends 24 hours after the answer at the latest.

use serde::Deserialize;
use serde_json::Value;

use crate::time::after;
use crate::{Answer, Block, BlockSource, Reading, json};

const MINUTE: u64 = 60_000_000;
const DAY: u64 = 86_400_000_000;

/// The window of the limit that an error code is about, in microseconds, and the name of the limit here.
fn window(code: &str) -> Option<(u64, &'static str)> {
    match code {
        "rate_limit_exceeded" => Some((MINUTE, "requests")),
        "spam_risk_too_many_posts" => Some((DAY, "posts")),
        "spam_risk_too_many_pending_share" => Some((DAY, "pending_shares")),
        "reached_active_user_cap" => Some((DAY, "active_users")),
        _ => None,
    }
}

pub(crate) fn read(answer: &Answer<'_>, reading: &mut Reading) {
    #[derive(Deserialize)]
    struct Body {
        error: Value,
    }
    let code = json::body::<Body>(answer).and_then(|body| json::code(&body.error["code"]));
    let Some(code) = code.filter(|code| code != "ok") else { return };
    if let Some((window, bucket)) = window(&code) {
        reading.throttled = true;
        if let (Some(until), None) = (after(answer.received_at(), window), &reading.blocked) {
            reading.blocked = Some(Block { until, bucket: Some(bucket.to_owned()), source: BlockSource::Documented });
        }
    }
    reading.error_code = Some(code);
}
