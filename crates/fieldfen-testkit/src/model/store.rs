//! Opens sessions on the model, and watches its commits.

use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fieldfen_domain::JobId;
use fieldfen_domain::job::{JobState, JobStatus};
use fieldfen_domain::store::{MaintenanceReport, ReadSession, Session, Store, StoreError, Watch, WatchCloser};

use super::keys::JobKey;
use super::{ModelSession, State};

/// A store in plain Rust that keeps all data in memory.
///
/// A clone is the same store. Only one session is open at a time, whether it reads or writes, which keeps the model
/// simple.
/// simple.
#[derive(Clone, Default)]
pub struct ModelStore {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    commits: Mutex<u64>,
    committed: Condvar,
}

impl ModelStore {
    /// A new store without rows.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives a job a status as a program does that knows only the specification: without a time, a lease or a check.
    ///
    /// # Errors
    /// [`StoreError::Nested`] inside a session of this store.
    pub fn set_status(&self, id: &JobId, status: JobStatus) -> Result<(), StoreError> {
        let mut transaction = Transaction::open(&self.shared)?;
        if let Some((number, mut row)) = transaction.state.jobs.find(&JobKey::Id(*id)) {
            row.job.state = match status {
                JobStatus::Pending => JobState::Pending,
                JobStatus::Running => JobState::Running { started_at: None, lease: None },
                JobStatus::Completed => JobState::Completed { at: None },
                JobStatus::Failed => JobState::Failed { at: None },
            };
            transaction.state.jobs.update(number, row);
        }
        transaction.state.commit();
        Ok(())
    }
}

impl fmt::Debug for ModelStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelStore").finish_non_exhaustive()
    }
}

impl Store for ModelStore {
    fn try_read<T, E, F>(&self, mut f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn ReadSession) -> Result<T, E>,
    {
        let mut transaction = Transaction::open(&self.shared)?;
        f(&mut ModelSession { state: &mut transaction.state })
    }

    fn try_write<T, E, F>(&self, mut f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn Session) -> Result<T, E>,
    {
        let mut transaction = Transaction::open(&self.shared)?;
        let answer = f(&mut ModelSession { state: &mut transaction.state })?;
        let changed = transaction.state.commit();
        drop(transaction);
        if changed {
            *lock(&self.shared.commits) += 1;
            self.shared.committed.notify_all();
        }
        Ok(answer)
    }

    fn watch(&self) -> Result<Box<dyn Watch>, StoreError> {
        let seen = *lock(&self.shared.commits);
        Ok(Box::new(ModelWatch { shared: Arc::clone(&self.shared), seen, closed: Arc::default() }))
    }

    fn maintain(&self) -> Result<MaintenanceReport, StoreError> {
        Ok(MaintenanceReport::default())
    }
}

struct ModelWatch {
    shared: Arc<Shared>,
    seen: u64,
    closed: Arc<AtomicBool>,
}

impl Watch for ModelWatch {
    fn wait(&mut self, timeout: Duration) -> Result<bool, StoreError> {
        let commits = lock(&self.shared.commits);
        let (commits, _) = self
            .shared
            .committed
            .wait_timeout_while(commits, timeout, |commits| {
                *commits == self.seen && !self.closed.load(Ordering::SeqCst)
            })
            .unwrap_or_else(PoisonError::into_inner);
        let news = *commits != self.seen;
        self.seen = *commits;
        Ok(news)
    }

    fn closer(&self) -> WatchCloser {
        let (shared, closed) = (Arc::clone(&self.shared), Arc::clone(&self.closed));
        WatchCloser::new(move || {
            closed.store(true, Ordering::SeqCst);
            // A watch that is about to wait holds the lock.
            let _commits = lock(&shared.commits);
            shared.committed.notify_all();
        })
    }
}

thread_local! {
    /// The stores with an open session in this thread.
    static OPEN: RefCell<Vec<*const Shared>> = const { RefCell::new(Vec::new()) };
}

/// An open session. If it is dropped without a commit, by an error or a panic, its changes are rolled back.
struct Transaction<'s> {
    state: MutexGuard<'s, State>,
    _entered: Entered,
}

impl<'s> Transaction<'s> {
    fn open(shared: &'s Arc<Shared>) -> Result<Self, StoreError> {
        let entered = Entered::new(Arc::as_ptr(shared))?;
        Ok(Self { state: lock(&shared.state), _entered: entered })
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        self.state.roll_back();
    }
}

/// Marks that this thread has an open session of this store.
struct Entered(*const Shared);

impl Entered {
    fn new(store: *const Shared) -> Result<Self, StoreError> {
        OPEN.with_borrow_mut(|open| {
            if open.contains(&store) {
                return Err(StoreError::Nested);
            }
            open.push(store);
            Ok(Self(store))
        })
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        OPEN.with_borrow_mut(|open| open.retain(|store| *store != self.0));
    }
}

/// Locks data that a panicking session may have held. The session has been rolled back by then.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use proptest::test_runner::{Config as ProptestConfig, RngSeed};

    use super::*;
    use crate::conformance::trace::{any_ops, compare, race};

    #[test]
    fn the_model_conforms() {
        crate::conformance::exercise(ModelStore::new);
        crate::conformance::foreign_job_pruning(ModelStore::new, |store, id, status| {
            store.set_status(&id, status).unwrap()
        });
    }

    #[test]
    fn threads_do_every_job_once() {
        crate::conformance::threads(&ModelStore::new(), 4, 10_000);
    }

    /// The same traces in every run, unless the environment sets a seed.
    fn config() -> ProptestConfig {
        let default = ProptestConfig::default();
        let rng_seed = match default.rng_seed {
            RngSeed::Random => RngSeed::Fixed(20_261_124),
            named @ RngSeed::Fixed(_) => named,
        };
        ProptestConfig { rng_seed, failure_persistence: None, ..default }
    }

    proptest::proptest! {
        #![proptest_config(config())]

        #[test]
        fn a_trace_has_the_same_answers_every_time(ops in any_ops(120)) {
            compare(&ModelStore::new(), &ModelStore::new(), &ops);
        }

        #[test]
        fn threads_are_answered_as_if_one_came_after_the_other(
            threads in proptest::collection::vec(any_ops(20), 2..4),
        ) {
            race(&ModelStore::new(), ModelStore::new, &threads);
        }
    }
}
