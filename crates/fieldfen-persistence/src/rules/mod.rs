//! Decisions over rows that were read, without SQL. A second SQL store can share them and add only its own statements.
//!
//! A store reads rows, asks a rule, and writes the row that the rule returns. `fieldfen_domain::store::publication_decisions`
//! decides to which publication a call or a row belongs, since stores without SQL need that too.

pub(crate) mod claim_rules;
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
