//! Pauses of kinds, services and accounts.

use super::StoreError;
use crate::job::{Pause, PauseScope};
use crate::time::Timestamp;

/// Reads the pauses.
pub trait PauseReads {
    /// The pauses that hold at this time, by scope.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] when a row holds what no pause can hold.
    fn list(&mut self, now: Timestamp) -> Result<Vec<Pause>, StoreError>;

    /// The pause of this scope that holds at this time.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] when the row holds what no pause can hold.
    fn find(&mut self, scope: &PauseScope, now: Timestamp) -> Result<Option<Pause>, StoreError>;
}

/// Sets and lifts the pauses that every [claim](super::JobQueue::claim) of every process honours from then on.
pub trait Pauses: PauseReads {
    /// Pauses a scope. A pause of the same scope that lasts at least as long stays as it is; the answer says whether this
    /// one was written.
    fn pause(&mut self, pause: &Pause) -> Result<bool, StoreError>;

    /// Ends a pause. `false` if none of this scope held at this time.
    ///
    /// It also ends the blocks of the [rate limits](super::RateLimits) of the same calls, which the rate limiter has read
    /// in answers before: of the service, or of the account, for all endpoints.
    fn lift(&mut self, scope: &PauseScope, at: Timestamp) -> Result<bool, StoreError>;

    /// Ends a pause that has been [written by](Pause::by) this part of the program. `false` if none of this scope held at
    /// this time, or if another part of the program or a person has written it. Blocks of rate limits stay.
    fn lift_own(&mut self, scope: &PauseScope, by: &str, at: Timestamp) -> Result<bool, StoreError>;
}
