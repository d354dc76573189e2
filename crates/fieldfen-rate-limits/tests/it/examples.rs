//! Answers from the services' pages. Where a page shows none, the answer was recorded by a public client. The random
//! cases are made from these answers too.

use fieldfen_rate_limits::Dialect;

pub(crate) struct Example {
    pub(crate) dialect: Dialect,
    pub(crate) status: u16,
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) body: &'static str,
    pub(crate) says: &'static [&'static str],
}

const fn example(
    dialect: Dialect,
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    says: &'static [&'static str],
) -> Example {
    Example { dialect, status, headers, body, says }
}

pub(crate) const EXAMPLES: &[Example] = &[
    // https://shopify.dev/docs/api/admin-rest/usage/rate-limits
    example(
        Dialect::Shopify,
        200,
        &[("X-Shopify-Shop-Api-Call-Limit", "32/40")],
        "",
        &["rest limit=40 remaining=8 used=32"],
    ),
    example(
        Dialect::Shopify,
        429,
        &[("Retry-After", "2.0")],
        r#"{"errors": "Exceeded 2 calls per second"}"#,
        &["throttled", "blocked for=2 (Retry-After)"],
    ),
    // https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits
    example(
        Dialect::Shopify,
        200,
        &[("content-type", "application/json")],
        r#"{"data": {"shop": {"name": "Fox"}}, "extensions": {"cost": {"requestedQueryCost": 101, "actualQueryCost": 46,
            "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": 1954, "restoreRate": 100.0}}}}"#,
        &["graphql Points limit=2000 remaining=1954 refill=100000000µ/s", "cost requested=101 actual=46"],
    ),
    example(
        Dialect::Shopify,
        200,
        &[],
        r#"{"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}], "extensions": {"cost":
            {"requestedQueryCost": 752, "actualQueryCost": null, "throttleStatus":
            {"maximumAvailable": 1000.0, "currentlyAvailable": 666, "restoreRate": 50.0}}}}"#,
        &[
            "graphql Points limit=1000 remaining=666 refill=50000000µ/s",
            "throttled",
            "error THROTTLED",
            "cost requested=752",
        ],
    ),
    // throttleStatus is missing, as public clients report.
    example(
        Dialect::Shopify,
        200,
        &[],
        r#"{"data": {}, "extensions": {"cost": {"requestedQueryCost": 3}}}"#,
        &["cost requested=3"],
    ),
    // https://developer.etsy.com/documentation/essentials/rate-limits
    example(
        Dialect::Etsy,
        200,
        &[
            ("x-limit-per-second", "150"),
            ("x-remaining-this-secon", "149"),
            ("x-limit-per-day", "100000"),
            ("x-remaining-today", "99998"),
        ],
        "",
        &["per_second limit=150 remaining=149 window=1", "per_day limit=100000 remaining=99998 window=86400"],
    ),
    // The same page, as it was before.
    example(
        Dialect::Etsy,
        200,
        &[
            ("X-Limit-Per-Second", "10"),
            ("X-Remaining-This-Second", "9"),
            ("X-Limit-Per-Day", "10000"),
            ("X-Remaining-Today", "9998"),
        ],
        "",
        &["per_second limit=10 remaining=9 window=1", "per_day limit=10000 remaining=9998 window=86400"],
    ),
    example(
        Dialect::Etsy,
        429,
        &[("retry-after", "1")],
        r#"{"error": "Exceeded per second limit"}"#,
        &["throttled", "blocked for=1 (Retry-After)"],
    ),
    // https://developer.ebay.com/api-docs/developer/analytics/resources/rate_limit/methods/getRateLimits
    example(
        Dialect::Ebay,
        200,
        &[],
        r#"{"rateLimits": [
            {"apiContext": "buy", "apiName": "Browse", "apiVersion": "v1", "resources": [
                {"name": "buy.browse", "rates": [{"count": 100, "limit": 5000, "remaining": 4900,
                    "reset": "2026-11-24T07:00:00.000Z", "timeWindow": 86400}]},
                {"name": "buy.browse.item.bulk", "rates": [{"limit": 5000, "remaining": 5000,
                    "reset": "2026-11-24T07:00:00.000Z", "timeWindow": 86400}]}]},
            {"apiContext": "tradingapi", "apiName": "TradingAPI", "apiVersion": "v1", "resources": [
                {"name": "AddItem", "rates": [{"count": 5, "limit": 5000, "reset": "2026-11-24T08:00:00.000Z",
                    "timeWindow": 86400}]},
                {"name": "GetItem", "rates": []}]}]}"#,
        &[
            "buy.browse limit=5000 remaining=4900 used=100 resets-in=60891 window=86400",
            "buy.browse.item.bulk limit=5000 remaining=5000 resets-in=60891 window=86400",
            "AddItem limit=5000 remaining=4995 used=5 resets-in=64491 window=86400",
        ],
    ),
    example(
        Dialect::Ebay,
        429,
        &[],
        r#"{"errors": [{"errorId": 2001, "domain": "ACCESS", "category": "REQUEST", "message": "Too many requests."}]}"#,
        &["throttled", "error 2001"],
    ),
    // https://developer-docs.amazon.com/sp-api/docs/usage-plans-and-rate-limits
    example(
        Dialect::Amazon,
        200,
        &[("x-amzn-RateLimit-Limit", "0.0083")],
        "{}",
        &["account_application refill=8300µ/s"],
    ),
    example(Dialect::Amazon, 200, &[("x-amzn-RateLimit-Limit", "5.0")], "", &["account_application refill=5000000µ/s"]),
    example(
        Dialect::Amazon,
        429,
        &[("x-amzn-RateLimit-Limit", "0.0167")],
        r#"{"errors": [{"code": "QuotaExceeded", "message": "You exceeded your quota.", "details": ""}]}"#,
        &["account_application refill=16700µ/s", "throttled", "error QuotaExceeded"],
    ),
    // https://replicate.com/docs/topics/predictions/rate-limits; the fields are recorded.
    example(
        Dialect::Replicate,
        201,
        &[("ratelimit-remaining", "599"), ("ratelimit-reset", "1")],
        "{}",
        &["- remaining=599 resets-in=1"],
    ),
    example(
        Dialect::Replicate,
        429,
        &[],
        r#"{"detail":"Request was throttled. Your rate limit resets in ~30s."}"#,
        &["throttled", "blocked for=30 (stated)"],
    ),
    // https://replicate.com/docs/topics/predictions/lifecycle
    example(
        Dialect::Replicate,
        200,
        &[],
        r#"{"id": "rrr4z55ocneqzikepnug6xezpe", "model": "stability-ai/sdxl", "status": "succeeded",
            "metrics": {"predict_time": 4.484541, "image_count": 2}}"#,
        &["charge rrr4z55ocneqzikepnug6xezpe item=stability-ai/sdxl image_count=2000000µ predict_time=4484541µ"],
    ),
    example(
        Dialect::Replicate,
        200,
        &[],
        r#"{"id": "a1", "status": "canceled", "metrics": {"predict_time": 0.5}}"#,
        &["charge a1 predict_time=500000µ"],
    ),
    // https://replicate.com/changelog/2025-10-16-prediction-deadlines
    example(Dialect::Replicate, 200, &[], r#"{"id": "a2", "status": "aborted", "metrics": {}}"#, &["no charge a2"]),
    example(
        Dialect::Replicate,
        200,
        &[],
        r#"{"next": null, "results": [{"id": "a3", "status": "failed", "metrics": {"predict_time": 1}},
            {"id": "a4", "status": "processing"}, {"id": "a5", "status": "aborted"}]}"#,
        &["charge a3 predict_time=1000000µ", "no charge a5", "pending a4"],
    ),
    // https://developers.facebook.com/docs/graph-api/overview/rate-limiting/
    example(
        Dialect::Instagram,
        200,
        &[("x-app-usage", r#"{"call_count": 28, "total_time": 25, "total_cputime": 25}"#)],
        "",
        &[
            "app/call_count Other used-basis-points=2800",
            "app/total_cputime Other used-basis-points=2500",
            "app/total_time Other used-basis-points=2500",
        ],
    ),
    example(
        Dialect::Instagram,
        400,
        &[(
            "x-business-use-case-usage",
            r#"{"66782684": [{"type": "instagram", "call_count": 100, "total_cputime": 20, "total_time": 20.5,
                "estimated_time_to_regain_access": 19}], "10153848260347724": [{"type": "pages", "call_count": 97,
                "total_cputime": 23, "total_time": 23, "estimated_time_to_regain_access": 0}]}"#,
        )],
        r#"{"error": {"message": "(#80002) There have been too many calls.", "type": "OAuthException", "code": 80002}}"#,
        &[
            "10153848260347724/pages/call_count Other used-basis-points=9700",
            "10153848260347724/pages/total_cputime Other used-basis-points=2300",
            "10153848260347724/pages/total_time Other used-basis-points=2300",
            "66782684/instagram/call_count Other used-basis-points=10000",
            "66782684/instagram/total_cputime Other used-basis-points=2000",
            "66782684/instagram/total_time Other used-basis-points=2050",
            "throttled",
            "blocked 66782684/instagram for=1140 (stated)",
            "error 80002",
        ],
    ),
    // https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/error-codes/
    example(
        Dialect::Instagram,
        403,
        &[],
        r#"{"error": {"code": 9, "error_subcode": 2207042}}"#,
        &["throttled", "error 9/2207042"],
    ),
    example(
        Dialect::Instagram,
        400,
        &[],
        r#"{"error": {"code": 36000, "error_subcode": 2207004}}"#,
        &["error 36000/2207004"],
    ),
    // https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/content_publishing_limit/
    example(
        Dialect::Instagram,
        200,
        &[],
        r#"{"data": [{"quota_usage": 2, "config": {"quota_total": 50, "quota_duration": 86400}}]}"#,
        &["content_publishing Posts limit=50 remaining=48 used=2 window=86400"],
    ),
    example(Dialect::Instagram, 200, &[], r#"{"data": [{"quota_usage": 2}]}"#, &["content_publishing Posts used=2"]),
    // https://developers.pinterest.com/docs/reference/rate-limits/; the fields are recorded.
    example(
        Dialect::Pinterest,
        200,
        &[
            (
                "x-ratelimit-limit",
                r#"100, 100;w=1;name="safety_net_app_id_user_id", 1000;w=60;name="org_read_app_id_user_id""#,
            ),
            ("x-ratelimit-remaining", "99"),
            ("x-ratelimit-reset", "1"),
        ],
        "",
        &[
            "safety_net_app_id_user_id limit=100 remaining=99 resets-in=1 window=1",
            "org_read_app_id_user_id limit=1000 window=60",
        ],
    ),
    example(
        Dialect::Pinterest,
        200,
        &[
            (
                "x-ratelimit-limit",
                r#"60, 100;w=1;name="safety_net_app_id_user_id", 60;w=60;name="org_analytics_app_id_user_id""#,
            ),
            ("x-ratelimit-remaining", "3"),
            ("x-ratelimit-reset", "41"),
        ],
        "",
        &[
            "safety_net_app_id_user_id limit=100 window=1",
            "org_analytics_app_id_user_id limit=60 remaining=3 resets-in=41 window=60",
        ],
    ),
    example(
        Dialect::Pinterest,
        429,
        &[("X-RateLimit-Limit", "1000"), ("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "67150")],
        r#"{"code": 8, "message": "You have exceeded your rate limit."}"#,
        &["- limit=1000 remaining=0 resets-in=67150", "throttled", "error 8"],
    ),
    // https://developers.tiktok.com/docs/en/tiktok-api-v2-rate-limit
    example(
        Dialect::Tiktok,
        429,
        &[],
        r#"{"data": {}, "error": {"code": "rate_limit_exceeded", "message": "", "log_id": "20261123"}}"#,
        &["throttled", "blocked requests for=60 (documented)", "error rate_limit_exceeded"],
    ),
    // https://developers.tiktok.com/doc/content-posting-api-reference-direct-post
    example(
        Dialect::Tiktok,
        403,
        &[],
        r#"{"error": {"code": "spam_risk_too_many_posts"}}"#,
        &["throttled", "blocked posts for=86400 (documented)", "error spam_risk_too_many_posts"],
    ),
    example(
        Dialect::Tiktok,
        403,
        &[],
        r#"{"error": {"code": "spam_risk_too_many_pending_share"}}"#,
        &["throttled", "blocked pending_shares for=86400 (documented)", "error spam_risk_too_many_pending_share"],
    ),
    example(
        Dialect::Tiktok,
        403,
        &[],
        r#"{"error": {"code": "reached_active_user_cap"}}"#,
        &["throttled", "blocked active_users for=86400 (documented)", "error reached_active_user_cap"],
    ),
    example(
        Dialect::Tiktok,
        200,
        &[],
        r#"{"data": {"publish_id": "v1"}, "error": {"code": "ok", "message": ""}}"#,
        &[],
    ),
    example(
        Dialect::Tiktok,
        401,
        &[],
        r#"{"error": {"code": "access_token_invalid"}}"#,
        &["error access_token_invalid"],
    ),
    // https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/, revision 10
    example(
        Dialect::Generic,
        200,
        &[("RateLimit-Policy", r#""burst";q=100;w=60,"daily";q=1000;w=86400"#), ("RateLimit", r#""burst";r=50;t=30"#)],
        "",
        &["burst limit=100 remaining=50 resets-in=30 window=60", "daily limit=1000 window=86400"],
    ),
    example(
        Dialect::Generic,
        200,
        &[("RateLimit-Policy", r#""peruser";q=65535;qu="content-bytes";w=10;pk=:sdfjLJUOUH==:"#)],
        "",
        &["peruser[b1d7e32c950e50] ContentBytes limit=65535 window=10"],
    ),
    example(
        Dialect::Generic,
        200,
        &[("RateLimit", r#""default";r=999;pk=:dHJpYWwxMjEzMjM=:"#)],
        "",
        &["default[747269616c313231333233] remaining=999"],
    ),
    example(
        Dialect::Generic,
        429,
        &[("Content-Type", "application/problem+json"), ("Retry-After", "30")],
        r#"{"type": "https://iana.org/assignments/http-problem-types#quota-exceeded", "violated-policies": ["daily"]}"#,
        &["throttled", "blocked daily for=30 (Retry-After)", "error quota-exceeded"],
    ),
    // Revision 07
    example(
        Dialect::Generic,
        200,
        &[("RateLimit", "limit=100, remaining=50, reset=5"), ("RateLimit-Policy", "10;w=1, 100;w=60")],
        "",
        &["- limit=10 window=1", "- limit=100 remaining=50 resets-in=5 window=60"],
    ),
    // Revision 03
    example(
        Dialect::Generic,
        200,
        &[("RateLimit-Limit", "100, 100;w=60"), ("RateLimit-Remaining", "50"), ("RateLimit-Reset", "5")],
        "",
        &["- limit=100 remaining=50 resets-in=5 window=60"],
    ),
    // https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
    example(
        Dialect::Generic,
        403,
        &[
            ("x-ratelimit-limit", "60"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-used", "60"),
            ("x-ratelimit-resource", "core"),
            ("x-ratelimit-reset", "1795442769"),
        ],
        "",
        &["core limit=60 remaining=0 used=60 resets-in=60", "throttled"],
    ),
];
