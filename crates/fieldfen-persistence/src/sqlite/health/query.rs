//! Queries of the checks. Each runs once, so that diesel need not cache it.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;

use crate::sqlite::columns::StoredText;
use crate::sqlite::error::Classify as _;

/// A number, from a column `n`.
#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// A text of a row, from a column `text`. Other programs may have stored any bytes.
#[derive(QueryableByName)]
struct Words {
    #[diesel(sql_type = Nullable<Text>)]
    text: Option<StoredText>,
}

/// The number in the column `n` of a query with one row.
pub(super) fn number(conn: &mut SqliteConnection, sql: &str) -> Result<i64, StoreError> {
    Ok(diesel::sql_query(sql).get_result::<Number>(conn).store()?.n)
}

/// The texts in the column `text`, in a form for people. NULL is an empty text.
pub(super) fn texts(conn: &mut SqliteConnection, sql: &str) -> Result<Vec<String>, StoreError> {
    let rows: Vec<Words> = diesel::sql_query(sql).load(conn).store()?;
    Ok(rows.into_iter().map(|row| row.text.map(StoredText::into_prose).unwrap_or_default()).collect())
}

/// The text of a pragma's value.
pub(super) fn pragma(conn: &mut SqliteConnection, name: &str) -> Result<String, StoreError> {
    Ok(texts(conn, &format!("SELECT CAST({name} AS TEXT) AS text FROM pragma_{name}"))?.pop().unwrap_or_default())
}

/// A name as SQL text, in double quotes.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
