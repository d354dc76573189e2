//! Repeats writes after a failure, and after a commit with unknown outcome.
//!
//! If a store returns [`StoreError::OutcomeUnknown`], the transaction may have taken effect. The service checks that in
//! its next transaction, and answers as if the first answer had arrived.

use std::thread;
use std::time::{Duration, Instant};

use fieldfen_domain::job::FencedResult;
use fieldfen_domain::store::{Disposition, Session, Store, StoreError};

/// The largest number of attempts of a write.
const ATTEMPTS: u32 = 6;

/// The pause before the second attempt. Each further pause is twice as long.
const PAUSE: Duration = Duration::from_millis(2);

/// No attempt begins later than this after the first one, since a store that has waited itself is not asked again.
const BEGIN_WITHIN: Duration = Duration::from_secs(1);

/// An error type that may contain an error of a store.
pub(crate) trait OfStore: From<StoreError> {
    /// The store's error; `None` if it is another error.
    fn store_error(&self) -> Option<&StoreError>;
}

impl OfStore for StoreError {
    fn store_error(&self) -> Option<&StoreError> {
        Some(self)
    }
}

/// Runs a write that may be repeated after it has taken effect: the repetition changes nothing and returns the same
/// answer.
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

/// Runs a write, and repeats it after a short pause while the store reports that the same write may succeed later.
///
/// If the outcome of an attempt is unknown, the next run of `f` gets the answer of that attempt. `f` checks whether the
/// attempt took effect, and returns `None` if it did. The answer of that attempt is then the answer of the write.
///
/// # Errors
/// The error of `f` or of the store. It is [`StoreError::OutcomeUnknown`] if an attempt may have taken effect, whatever
/// errors the later attempts returned.
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
            // A transaction is only committed if its closure has succeeded.
            (Disposition::LookFirst, Some(answer)) if !last => unknown = Some((answer, error)),
            (Disposition::TryAgain, _) if !last => {}
            // An attempt with unknown outcome may have taken effect after the check.
            (Disposition::GiveUp, _) if !last && unknown.is_some() => {}
            _ => return Err(unknown.map_or(error, |(_, unknown)| unknown)),
        }
        thread::sleep(pause);
        pause *= 2;
    }
    Err(StoreError::Database("the store has not run the transaction".into()).into())
}

/// The error of a write that cannot check whether it took effect. [`write_once`] then answers that the outcome is
/// unknown.
pub(crate) fn cannot_be_looked_for() -> StoreError {
    StoreError::Database("the write cannot check whether it took effect".into())
}

/// The answer to a repeated write that needs the token of a claim or reservation. An earlier attempt with the same
/// token had the answer `before`. If the row shows that this token has already been used for the write, that attempt
/// took effect.
pub(crate) fn unless_done_before<T>(before: Option<&FencedResult<T>>, now: FencedResult<T>) -> Option<FencedResult<T>> {
    let done_before = before.is_some_and(FencedResult::is_done) && matches!(now, FencedResult::AlreadyDone { .. });
    (!done_before).then_some(now)
}
