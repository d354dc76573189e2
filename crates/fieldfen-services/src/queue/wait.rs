//! Waits for the end of a job.

use std::time::{Duration, Instant};

use fieldfen_domain::job::{Job, JobState, ParkedFor};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{JobId, RawJson};

use super::Queue;

/// The longest time between two looks, in case a commit did not wake the watch.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// The result of waiting for a job.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "it shows whether the job has succeeded"]
pub enum WaitOutcome {
    /// The job has succeeded.
    Completed {
        /// The result; `None` if its handler returned none.
        result: Option<RawJson>,
    },
    /// The job has failed for good, or was cancelled.
    Failed {
        /// The reason, for people to read.
        reason: String,
    },
    /// The job is parked. It waits for an event that may take days.
    Parked {
        /// The event that the job waits for.
        parked_for: ParkedFor,
        /// The reason, for people to read.
        reason: String,
    },
    /// The job had not ended at the timeout.
    TimedOut,
    /// The job does not exist, or was deleted.
    NotFound,
}

impl<S: Store> Queue<S> {
    /// Waits until a job has ended or is parked, at most for `timeout`.
    ///
    /// Blocks the thread. An async program calls it through its runtime's `spawn_blocking`. If the job has ended
    /// already, the answer comes at once, even with a timeout of zero.
    ///
    /// # Errors
    /// As [`Queue::find`], and the errors of [`Store::watch`].
    pub fn wait_for(&self, id: &JobId, timeout: Duration) -> Result<WaitOutcome, StoreError> {
        let started = Instant::now();
        let mut watch = self.store.watch()?;
        loop {
            match self.find(id)?.map(ending) {
                None => return Ok(WaitOutcome::NotFound),
                Some(Some(ended)) => return Ok(ended),
                Some(None) => {}
            }
            let left = timeout.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Ok(WaitOutcome::TimedOut);
            }
            watch.wait(left.min(LOOK_AGAIN))?;
        }
    }
}

fn ending(job: Job) -> Option<WaitOutcome> {
    match job.state {
        JobState::Pending | JobState::Running { .. } => None,
        JobState::Completed { .. } => Some(WaitOutcome::Completed { result: job.result }),
        JobState::Failed { .. } => Some(WaitOutcome::Failed { reason: reason(job.last_error) }),
        JobState::Parked { parked_for, .. } => Some(WaitOutcome::Parked { parked_for, reason: reason(job.last_error) }),
    }
}

fn reason(last_error: Option<String>) -> String {
    last_error.unwrap_or_else(|| "no reason was stored".to_owned())
}
