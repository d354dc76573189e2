//! Leases, and the answers to operations that need the current fence token.

use std::time::Duration;

use crate::ids::{FenceToken, JobId};
use crate::time::Timestamp;

/// The longest lease. A lease that seems to end later than this from now was written by a clock that was wrong.
pub const LONGEST_LEASE: Duration = Duration::from_secs(24 * 3600);

/// Whether a lease that ends at `expires_at` still holds: not when its end is further away than [`LONGEST_LEASE`].
#[must_use]
pub fn lease_holds(expires_at: Timestamp, now: Timestamp) -> bool {
    expires_at.signed_duration_since(now).to_std().is_ok_and(|left| !left.is_zero() && left <= LONGEST_LEASE)
}

/// Names one claim of one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimRef {
    /// The job that was claimed.
    pub id: JobId,
    /// The token that the claim wrote.
    pub token: FenceToken,
}

/// The answer to an operation that needs the current token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the operation may not have taken effect: the job may belong to somebody else by now"]
pub enum FencedResult<T> {
    /// The operation took effect now. The value is its answer.
    Done(T),
    /// This very claim had ended the job before: the answer had been lost on its way. Nothing was changed.
    AlreadyDone {
        /// When the job ended.
        at: Option<Timestamp>,
    },
    /// The job has been taken over, cancelled or given back. Nothing was changed.
    LeaseLost,
    /// There is no such job any more. Nothing was changed.
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
pub struct Heartbeat {
    /// The lease holds until then.
    pub expires_at: Timestamp,
    /// Somebody asked for the job to stop.
    pub cancel_requested: bool,
}

impl Heartbeat {
    /// A lease that holds until then, of a job that is asked to stop or not.
    #[must_use]
    pub const fn new(expires_at: Timestamp, cancel_requested: bool) -> Self {
        Self { expires_at, cancel_requested }
    }
}
