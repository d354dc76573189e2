//! Etsy's Open API v3: <https://developer.etsy.com/documentation/essentials/rate-limits>.
//!
//! A call counts for two limits, per second and per day. The day is a sliding window of 24 hours, so that no field says
//! when it resets. Etsy's page has the name `x-remaining-this-secon`; an older one has `x-remaining-this-second`. Both
//! are read. An answer with status 429 has `retry-after`, and need not have the others.

use std::time::Duration;

use crate::{Answer, LimitReading, Reading};

pub(crate) fn read(answer: &Answer<'_>, reading: &mut Reading) {
    let least = |names: [&str; 2]| names.into_iter().filter_map(|name| answer.least_count(name)).min();
    let limits = [
        ("per_second", 1, "x-limit-per-second", ["x-remaining-this-second", "x-remaining-this-secon"]),
        ("per_day", 86_400, "x-limit-per-day", ["x-remaining-today", "x-remaining-today"]),
    ];
    for (bucket, seconds, limit, remaining) in limits {
        let (limit, remaining) = (answer.least_count(limit), least(remaining));
        if (limit, remaining) != (None, None) {
            let (bucket, window) = (Some(bucket.to_owned()), Some(Duration::from_secs(seconds)));
            reading.limits.push(LimitReading { bucket, limit, remaining, window, ..LimitReading::default() });
        }
    }
}
