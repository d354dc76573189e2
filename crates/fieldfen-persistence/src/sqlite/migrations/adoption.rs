//! Work of a program that takes over a database of another program, or rewrites an adopted one.

use diesel::sqlite::SqliteConnection;

use super::MigrationError;
use super::migration_event::{EventSink, MigrationEvent};
use super::migration_lock::exclusively;
use super::migration_run::LOCK_WAIT;

/// The two moments at which a run calls the function of [`MigrationRun::adopt`](super::MigrationRun::adopt).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdoptionPhase {
    /// The database has the specification's tables alone. The guard of the run begins after this call, so that the
    /// function itself must compare the rows before and after its changes.
    BeforeMigrations,
    /// The database has all tables.
    AfterMigrations,
}

/// Runs `f` in one transaction that holds the write lock from its start, with foreign keys off. The function waits for
/// other runs. After an error, the database is as it was before. `observer` gets the waits and the commit.
///
/// # Errors
/// Any error of `f`, and [`MigrationError::Store`].
pub fn change_exclusively<T>(
    conn: &mut SqliteConnection,
    mut observer: impl FnMut(&MigrationEvent<'_>),
    f: impl FnOnce(&mut SqliteConnection) -> Result<T, MigrationError>,
) -> Result<T, MigrationError> {
    exclusively(conn, LOCK_WAIT, &mut EventSink(Some(&mut observer)), |conn, _| f(conn))
}
