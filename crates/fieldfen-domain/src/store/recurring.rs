//! Recurring work.

use super::StoreError;
use crate::page::UnreadableRow;
use crate::recurring::{NewRecurringJob, PauseOutcome, RecurringJob, RecurringName, RecurringRun, Tick};
use crate::time::Timestamp;

/// Reads rows of `recurring_jobs` and `recurring_runs`.
pub trait RecurringReads {
    /// All recurring work, sorted by name. An unreadable row is an `Err` in its place.
    fn list(&mut self) -> Result<Vec<Result<RecurringJob, UnreadableRow>>, StoreError>;

    /// The work with this name.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] if the row cannot be read as recurring work.
    fn find(&mut self, name: &RecurringName) -> Result<Option<RecurringJob>, StoreError>;

    /// At most `limit` rows whose next tick is due and which are not paused, the longest due first. An unreadable row
    /// is an `Err` in its place.
    fn due(&mut self, now: Timestamp, limit: u32) -> Result<Vec<Result<RecurringJob, UnreadableRow>>, StoreError>;

    /// At most `limit` rows whose next tick cannot be trusted: the row was last written later than `now`, by a clock
    /// that was ahead, or another program wrote the tick in a form that does not compare as text. Paused work is left
    /// out.
    fn doubtful(&mut self, now: Timestamp, limit: u32) -> Result<Vec<Result<RecurringJob, UnreadableRow>>, StoreError>;

    /// The earliest next tick after this time among all work that is not paused; `None` if there is none.
    fn next_tick(&mut self, after: Timestamp) -> Result<Option<Timestamp>, StoreError>;

    /// The [recorded](Recurring::record_run) runs of some work, the latest first. An unreadable row is an `Err` in its
    /// place.
    fn runs(&mut self, name: &RecurringName) -> Result<Vec<Result<RecurringRun, UnreadableRow>>, StoreError>;
}

/// Writes rows of `recurring_jobs` and `recurring_runs`.
pub trait Recurring: RecurringReads {
    /// Inserts recurring work, or changes the row with the same name. The next tick is kept unless the schedule or
    /// its time zone has changed. Paused work stays paused.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a payload that cannot be [read back](crate::RawJson::check).
    fn define(&mut self, work: &NewRecurringJob) -> Result<(), StoreError>;

    /// Takes a tick by compare-and-set. Returns `true` for the one caller that gets it, and `false` if the tick was
    /// taken already, or the work is paused or does not exist.
    fn take(&mut self, tick: &Tick) -> Result<bool, StoreError>;

    /// Sets the next tick without taking one. Returns `false` if the next tick is no longer `tick.due`.
    fn set_next(&mut self, tick: &Tick) -> Result<bool, StoreError>;

    /// Pauses work. Its next tick stays as it is and is not taken.
    fn pause(&mut self, name: &RecurringName, at: Timestamp) -> Result<PauseOutcome, StoreError>;

    /// Ends a pause. If the next tick came due meanwhile, it is due at once.
    fn resume(&mut self, name: &RecurringName) -> Result<PauseOutcome, StoreError>;

    /// Records a run of some work, and forgets all but its last [`MAX_RUNS`](crate::recurring::MAX_RUNS) runs. Does
    /// nothing if no work has this name.
    fn record_run(&mut self, run: &RecurringRun) -> Result<(), StoreError>;

    /// Deletes recurring work and its runs. Returns `false` if no work has this name.
    fn remove(&mut self, name: &RecurringName) -> Result<bool, StoreError>;
}
