//! The tables of a database, described by their effect on rows and statements. The layout of their SQL does not count.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Binary, Text};
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;

use super::sql_tokens::tokens;
use super::table_columns::{TableColumn, table_columns};
use crate::sqlite::error::Classify as _;

/// A table, index, trigger or view.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) table: String,
    pub(super) sql: String,
}

/// All objects of a database, without those that SQLite creates by itself.
pub(super) fn objects(conn: &mut SqliteConnection) -> Result<Vec<Object>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Binary)]
        kind: Vec<u8>,
        #[diesel(sql_type = Binary)]
        name: Vec<u8>,
        #[diesel(sql_type = Binary)]
        tbl_name: Vec<u8>,
        #[diesel(sql_type = Binary)]
        sql: Vec<u8>,
    }
    // Other programs may have created objects whose names are not UTF-8.
    let rows: Vec<Row> = diesel::sql_query(
        r"SELECT CAST(type AS BLOB) AS kind, CAST(name AS BLOB) AS name, CAST(tbl_name AS BLOB) AS tbl_name,
                 CAST(sql AS BLOB) AS sql
          FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\_%' ESCAPE '\'",
    )
    .load(conn)
    .store()?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let object = |row: Row| Object {
        kind: text(row.kind),
        name: text(row.name),
        table: text(row.tbl_name).to_lowercase(),
        sql: text(row.sql),
    };
    Ok(rows.into_iter().map(object).collect())
}

/// The rules that a table sets for its rows.
#[derive(Debug)]
pub(super) struct Table {
    /// The key is the column's name in lower case.
    pub(super) columns: BTreeMap<String, Column>,
    pub(super) primary_key: Vec<String>,
    pub(super) foreign_keys: BTreeSet<String>,
    /// The unique constraints and unique indexes that apply to every row.
    pub(super) unique: BTreeSet<String>,
    /// The unique indexes that apply to some rows.
    pub(super) partly_unique: BTreeSet<String>,
    /// The keywords of other rules: `CHECK`, `STRICT`, `WITHOUT ROWID`, `ON CONFLICT`, `INITIALLY DEFERRED`.
    pub(super) rules: BTreeSet<&'static str>,
}

/// The rules that a column sets for its values.
#[derive(Debug)]
pub(super) struct Column {
    declared: String,
    affinity: &'static str,
    pub(super) not_null: bool,
    pub(super) default: Option<String>,
    /// The position in the primary key, from 1; 0 outside the key.
    pub(super) key: i64,
    is_generated: bool,
    collation: String,
}

impl Column {
    /// Returns whether both columns accept, store and compare values in the same way. A primary key may also refuse
    /// NULL: the specification's accepts NULL, but no program writes one.
    pub(super) fn is_like(&self, expected: &Self) -> bool {
        let nulls = self.not_null == expected.not_null || (self.not_null && expected.key > 0);
        // Only a primary key declared as `INTEGER` is an alias of the rowid.
        let is_rowid = |column: &Self| column.key == 1 && column.declared.eq_ignore_ascii_case("INTEGER");
        nulls
            && is_rowid(self) == is_rowid(expected)
            && (self.affinity, &self.default, self.is_generated, &self.collation)
                == (expected.affinity, &expected.default, expected.is_generated, &expected.collation)
    }

    /// Returns whether a program that does not know the column can insert rows.
    pub(super) fn may_be_left_out(&self) -> bool {
        !self.not_null || self.default.is_some() || self.is_generated
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { declared, affinity, not_null, default, is_generated, collation, .. } = self;
        write!(f, "{declared}")?;
        if !declared.eq_ignore_ascii_case(affinity) {
            write!(f, " ({affinity} affinity)")?;
        }
        f.write_str(if *not_null { " NOT NULL" } else { "" })?;
        if let Some(default) = default {
            write!(f, " DEFAULT {default}")?;
        }
        f.write_str(if *is_generated { " GENERATED" } else { "" })?;
        if collation == "BINARY" { Ok(()) } else { write!(f, " COLLATE {collation}") }
    }
}

impl Table {
    pub(super) fn read(conn: &mut SqliteConnection, table: &Object) -> Result<Self, StoreError> {
        let words = tokens(&table.sql);
        let has = |word: &str| words.iter().any(|token| token == word);
        let mut columns = columns(conn, &table.name)?;
        if has("collate") {
            let collations = collations(table, columns.keys());
            for (name, column) in &mut columns {
                column.collation = collations.get(name).cloned().unwrap_or_else(|| "unknown".to_owned());
            }
        }
        let mut primary_key: Vec<_> = columns
            .iter()
            .filter(|(_, column)| column.key > 0)
            .map(|(name, column)| (column.key, name.clone()))
            .collect();
        primary_key.sort();
        let (unique, partly_unique) = unique(conn, &table.name)?;
        let mut rules = rules(conn, &table.name)?;
        if has("check") {
            rules.insert("CHECK");
        }
        let follow = |pair: [&str; 2]| words.windows(2).any(|words| words == pair);
        if follow(["on", "conflict"]) {
            rules.insert("ON CONFLICT");
        }
        if follow(["initially", "deferred"]) {
            rules.insert("INITIALLY DEFERRED");
        }
        Ok(Self {
            columns,
            primary_key: primary_key.into_iter().map(|(_, name)| name).collect(),
            foreign_keys: foreign_keys(conn, &table.name)?,
            unique,
            partly_unique,
            rules,
        })
    }
}

