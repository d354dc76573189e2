#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod answer;
mod dialect;
mod number;
mod reading;
mod retry_after;
mod time;

pub use answer::{Answer, MAX_BODY_BYTES, MAX_FIELD_BYTES};
pub use dialect::Dialect;
pub use reading::{
    Block, BlockSource, CallCost, Charge, ChargedAmount, LimitReading, MAX_CHARGES, MAX_LIMITS, MAX_NAME_BYTES,
    Reading, Refill, Unit,
};

/// A time in UTC. No time of a reading is after the year 9999.
pub type Timestamp = chrono::DateTime<chrono::Utc>;

/// Reads an answer of a service.
///
/// Every answer is read for status 429 and `Retry-After`. If the service's own fields say nothing of a limit, the
/// standard fields are read, as [`Dialect::Generic`] does.
#[must_use]
pub fn read(dialect: Dialect, answer: &Answer<'_>) -> Reading {
    let mut reading = Reading { throttled: answer.status() == 429, ..Reading::default() };
    retry_after::read(answer, &mut reading);
    match dialect {
        Dialect::Shopify
        | Dialect::Etsy
        | Dialect::Ebay
        | Dialect::Amazon
        | Dialect::Replicate
        | Dialect::Instagram
        | Dialect::Pinterest
        | Dialect::Tiktok
        | Dialect::Generic => {}
    }
    reading
}
