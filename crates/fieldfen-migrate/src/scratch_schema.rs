//! A database in memory on which migrations run without rows, and the shape of a schema.

use std::collections::{BTreeMap, BTreeSet};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;
use fieldfen_persistence::migrations::{TableColumn, table_columns};
use fieldfen_persistence::store_error;

use crate::lint::words;

/// A database in memory without rows.
pub(crate) struct ScratchSchema(SqliteConnection);

impl ScratchSchema {
    /// An empty database. Foreign keys are not enforced, as in a run.
    pub(crate) fn new() -> Result<Self, StoreError> {
        let open = |error: diesel::ConnectionError| StoreError::Database(Box::new(error));
        let mut conn = SqliteConnection::establish(":memory:").map_err(open)?;
        conn.batch_execute("PRAGMA foreign_keys = OFF").map_err(store_error)?;
        Ok(Self(conn))
    }

    /// Runs statements; the error is SQLite's message.
    pub(crate) fn run(&mut self, sql: &str) -> Result<(), String> {
        self.0.batch_execute(sql).map_err(|error| error.to_string())
    }

    /// Compiles a statement without running it; the error is SQLite's message.
    pub(crate) fn compile(&mut self, statement: &str) -> Result<(), String> {
        self.run(&format!("EXPLAIN {statement}"))
    }

    /// The shape of the schema now.
    pub(crate) fn shape(&mut self) -> Result<SchemaShape, StoreError> {
        SchemaShape::read(&mut self.0)
    }
}

/// The tables and the other objects of a schema. Names are in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SchemaShape {
    pub(crate) tables: BTreeMap<String, TableShape>,
    /// Indexes, triggers and views by their kind and name.
    pub(crate) objects: BTreeMap<(String, String), ObjectShape>,
}

/// An index, a trigger or a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ObjectShape {
    pub(crate) table: String,
    /// The words of its statement.
    pub(crate) words: Vec<String>,
}

/// The columns and the rules of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct TableShape {
    pub(crate) columns: BTreeMap<String, ColumnShape>,
    /// The rules by which stored values and ids behave: the primary key, `AUTOINCREMENT`, `STRICT`, `WITHOUT ROWID`.
    pub(crate) kind: BTreeSet<String>,
    /// The columns of each UNIQUE constraint.
    pub(crate) unique: BTreeSet<Vec<String>>,
    pub(crate) checks: BTreeSet<String>,
    pub(crate) foreign_keys: BTreeSet<String>,
    /// The tables to which its foreign keys refer.
    pub(crate) parents: BTreeSet<String>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ColumnShape {
    pub(crate) declared: String,
    pub(crate) not_null: bool,
    pub(crate) default: Option<String>,
    /// The position in the primary key, from 1; 0 outside the key.
    pub(crate) key: i64,
    pub(crate) is_generated: bool,
}

impl SchemaShape {
    /// Reads the schema of a database without the tables of SQLite, diesel and the ledger.
    pub(crate) fn read(conn: &mut SqliteConnection) -> Result<Self, StoreError> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            kind: String,
            #[diesel(sql_type = Text)]
            name: String,
            #[diesel(sql_type = Text)]
            of_table: String,
            #[diesel(sql_type = Text)]
            sql: String,
        }
        let rows: Vec<Row> = diesel::sql_query(
            r"SELECT type AS kind, lower(name) AS name, lower(tbl_name) AS of_table, sql FROM sqlite_schema
              WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND tbl_name NOT LIKE '\_\_%' ESCAPE '\'",
        )
        .load(conn)
        .map_err(store_error)?;
        let mut shape = Self::default();
        for Row { kind, name, of_table, sql } in rows {
            let words = words(&sql);
            if kind == "table" {
                shape.tables.insert(name.clone(), TableShape::read(conn, &name, &words)?);
            } else {
                shape.objects.insert((kind, name), ObjectShape { table: of_table, words });
            }
        }
        Ok(shape)
    }

    /// The words of each trigger.
    pub(crate) fn triggers(&self) -> impl Iterator<Item = &Vec<String>> + Clone {
        self.objects.iter().filter(|((kind, _), _)| kind == "trigger").map(|(_, object)| &object.words)
    }

    /// The names of what differs, the names of this schema first.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        let missing = |what: String, is_here: bool| format!("{what} is {}", if is_here { "missing" } else { "left" });
        let tables: BTreeSet<_> = self.tables.keys().chain(other.tables.keys()).collect();
        for name in tables {
            match (self.tables.get(name), other.tables.get(name)) {
                (Some(table), Some(other)) => differences.extend(table.differences(name, other)),
                (here, _) => differences.push(missing(format!("table {name}"), here.is_some())),
            }
        }
        let objects: BTreeSet<_> = self.objects.keys().chain(other.objects.keys()).collect();
        for key @ (kind, name) in objects {
            match (self.objects.get(key), other.objects.get(key)) {
                (Some(object), Some(other)) if object == other => {}
                (Some(_), Some(_)) => differences.push(format!("{kind} {name} is another one")),
                (here, _) => differences.push(missing(format!("{kind} {name}"), here.is_some())),
            }
        }
        differences
    }
}

