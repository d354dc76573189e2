//! The answer to a call, in the words of the rate limiter.

use fieldfen_domain::api_usage::CallOutcome;
use fieldfen_domain::rate_limit::{CallAnswer, ReportedLimit};
use fieldfen_rate_limits::{Dialect, LimitReading, Reading, Unit};

use super::open_call::Told;

/// The answer for the rate limiter, of a call that has ended like this.
pub(super) fn call_answer(told: &Told, outcome: CallOutcome, dialect: Dialect, endpoint: &str) -> CallAnswer {
    let throttled = outcome == CallOutcome::Throttled;
    match (&told.reading, outcome) {
        (_, CallOutcome::NotSent) => CallAnswer::NotSent,
        (Some(reading), _) => said(reading, throttled, told, dialect, endpoint),
        (None, CallOutcome::NoAnswer) => CallAnswer::NoAnswer,
        (None, _) if throttled => CallAnswer::throttled(Vec::new(), told.retry_at),
        (None, _) => CallAnswer::silent(),
    }
}

fn said(reading: &Reading, throttled: bool, told: &Told, dialect: Dialect, endpoint: &str) -> CallAnswer {
    // These services keep a limit for each endpoint, and their answers do not say which one that is.
    let of_endpoint =
        matches!(dialect, Dialect::Amazon | Dialect::Replicate | Dialect::Tiktok).then(|| endpoint.to_owned());
    let counted = |limit: &&LimitReading| matches!(limit.unit, Unit::Requests | Unit::Points);
    let limits = reading.limits.iter().filter(counted).map(|limit| {
        ReportedLimit::new(limit.bucket.clone())
            .endpoint(of_endpoint.clone())
            .limit(limit.limit)
            .remaining(limit.remaining)
            .used_basis_points(limit.used_basis_points)
            .resets_at(limit.resets_at)
            .window(limit.window)
            .refill_micros_per_second(limit.refill.map(|refill| refill.micros_per_second))
    });
    CallAnswer::Answered {
        limits: limits.collect(),
        throttled: throttled || reading.throttled,
        retry_at: told.retry_at.or(reading.retry_at()),
        blocked_bucket: reading.blocked.as_ref().and_then(|block| block.bucket.clone()),
    }
}
