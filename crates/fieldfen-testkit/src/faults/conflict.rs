//! A store whose writes conflict.

use fieldfen_domain::store::{MaintenanceReport, ReadSession, Session, Store, StoreError, Watch};

use super::failing_writes::FailingWrites;
use super::roll_back_write;

/// Fails attempts at some writes with [`StoreError::Conflict`], after it has run the closure and rolled the
/// transaction back.
///
/// A database with optimistic transactions behaves like this when other transactions keep writing the same rows.
#[derive(Debug, Clone)]
pub struct ConflictStore<S> {
    inner: S,
    failing: FailingWrites,
}

impl<S: Store> ConflictStore<S> {
    /// Wraps a store. `seed` chooses the writes that fail; `attempts` attempts at such a write fail before one
    /// succeeds.
    pub fn new(inner: S, seed: u64, attempts: u32) -> Self {
        Self { inner, failing: FailingWrites::new(seed, attempts) }
    }
}

impl<S: Store> Store for ConflictStore<S> {
    fn try_read<T, E, F>(&self, f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn ReadSession) -> Result<T, E>,
    {
        self.inner.try_read(f)
    }

    fn try_write<T, E, F>(&self, mut f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn Session) -> Result<T, E>,
    {
        if !self.failing.is_hit() {
            return self.inner.try_write(f);
        }
        drop(roll_back_write(&self.inner, &mut f)?);
        Err(StoreError::Conflict { attempts: 1, source: "the test lets this attempt conflict".into() }.into())
    }

    fn watch(&self) -> Result<Box<dyn Watch>, StoreError> {
        self.inner.watch()
    }

    fn maintain(&self) -> Result<MaintenanceReport, StoreError> {
        self.inner.maintain()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ModelStore;
    use crate::faults::suspended;
    use crate::fixtures::file;

    #[test]
    fn a_write_that_conflicts_leaves_nothing_behind_and_gets_through_in_the_end() {
        let store = ConflictStore::new(ModelStore::new(), 1, 2);
        let mut conflicts = 0;
        for number in 1..=20 {
            let mut failed = 0;
            while let Err(error) = store.write(|s| s.files().insert(&file(number)).map(drop)) {
                assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
                assert!(store.read(|s| s.files().find(&file(number).id)).unwrap().is_none());
                failed += 1;
            }
            assert!(failed == 0 || failed == 2, "{failed}");
            conflicts += failed;
        }
        assert!((4..=36).contains(&conflicts), "{conflicts} attempts at 20 writes");
    }

    #[test]
    fn no_write_fails_while_faults_are_suspended() {
        let store = ConflictStore::new(ModelStore::new(), 1, 2);
        for number in 1..=20 {
            suspended(|| store.write(|s| s.files().insert(&file(number)).map(drop))).unwrap();
        }
    }
}
