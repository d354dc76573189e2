//! Limits on the number of jobs that run at the same time, in all processes together.
//!
//! A limit is a row of the database. Each claim of each process honours it from the transaction on that sets it.
//!
//! ```
//! use fieldfen_domain::job::{ConcurrencyLimit, JobKind, Partition};
//! use fieldfen_domain::operator::{Action, Actor, Via};
//! use fieldfen_services::{Environment, concurrency_limits::ConcurrencyLimits};
//! use fieldfen_testkit::ModelStore;
//!
//! let limits = ConcurrencyLimits::new(ModelStore::new(), Environment::system());
//! let program = Action::new(Actor::new("worker", Via::Library)?, "the program sets its limits at its start")?;
//! limits.set(&ConcurrencyLimit::new(JobKind::UpscaleImage, Partition::All, 10)?, &program)?;
//! limits.set(&ConcurrencyLimit::new(JobKind::CreateListing, Partition::Account, 1)?, &program)?;
//! assert_eq!(limits.list()?.len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A limit per account counts the jobs that were enqueued with [`NewJob::account`](fieldfen_domain::job::NewJob::account).

use fieldfen_domain::job::{ConcurrencyLimit, JobKind, Partition};
use fieldfen_domain::operator::{Action, ActionKind, ActionOutcome, Subject};
use fieldfen_domain::store::{Store, StoreError};

use crate::action_row::record;
use crate::write_retry::write;
use crate::{Environment, Transaction};

/// The concurrency limits of a store; clones are the same handle.
#[derive(Debug, Clone)]
pub struct ConcurrencyLimits<S> {
    store: S,
    environment: Environment,
}

impl<S: Store> ConcurrencyLimits<S> {
    /// The concurrency limits of this store.
    #[must_use]
    pub const fn new(store: S, environment: Environment) -> Self {
        Self { store, environment }
    }

    /// All limits, by kind and partition.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] when a row breaks a rule of a limit.
    pub fn list(&self) -> Result<Vec<ConcurrencyLimit>, StoreError> {
        self.store.read(|s| s.concurrency_limits().list())
    }

    /// Sets a limit, or changes the one of this kind and partition; see [`set_in`](Self::set_in). A program may set its
    /// limits whenever it starts. After a change, about 1,000 jobs in each further transaction are set aside, because their
    /// partition is full, or admitted, because it has room now.
    ///
    /// # Errors
    /// As [`set_in`](Self::set_in).
    pub fn set(&self, limit: &ConcurrencyLimit, action: &Action) -> Result<(), StoreError> {
        let is_changed = write(&self.store, |s| self.change_in(&mut Transaction::new(s), limit, action))?;
        if is_changed { self.apply_to_queue(&limit.kind) } else { Ok(()) }
    }

    /// Sets a limit in the caller's transaction. Jobs that run already go on, even if they are more than the limit. The
    /// action is recorded if anything changes. If the limit is higher than before, about 1,000 of the jobs that waited are
    /// admitted in this transaction, and the others by and by when jobs of their partition end and when workers reclaim.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a limit per file of a kind with a limit per account, and the other way round.
    pub fn set_in(&self, t: &mut Transaction<'_>, limit: &ConcurrencyLimit, action: &Action) -> Result<(), StoreError> {
        self.change_in(t, limit, action).map(drop)
    }

    /// Sets a limit and returns whether anything has changed.
    fn change_in(
        &self,
        t: &mut Transaction<'_>,
        limit: &ConcurrencyLimit,
        action: &Action,
    ) -> Result<bool, StoreError> {
        let s = t.session();
        if s.concurrency_limits().list()?.contains(limit) {
            return Ok(false);
        }
        s.concurrency_limits().set(limit)?;
        let subject = Subject::Kind(limit.kind.clone());
        record(s, action, ActionKind::Define, subject, ActionOutcome::Done, &self.environment)?;
        Ok(true)
    }

