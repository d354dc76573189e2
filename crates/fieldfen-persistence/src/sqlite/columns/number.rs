//! Reads whole numbers. SQLite allows any value in an INTEGER column.

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::sql_types;
use diesel::sqlite::{Sqlite, SqliteType, SqliteValue};

/// A value read from an INTEGER column. Reading it never fails, so that the error can name the row: see
/// [`RowRef::number`](super::RowRef::number).
#[derive(Debug, Clone, Copy, FromSqlRow)]
pub(crate) enum StoredNumber {
    /// An integer.
    Whole(i64),
    /// A value of another type, whose SQLite name this is.
    Other(&'static str),
}

impl FromSql<sql_types::BigInt, Sqlite> for StoredNumber {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(match value.value_type() {
            Some(SqliteType::Integer | SqliteType::SmallInt | SqliteType::Long) => Self::Whole(value.read_long()),
            Some(SqliteType::Text) => Self::Other("a text"),
            Some(SqliteType::Binary) => Self::Other("a blob"),
            _ => Self::Other("a real number"),
        })
    }
}
