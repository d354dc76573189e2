//! A batch: the writers that share one commit, and its outcome.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fieldfen_domain::store::StoreError;

use crate::sqlite::fair_lock::FairLockGuard;
use crate::sqlite::watch::CommitNotice;

/// The batch whose transaction is open.
pub(super) struct OpenBatch {
    pub(super) shared: Arc<Batch>,
    /// Released after the commit.
    _fair_lock: Option<FairLockGuard>,
    pub(super) writes: u32,
    /// The notice for waiting threads and processes, sent after the commit.
    pub(super) notice: CommitNotice,
    /// The first error of the database file in a writer's closure: SQLite may have rolled the transaction back.
    pub(super) failure: Option<StoreError>,
    /// The time at which SQLite's write lock was taken.
    pub(super) began: Instant,
}

impl OpenBatch {
    /// A batch without writers. Its transaction has just been opened.
    pub(super) fn new(fair_lock: Option<FairLockGuard>) -> Self {
        Self {
            shared: Arc::default(),
            _fair_lock: fair_lock,
            writes: 0,
            notice: CommitNotice::None,
            failure: None,
            began: Instant::now(),
        }
    }
}

/// The outcome of a batch, for which its writers wait.
#[derive(Default)]
pub(super) struct Batch {
    state: Mutex<BatchState>,
    resolved: Condvar,
}

#[derive(Default)]
struct BatchState {
    progress: Progress,
    /// The number of waiting threads. A wake-up is a system call even if nobody waits, so zero avoids it.
    waiting: u32,
}

#[derive(Default)]
enum Progress {
    /// Writers can join.
    #[default]
    Open,
    /// The commit is under way.
    Committing,
    Resolved(Result<(), Arc<StoreError>>),
}

impl Batch {
    /// Sets the outcome, unless the batch was cancelled before.
    pub(super) fn resolve(&self, outcome: Result<(), Arc<StoreError>>) {
        let mut state = self.lock();
        if !matches!(state.progress, Progress::Resolved(_)) {
            state.progress = Progress::Resolved(outcome);
        }
        if state.waiting > 0 {
            self.resolved.notify_all();
        }
    }

    /// Marks the start of the commit. The batch cannot be cancelled afterwards. Fails with the reason if the batch was
    /// cancelled before.
    pub(super) fn begin_commit(&self) -> Result<(), Arc<StoreError>> {
        let mut state = self.lock();
        match &state.progress {
            Progress::Resolved(outcome) => outcome.clone(),
            Progress::Open | Progress::Committing => {
                state.progress = Progress::Committing;
                Ok(())
            }
        }
    }

    /// Returns whether a writer has cancelled the batch. Its transaction must then be rolled back.
    pub(super) fn is_cancelled(&self) -> bool {
        matches!(self.lock().progress, Progress::Resolved(_))
    }

    /// Makes the whole batch fail with this reason, unless its commit has begun.
    pub(super) fn cancel(&self, reason: StoreError) {
        let mut state = self.lock();
        if matches!(state.progress, Progress::Open) {
            state.progress = Progress::Resolved(Err(Arc::new(reason)));
            self.resolved.notify_all();
        }
    }

    /// Waits for the outcome; `None` after the timeout.
    pub(super) fn wait(&self, timeout: Duration) -> Option<Result<(), Arc<StoreError>>> {
        let mut state = self.lock();
        state.waiting += 1;
        let (mut state, _) = self
            .resolved
            .wait_timeout_while(state, timeout, |state| !matches!(state.progress, Progress::Resolved(_)))
            .unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        match &state.progress {
            Progress::Resolved(outcome) => Some(outcome.clone()),
            Progress::Open | Progress::Committing => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, BatchState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
