//! What the writers of one commit share.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
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
    outcome: Option<Result<(), Arc<StoreError>>>,
    /// How many wait: waking nobody is a system call too.
    waiting: u32,
}

impl Batch {
    pub(super) fn decide(&self, outcome: Result<(), Arc<StoreError>>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.outcome = Some(outcome);
        if state.waiting > 0 {
            self.decided.notify_all();
        }
    }

    /// Waits for the outcome, at most so long.
    pub(super) fn wait(&self, timeout: Duration) -> Option<Result<(), Arc<StoreError>>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting += 1;
        let (mut state, _) = self
            .decided
            .wait_timeout_while(state, timeout, |state| state.outcome.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state.outcome.clone()
    }
}

/// One writer's own copy of the error that all writers of a batch get.
pub(super) fn shared_error(reason: &Arc<StoreError>) -> StoreError {
    /// Lets one error be the source of several.
    #[derive(Debug, thiserror::Error)]
    #[error(transparent)]
    struct Shared(Arc<StoreError>);

    let source = Box::new(Shared(Arc::clone(reason)));
    match **reason {
        StoreError::Busy { waited_ms, .. } => StoreError::Busy { waited_ms, source },
        StoreError::Full(_) => StoreError::Full(source),
        StoreError::ReadOnly(_) => StoreError::ReadOnly(source),
        StoreError::Io(_) => StoreError::Io(source),
        StoreError::Corrupt(_) => StoreError::Corrupt(source),
        _ => StoreError::Database(source),
    }
}
