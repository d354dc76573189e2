//! Columns on their way between rows and domain types. A row whose columns no domain type can hold becomes an error
//! that names table, row and column.

mod bound;
#[cfg(test)]
pub(crate) mod fresh;
mod number;
mod time;

use std::fmt::Display;
use std::str::FromStr;

use fieldfen_domain::store::StoreError;
use fieldfen_domain::{Page, PageRequest, UnreadableRow};

pub(crate) use bound::{ReachedAt, limit};
pub(crate) use number::StoredNumber;
pub(crate) use time::{OutOfRange, SqlTime, StoredTime, regular_time};

/// A page of rows that have been read, each with its sequence number: what cannot be read is named in it.
pub(crate) fn read_page<T>(
    rows: impl Iterator<Item = (i64, Result<T, StoreError>)>,
    request: PageRequest,
) -> Result<Page<T>, StoreError> {
    let rows: Result<Vec<_>, StoreError> =
        rows.map(|(sequence, row)| Ok((sequence, UnreadableRow::sift(row)?))).collect();
    Ok(Page::from_rows(rows?, request))
}

/// What to call a row whose key another program may have left out.
pub(crate) fn row_name(key: Option<&str>, rowid: i64) -> String {
    key.map_or_else(|| format!("without id (rowid {rowid})"), str::to_owned)
}

/// Names a row while it is being read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowRef<'a> {
    /// The table.
    pub(crate) table: &'static str,
    /// The row's key, as it stands there.
    pub(crate) key: &'a str,
}

impl RowRef<'_> {
    /// The error for a column that holds what it must not.
    pub(crate) fn bad(self, column: &'static str, value: impl Display, rule: impl Display) -> StoreError {
        StoreError::BadRow {
            table: self.table,
            row: self.key.to_owned(),
            column,
            value: value.to_string(),
            rule: rule.to_string(),
        }
    }

    /// Reads the key, which the specification's tables let be NULL.
    pub(crate) fn key<T: FromStr<Err: Display>>(
        self,
        column: &'static str,
        key: Option<&str>,
    ) -> Result<T, StoreError> {
        match key {
            Some(key) => self.parse(column, key),
            None => Err(self.bad(column, "NULL", "it must not be NULL")),
        }
    }

    /// Reads a text column as a type.
    pub(crate) fn parse<T: FromStr<Err: Display>>(self, column: &'static str, text: &str) -> Result<T, StoreError> {
        text.parse().map_err(|error| self.bad(column, format_args!("{text:?}"), error))
    }

    /// Reads a text column that may be NULL as a type.
    pub(crate) fn parse_nullable<T: FromStr<Err: Display>>(
        self,
        column: &'static str,
        text: Option<&str>,
    ) -> Result<Option<T>, StoreError> {
        text.map(|text| self.parse(column, text)).transpose()
    }

    /// Reads a time.
    pub(crate) fn time(self, column: &'static str, time: StoredTime) -> Result<fieldfen_domain::Timestamp, StoreError> {
        time.read(self.table, self.key, column)
    }

    /// Reads a time that may be NULL.
    pub(crate) fn nullable_time(
        self,
        column: &'static str,
        time: Option<StoredTime>,
    ) -> Result<Option<fieldfen_domain::Timestamp>, StoreError> {
        time.map(|time| self.time(column, time)).transpose()
    }

    /// Reads a whole number that counts something.
    pub(crate) fn count(self, column: &'static str, number: i64) -> Result<u32, StoreError> {
        u32::try_from(number).map_err(|_| self.bad(column, number, "it must be a whole number from 0 to 4294967295"))
    }

    /// Reads a whole number.
    pub(crate) fn number(self, column: &'static str, number: StoredNumber) -> Result<i64, StoreError> {
        match number {
            StoredNumber::Whole(number) => Ok(number),
            StoredNumber::Other(what) => Err(self.bad(column, what, "it must be a whole number")),
        }
    }
}
