#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod address;
pub mod api_usage;
mod causes;
pub mod file;
mod finite;
mod hash;
mod ids;
pub mod job;
mod json;
mod open_enum;
pub mod operator;
mod page;
mod panics;
pub mod publication;
mod reason;
pub mod recurring;
pub mod store;
mod text_enum;
mod time;
pub mod webhook;
pub mod worker;

pub use address::redacted;
pub use causes::with_causes;
pub use ids::{FenceToken, FileId, InvalidId, JobId, ListingId, PublicationId, SocialPostId, WorkerId};
pub use json::{InvalidJson, MAX_JSON_BYTES, RawJson};
pub use open_enum::{InvalidWord, OwnWord};
pub use page::{Cursor, Order, Page, PageRequest, UnreadableRow};
pub use panics::catch_panic;
pub use reason::{MAX_REASON_BYTES, cut_reason};
pub use text_enum::ParseEnumError;
pub use time::{
    CLOCK_TOLERANCE, MAX_TIMESTAMP, MIN_TIMESTAMP, Timestamp, end_from_now, is_ahead, later, truncate_to_micros,
};
