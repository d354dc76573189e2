//! Reads the columns of a table as they were declared.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;

use crate::sqlite::error::Classify as _;

/// A column of a table, as `PRAGMA table_xinfo` returns it (<https://sqlite.org/pragma.html#pragma_table_xinfo>).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableColumn {
    /// The name in lower case.
    pub name: String,
    /// The declared type; empty if there is none.
    pub declared: String,
    /// Whether the column is declared NOT NULL.
    pub not_null: bool,
    /// The SQL text of the default; `None` if there is none.
    pub default: Option<String>,
    /// The position in the primary key, from 1; 0 outside the key.
    pub key: i64,
    /// Whether the values are generated from other columns.
    pub is_generated: bool,
}

/// The columns of a table in their order, without the hidden ones of a virtual table; none if there is no such table.
///
/// # Errors
/// [`StoreError`] if the database cannot be read.
pub fn table_columns(conn: &mut SqliteConnection, table: &str) -> Result<Vec<TableColumn>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        declared: String,
        #[diesel(sql_type = BigInt)]
        not_null: i64,
        #[diesel(sql_type = Nullable<Text>)]
        dflt: Option<String>,
        #[diesel(sql_type = BigInt)]
        key: i64,
        #[diesel(sql_type = BigInt)]
        hidden: i64,
    }
    let rows: Vec<Row> = diesel::sql_query(
        r#"SELECT name, type AS declared, "notnull" AS not_null, dflt_value AS dflt, pk AS key, hidden
           FROM pragma_table_xinfo(?) WHERE hidden <> 1"#,
    )
    .bind::<Text, _>(table)
    .load(conn)
    .store()?;
    let column = |row: Row| TableColumn {
        name: row.name.to_lowercase(),
        declared: row.declared,
        not_null: row.not_null != 0,
        default: row.dflt,
        key: row.key,
        is_generated: row.hidden > 1,
    };
    Ok(rows.into_iter().map(column).collect())
}
