//! Amazon's Selling Partner API: <https://developer-docs.amazon.com/sp-api/docs/usage-plans-and-rate-limits>.
//!
//! Each operation has token buckets. `x-amzn-RateLimit-Limit` is the rate at which the bucket of the account and
//! application refills, in requests per second: `0.0083` is one request in two minutes. The field can be missing, and
//! nothing says how much is left. The buckets of the application alone are not told. A refused call has status 429 and
//! the code `QuotaExceeded`.
//!
//! The bucket is called `account_application` here. It is another one for each operation.

use serde::Deserialize;
use serde_json::Value;

use crate::number::micros_rounded_down;
use crate::{Answer, LimitReading, Reading, Refill, json};

pub(crate) fn read(answer: &Answer<'_>, reading: &mut Reading) {
    let rates = answer.lines("x-amzn-ratelimit-limit").filter_map(micros_rounded_down).filter_map(Refill::new);
    if let Some(refill) = rates.min_by_key(|refill| refill.micros_per_second) {
        let bucket = Some("account_application".to_owned());
        reading.limits.push(LimitReading { bucket, refill: Some(refill), ..LimitReading::default() });
    }
    if answer.status() >= 400 {
        reading.error_code = error_code(answer);
        reading.throttled |= reading.error_code.as_deref() == Some("QuotaExceeded");
    }
}

fn error_code(answer: &Answer<'_>) -> Option<String> {
    #[derive(Deserialize)]
    struct Body {
        errors: Value,
    }
    let errors = json::body::<Body>(answer)?.errors;
    errors.as_array()?.iter().find_map(|error| json::code(&error["code"]))
}
