//! The progress of a run, for its observer.

use std::time::Duration;

use fieldfen_domain::catch_panic;

use super::Migration;
use super::step::Direction;

/// The progress of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MigrationEvent<'a> {
    /// Another program holds the lock on the database, for example another run.
    WaitingForLock {
        /// The length of the wait so far.
        waited: Duration,
    },
    /// The guard reads a table, before or after the migrations. Sent from time to time and at the end of the table.
    Digesting {
        /// The name of the table.
        table: &'a str,
        /// The number of rows that were read.
        rows: u64,
        /// Whether the whole table was read.
        is_done: bool,
    },
    /// The guard looks for rows that refer to no row, before or after the migrations.
    CheckingForeignKeys,
    /// The checks of a migration run.
    Checking {
        /// The migration.
        migration: &'a Migration,
    },
    /// The statements of a migration begin.
    Started {
        /// The migration.
        migration: &'a Migration,
        /// Whether it is applied or reverted.
        direction: Direction,
    },
    /// The statements of a migration have ended. The run may still fail and roll them back.
    Finished {
        /// The migration.
        migration: &'a Migration,
        /// Whether it is applied or reverted.
        direction: Direction,
        /// The time that its statements took.
        took: Duration,
    },
    /// The run is being committed.
    Committing,
}

/// Sends events to the observer. A panic of the observer, for example because nobody reads its output any more, does
/// not end the run.
pub(super) struct EventSink<'o>(pub(super) Option<&'o mut dyn FnMut(&MigrationEvent<'_>)>);

impl EventSink<'_> {
    pub(super) fn send(&mut self, event: &MigrationEvent<'_>) {
        if let Some(observer) = &mut self.0 {
            let _ = catch_panic(|| observer(event));
        }
    }
}
