//! Leases, and the answers to operations that need the current fence token.

use std::time::Duration;

use crate::ids::{FenceToken, JobId};
use crate::time::Timestamp;

/// The longest lease. A lease that ends later than this from now was written by a wrong clock.
pub const LONGEST_LEASE: Duration = Duration::from_secs(24 * 3600);

/// Whether a lease that ends at `expires_at` still holds. It does not if its end has passed, or is more than
/// [`LONGEST_LEASE`] away.
#[must_use]
pub fn lease_holds(expires_at: Timestamp, now: Timestamp) -> bool {
    expires_at.signed_duration_since(now).to_std().is_ok_and(|left| !left.is_zero() && left <= LONGEST_LEASE)
}

/// Identifies one claim of one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimRef {
    /// The job that was claimed.
    pub id: JobId,
    /// The token that the claim wrote.
    pub token: FenceToken,
}

/// The answer to an operation that needs the current fence token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the operation may not have taken effect: the job may belong to somebody else by now"]
pub enum FencedResult<T> {
    /// The operation took effect now. The value is its answer.
    Done(T),
    /// The same claim has ended the job before, and its caller did not get the answer. Nothing was changed.
    AlreadyDone {
        /// When the job ended.
        at: Option<Timestamp>,
    },
    /// The token is not the current one: the job was reclaimed, cancelled or released. Nothing was changed.
    LeaseLost,
    /// The row is not there. Nothing was changed.
    NotFound,
}

impl<T> FencedResult<T> {
    /// Whether the operation took effect now.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

/// The answer to a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeartbeatOutcome {
    /// When the extended lease expires.
    pub expires_at: Timestamp,
    /// Whether an operator has asked the job to stop.
    pub cancel_requested: bool,
}

impl HeartbeatOutcome {
    /// A lease that holds until then, of a job that is asked to stop or not.
    #[must_use]
    pub const fn new(expires_at: Timestamp, cancel_requested: bool) -> Self {
        Self { expires_at, cancel_requested }
    }
}