    /// [Sets](Self::set) these limits together: all of them, or none if one is refused. Limits that are not among them
    /// stay as they are; [`remove`](Self::remove) those that no longer hold.
    ///
    /// # Errors
    /// As [`set_in`](Self::set_in).
    pub fn set_all(&self, limits: &[ConcurrencyLimit], action: &Action) -> Result<(), StoreError> {
        write(&self.store, |s| {
            let mut t = Transaction::new(s);
            limits.iter().try_for_each(|limit| self.set_in(&mut t, limit, action))
        })
    }

    /// Removes a limit; `false` if there was none. The jobs that wait for a place are admitted in transactions of about
    /// 1,000 jobs each.
    pub fn remove(&self, kind: &JobKind, partition: Partition, action: &Action) -> Result<bool, StoreError> {
        let is_removed = write(&self.store, |s| self.remove_in(&mut Transaction::new(s), kind, partition, action))?;
        if is_removed {
            self.apply_to_queue(kind)?;
        }
        Ok(is_removed)
    }

    /// Sets the due jobs aside that have no place any more, and admits those that wait although there is room. Each round is
    /// a transaction of its own, so that other writers write in between.
    fn apply_to_queue(&self, kind: &JobKind) -> Result<(), StoreError> {
        while write(&self.store, |s| s.concurrency_limits().set_aside_due(kind, self.environment.now()))? {}
        let mut next = Some(String::new());
        while let Some(after) = next {
            let now = self.environment.now();
            next = write(&self.store, |s| s.concurrency_limits().admit_waiting(kind, &after, now))?;
        }
        Ok(())
    }

    /// Removes a limit in the caller's transaction; `false` if there was none. The action is recorded if there was one.
    /// About 1,000 of the jobs that waited are admitted in this transaction, and the others by and by when workers reclaim.
    pub fn remove_in(
        &self,
        t: &mut Transaction<'_>,
        kind: &JobKind,
        partition: Partition,
        action: &Action,
    ) -> Result<bool, StoreError> {
        let s = t.session();
        let removed = s.concurrency_limits().remove(kind, partition)?;
        if removed {
            let subject = Subject::Kind(kind.clone());
            record(s, action, ActionKind::Remove, subject, ActionOutcome::Done, &self.environment)?;
        }
        Ok(removed)
    }
}

#[cfg(test)]
mod tests {
    use fieldfen_domain::PageRequest;
    use fieldfen_domain::operator::OperatorActionFilter;
    use fieldfen_testkit::ModelStore;
    use fieldfen_testkit::fixtures::{by_ann, work};

    use super::*;

    #[test]
    fn only_changes_are_recorded() {
        let (store, action) = (ModelStore::new(), by_ann("the API allows one at a time"));
        let limits = ConcurrencyLimits::new(store.clone(), Environment::system());
        let limit = |max_running| ConcurrencyLimit::new(work(), Partition::All, max_running).unwrap();
        for max_running in [1, 1, 2] {
            limits.set(&limit(max_running), &action).unwrap();
        }
        assert_eq!(limits.list().unwrap(), [limit(2)]);
        let removed = [1, 2].map(|_| limits.remove(&work(), Partition::All, &action).unwrap());
        assert_eq!(removed, [true, false]);
        let filter = OperatorActionFilter::of(Subject::Kind(work()));
        let rows = store.read(|s| s.operator_actions().page(&filter, &PageRequest::first(9))).unwrap();
        let kinds: Vec<ActionKind> = rows.items.into_iter().map(|row| row.kind).collect();
        assert_eq!(kinds, [ActionKind::Define, ActionKind::Define, ActionKind::Remove]);
    }

    #[test]
    fn limits_are_set_together_or_not_at_all() {
        let (store, action) = (ModelStore::new(), by_ann("the API allows one at a time"));
        let limits = ConcurrencyLimits::new(store, Environment::system());
        let [all, file, account] = [Partition::All, Partition::File, Partition::Account]
            .map(|partition| ConcurrencyLimit::new(work(), partition, 1).unwrap());
        assert!(limits.set_all(&[all.clone(), file.clone(), account], &action).is_err());
        assert_eq!(limits.list().unwrap(), []);
        limits.set_all(&[all.clone(), file.clone()], &action).unwrap();
        assert_eq!(limits.list().unwrap(), [all, file]);
    }
}
