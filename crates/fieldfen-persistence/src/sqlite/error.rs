//! SQLite's errors, told apart.
//!
//! diesel 2.3 hands most of SQLite's result codes on as `Unknown` with SQLite's English text. This file is the only
//! place that looks at those texts; its test makes the errors with a real SQLite, so that a changed text is noticed.

use diesel::result::{DatabaseErrorKind, Error, QueryResult};
use fieldfen_domain::store::StoreError;

use crate::rows::OutOfRange;

/// Turns diesel's errors into the store's.
pub(crate) trait Classify<T> {
    /// For statements that can break no constraint.
    fn store(self) -> Result<T, StoreError>;

    /// For statements that write `what`, which names the row and what it refers to.
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

/// What kind of error this is.
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
        _ => return StoreError::Database(error.into()),
    };
    let text = information.message();
    let says = |phrase: &str| text.contains(phrase);
    if says("database is locked") || says("database table is locked") || says("database schema is locked") {
        StoreError::Busy { waited_ms: 0, source: error.into() }
    } else if says("database or disk is full") {
        StoreError::Full(error.into())
    } else if says("attempt to write a readonly database") {
        StoreError::ReadOnly(error.into())
    } else if says("disk I/O error") || says("unable to open database") || says("locking protocol") {
        StoreError::Io(error.into())
    } else if says("database disk image is malformed")
        || says("malformed database schema")
        || says("file is not a database")
    {
        StoreError::Corrupt(error.into())
    } else {
        StoreError::Database(error.into())
    }
}
