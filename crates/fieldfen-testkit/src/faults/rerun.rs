//! A store that runs each closure twice.

use fieldfen_domain::store::{MaintenanceReport, ReadSession, Session, Store, StoreError, Watch};

use super::{roll_back_read, roll_back_write};

/// Runs each closure, rolls the transaction back, and runs the closure again. The second run is committed.
///
/// A database behaves like this with a transaction that it cannot serialize. On this store, a test fails if its closure
/// changes something outside its session, or depends on changes of its first run there.
#[derive(Debug, Clone)]
pub struct RerunStore<S> {
    inner: S,
}

impl<S: Store> RerunStore<S> {
    /// Wraps a store. From now on, each of its transactions runs twice.
    pub const fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S: Store> Store for RerunStore<S> {
    fn try_read<T, E, F>(&self, mut f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn ReadSession) -> Result<T, E>,
    {
        drop(roll_back_read(&self.inner, &mut f)?);
        self.inner.try_read(f)
    }

    fn try_write<T, E, F>(&self, mut f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn Session) -> Result<T, E>,
    {
        drop(roll_back_write(&self.inner, &mut f)?);
        self.inner.try_write(f)
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
    use crate::fixtures::file;

    #[test]
    fn the_first_run_leaves_nothing_behind() {
        let store = RerunStore::new(ModelStore::new());
        let mut found = Vec::new();
        store
            .write(|s| {
                found.push(s.files().find(&file(1).id)?.is_some());
                s.files().insert(&file(1)).map(drop)
            })
            .unwrap();
        assert_eq!(found, [false, false]);
        assert_eq!(store.read(|s| s.files().find(&file(1).id)).unwrap().map(|file| file.id), Some(file(1).id));
    }

    #[test]
    fn a_store_that_runs_each_closure_twice_conforms() {
        crate::conformance::exercise(|| RerunStore::new(ModelStore::new()));
    }
}
