//! Compares diesel's schema file, `schema.rs`, with the schema that the migrations make.
//!
//! `just schema` writes the file with diesel's own program. This test does not need that program, so that every run of
//! the tests notices a stale file. The width of an integer is diesel's choice and is not compared.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test support outside of test functions")]

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::SqliteConnection;
use fieldfen_persistence::{OpenMode, SqliteUrl, connect, migrations};

const SCHEMA: &str = include_str!("../src/sqlite/schema.rs");

/// A table: the columns of its primary key, and its columns with their diesel types.
#[derive(Debug, PartialEq, Eq)]
struct Table {
    primary_key: Vec<String>,
    columns: Vec<(String, String)>,
}

/// All tables by name, and the foreign keys that diesel can join: `child -> parent (column)`.
type Schema = (BTreeMap<String, Table>, BTreeSet<String>);

/// Reads the macros of the file.
fn written() -> Schema {
    let (mut tables, mut joins, mut table) = (BTreeMap::new(), BTreeSet::new(), None);
    for line in SCHEMA.lines().map(str::trim) {
        if let Some(join) = line.strip_prefix("diesel::joinable!(") {
            joins.insert(join.strip_suffix(");").unwrap().to_owned());
        } else if let Some((name, key)) = line.strip_suffix(") {").and_then(|head| head.split_once(" (")) {
            table = Some(name.to_owned());
            let primary_key = key.split(", ").map(str::to_owned).collect();
            tables.insert(name.to_owned(), Table { primary_key, columns: Vec::new() });
        } else if let Some((name, of_type)) = line.split_once(" -> ") {
            let of_type = of_type.trim_end_matches(',').replace("Integer", "BigInt");
            let table: &mut Table = tables.get_mut(table.as_ref().unwrap()).unwrap();
            table.columns.push((name.to_owned(), of_type));
        }
    }
    (tables, joins)
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    r#type: String,
    #[diesel(sql_type = BigInt)]
    notnull: i64,
    /// The position in the primary key, from 1; 0 for other columns.
    #[diesel(sql_type = BigInt)]
    pk: i64,
}

impl Column {
    /// The diesel type. The columns of a primary key are never NULL, although the specification would allow it.
    fn diesel_type(&self) -> String {
        let of_type = match self.r#type.as_str() {
            "INTEGER" => "BigInt",
            "TEXT" => "Text",
            "TIMESTAMP" => "Timestamp",
            other => panic!("{:?}: diesel's word for {other:?} is not known here", self.name),
        };
        if self.notnull == 1 || self.pk > 0 { of_type.to_owned() } else { format!("Nullable<{of_type}>") }
    }
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

fn lines(conn: &mut SqliteConnection, query: &str) -> Vec<String> {
    diesel::sql_query(query).load::<Line>(conn).unwrap().into_iter().map(|line| line.line).collect()
}

/// The schema that the migrations make.
fn migrated(conn: &mut SqliteConnection) -> Schema {
    let names = lines(
        conn,
        r"SELECT name AS line FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
          AND name NOT LIKE '\_\_%' ESCAPE '\'",
    );
    let (mut tables, mut joins) = (BTreeMap::new(), BTreeSet::new());
    for name in names {
        let query = format!("SELECT name, type, \"notnull\", pk FROM pragma_table_info('{name}') ORDER BY cid");
        let columns: Vec<Column> = diesel::sql_query(query).load(conn).unwrap();
        let mut key: Vec<&Column> = columns.iter().filter(|column| column.pk > 0).collect();
        key.sort_by_key(|column| column.pk);
        let primary_key = key.into_iter().map(|column| column.name.clone()).collect();
        let columns = columns.iter().map(|column| (column.name.clone(), column.diesel_type())).collect();
        joins.extend(lines(
            conn,
            &format!("SELECT '{name} -> ' || \"table\" || ' (' || \"from\" || ')' AS line FROM pragma_foreign_key_list('{name}')"),
        ));
        tables.insert(name, Table { primary_key, columns });
    }
    (tables, joins)
}

#[test]
fn the_schema_file_names_the_tables_columns_and_foreign_keys_that_the_migrations_make() {
    let folder = tempfile::tempdir().unwrap();
    let url = SqliteUrl::from(folder.path().join("fieldfen.db").as_path());
    let mut conn = connect(&url, OpenMode::CreateIfMissing).unwrap();
    migrations::run_pending(&mut conn).unwrap();
    let ((tables, joins), (expected_tables, expected_joins)) = (written(), migrated(&mut conn));
    for (name, expected) in &expected_tables {
        assert_eq!(tables.get(name), Some(expected), "{name:?}: schema.rs is stale, run `just schema`");
    }
    assert_eq!(tables.len(), expected_tables.len(), "schema.rs names tables that no migration makes");
    assert_eq!(joins, expected_joins);
    for name in expected_tables.keys() {
        let together = SCHEMA.split_once("allow_tables_to_appear_in_same_query!(").unwrap().1;
        assert!(together.contains(&format!("    {name},\n")), "{name:?} cannot be joined");
    }
}