impl TableShape {
    fn read(conn: &mut SqliteConnection, name: &str, words: &[String]) -> Result<Self, StoreError> {
        let mut table = Self { columns: columns(conn, name)?, ..Self::default() };
        let key = "SELECT 'primary key (' || group_concat(lower(name), ', ') || ')' AS line
                   FROM (SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk)";
        let flags = "SELECT iif(wr, 'WITHOUT ROWID', '') AS line FROM pragma_table_list(?1) WHERE schema = 'main'
                     UNION SELECT iif(strict, 'STRICT', '') FROM pragma_table_list(?1) WHERE schema = 'main'";
        for query in [key, flags] {
            table.kind.extend(lines(conn, query, name)?.into_iter().filter(|line| !line.is_empty()));
        }
        if words.iter().any(|word| word == "autoincrement") {
            table.kind.insert("AUTOINCREMENT".to_owned());
        }
        let unique = "SELECT (SELECT group_concat(lower(coalesce(name, '')), char(10))
                              FROM (SELECT name FROM pragma_index_info(list.name) ORDER BY seqno)) AS line
                      FROM pragma_index_list(?) AS list WHERE origin = 'u'";
        let columns = |line: String| line.split('\n').map(str::to_owned).collect();
        table.unique = lines(conn, unique, name)?.into_iter().map(columns).collect();
        let keys = r#"SELECT lower('(' || group_concat("from", ', ') || ') REFERENCES ' || "table") || ' ON DELETE '
                             || on_delete || ' ON UPDATE ' || on_update AS line
                      FROM (SELECT * FROM pragma_foreign_key_list(?) ORDER BY id, seq) GROUP BY id"#;
        table.foreign_keys = lines(conn, keys, name)?;
        table.parents = lines(conn, r#"SELECT lower("table") AS line FROM pragma_foreign_key_list(?)"#, name)?;
        table.checks = checks(words);
        Ok(table)
    }

    fn differences(&self, name: &str, other: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        let columns: BTreeSet<_> = self.columns.keys().chain(other.columns.keys()).collect();
        for column in columns {
            match (self.columns.get(column), other.columns.get(column)) {
                (Some(here), Some(other)) if here == other => {}
                (Some(_), Some(_)) => differences.push(format!("column {name}.{column} is another one")),
                (Some(_), None) => differences.push(format!("column {name}.{column} is missing")),
                (None, _) => differences.push(format!("column {name}.{column} is left")),
            }
        }
        let rules = |table: &Self| (table.kind.clone(), table.unique.clone(), table.checks.clone());
        if (rules(self), &self.foreign_keys) != (rules(other), &other.foreign_keys) {
            differences.push(format!("the keys or rules of table {name} are others"));
        }
        differences
    }
}

/// The columns of a table, also of a database with other programs' tables; empty if there is no such table.
pub(crate) fn columns(conn: &mut SqliteConnection, table: &str) -> Result<BTreeMap<String, ColumnShape>, StoreError> {
    let column = |TableColumn { name, declared, not_null, default, key, is_generated, .. }| {
        let default = default.map(|text: String| words(&text).join(" ")).filter(|text| text != "null");
        (name, ColumnShape { declared: declared.to_uppercase(), not_null, default, key, is_generated })
    };
    Ok(table_columns(conn, table)?.into_iter().map(column).collect())
}

/// The text within the parentheses of each CHECK.
fn checks(words: &[String]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in words.iter().enumerate().filter(|(_, word)| *word == "check") {
        let mut depth = 0_usize;
        let mut check = Vec::new();
        for word in &words[at + 1..] {
            match word.as_str() {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                _ => {}
            }
            check.push(word.as_str());
            if depth == 0 {
                break;
            }
        }
        found.insert(check.join(" "));
    }
    found
}

fn lines(conn: &mut SqliteConnection, query: &str, table: &str) -> Result<BTreeSet<String>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Nullable<Text>)]
        line: Option<String>,
    }
    let rows: Vec<Row> = diesel::sql_query(query).bind::<Text, _>(table).load(conn).map_err(store_error)?;
    Ok(rows.into_iter().filter_map(|row| row.line).collect())
}
