//! Checks that the newest schema accepts every statement that the specification's schema accepts, also on rows of
//! fieldfen: each statement below runs on both.

#![expect(clippy::unwrap_used, reason = "a failure here must fail the test")]

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use fieldfen_domain::file::FileStatus;

use fieldfen_domain::store::{Session, Store as _, StoreError};
use fieldfen_persistence::{OpenMode, SqliteStore, SqliteUrl, connect, migrations};
use fieldfen_testkit::fixtures::{
    api_call, at, claim_ref, claim_request, dedup_key, file_id, file_in, hash, job, listing_confirmation,
    listing_target, post_confirmation, post_target, publication_id, reserve_request,
};

const SPECIFICATION: &str = include_str!("specification.sql");

/// The values that a program may write into any column. SQLite keeps each of them.
const VALUES: [&str; 9] =
    ["NULL", "''", "'pending'", "'failed'", "0", "1.5", "x'ff00'", "CAST(x'e9' AS TEXT)", "printf('%999d', 1)"];

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    pk: i64,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Nullable<Text>)]
    line: Option<String>,
}

/// One of the specification's tables.
struct Table {
    name: String,
    columns: Vec<Column>,
}

impl Table {
    fn all(conn: &mut SqliteConnection) -> Vec<Self> {
        let tables = "SELECT name AS line FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
        lines(conn, tables).into_iter().map(|name| Self { columns: columns(conn, &name), name }).collect()
    }

