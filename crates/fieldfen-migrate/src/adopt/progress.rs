//! The progress of an adoption.

use crate::event::{AdoptionStep, MigrateEvent};

/// The number of rows between two events.
const ROWS_BETWEEN: u64 = 50_000;

/// Sends the progress of an adoption to the observer of the migrator.
#[derive(Clone, Copy)]
pub(super) struct Progress<'a>(pub(super) &'a dyn Fn(&MigrateEvent<'_>));

impl Progress<'_> {
    /// Reports the number of rows so far, the first time and then from time to time.
    pub(super) fn rows(self, step: AdoptionStep, table: &str, rows: u64) {
        if rows.is_multiple_of(ROWS_BETWEEN) {
            (self.0)(&MigrateEvent::Adopting { step, table, rows });
        }
    }
}
