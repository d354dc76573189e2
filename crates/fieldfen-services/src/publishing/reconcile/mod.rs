//! Reconciles one account: compares the platform's products with the rows, and repairs the differences.
//!
//! [`compare`] only reads, and its [`ReconcileReport`] lists possible differences. [`repair`] checks each of them by a
//! lookup before it changes anything. [`job`] runs both as the recurring job `fieldfen.reconcile`.

mod account_rows;
mod compare;
pub(super) mod job;
mod repair;
mod report;

pub use job::Reconcile;
pub use repair::{FailedRepair, RepairReport};
pub use report::{DuplicateProduct, ReconcileReport, StatusMismatch, UnconfirmedProduct};
