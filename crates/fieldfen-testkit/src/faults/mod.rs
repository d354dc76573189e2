//! Fault injection: stores that behave as databases do that are shared or out of reach, over any other store.

mod rerun;

use std::convert::Infallible;

use fieldfen_domain::store::{ReadSession, Session, Store, StoreError};

pub use rerun::RerunStore;

/// How an attempt ends that is not to be committed.
enum Attempt {
    /// The closure has run, and nothing of what it wrote remains.
    RolledBack,
    /// The store has not run the closure.
    NotBegun(StoreError),
}

impl From<StoreError> for Attempt {
    fn from(error: StoreError) -> Self {
        Self::NotBegun(error)
    }
}

/// Runs `f` in a transaction and rolls that back, whatever `f` answers.
fn roll_back_write<S, T, E, F>(store: &S, f: &mut F) -> Result<(), StoreError>
where
    S: Store,
    F: FnMut(&mut dyn Session) -> Result<T, E>,
{
    rolled_back(store.try_write(|s| {
        drop(f(s));
        Err(Attempt::RolledBack)
    }))
}

/// The same in a transaction that only reads.
fn roll_back_read<S, T, E, F>(store: &S, f: &mut F) -> Result<(), StoreError>
where
    S: Store,
    F: FnMut(&mut dyn ReadSession) -> Result<T, E>,
{
    rolled_back(store.try_read(|s| {
        drop(f(s));
        Err(Attempt::RolledBack)
    }))
}

fn rolled_back(attempt: Result<Infallible, Attempt>) -> Result<(), StoreError> {
    match attempt {
        Ok(never) => match never {},
        Err(Attempt::RolledBack) => Ok(()),
        Err(Attempt::NotBegun(error)) => Err(error),
    }
}
