//! Times as the database keeps them.
//!
//! fieldfen writes UTC text with exactly six fraction digits, so that texts compare like times. Other programs write
//! fewer: SQLite's `CURRENT_TIMESTAMP` none, SQLAlchemy six, diesel 0, 3, 6 or 9. All of those are read; anything with
//! an offset, a number or an empty text is refused, since nobody could say which moment it means.

use chrono::NaiveDateTime;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types;
use diesel::sqlite::{Sqlite, SqliteType, SqliteValue};
use fieldfen_domain::Timestamp;
use fieldfen_domain::store::StoreError;

/// What a time must look like, for error messages.
const RULE: &str = "it must be UTC text like 2026-11-23 14:05:09.000000, without an offset";

/// A time on its way into the database.
#[derive(Debug, Clone, Copy, AsExpression)]
#[diesel(sql_type = sql_types::Timestamp)]
pub(crate) struct SqlTime(pub(crate) Timestamp);

impl SqlTime {
    /// The text as it stands in the database: 26 characters.
    pub(crate) fn text(self) -> String {
        self.0.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
    }
}

impl ToSql<sql_types::Timestamp, Sqlite> for SqlTime {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.text());
        Ok(IsNull::No)
    }
}

/// A time on its way out of the database, whatever the column holds.
///
/// Reading never fails here: the row that is being read knows its key and can name it, see [`StoredTime::read`].
#[derive(Debug, Clone, FromSqlRow)]
pub(crate) enum StoredTime {
    /// A text.
    Text(String),
    /// Something that is no text.
    Other(&'static str),
}

impl FromSql<sql_types::Timestamp, Sqlite> for StoredTime {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(match value.value_type() {
            Some(SqliteType::Text) => Self::Text(value.read_text().to_owned()),
            Some(SqliteType::Binary) => Self::Other("a blob"),
            Some(SqliteType::Float | SqliteType::Double) => Self::Other("a real number"),
            _ => Self::Other("an integer"),
        })
    }
}


impl StoredTime {
    /// The moment, or an error that names table, row and column.
    pub(crate) fn read(self, table: &'static str, row: &str, column: &'static str) -> Result<Timestamp, StoreError> {
        let bad = |value: String| StoreError::BadRow { table, row: row.to_owned(), column, value, rule: RULE.into() };
        match self {
            Self::Text(text) => parse(&text).ok_or_else(|| bad(format!("{text:?}"))),
            Self::Other(what) => Err(bad(what.to_owned())),
        }
    }
}

/// Reads `YYYY-MM-DD HH:MM:SS`, with a `T` or a blank in the middle and 0 to 9 fraction digits.
fn parse(text: &str) -> Option<Timestamp> {
    if !text.is_ascii() || text.len() < 19 {
        return None;
    }
    let format = if text.as_bytes()[10] == b'T' { "%Y-%m-%dT%H:%M:%S%.f" } else { "%Y-%m-%d %H:%M:%S%.f" };
    NaiveDateTime::parse_from_str(text, format).ok().map(|time| time.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        StoredTime::Text(text.into())
            .read("jobs", "7", "run_at")
            .map(|time| SqlTime(time).text())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn what_sqlite_sqlalchemy_and_diesel_write_is_read_and_written_with_six_digits() {
        for (stored, written) in [
            ("2026-11-23 14:05:09", "2026-11-23 14:05:09.000000"),
            ("2026-11-23 14:05:09.5", "2026-11-23 14:05:09.500000"),
            ("2026-11-23 14:05:09.123", "2026-11-23 14:05:09.123000"),
            ("2026-11-23 14:05:09.123456", "2026-11-23 14:05:09.123456"),
            ("2026-11-23T14:05:09.123456789", "2026-11-23 14:05:09.123456"),
            ("1970-01-01 00:00:00.000000", "1970-01-01 00:00:00.000000"),
        ] {
            assert_eq!(read(stored).unwrap(), written);
        }
    }

    #[test]
    fn everything_else_is_an_error_that_names_the_place() {
        for stored in ["", "2026-11-23", "2026-11-23 14:05:09+01:00", "2026-11-23 14:05:09Z", "1763906709", "2026-13-01 00:00:00", "2026-11-23 14:05:09.", "gestern um halb zwei…"] {
            let message = read(stored).unwrap_err();
            assert!(message.starts_with("jobs 7: column run_at holds"), "{message}");
            assert!(message.contains(&format!("{stored:?}")), "{message}");
        }
    }
}