    fn names(&self) -> String {
        self.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// The columns without the primary key.
    fn others(&self) -> String {
        let others = self.columns.iter().filter(|column| column.pk == 0);
        others.map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Every row as one line.
    fn rows(&self, conn: &mut SqliteConnection) -> Vec<String> {
        let values: Vec<_> =
            self.columns.iter().map(|column| format!("typeof({0}) || hex({0})", column.name)).collect();
        lines(conn, &format!("SELECT {} AS line FROM {} ORDER BY 1", values.join(" || ' ' || "), self.name))
    }

    /// The statements that a program may run on this table.
    fn statements(&self) -> Vec<String> {
        let (table, names, others) = (&self.name, self.names(), self.others());
        let key = &self.columns[0].name;
        let mut all = vec![
            format!("DELETE FROM {table}"),
            format!("INSERT INTO {table} ({key}, {others}) SELECT NULL, {others} FROM {table}"),
            format!("INSERT INTO {table} ({key}, {others}) SELECT 'copy ' || rowid, {others} FROM {table}"),
            format!("INSERT OR REPLACE INTO {table} ({names}) SELECT {names} FROM {table}"),
            format!("INSERT OR IGNORE INTO {table} ({names}) SELECT {names} FROM {table}"),
            format!("UPDATE {table} SET {key} = 'moved ' || rowid"),
        ];
        // All rows get the value, one row gets it, and a new row gets it beside the existing values.
        for Column { name, .. } in &self.columns {
            for value in VALUES.into_iter().map(str::to_owned).chain([format!("(SELECT max({name}) FROM {table})")]) {
                all.push(format!("UPDATE {table} SET {name} = {value}"));
                all.push(format!("UPDATE {table} SET {name} = {value} WHERE rowid = (SELECT max(rowid) FROM {table})"));
                all.push(format!("UPDATE OR REPLACE {table} SET {name} = {value}"));
                let values = self.columns.iter().map(|column| match column.name == *name {
                    true => value.clone(),
                    false if column.pk > 0 => "'new'".to_owned(),
                    false => column.name.clone(),
                });
                let values = values.collect::<Vec<_>>().join(", ");
                all.push(format!("INSERT INTO {table} ({names}) SELECT {values} FROM {table} LIMIT 1"));
            }
        }
        all
    }
}

fn columns(conn: &mut SqliteConnection, table: &str) -> Vec<Column> {
    diesel::sql_query(format!("SELECT name, pk FROM pragma_table_info('{table}') ORDER BY cid")).load(conn).unwrap()
}

fn lines(conn: &mut SqliteConnection, query: &str) -> Vec<String> {
    let lines = diesel::sql_query(query).load::<Line>(conn).unwrap();
    lines.into_iter().map(|line| line.line.unwrap()).collect()
}

/// Files, jobs and other rows, as fieldfen's own programs write them.
fn populate(s: &mut dyn Session) -> Result<(), StoreError> {
    for (number, &status) in FileStatus::ALL.iter().enumerate() {
        file_in(s, number as u64, status)?;
    }
    // No row of the specification's tables refers to this file, so its id may be changed.
    file_in(s, 20, FileStatus::Processed)?;
    for number in 0..6 {
        // Jobs 0 and 4 have one dedup key: the first has ended before the second is enqueued.
        let dedup_key = (number % 4 == 0).then(|| dedup_key("once"));
        let file_id = (number < 2).then(|| file_id(number));
        let new = job(number).dedup_key(dedup_key).file_id(file_id);
        s.jobs().enqueue(&new)?;
        if number < 3 {
            s.jobs().claim(&claim_request(number, 1, at(0)))?;
        }
        if number < 2 {
            assert!(s.jobs().complete(&claim_ref(number, number), None, at(1))?.is_done());
        }
    }
    for (number, target) in [(1, listing_target("")), (2, post_target(""))] {
        s.publications().reserve(&reserve_request(number, file_id(3), target, at(0)))?;
    }
    s.publications().reserve(&reserve_request(3, file_id(20), listing_target(""), at(0)))?;
    s.publications().confirm(&publication_id(1), &listing_confirmation(1, at(1)))?;
    s.publications().confirm(&publication_id(2), &post_confirmation(2, at(1)))?;
    for number in 0..2 {
        s.hashes().insert(&hash(number, at(0)))?;
        s.api_usage().record(&api_call("etsy", 3, at(0)))?;
    }
    s.hashes().link(&hash(1, at(0)).hash, &file_id(1))?;
    Ok(())
}

/// A database with the newest schema, and one with the specification's schema and the same rows.
fn databases(folder: &Path) -> (SqliteConnection, SqliteConnection) {
    let path = |name: &str| folder.join(name);
    let open = |name: &str| connect(&SqliteUrl::from(path(name).as_path()), OpenMode::CreateIfMissing).unwrap();
    let (mut newest, mut specified) = (open("newest.db"), open("specified.db"));
    migrations::run_pending(&mut newest).unwrap();
    SqliteStore::open(&path("newest.db").display().to_string()).unwrap().write(populate).unwrap();
    specified.batch_execute(SPECIFICATION).unwrap();
    let attach = format!("ATTACH '{}' AS newest", path("newest.db").display());
    specified.batch_execute(&attach).unwrap();
    for table in Table::all(&mut specified) {
        let (name, columns) = (&table.name, table.names());
        let copy = format!("INSERT INTO {name} (rowid, {columns}) SELECT rowid, {columns} FROM newest.{name}");
        specified.batch_execute(&copy).unwrap();
    }
    specified.batch_execute("DETACH newest").unwrap();
    (newest, specified)
}

#[test]
fn every_statement_that_the_specification_allows_has_the_same_effect_on_the_newest_schema() {
    let folder = tempfile::tempdir().unwrap();
    let (mut newest, mut specified) = databases(folder.path());
    let tables = Table::all(&mut specified);
    assert_eq!(tables.len(), 6);
    let (mut accepted, mut differences) = (0, Vec::new());
    for foreign_keys in ["ON", "OFF"] {
        for conn in [&mut newest, &mut specified] {
            conn.batch_execute(&format!("PRAGMA foreign_keys = {foreign_keys}")).unwrap();
        }
        for statement in tables.iter().flat_map(Table::statements) {
            let mut outcomes = [&mut newest, &mut specified].map(|conn| {
                conn.batch_execute("BEGIN").unwrap();
                let result = conn.batch_execute(&statement).map_err(|error| error.to_string());
                let rows: Vec<_> = tables.iter().map(|table| table.rows(conn)).collect();
                conn.batch_execute("ROLLBACK").unwrap();
                (result, rows)
            });
            accepted += usize::from(outcomes[1].0.is_ok());
            if outcomes[0] != outcomes[1] {
                let [newest, specified] = outcomes.each_mut().map(|outcome| std::mem::replace(&mut outcome.0, Ok(())));
                differences.push(format!("{foreign_keys} {statement}: {newest:?} instead of {specified:?}"));
            }
        }
    }
    assert!(differences.is_empty(), "{} of {accepted}:\n{}", differences.len(), differences.join("\n"));
    assert!(accepted > 1000, "only {accepted} statements were accepted by the specification");
}