fn columns(conn: &mut SqliteConnection, table: &str) -> Result<BTreeMap<String, Column>, StoreError> {
    let column = |read: TableColumn| {
        let affinity = affinity(&read.declared);
        let column = Column {
            default: read.default.and_then(|text| default(&text, affinity)),
            declared: read.declared,
            affinity,
            not_null: read.not_null,
            key: read.key,
            is_generated: read.is_generated,
            collation: "BINARY".to_owned(),
        };
        (read.name, column)
    };
    Ok(table_columns(conn, table)?.into_iter().map(column).collect())
}

/// The affinity of a declared type (<https://sqlite.org/datatype3.html>, section 3.1).
fn affinity(declared: &str) -> &'static str {
    let declared = declared.to_uppercase();
    let has = |parts: &[&str]| parts.iter().any(|part| declared.contains(part));
    match () {
        () if has(&["INT"]) => "INTEGER",
        () if has(&["CHAR", "CLOB", "TEXT"]) => "TEXT",
        () if has(&["BLOB"]) || declared.is_empty() => "BLOB",
        () if has(&["REAL", "FLOA", "DOUB"]) => "REAL",
        () => "NUMERIC",
    }
}

/// A default value without its layout; `None` for NULL. A quoted number becomes a number in a numeric column.
fn default(text: &str, affinity: &str) -> Option<String> {
    let mut words = tokens(text);
    while words.len() > 2
        && words.first().is_some_and(|word| word == "(")
        && words.last().is_some_and(|word| word == ")")
    {
        words = words[1..words.len() - 1].to_vec();
    }
    let mut text = words.join(" ");
    let number = text.trim_matches('\'');
    if ["INTEGER", "NUMERIC", "REAL"].contains(&affinity) && number.parse::<i64>().is_ok() {
        text = number.to_owned();
    }
    if text.starts_with("current_") {
        text = text.to_uppercase();
    }
    (text != "null").then_some(text)
}

fn foreign_keys(conn: &mut SqliteConnection, table: &str) -> Result<BTreeSet<String>, StoreError> {
    // A foreign key without column names refers to the primary key.
    lines(
        conn,
        r#"SELECT lower('(' || group_concat("from", ', ') || ') REFERENCES ' || "table" || '('
                  || group_concat(coalesce("to", (SELECT name FROM pragma_table_info("table") WHERE pk = seq + 1)), ', ')
                  || ')') || ' ON DELETE ' || on_delete || ' ON UPDATE ' || on_update AS line
           FROM (SELECT * FROM pragma_foreign_key_list(?) ORDER BY id, seq) GROUP BY id"#,
        table,
    )
}

/// The unique constraints for all rows, and those for some rows.
fn unique(conn: &mut SqliteConnection, table: &str) -> Result<(BTreeSet<String>, BTreeSet<String>), StoreError> {
    let query = |partial: &str| {
        format!(
            r#"SELECT lower((SELECT group_concat(part, ', ') FROM (
                   SELECT coalesce(name, 'an expression') || iif(coll = 'BINARY', '', ' COLLATE ' || coll) AS part
                   FROM pragma_index_xinfo(list.name) WHERE key ORDER BY part))) AS line
               FROM pragma_index_list(?) AS list WHERE "unique" AND origin <> 'pk' AND {partial}"#
        )
    };
    Ok((lines(conn, &query("NOT partial"), table)?, lines(conn, &query("partial"), table)?))
}

fn rules(conn: &mut SqliteConnection, table: &str) -> Result<BTreeSet<&'static str>, StoreError> {
    let found = lines(
        conn,
        "SELECT iif(wr, 'WITHOUT ROWID', '') || ' ' || iif(strict, 'STRICT', '') AS line
         FROM pragma_table_list(?) WHERE schema = 'main'",
        table,
    )?;
    Ok(["WITHOUT ROWID", "STRICT"].into_iter().filter(|rule| found.iter().any(|line| line.contains(rule))).collect())
}

/// The collations of columns. SQLite reports collations for indexes alone, so the function creates a copy of the table
/// with an index.
fn collations<'a>(table: &Object, columns: impl Iterator<Item = &'a String>) -> BTreeMap<String, String> {
    let collation = |column: &str| {
        let mut copy = SqliteConnection::establish(":memory:").ok()?;
        copy.batch_execute(&table.sql).ok()?;
        let quoted = |name: &str| name.replace('"', "\"\"");
        let index = format!("CREATE INDEX column_of_it ON \"{}\"(\"{}\")", quoted(&table.name), quoted(column));
        copy.batch_execute(&index).ok()?;
        let coll = "SELECT coll AS line FROM pragma_index_xinfo(?) WHERE seqno = 0";
        lines(&mut copy, coll, "column_of_it").ok()?.pop_first()
    };
    columns.filter_map(|column| Some((column.clone(), collation(column)?))).collect()
}

fn lines(conn: &mut SqliteConnection, query: &str, table: &str) -> Result<BTreeSet<String>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        line: String,
    }
    let rows: Vec<Row> = diesel::sql_query(query).bind::<Text, _>(table).load(conn).store()?;
    Ok(rows.into_iter().map(|row| row.line).collect())
}
