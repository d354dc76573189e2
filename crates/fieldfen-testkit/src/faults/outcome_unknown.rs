//! A store that loses the answer to a commit.

use fieldfen_domain::store::{MaintenanceReport, ReadSession, Session, Store, StoreError, Watch};

use super::failing_writes::FailingWrites;
use super::roll_back_write;

/// Answers some writes with [`StoreError::OutcomeUnknown`]: either it has committed all of them, or none of them.
///
/// A database behaves like this when the connection is lost during the commit. If the closure of a write fails, the
/// answer is that error.
#[derive(Debug, Clone)]
pub struct OutcomeUnknownStore<S> {
    inner: S,
    failing: FailingWrites,
    commits: bool,
}

impl<S: Store> OutcomeUnknownStore<S> {
    /// Wraps a store. The writes that `seed` chooses are committed and answered with `OutcomeUnknown`.
    pub fn committing(inner: S, seed: u64) -> Self {
        Self { inner, failing: FailingWrites::new(seed, 1), commits: true }
    }

    /// Wraps a store. The writes that `seed` chooses are rolled back and answered with `OutcomeUnknown`.
    pub fn rolling_back(inner: S, seed: u64) -> Self {
        Self { inner, failing: FailingWrites::new(seed, 1), commits: false }
    }
}

impl<S: Store> Store for OutcomeUnknownStore<S> {
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
        let answer = if self.commits { self.inner.try_write(f) } else { roll_back_write(&self.inner, &mut f)? };
        drop(answer?);
        Err(StoreError::OutcomeUnknown("the test keeps the answer to itself".into()).into())
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

    fn outcomes(store: &OutcomeUnknownStore<ModelStore>) -> Vec<(bool, bool)> {
        (1..=20)
            .map(|number| {
                let answer = store.write(|s| s.files().insert(&file(number)).map(drop));
                if let Err(error) = &answer {
                    assert!(matches!(error, StoreError::OutcomeUnknown(_)), "{error}");
                }
                (answer.is_ok(), store.read(|s| s.files().find(&file(number).id)).unwrap().is_some())
            })
            .collect()
    }

    #[test]
    fn a_write_is_committed_although_its_outcome_is_unknown() {
        let outcomes = outcomes(&OutcomeUnknownStore::committing(ModelStore::new(), 1));
        assert!(outcomes.iter().all(|(_, committed)| *committed), "{outcomes:?}");
        assert!(outcomes.iter().any(|(answered, _)| *answered) && outcomes.iter().any(|(answered, _)| !answered));
    }

    #[test]
    fn a_write_is_rolled_back_whose_outcome_is_unknown() {
        let outcomes = outcomes(&OutcomeUnknownStore::rolling_back(ModelStore::new(), 1));
        assert!(outcomes.iter().all(|(answered, committed)| answered == committed), "{outcomes:?}");
        assert!(outcomes.iter().any(|(answered, _)| *answered) && outcomes.iter().any(|(answered, _)| !answered));
    }
}
