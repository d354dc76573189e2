//! Converts between columns and domain types. If no domain type can hold the columns of a row, the error names table,
//! row and column.

mod foreign_time;
mod id_format;
mod number;
#[cfg(test)]
pub(crate) mod test_database;
mod text;
mod time;
mod time_bound;

use std::fmt::Display;
use std::str::FromStr;

use fieldfen_domain::store::StoreError;
use fieldfen_domain::{RawJson, Timestamp};

pub(crate) use foreign_time::ForeignTime;
pub(crate) use id_format::IdFormats;
pub(crate) use number::StoredNumber;
pub(crate) use text::StoredText;
use text::quoted;
pub(crate) use time::{OutOfRange, SqlTime, StoredTime, regular_time};
pub(crate) use time_bound::{DueFrom, least_text};

/// The table and the key of a row that is being read, for error messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowRef<'a> {
    table: &'static str,
    key: Key<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Key<'a> {
    Known(&'a str),
    Stored { key: Option<&'a StoredText>, rowid: i64 },
}

impl<'a> RowRef<'a> {
    /// The row that was looked up by this key.
    pub(crate) const fn known(table: &'static str, key: &'a str) -> Self {
        Self { table, key: Key::Known(key) }
    }

    /// A row with a stored key. Another program may have left the key NULL or written any value.
    pub(crate) const fn stored(table: &'static str, key: Option<&'a StoredText>, rowid: i64) -> Self {
        Self { table, key: Key::Stored { key, rowid } }
    }

    /// The name of the row in messages.
    pub(crate) fn name(self) -> String {
        match self.key {
            Key::Known(key) => key.to_owned(),
            Key::Stored { key: None, rowid } => format!("without id (rowid {rowid})"),
            Key::Stored { key: Some(key), .. } if key.is_name() => key.name(),
            Key::Stored { key: Some(key), rowid } => format!("{key} (rowid {rowid})"),
        }
    }

    /// The error for a column whose value breaks a rule.
    pub(crate) fn bad(self, column: &'static str, value: impl Display, rule: impl Display) -> StoreError {
        let (value, rule) = (value.to_string(), rule.to_string());
        StoreError::BadRow { table: self.table, row: self.name(), column, value, rule }
    }

    /// Reads the key. The specification's tables allow a NULL key.
    pub(crate) fn key<T: FromStr<Err: Display>>(
        self,
        column: &'static str,
        key: Option<&StoredText>,
    ) -> Result<T, StoreError> {
        match key {
            Some(key) => self.parse(column, key),
            None => Err(self.bad(column, "NULL", "it must not be NULL")),
        }
    }

    pub(crate) fn text(self, column: &'static str, text: StoredText) -> Result<String, StoreError> {
        match text {
            StoredText::Text(text) => Ok(text),
            other => Err(self.no_text(column, &other)),
        }
    }

    pub(crate) fn nullable_text(
        self,
        column: &'static str,
        text: Option<StoredText>,
    ) -> Result<Option<String>, StoreError> {
        text.map(|text| self.text(column, text)).transpose()
    }

    /// Reads a JSON document without checking its content: the caller knows the expected shape.
    pub(crate) fn json(self, column: &'static str, text: Option<StoredText>) -> Result<Option<RawJson>, StoreError> {
        Ok(self.nullable_text(column, text)?.map(RawJson::unchecked))
    }

    /// Reads a text column and parses it.
    pub(crate) fn parse<T: FromStr<Err: Display>>(
        self,
        column: &'static str,
        text: &StoredText,
    ) -> Result<T, StoreError> {
        let Some(text) = text.as_str() else { return Err(self.no_text(column, text)) };
        text.parse().map_err(|error: T::Err| {
            // Most of these errors repeat the value. A long value would make the message long.
            let rule = match text.len() {
                0..=100 => error.to_string(),
                bytes => format!("{bytes} bytes are too many"),
            };
            self.bad(column, quoted(text), rule)
        })
    }

    /// Reads a nullable text column and parses it.
    pub(crate) fn parse_nullable<T: FromStr<Err: Display>>(
        self,
        column: &'static str,
        text: Option<&StoredText>,
    ) -> Result<Option<T>, StoreError> {
        text.map(|text| self.parse(column, text)).transpose()
    }

    pub(crate) fn time(self, column: &'static str, time: StoredTime) -> Result<Timestamp, StoreError> {
        match time {
            StoredTime::Time(time) => Ok(time),
            StoredTime::Text(text) => Err(self.bad(column, quoted(&text), time::RULE)),
            StoredTime::Other(what) => Err(self.bad(column, what, time::RULE)),
        }
    }

    pub(crate) fn nullable_time(
        self,
        column: &'static str,
        time: Option<StoredTime>,
    ) -> Result<Option<Timestamp>, StoreError> {
        time.map(|time| self.time(column, time)).transpose()
    }

    /// Reads a count: a whole number from 0 to `u32::MAX`.
    pub(crate) fn count(self, column: &'static str, number: i64) -> Result<u32, StoreError> {
        u32::try_from(number).map_err(|_| self.bad(column, number, "it must be a whole number from 0 to 4294967295"))
    }

    pub(crate) fn number(self, column: &'static str, number: StoredNumber) -> Result<i64, StoreError> {
        match number {
            StoredNumber::Whole(number) => Ok(number),
            StoredNumber::Other(what) => Err(self.bad(column, what, "it must be a whole number")),
        }
    }

    fn no_text(self, column: &'static str, value: &StoredText) -> StoreError {
        let rule = match value {
            StoredText::Blob(_) => "it must be a text",
            _ => "it must be UTF-8",
        };
        self.bad(column, value, rule)
    }
}
