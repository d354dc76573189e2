//! What the writers of one commit share.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fieldfen_domain::store::StoreError;

use super::turn::Turn;

/// The transaction that is open.
pub(super) struct OpenBatch {
    pub(super) shared: Arc<Batch>,
    /// Ends after the commit.
    _turn: Option<Turn>,
    pub(super) writes: u32,
    pub(super) announces: bool,
    /// With what the file failed one of the writers, whose transaction may be lost since.
    pub(super) failure: Option<StoreError>,
    /// Since when the lock is held: what was waited for it does not count.
    pub(super) began: Instant,
}

impl OpenBatch {
    /// A batch whose transaction has just been opened.
    pub(super) fn new(turn: Option<Turn>) -> Self {
        Self { shared: Arc::default(), _turn: turn, writes: 0, announces: false, failure: None, began: Instant::now() }
    }
}

/// What the writers of one batch wait for.
#[derive(Default)]
pub(super) struct Batch {
    state: Mutex<BatchState>,
    decided: Condvar,
}

#[derive(Default)]
struct BatchState {
    progress: Progress,
    /// How many wait: waking nobody is a system call too.
    waiting: u32,
}

#[derive(Default)]
enum Progress {
    /// Writers join.
    #[default]
    Open,
    /// It is being committed.
    Committing,
    Decided(Result<(), Arc<StoreError>>),
}

impl Batch {
    /// Decides, unless it has been given up before.
    pub(super) fn decide(&self, outcome: Result<(), Arc<StoreError>>) {
        let mut state = self.lock();
        if !matches!(state.progress, Progress::Decided(_)) {
            state.progress = Progress::Decided(outcome);
        }
        if state.waiting > 0 {
            self.decided.notify_all();
        }
    }

    /// Begins the commit: from now on nobody gives the batch up. Fails with the reason when somebody has.
    pub(super) fn begin_commit(&self) -> Result<(), Arc<StoreError>> {
        let mut state = self.lock();
        match &state.progress {
            Progress::Decided(outcome) => outcome.clone(),
            Progress::Open | Progress::Committing => {
                state.progress = Progress::Committing;
                Ok(())
            }
        }
    }

    /// Whether one of its writers would not wait any longer: then it must be rolled back.
    pub(super) fn is_given_up(&self) -> bool {
        matches!(self.lock().progress, Progress::Decided(_))
    }

    /// Lets the whole batch fail with this reason, unless its commit has begun.
    pub(super) fn give_up(&self, reason: StoreError) {
        let mut state = self.lock();
        if matches!(state.progress, Progress::Open) {
            state.progress = Progress::Decided(Err(Arc::new(reason)));
            self.decided.notify_all();
        }
    }

    /// Waits for the outcome, at most so long.
    pub(super) fn wait(&self, timeout: Duration) -> Option<Result<(), Arc<StoreError>>> {
        let mut state = self.lock();
        state.waiting += 1;
        let (mut state, _) = self
            .decided
            .wait_timeout_while(state, timeout, |state| !matches!(state.progress, Progress::Decided(_)))
            .unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        match &state.progress {
            Progress::Decided(outcome) => Some(outcome.clone()),
            Progress::Open | Progress::Committing => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, BatchState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One writer's own copy of the error that all writers of a batch get; `waited_ms` is how long this one has waited. The
/// writer whose closure kept the batch open has not waited itself: its copy says how long the others have.
pub(super) fn shared_error(reason: &Arc<StoreError>, waited_ms: u64) -> StoreError {
    /// Lets one error be the source of several.
    #[derive(Debug, thiserror::Error)]
    #[error(transparent)]
    struct Shared(Arc<StoreError>);

    let source = Box::new(Shared(Arc::clone(reason)));
    match **reason {
        StoreError::Busy { waited_ms: others, .. } => StoreError::Busy { waited_ms: waited_ms.max(others), source },
        StoreError::Full(_) => StoreError::Full(source),
        StoreError::ReadOnly(_) => StoreError::ReadOnly(source),
        StoreError::Io(_) => StoreError::Io(source),
        StoreError::Corrupt(_) => StoreError::Corrupt(source),
        _ => StoreError::Database(source),
    }
}
