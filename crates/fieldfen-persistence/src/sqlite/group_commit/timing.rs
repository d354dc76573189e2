//! Measures each phase of a write, and logs one line per write at the level TRACE.

use std::time::{Duration, Instant};

/// The phases of one write, in their order. A phase that another writer of the batch went through is zero.
#[derive(Debug, Default)]
pub(super) struct WriteTiming {
    /// The wait for other threads of the process.
    pub(super) queue: Duration,
    pub(super) transaction: TransactionTiming,
    /// The writer's own closure, with its savepoint.
    pub(super) closure: Duration,
    /// The wait for a commit by another thread.
    pub(super) outcome: Duration,
}

/// The phases of the transaction of a batch.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct TransactionTiming {
    /// The wait for the fair lock.
    pub(super) fair_lock: Duration,
    /// `BEGIN IMMEDIATE`, with its wait for SQLite's write lock.
    pub(super) begin: Duration,
    /// `COMMIT`, with the flush of the log.
    pub(super) commit: Duration,
    /// The checkpoint that followed the commit.
    pub(super) checkpoint: Duration,
}

/// Runs `f` and adds its time to `phase`.
pub(super) fn timed<T>(phase: &mut Duration, f: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let done = f();
    *phase += began.elapsed();
    done
}

impl Drop for WriteTiming {
    fn drop(&mut self) {
        if tracing::enabled!(tracing::Level::TRACE) {
            let us = |phase: Duration| u64::try_from(phase.as_micros()).unwrap_or(u64::MAX);
            let TransactionTiming { fair_lock, begin, commit, checkpoint } = self.transaction;
            log!(
                TRACE,
                queue_us = us(self.queue),
                fair_lock_us = us(fair_lock),
                begin_us = us(begin),
                closure_us = us(self.closure),
                commit_us = us(commit),
                checkpoint_us = us(checkpoint),
                outcome_us = us(self.outcome),
                "write ended"
            );
        }
    }
}
