//! Whole numbers as the database keeps them. SQLite lets a column that is declared INTEGER hold anything.

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::sql_types;
use diesel::sqlite::{Sqlite, SqliteType, SqliteValue};

/// A number on its way out of the database, whatever the column holds. Reading never fails here: the row that is being
/// read can name itself, see [`RowRef::number`](super::RowRef::number).
#[derive(Debug, Clone, Copy, FromSqlRow)]
pub(crate) enum StoredNumber {
    /// A whole number.
    Whole(i64),
    /// Something else.
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
