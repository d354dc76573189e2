//! Conditions for permits beside the limits and the pauses, such as budgets.

use fieldfen_domain::Timestamp;
use fieldfen_domain::rate_limit::{Closed, PermitRequest};
use fieldfen_domain::store::{Session, StoreError};

/// A condition that is asked in the transaction in which a permit is acquired, before the limits.
pub trait AcquireCheck: Send + Sync {
    /// Why the call may not be made at this time, and when it may; `None` if it may.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read. No permit is acquired then.
    fn closed(
        &self,
        s: &mut dyn Session,
        request: &PermitRequest,
        now: Timestamp,
    ) -> Result<Option<Closed>, StoreError>;
}
