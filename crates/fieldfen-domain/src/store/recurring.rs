//! Recurring work.

use super::StoreError;
use crate::page::UnreadableRow;
use crate::recurring::{NewRecurringJob, PauseOutcome, RecurringJob, RecurringName, Tick};
use crate::time::Timestamp;

/// Reading recurring work.
pub trait RecurringReads {
    /// All recurring work, by name; rows that hold what no recurring work can hold are named among it.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn list(&mut self) -> Result<Vec<Result<RecurringJob, UnreadableRow>>, StoreError>;

    /// The work of this name.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] when the row holds what no recurring work can hold; others as the store has them.
    fn find(&mut self, name: &RecurringName) -> Result<Option<RecurringJob>, StoreError>;

    /// At most `limit` of the work whose next tick is due and that is not paused, the longest due first; rows that hold what no recurring work can
    /// hold are named among it.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn due(&mut self, now: Timestamp, limit: u32) -> Result<Vec<Result<RecurringJob, UnreadableRow>>, StoreError>;

    /// At most `limit` of the work whose next tick is not to be trusted: it was last written at a time that is later than
    /// `now`, so by a clock that was ahead, or by another program in a form by which times do not compare. Paused work is
    /// left out until it is resumed.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn doubtful(&mut self, now: Timestamp, limit: u32) -> Result<Vec<Result<RecurringJob, UnreadableRow>>, StoreError>;

    /// The first next tick, later than this time, of all work that is not paused.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn next_tick(&mut self, after: Timestamp) -> Result<Option<Timestamp>, StoreError>;
}

/// Writing recurring work.
pub trait Recurring: RecurringReads {
    /// Sets work up, or changes what has its name. The next tick is kept unless the schedule has changed. Paused work stays
    /// paused.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a payload that cannot be [read back](crate::RawJson::check); others as the store has
    /// them.
    fn define(&mut self, work: &NewRecurringJob) -> Result<(), StoreError>;

    /// Takes a tick: `true` for the one caller that gets it, `false` when it has been taken or the work is paused or gone.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn take(&mut self, tick: &Tick) -> Result<bool, StoreError>;

    /// Sets the next tick without taking one: `false` when the next tick is not `tick.due` any more.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn set_next(&mut self, tick: &Tick) -> Result<bool, StoreError>;

    /// Pauses work: its ticks stay where they are and are not taken.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn pause(&mut self, name: &RecurringName, at: Timestamp) -> Result<PauseOutcome, StoreError>;

    /// Ends a pause. A next tick that came due meanwhile is due at once.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn resume(&mut self, name: &RecurringName) -> Result<PauseOutcome, StoreError>;

    /// Ends recurring work; `false` when there is none of this name.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn remove(&mut self, name: &RecurringName) -> Result<bool, StoreError>;
}
