//! Fault injection: wrappers that make any store behave like a database that is shared or remote.
//!
//! [`RerunStore`] runs each closure twice. [`ConflictStore`] and [`OutcomeUnknownStore`] fail some writes, which a seeded
//! sequence chooses. After a failed write, the next write of that thread succeeds, so that a caller that repeats a
//! write succeeds.

mod conflict;
mod failing_writes;
mod outcome_unknown;
mod rerun;

use fieldfen_domain::store::{ReadSession, Session, Store, StoreError};

pub use conflict::ConflictStore;
pub use failing_writes::suspended;
pub use outcome_unknown::OutcomeUnknownStore;
pub use rerun::RerunStore;

/// The end of an attempt that is not committed.
enum Attempt {
    /// The closure has run, and the transaction was rolled back.
    RolledBack,
    /// The store has not run the closure.
    NotBegun(StoreError),
}

impl From<StoreError> for Attempt {
    fn from(error: StoreError) -> Self {
        Self::NotBegun(error)
    }
}

/// Runs `f` in a transaction, rolls the transaction back, and returns the answer of `f`.
fn roll_back_write<S, T, E, F>(store: &S, f: &mut F) -> Result<Result<T, E>, StoreError>
where
    S: Store,
    F: FnMut(&mut dyn Session) -> Result<T, E>,
{
    let mut answer = None;
    let attempt = store.try_write(|s| {
        answer = Some(f(s));
        Err(Attempt::RolledBack)
    });
    rolled_back(attempt, answer)
}

/// As [`roll_back_write`], in a transaction that only reads.
fn roll_back_read<S, T, E, F>(store: &S, f: &mut F) -> Result<Result<T, E>, StoreError>
where
    S: Store,
    F: FnMut(&mut dyn ReadSession) -> Result<T, E>,
{
    let mut answer = None;
    let attempt = store.try_read(|s| {
        answer = Some(f(s));
        Err(Attempt::RolledBack)
    });
    rolled_back(attempt, answer)
}

fn rolled_back<R>(attempt: Result<(), Attempt>, answer: Option<R>) -> Result<R, StoreError> {
    match attempt {
        Err(Attempt::NotBegun(error)) => Err(error),
        Err(Attempt::RolledBack) | Ok(()) => Ok(answer.unwrap()),
    }
}
