//! Classifies SQLite's errors.
//!
//! diesel 2.3 reports most of SQLite's result codes as `Unknown` with SQLite's English text. Only this file reads those
//! texts. Its test provokes the errors with a real SQLite, so that a changed text is noticed.

mod shared;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::str::Utf8Error;
use std::time::Duration;

use diesel::result::{DatabaseErrorKind, Error, QueryResult};
use fieldfen_domain::store::{Source, StoreError};

use crate::sqlite::busy_handler::{self, NoLocks};
use crate::sqlite::columns::OutOfRange;
use crate::sqlite::system_error;

pub(in crate::sqlite) use shared::shared_error;

/// The advice for a database that is read-only.
pub(in crate::sqlite) const CHECK_PERMISSIONS: &str =
    "check the permissions of the file, of the files beside it, of its folder and the file system";

/// The advice for an input or output error.
const CHECK_FILE: &str = "check the disk and that the file is still there";

/// The advice for an error of a file, followed by SQLite's own text.
#[derive(Debug, thiserror::Error)]
#[error("{advice}")]
struct Advised {
    advice: &'static str,
    source: Source,
}

fn advised(advice: Option<&'static str>, source: Source) -> Source {
    match advice {
        Some(advice) => Box::new(Advised { advice, source }),
        None => source,
    }
}

thread_local! {
    static LAST_FAILURE: RefCell<Option<StoreError>> = const { RefCell::new(None) };
}

/// The last error of the database file on this thread since the previous call: full, read-only, or input and output.
/// `None` if there was no such error. SQLite may have rolled the whole transaction back with it, and does not report
/// the error again.
pub(in crate::sqlite) fn take_failure() -> Option<StoreError> {
    LAST_FAILURE.take()
}

/// Converts diesel's errors into store errors.
pub(crate) trait Classify<T> {
    /// Converts the error of a statement that can break no constraint.
    fn store(self) -> Result<T, StoreError>;

    /// Converts the error of a statement that writes a row. `what` names the row and the rows that it refers to.
    fn writing(self, what: impl FnOnce() -> String) -> Result<T, StoreError>;
}

impl<T> Classify<T> for QueryResult<T> {
    fn store(self) -> Result<T, StoreError> {
        self.map_err(classify)
    }

    fn writing(self, what: impl FnOnce() -> String) -> Result<T, StoreError> {
        self.map_err(|error| match error {
            Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => {
                StoreError::AlreadyExists { what: what(), source: error.into() }
            }
            Error::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _) => {
                StoreError::MissingReference { what: what(), source: error.into() }
            }
            other => classify(other),
        })
    }
}

/// A wait in whole milliseconds, for error messages.
pub(in crate::sqlite) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Returns whether a text of the database is not UTF-8. Diesel wraps the error of a field that has a name.
fn is_not_utf8(reason: &(dyn std::error::Error + 'static)) -> bool {
    reason.is::<Utf8Error>() || reason.source().is_some_and(|source| source.is::<Utf8Error>())
}

/// Converts an error of diesel into a [`StoreError`].
pub(crate) fn classify(error: Error) -> StoreError {
    let information = match &error {
        Error::DatabaseError(_, information) => information,
        Error::SerializationError(reason) => match reason.downcast_ref::<OutOfRange>() {
            Some(OutOfRange(time)) => {
                let rule = "must be between the years 0 and 9999";
                return StoreError::Invalid { what: "time", value: time.to_string(), rule };
            }
            None => return StoreError::Database(error.into()),
        },
        // The texts of rows are read as bytes: such a text is a name or a statement of the schema.
        Error::DeserializationError(reason) if is_not_utf8(reason.as_ref()) => {
            return StoreError::Corrupt(error.into());
        }
        _ => return StoreError::Database(error.into()),
    };
    let text = information.message().to_owned();
    let says = |phrase: &str| text.contains(phrase);
    let failure = |kind: fn(Source) -> StoreError, advice: Option<&'static str>, error: Error| {
        LAST_FAILURE.set(Some(kind(advised(advice, text.clone().into()))));
        kind(advised(advice, error.into()))
    };
    let is_busy = says("database is locked") || says("database table is locked") || says("database schema is locked");
    if (is_busy || says("locking protocol")) && busy_handler::take_refusal() {
        StoreError::Io(NoLocks.into())
    } else if is_busy {
        StoreError::Busy { waited_ms: milliseconds(busy_handler::take_waited()), source: error.into() }
    } else if says("database or disk is full") {
        failure(StoreError::Full, None, error)
    } else if says("attempt to write a readonly database") {
        failure(StoreError::ReadOnly, Some(CHECK_PERMISSIONS), error)
    } else if says("disk I/O error") && system_error::take_no_room() {
        failure(StoreError::Full, None, error)
    } else if says("disk I/O error") || says("unable to open database") || says("locking protocol") {
        failure(StoreError::Io, Some(CHECK_FILE), error)
    } else if says("database disk image is malformed")
        || says("malformed database schema")
        || says("file is not a database")
    {
        StoreError::Corrupt(error.into())
    } else {
        StoreError::Database(error.into())
    }
}
