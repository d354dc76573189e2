//! Writes that are repeated after a failure, and after a commit whose outcome is unknown.
//!
//! If a store answers [`StoreError::OutcomeUnknown`], the transaction has taken effect or not. The service looks in its next
//! transaction which of the two it was, and answers as if the first answer had arrived.

use std::thread;
use std::time::{Duration, Instant};

use fieldfen_domain::job::FencedResult;
use fieldfen_domain::store::{Disposition, Session, Store, StoreError};

/// How often a write is run at the most.
const ATTEMPTS: u32 = 6;

/// The wait before the second attempt; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(2);

/// No attempt begins later than this after the first: a store that has waited itself is not asked again.
const BEGIN_WITHIN: Duration = Duration::from_secs(1);

/// An error type that may hold an error of a store.
pub(crate) trait OfStore: From<StoreError> {
    /// The store's error, if it is one.
    fn store_error(&self) -> Option<&StoreError>;
}

impl OfStore for StoreError {
    fn store_error(&self) -> Option<&StoreError> {
        Some(self)
    }
}

/// Runs a write that changes nothing more, and gives the same answer, when it is repeated after it has taken effect.
///
/// # Errors
/// As [`write_once`].
pub(crate) fn write<S, T, E, F>(store: &S, mut f: F) -> Result<T, E>
where
    S: Store,
    E: OfStore,
    F: FnMut(&mut dyn Session) -> Result<T, E>,
{
    write_once(store, |s, _| f(s).map(Some))
}

/// Runs a write, and repeats it after a short wait while the store says that the same may succeed later.
///
/// If the outcome of an attempt is unknown, `f` is given the answer of that attempt when it runs again. It looks whether
/// the attempt has taken effect, and returns `None` if it has: then the answer of that attempt is the answer of the write.
///
/// # Errors
/// The error of `f` or of the store. It is [`StoreError::OutcomeUnknown`] if an attempt may have taken effect, whatever
/// the attempts after it have failed with.
pub(crate) fn write_once<S, T, E, F>(store: &S, mut f: F) -> Result<T, E>
where
    S: Store,
    E: OfStore,
    F: FnMut(&mut dyn Session, Option<&T>) -> Result<Option<T>, E>,
{
    let (began, mut pause) = (Instant::now(), PAUSE);
    let mut unknown: Option<(T, E)> = None;
    for attempt in 1.. {
        let mut answer = None;
        let before = unknown.as_ref().map(|(answer, _)| answer);
        let written = store.try_write(|s| {
            answer = None;
            answer = f(s, before)?;
            Ok(())
        });
        let error: E = match written {
            Ok(()) => match answer.or(unknown.map(|(before, _)| before)) {
                Some(answer) => return Ok(answer),
                None => break,
            },
            Err(error) => error,
        };
        let disposition = error.store_error().map_or(Disposition::GiveUp, StoreError::disposition);
        let last = attempt == ATTEMPTS || began.elapsed() + pause > BEGIN_WITHIN;
        match (disposition, answer) {
            // Only a closure that has succeeded was to be committed.
            (Disposition::LookFirst, Some(answer)) if !last => unknown = Some((answer, error)),
            (Disposition::TryAgain, _) if !last => {}
            // An attempt whose outcome is unknown may have taken effect after it was looked for.
            (Disposition::GiveUp, _) if !last && unknown.is_some() => {}
            _ => return Err(unknown.map_or(error, |(_, unknown)| unknown)),
        }
        thread::sleep(pause);
        pause *= 2;
    }
    Err(StoreError::Database("the store has not run the transaction".into()).into())
}

/// The error of a write that cannot find out whether it has taken effect; [`write_once`] answers that the outcome is
/// unknown.
pub(crate) fn cannot_be_looked_for() -> StoreError {
    StoreError::Database("nothing tells whether the write has taken effect".into())
}

/// The answer to a repeated write that needs the token of a claim or reservation. Before it, an attempt with the same
/// token has had the answer `before`; if the row says that this token has done so already, that attempt has.
pub(crate) fn unless_done_before<T>(before: Option<&FencedResult<T>>, now: FencedResult<T>) -> Option<FencedResult<T>> {
    let done_before = before.is_some_and(FencedResult::is_done) && matches!(now, FencedResult::AlreadyDone { .. });
    (!done_before).then_some(now)
}
