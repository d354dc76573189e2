//! Counts the rows of a table and computes a digest of their values, in one pass and with the memory of one row.
//!
//! The digest of a table is the sum of the digests of its rows modulo 2^128, so that the order of the rows does not
//! count and every row does. The digest of a row is the first half of the SHA-256 of its values, each with its type and
//! length: `1` and `'1'` differ, and so do NULL and an empty text.

use diesel::deserialize::{self, FromSqlRow};
use diesel::prelude::*;
use diesel::row::{Field as _, Row};
use diesel::sql_types::Untyped;
use diesel::sqlite::{Sqlite, SqliteConnection, SqliteType};
use fieldfen_domain::store::StoreError;
use sha2::{Digest as _, Sha256};

use crate::sqlite::error::Classify as _;

/// The number of rows between two calls of the observer.
const ROWS_BETWEEN: u64 = 100_000;

/// The number of rows of a table, and the digest of their values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TableDigest {
    /// The number of rows.
    pub rows: u64,
    /// The digest of the values. It does not depend on the order of the rows.
    pub digest: u128,
}

impl std::fmt::Display for TableDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} rows with the digest {:032x}", self.rows, self.digest)
    }
}

/// The digest of these columns of all rows of a table. `progress` gets the number of rows so far, from time to time.
pub(super) fn table_digest(
    conn: &mut SqliteConnection,
    table: &str,
    columns: &[String],
    progress: &mut dyn FnMut(u64),
) -> Result<TableDigest, StoreError> {
    let columns: Vec<_> = columns.iter().map(|column| quoted(column)).collect();
    let columns = if columns.is_empty() { "NULL".to_owned() } else { columns.join(", ") };
    // A read by an index would sort the rows of a large table for nothing.
    let query = diesel::sql_query(format!("SELECT {columns} FROM {} NOT INDEXED", quoted(table)));
    let mut found = TableDigest::default();
    for row in query.load_iter::<RowDigest, diesel::connection::DefaultLoadingMode>(conn).store()? {
        let RowDigest(digest) = row.store()?;
        found.digest = found.digest.wrapping_add(digest);
        found.rows += 1;
        if found.rows.is_multiple_of(ROWS_BETWEEN) {
            progress(found.rows);
        }
    }
    Ok(found)
}

/// A name as SQL text, in double quotes.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The digest of one row.
struct RowDigest(u128);

impl FromSqlRow<Untyped, Sqlite> for RowDigest {
    fn build_from_row<'a>(row: &impl Row<'a, Sqlite>) -> deserialize::Result<Self> {
        let mut hasher = Sha256::new();
        let mut add = |tag: u8, bytes: &[u8]| {
            let mut head = [tag; 9];
            head[1..].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
            hasher.update(head);
            hasher.update(bytes);
        };
        for at in 0..row.field_count() {
            let field = row.get(at).ok_or(diesel::result::UnexpectedEndOfRow)?;
            let Some(mut value) = field.value() else {
                add(0, &[]);
                continue;
            };
            match value.value_type() {
                Some(SqliteType::SmallInt | SqliteType::Integer | SqliteType::Long) => {
                    add(1, &value.read_long().to_le_bytes());
                }
                Some(SqliteType::Float | SqliteType::Double) => add(2, &value.read_double().to_bits().to_le_bytes()),
                Some(SqliteType::Text) => {
                    // diesel replaces bytes that are not UTF-8 with U+FFFD; the bytes themselves count. Reading all
                    // texts as bytes would copy each of them.
                    let text = value.read_text();
                    if !text.contains(char::REPLACEMENT_CHARACTER) {
                        add(3, text.as_bytes());
                        continue;
                    }
                    add(3, value.read_blob());
                }
                Some(SqliteType::Binary) => add(4, value.read_blob()),
                None => add(0, &[]),
            }
        }
        let half = hasher.finalize().first_chunk().copied().unwrap_or_default();
        Ok(Self(u128::from_le_bytes(half)))
    }
}
