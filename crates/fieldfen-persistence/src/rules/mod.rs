//! Decisions over rows that were read, without SQL: a second SQL store shares them, and only its statements are its own.
//!
//! A store reads rows, asks a rule, and writes what the rule answers. Which publication a call or a row belongs to is
//! decided in `fieldfen_domain::store::publication_decisions`, for stores without SQL too.

pub(crate) mod clock_ahead;
pub(crate) mod expired_lease;
pub(crate) mod file_identity;
pub(crate) mod job_fence;
pub(crate) mod listing_update;
pub(crate) mod operator_retry;
pub(crate) mod recurring_tick;
pub(crate) mod reservation;
pub(crate) mod unchanged_file;
pub(crate) mod webhook_retention;
