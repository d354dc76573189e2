//! Recurring work.

use super::StoreError;
use crate::page::UnreadableRow;
use crate::recurring::{NewRecurringJob, RecurringJob, RecurringName, Tick};

/// Reading recurring work.
pub trait RecurringReads {
    /// All recurring work, by name; rows that hold what no recurring work can hold are named among it.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn list(&mut self) -> Result<Vec<Result<RecurringJob, UnreadableRow>>, StoreError>;
}

/// Writing recurring work.
pub trait Recurring: RecurringReads {
    /// Sets work up, or changes what has its name. The next tick is kept unless the schedule has changed.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn define(&mut self, work: &NewRecurringJob) -> Result<(), StoreError>;

    /// Takes a tick: `true` for the one caller that gets it, `false` when it has been taken or the work is gone.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn take(&mut self, tick: &Tick) -> Result<bool, StoreError>;

    /// Ends recurring work; `false` when there is none of this name.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    fn remove(&mut self, name: &RecurringName) -> Result<bool, StoreError>;
}
