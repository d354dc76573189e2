//! One value of a row as SQLite holds it, whatever the column declares.

use std::fmt;

use diesel::deserialize::{self, FromSqlRow};
use diesel::row::{Field as _, Row};
use diesel::sql_types::Untyped;
use diesel::sqlite::{Sqlite, SqliteType};

/// The number of characters of a value that a report shows.
const SHOWN: usize = 60;

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    /// The bytes of a text that is not UTF-8.
    NotUtf8(Vec<u8>),
    Blob(Vec<u8>),
}

/// All values of a row in the order of the query.
#[derive(Debug)]
pub(super) struct ValueRow(pub(super) Vec<Value>);

impl FromSqlRow<Untyped, Sqlite> for ValueRow {
    fn build_from_row<'a>(row: &impl Row<'a, Sqlite>) -> deserialize::Result<Self> {
        let mut values = Vec::with_capacity(row.field_count());
        for at in 0..row.field_count() {
            let field = row.get(at).ok_or(diesel::result::UnexpectedEndOfRow)?;
            let Some(mut value) = field.value() else {
                values.push(Value::Null);
                continue;
            };
            values.push(match value.value_type() {
                None => Value::Null,
                Some(SqliteType::SmallInt | SqliteType::Integer | SqliteType::Long) => {
                    Value::Integer(value.read_long())
                }
                Some(SqliteType::Float | SqliteType::Double) => Value::Real(value.read_double()),
                Some(SqliteType::Binary) => Value::Blob(value.read_blob().to_vec()),
                Some(SqliteType::Text) => {
                    // diesel replaces bytes that are not UTF-8 with U+FFFD.
                    let text = value.read_text().to_owned();
                    let bytes = if text.contains(char::REPLACEMENT_CHARACTER) { value.read_blob() } else { &[] };
                    if bytes.is_empty() || bytes == text.as_bytes() {
                        Value::Text(text)
                    } else {
                        Value::NotUtf8(bytes.to_vec())
                    }
                }
            });
        }
        Ok(Self(values))
    }
}

impl ValueRow {
    /// The rowid, which is the first column of the query, and the other values.
    pub(super) fn split(&self) -> (i64, &[Value]) {
        match self.0.split_first() {
            Some((Value::Integer(rowid), values)) => (*rowid, values),
            Some((_, values)) => (0, values),
            None => (0, &[]),
        }
    }
}

/// Shortens the value and escapes its control characters.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = |f: &mut fmt::Formatter<'_>, what: &str, bytes: &[u8]| {
            write!(f, "{what} \"{}\"", bytes.get(..SHOWN).unwrap_or(bytes).escape_ascii())?;
            f.write_str(if bytes.len() > SHOWN { "…" } else { "" })
        };
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Integer(number) => number.fmt(f),
            Self::Real(number) => number.fmt(f),
            Self::Text(text) => match text.char_indices().nth(SHOWN) {
                Some((end, _)) => write!(f, "{:?}…", &text[..end]),
                None => write!(f, "{text:?}"),
            },
            Self::NotUtf8(text) => bytes(f, "the text", text),
            Self::Blob(blob) => bytes(f, "the blob", blob),
        }
    }
}
