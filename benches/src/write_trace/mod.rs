//! A trace of every write of several processes: the time of each phase, and the holder of the write lock meanwhile.
//!
//! The store logs the phases of each write at the level TRACE. [`record`] collects these lines in the memory of a
//! writing process, [`StallWatch`] records the times at which the machine itself did not run, and [`explain`] combines
//! both.

mod explain;
mod recorder;
mod stalls;

use serde::{Deserialize, Serialize};

pub use explain::{Explanation, explain, phase_table};
pub use recorder::{record, take};
pub use stalls::{Stall, StallWatch};

/// The phases of a write, in their order.
pub const PHASES: [&str; 7] = ["queue", "fair lock", "begin", "closure", "commit", "checkpoint", "outcome"];

/// The commit among the [`PHASES`].
const COMMIT: usize = 4;

/// The fields of the store's log line with the phases, in microseconds.
const FIELDS: [&str; 7] =
    ["queue_us", "fair_lock_us", "begin_us", "closure_us", "commit_us", "checkpoint_us", "outcome_us"];

/// One write of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TracedWrite {
    /// The end of the write, in microseconds of the system's monotonic clock, which all processes share.
    pub end_us: u64,
    /// The time of each of the [`PHASES`], in microseconds.
    pub phases_us: [u64; 7],
    /// The time for which the thread was ready to run and had no processor since the last write, in microseconds; 0 if
    /// it was not recorded.
    pub run_delay_us: u64,
}

impl TracedWrite {
    /// All phases together, in microseconds.
    #[must_use]
    pub fn total_us(&self) -> u64 {
        self.phases_us.iter().sum()
    }

    /// The time of the commit, in microseconds; 0 if another thread committed.
    #[must_use]
    pub const fn commit_us(&self) -> u64 {
        self.phases_us[COMMIT]
    }

    /// The start and the end of a phase on the monotonic clock, in microseconds.
    #[must_use]
    pub fn interval(&self, phase: usize) -> (u64, u64) {
        let after: u64 = self.phases_us[phase + 1..].iter().sum();
        let end = self.end_us.saturating_sub(after);
        (end.saturating_sub(self.phases_us[phase]), end)
    }

    /// The phase that took the longest.
    #[must_use]
    pub fn longest_phase(&self) -> usize {
        (0..PHASES.len()).max_by_key(|phase| self.phases_us[*phase]).unwrap_or_default()
    }
}

/// The system's monotonic clock in microseconds.
pub(crate) fn monotonic_us() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or_default() * 1_000_000 + u64::try_from(now.tv_nsec).unwrap_or_default() / 1000
}
