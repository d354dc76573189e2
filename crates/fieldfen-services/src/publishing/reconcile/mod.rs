//! Reconciling one account: what the platform has is compared with what is known here, and put right.
//!
//! [`compare`] only reads, and its [`ReconcileReport`] raises questions. [`repair`] answers each of them by a lookup before
//! it changes anything. [`job`] does both as the recurring job `fieldfen.reconcile`.

mod account_rows;
mod compare;
pub(super) mod job;
mod repair;
mod report;

pub use job::Reconcile;
pub use repair::{FailedRepair, RepairReport};
pub use report::{DuplicateProduct, ReconcileReport, StatusMismatch, UnconfirmedProduct};
