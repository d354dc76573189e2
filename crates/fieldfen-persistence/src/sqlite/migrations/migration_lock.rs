//! Runs migrations with the lock on the database and without foreign keys.
//!
//! A migration that rebuilds a table drops the old one. With foreign keys on, `DROP TABLE` first deletes the rows, and
//! `ON DELETE CASCADE` deletes the rows that refer to them. `PRAGMA defer_foreign_keys` does not prevent that. The
//! setting can be changed only outside a transaction (<https://sqlite.org/lang_altertable.html>, section 7).

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;

use super::MigrationError;
use super::ledger::number;
use super::migration_event::{EventSink, MigrationEvent};
use crate::sqlite::error::{Classify as _, milliseconds};

/// The pause before another attempt to take the lock, for a connection that does not wait by itself.
const PAUSE: Duration = Duration::from_millis(20);

/// The time between two events while the run waits.
const EVENT_EVERY: Duration = Duration::from_secs(1);

/// Runs `f` in a transaction that holds the write lock from its start, with foreign keys off. On every exit, foreign
/// keys are as they were before. After an error or a panic, the transaction is rolled back.
///
/// diesel's transactions do not fit here. When SQLite has rolled back by itself, for example on a full disk, diesel
/// reports that its own rollback failed and hides the cause.
pub(super) fn exclusively<T>(
    conn: &mut SqliteConnection,
    wait: Duration,
    events: &mut EventSink<'_>,
    f: impl FnOnce(&mut SqliteConnection, &mut EventSink<'_>) -> Result<T, MigrationError>,
) -> Result<T, MigrationError> {
    let were_on = foreign_keys(conn)?;
    if were_on {
        conn.batch_execute("PRAGMA foreign_keys = OFF").store()?;
        if foreign_keys(conn)? {
            return Err(MigrationError::Store(StoreError::Setting {
                what: "foreign_keys",
                found: "1".to_owned(),
                rule: "it must be 0 while migrations run, and a connection with an open transaction cannot change it: end \
                       the transaction first",
            }));
        }
    }
    let mut has_begun = false;
    let result = catch_unwind(AssertUnwindSafe(|| {
        until_free(conn, "BEGIN IMMEDIATE", wait, events)?;
        has_begun = true;
        let done = f(conn, events)?;
        events.send(&MigrationEvent::Committing);
        // With a rollback journal, the commit waits for readers.
        until_free(conn, "COMMIT", wait, events)?;
        Ok(done)
    }));
    if has_begun && !matches!(result, Ok(Ok(_))) {
        // The statement fails if SQLite has rolled back already.
        conn.batch_execute("ROLLBACK").ok();
    }
    let restored = if were_on { conn.batch_execute("PRAGMA foreign_keys = ON").store() } else { Ok(()) };
    if let Err(error) = restored {
        log!(WARN, %error, "foreign keys could not be switched on again on this connection");
    }
    result.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Repeats a statement while other programs hold the lock that it needs, in addition to the waits of the connection.
fn until_free(
    conn: &mut SqliteConnection,
    statement: &str,
    wait: Duration,
    events: &mut EventSink<'_>,
) -> Result<(), MigrationError> {
    let began = Instant::now();
    let mut next_event = Duration::ZERO;
    loop {
        match conn.batch_execute(statement).store() {
            Err(StoreError::Busy { source, .. }) => {
                let waited = began.elapsed();
                if waited >= wait {
                    return Err(StoreError::Busy { waited_ms: milliseconds(waited), source }.into());
                }
                if waited >= next_event {
                    events.send(&MigrationEvent::WaitingForLock { waited });
                    next_event = waited + EVENT_EVERY;
                }
                std::thread::sleep(PAUSE.min(wait - waited));
            }
            result => return Ok(result?),
        }
    }
}

fn foreign_keys(conn: &mut SqliteConnection) -> Result<bool, StoreError> {
    Ok(number(conn, "SELECT foreign_keys AS n FROM pragma_foreign_keys")? != 0)
}
