#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

pub mod api_cost;
pub mod api_usage;
mod capped_count;
mod catch_panic;
mod error_chain;
pub mod file;
pub mod health;
mod id_prefix;
mod ids;
pub mod job;
mod json;
mod non_finite_floats;
mod open_enum;
pub mod operator;
mod optional_text;
mod page;
pub mod publication;
pub mod rate_limit;
mod reason;
pub mod recurring;
mod redacted;
mod secrets;
mod sha256;
pub mod store;
mod text_enum;
mod time;
pub mod webhook;
pub mod worker;

pub use capped_count::CappedCount;
pub use catch_panic::catch_panic;
pub use error_chain::with_causes;
pub use id_prefix::{IdPrefix, IdTable, InvalidIdPrefix};
pub use ids::{
    BulkActionId, FenceToken, FileId, InvalidId, JobId, ListingId, OperatorActionId, PermitId, PublicationId,
    SocialPostId, WorkerId,
};
pub use json::{InvalidJson, MAX_JSON_BYTES, RawJson};
pub use open_enum::{InvalidWord, OwnWord};
pub use optional_text::OptionalText;
pub use page::{Cursor, Order, Page, PageRequest, UnreadableRow};
pub use reason::{MAX_REASON_BYTES, cut_reason};
pub use redacted::redacted;
pub use secrets::Secrets;
pub use text_enum::ParseEnumError;
pub use time::{
    CLOCK_TOLERANCE, MAX_TIMESTAMP, MIN_TIMESTAMP, Timestamp, corrected_end, is_ahead, later, truncate_to_micros,
};
