//! Reads texts. SQLite allows blobs in a TEXT column, and texts that are not UTF-8: Python programs write Latin-1
//! bytes.

use std::fmt;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::sql_types;
use diesel::sqlite::{Sqlite, SqliteType, SqliteValue};

/// The number of bytes of a bad value that an error message shows.
const SHOWN: usize = 100;

/// A value read from a TEXT column. Reading it never fails, so that the error can name the row: see
/// [`RowRef::text`](super::RowRef::text).
#[derive(Debug, Clone, PartialEq, Eq, FromSqlRow)]
pub(crate) enum StoredText {
    /// A UTF-8 text.
    Text(String),
    /// The bytes of a text that is not UTF-8.
    NotUtf8(Vec<u8>),
    /// A blob.
    Blob(Vec<u8>),
}

impl FromSql<sql_types::Text, Sqlite> for StoredText {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        if let Some(SqliteType::Binary) = value.value_type() {
            return Ok(Self::Blob(value.read_blob().to_vec()));
        }
        // diesel replaces bytes that are not UTF-8 with U+FFFD. A text may also contain that character itself.
        let text = value.read_text().to_owned();
        if text.contains(char::REPLACEMENT_CHARACTER) {
            let bytes = value.read_blob();
            if bytes != text.as_bytes() {
                return Ok(Self::NotUtf8(bytes.to_vec()));
            }
        }
        Ok(Self::Text(text))
    }
}

impl StoredText {
    /// The text, or `None` for any other value.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::NotUtf8(_) | Self::Blob(_) => None,
        }
    }

    /// The bytes of the row, without conversion.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::NotUtf8(bytes) | Self::Blob(bytes) => bytes,
        }
    }

    /// Returns whether the value is a blob, which sorts behind all texts.
    pub(crate) const fn is_blob(&self) -> bool {
        matches!(self, Self::Blob(_))
    }

    /// Returns whether a message can show the value without quotes.
    pub(crate) fn is_name(&self) -> bool {
        self.as_str().is_some_and(|text| (1..=SHOWN).contains(&text.len()) && !text.contains(char::is_control))
    }

    /// The value as a message shows it: as it is if it is a name, quoted otherwise.
    pub(crate) fn name(&self) -> String {
        match self.as_str() {
            Some(text) if self.is_name() => text.to_owned(),
            _ => self.to_string(),
        }
    }

    /// A text for people: U+FFFD replaces bytes that are not UTF-8.
    pub(crate) fn into_prose(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::NotUtf8(bytes) | Self::Blob(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}

/// Shortens the value for error messages and removes its control characters.
impl fmt::Display for StoredText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.as_bytes();
        let shown = &bytes[..bytes.len().min(SHOWN)];
        match self {
            Self::Text(text) => return f.write_str(&quoted(text)),
            Self::NotUtf8(_) => write!(f, "\"{}\"", shown.escape_ascii())?,
            Self::Blob(_) => write!(f, "the blob \"{}\"", shown.escape_ascii())?,
        }
        more(f, bytes.len() - shown.len())
    }
}

/// Quotes and shortens a value for error messages.
pub(crate) fn quoted(text: &str) -> String {
    let mut end = text.len().min(SHOWN);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut quoted = format!("{:?}", &text[..end]);
    // Writing to a `String` cannot fail.
    let _ = more(&mut quoted, text.len() - end);
    quoted
}

fn more(out: &mut impl fmt::Write, bytes: usize) -> fmt::Result {
    match bytes {
        0 => Ok(()),
        bytes => write!(out, " and {bytes} bytes more"),
    }
}

#[cfg(test)]
mod tests {
    use diesel::prelude::*;

    use super::*;
    use crate::sqlite::columns::test_database::database;

    fn stored(sql: &str) -> StoredText {
        diesel::select(diesel::dsl::sql::<sql_types::Text>(sql)).get_result(&mut database()).unwrap()
    }

    #[test]
    fn whatever_a_text_column_holds_is_read_and_shown() {
        for (sql, text, shown) in [
            ("'élan'", Some("élan"), "\"élan\""),
            ("''", Some(""), "\"\""),
            ("'a' || char(0) || 'b'", Some("a\0b"), "\"a\\0b\""),
            ("'\u{fffd}'", Some("\u{fffd}"), "\"\u{fffd}\""),
            ("7", Some("7"), "\"7\""),
            ("1.5", Some("1.5"), "\"1.5\""),
            ("CAST(x'61e9' AS TEXT)", None, "\"a\\xe9\""),
            ("CAST(x'efbfbde9' AS TEXT)", None, "\"\\xef\\xbf\\xbd\\xe9\""),
            ("CAST(x'ff00' AS TEXT)", None, "\"\\xff\\x00\""),
            ("x'61'", None, "the blob \"a\""),
            ("x''", None, "the blob \"\""),
            ("char(27) || '[2J'", Some("\u{1b}[2J"), "\"\\u{1b}[2J\""),
        ] {
            let stored = stored(sql);
            assert_eq!((stored.as_str(), stored.to_string().as_str()), (text, shown), "{sql}");
        }
    }

    #[test]
    fn what_is_long_is_cut_between_characters() {
        let long = StoredText::Text(format!("x{}", "é".repeat(1000))).to_string();
        assert_eq!(long, format!("\"x{}\" and 1902 bytes more", "é".repeat(49)));
        let bytes = StoredText::NotUtf8(vec![0xe9; 101]).to_string();
        assert!(bytes.ends_with("\\xe9\" and 1 bytes more"), "{bytes}");
    }

    #[test]
    fn prose_keeps_what_can_be_read() {
        assert_eq!(stored("CAST(x'64e96ae0' AS TEXT)").into_prose(), "d\u{fffd}j\u{fffd}");
        assert_eq!(stored("x'6f6b'").into_prose(), "ok");
    }
}
