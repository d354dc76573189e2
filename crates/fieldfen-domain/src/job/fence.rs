//! Leases, and the answers to operations that need the current fence token.

use std::time::Duration;

use crate::ids::{FenceToken, JobId};
use crate::time::Timestamp;

/// The longest lease. A lease that ends later than this from now was written by a wrong clock.
pub const LONGEST_LEASE: Duration = Duration::from_secs(24 * 3600);

/// Returns whether a lease with this end still holds. It does not if its end has passed, or is more than
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
    /// The token that the claim has written.
    pub token: FenceToken,
}

/// The answer to an operation that needs the current fence token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the operation may not have taken effect: another claim may hold the job by now"]
pub enum FencedResult<T> {
    /// The operation took effect now. The value is its answer.
    Done(T),
    /// The same claim has ended the job before, and the caller did not get that answer. Nothing was changed.
    AlreadyDone {
        /// The time at which the job ended; `None` if it is unknown.
        at: Option<Timestamp>,
    },
    /// The token is not the current one: the job was reclaimed, cancelled or released. Nothing was changed.
    LeaseLost,
    /// The row does not exist. Nothing was changed.
    NotFound,
}

impl<T> FencedResult<T> {
    /// Returns whether the operation took effect now.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

/// The answer to a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeartbeatOutcome {
    /// The time at which the extended lease expires.
    pub expires_at: Timestamp,
    /// Whether the cancellation of the job was requested.
    pub cancel_requested: bool,
}

impl HeartbeatOutcome {
    /// A lease with this end. `cancel_requested` says whether the cancellation of its job was requested.
    #[must_use]
    pub const fn new(expires_at: Timestamp, cancel_requested: bool) -> Self {
        Self { expires_at, cancel_requested }
    }
}
