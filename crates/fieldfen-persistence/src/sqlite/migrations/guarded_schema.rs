//! Reads what the guard of a run compares: tables with their columns, the other objects, and whether views and triggers
//! can be compiled.

use std::collections::{BTreeMap, BTreeSet};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;

use super::ledger;
use super::sql_tokens::{Token, TokenKind, lex};
use super::table_digest::quoted;
use crate::sqlite::columns::StoredText;
use crate::sqlite::error::Classify as _;

/// The columns of a table.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns {
    /// The names of all columns.
    pub(super) all: Vec<String>,
    /// The names of the columns that the table stores. A generated column that is not stored follows from them.
    pub(super) stored: Vec<String>,
}

/// Two names that SQLite takes for one have one key.
pub(super) fn key(name: &str) -> String {
    name.to_lowercase()
}

/// An index, a trigger, a view or a virtual table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NamedObject {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) table: String,
    pub(super) sql: String,
}

impl NamedObject {
    /// Whether both have one kind and one name.
    pub(super) fn has_name_of(&self, other: &Self) -> bool {
        self.kind == other.kind && key(&self.name) == key(&other.name)
    }

    /// Whether both have one text. Layout, comments and the renaming of tables and columns do not count.
    pub(super) fn has_text_of(&self, other: &Self, renamed: &[(String, String)]) -> bool {
        let (old, new) = (names(&self.sql), names(&other.sql));
        let is_same =
            |(old, new): (&String, &String)| old == new || renamed.iter().any(|(from, to)| from == old && to == new);
        self.sql == other.sql || old.len() == new.len() && old.iter().zip(&new).all(is_same)
    }
}

#[derive(QueryableByName)]
struct ObjectRow {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    name: StoredText,
    #[diesel(sql_type = Text)]
    of_table: StoredText,
    #[diesel(sql_type = Text)]
    sql: StoredText,
}

/// The names of all ordinary tables of the file, by their keys: also those of other programs, and the tables in which
/// virtual tables store their rows. Left out are SQLite's own tables, diesel's, the ledger, and tables whose names are
/// not UTF-8, which no statement here can name.
pub(super) fn tables(conn: &mut SqliteConnection) -> Result<BTreeMap<String, String>, StoreError> {
    let rows: Vec<ObjectRow> = diesel::sql_query(
        r"SELECT type AS kind, name, name AS of_table, '' AS sql FROM pragma_table_list
          WHERE schema = 'main' AND type IN ('table', 'shadow') AND name NOT LIKE 'sqlite\_%' ESCAPE '\'",
    )
    .load(conn)
    .store()?;
    let names = rows.into_iter().filter_map(|row| match row.name {
        StoredText::Text(name) => Some((key(&name), name)),
        _ => None,
    });
    Ok(names.filter(|(_, name)| name != ledger::TABLE && name != "__diesel_schema_migrations").collect())
}

/// The columns of a table.
pub(super) fn columns(conn: &mut SqliteConnection, table: &str) -> Result<Columns, StoreError> {
    #[derive(QueryableByName)]
    struct Column {
        #[diesel(sql_type = Text)]
        name: StoredText,
        #[diesel(sql_type = BigInt)]
        hidden: i64,
    }
    let rows = diesel::sql_query("SELECT name, hidden FROM pragma_table_xinfo(?) WHERE hidden <> 1");
    let rows: Vec<Column> = rows.bind::<Text, _>(table).load(conn).store()?;
    let mut columns = Columns::default();
    for Column { name, hidden } in rows {
        let StoredText::Text(name) = name else { continue };
        if hidden != 2 {
            columns.stored.push(name.clone());
        }
        columns.all.push(name);
    }
    Ok(columns)
}

/// All indexes with a statement, triggers, views and virtual tables.
pub(super) fn named_objects(conn: &mut SqliteConnection) -> Result<BTreeSet<NamedObject>, StoreError> {
    let rows: Vec<ObjectRow> = diesel::sql_query(
        r"SELECT type AS kind, name, tbl_name AS of_table, sql FROM sqlite_schema
          WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
            AND (type <> 'table' OR sql LIKE 'CREATE VIRTUAL %')",
    )
    .load(conn)
    .store()?;
    let object = |row: ObjectRow| NamedObject {
        kind: row.kind,
        name: row.name.into_prose(),
        table: key(&row.of_table.into_prose()),
        sql: row.sql.into_prose(),
    };
    Ok(rows.into_iter().map(object).collect())
}

/// The statements that compile all views and all triggers, by the view or the table that they belong to. SQLite
/// compiles a trigger with each statement that fires it.
pub(super) fn compiled(
    conn: &mut SqliteConnection,
    objects: &BTreeSet<NamedObject>,
) -> Result<BTreeMap<String, Vec<String>>, StoreError> {
    let mut statements = BTreeMap::new();
    for view in objects.iter().filter(|object| object.kind == "view") {
        statements.insert(format!("view {}", view.name), vec![format!("EXPLAIN SELECT * FROM {}", quoted(&view.name))]);
    }
    let tables: BTreeSet<_> = objects.iter().filter(|object| object.kind == "trigger").map(|one| &one.table).collect();
    for table in tables {
        let name = quoted(table);
        let set: Vec<_> = columns(conn, table)?.stored.iter().map(|one| format!("{0} = {0}", quoted(one))).collect();
        let mut fire =
            vec![format!("EXPLAIN DELETE FROM {name}"), format!("EXPLAIN INSERT INTO {name} DEFAULT VALUES")];
        if !set.is_empty() {
            fire.push(format!("EXPLAIN UPDATE {name} SET {}", set.join(", ")));
        }
        statements.insert(format!("triggers of {table}"), fire);
    }
    Ok(statements)
}

/// The tokens of a text, with `table.column` taken apart. SQLite quotes some of the names that it renames, and others not.
fn names(sql: &str) -> Vec<String> {
    let tokens = lex(sql).filter(|token| token.kind != TokenKind::Comment);
    let parts = |token: Token<'_>| match token.kind {
        TokenKind::Word => token.normal().split('.').filter(|part| !part.is_empty()).map(str::to_owned).collect(),
        _ => vec![token.normal()],
    };
    tokens.flat_map(parts).collect()
}

/// The error of the first statement that cannot be compiled.
pub(super) fn compile_error(conn: &mut SqliteConnection, statements: &[String]) -> Option<String> {
    statements.iter().find_map(|statement| conn.batch_execute(statement).err()).map(|error| error.to_string())
}
