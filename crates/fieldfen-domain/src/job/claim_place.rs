//! The place of a job in the order in which claims take the jobs of its kind.

use super::ConcurrencyLimit;
use crate::ids::JobId;

/// The number of due jobs that a store looks at to find the place of a job.
pub const MOST_BEFORE: u32 = 1000;

/// The number of running jobs that [`ClaimPlace::Limited`] names.
pub const MOST_NAMED: usize = 10;

/// The place of a pending job in the order in which claims take the jobs of its kind, at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimPlace {
    /// Claims take the job, after this many other jobs of its kind.
    Claimable {
        /// The number of jobs that claims take before it.
        before: u32,
    },
    /// A concurrency limit is reached, by jobs that run or by jobs that claims take before.
    Limited {
        /// The limit.
        limit: ConcurrencyLimit,
        /// The number of jobs that run in the partition of the job.
        running: u32,
        /// The first of them: at most [`MOST_NAMED`]. Jobs that other programs run may be missing.
        jobs: Vec<JobId>,
    },
    /// At least this many due jobs of its kind come before it.
    FarBehind {
        /// The number of jobs that the store has looked at.
        before: u32,
    },
    /// No claim finds the job now. A reclaim puts it in order; each worker makes one at least every 5 seconds. Its due time
    /// has an unusual form, or it was left waiting although its partition has room.
    AfterReclaim,
}
