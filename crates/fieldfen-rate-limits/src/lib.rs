#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod amazon;
mod answer;
mod dialect;
mod ebay;
mod etsy;
mod generic;
mod instagram;
mod json;
mod number;
mod pinterest;
mod quota;
mod reading;
mod replicate;
mod retry_after;
mod shopify;
mod tiktok;
mod time;

pub use answer::{Answer, MAX_BODY_BYTES, MAX_FIELD_BYTES};
pub use dialect::Dialect;
pub use reading::{
    Block, BlockSource, CallCost, Charge, ChargedAmount, LimitReading, MAX_CHARGES, MAX_LIMITS, MAX_NAME_BYTES,
    PendingCharge, Reading, Refill, Unit,
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
        Dialect::Shopify => shopify::read(answer, &mut reading),
        Dialect::Etsy => etsy::read(answer, &mut reading),
        Dialect::Ebay => ebay::read(answer, &mut reading),
        Dialect::Amazon => amazon::read(answer, &mut reading),
        Dialect::Replicate => replicate::read(answer, &mut reading),
        Dialect::Instagram => instagram::read(answer, &mut reading),
        Dialect::Pinterest => pinterest::read(answer, &mut reading),
        Dialect::Tiktok => tiktok::read(answer, &mut reading),
        Dialect::Generic => generic::read_problem(answer, &mut reading),
    }
    if reading.limits.is_empty() {
        generic::read(answer, &mut reading);
    }
    reading.limits.truncate(MAX_LIMITS);
    reading
}
