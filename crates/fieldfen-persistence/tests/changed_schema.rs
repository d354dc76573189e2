//! Schemas that another program has changed after the migrations.

#![expect(clippy::unwrap_used, reason = "test support outside of test functions")]

use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;
use fieldfen_persistence::migrations::{self, MigrationError};
use fieldfen_persistence::{OpenMode, SqliteStore, SqliteUrl, connect};
use tempfile::TempDir;

/// A migrated database, changed by these statements.
fn changed(statements: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    migrations::run_pending(&mut connect(&SqliteUrl::from(path.as_path()), OpenMode::CreateIfMissing).unwrap())
        .unwrap();
    foreign(&path).batch_execute(statements).unwrap();
    (folder, path)
}

/// A connection of a program without fieldfen.
fn foreign(path: &Path) -> SqliteConnection {
    SqliteConnection::establish(path.to_str().unwrap()).unwrap()
}

fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(path.to_str().unwrap())
}

#[track_caller]
fn assert_named(path: &Path, named: &[&str]) {
    let refused = open(path).err().unwrap();
    assert!(matches!(refused, StoreError::SchemaChanged { .. }), "{refused:?}");
    let mut conn = foreign(path);
    let upgrade = migrations::run_pending(&mut conn).unwrap_err();
    assert!(matches!(upgrade, MigrationError::Changed(_)), "{upgrade:?}");
    let state = migrations::inspect(&mut conn).unwrap();
    let inspected = state.differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    for said in [refused.to_string(), upgrade.to_string(), inspected] {
        for named in named {
            assert!(said.contains(named), "{named}: {said}");
        }
    }
}

fn names(kind: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let mut conn = SqliteConnection::establish(":memory:").unwrap();
    migrations::run_pending(&mut conn).unwrap();
    let query = r"SELECT name FROM sqlite_schema
                  WHERE type = ? AND sql IS NOT NULL AND name NOT LIKE '\_\_%' ESCAPE '\' AND name <> 'sqlite_sequence'";
    let rows: Vec<Row> = diesel::sql_query(query).bind::<Text, _>(kind).load(&mut conn).unwrap();
    rows.into_iter().map(|row| row.name).collect()
}

#[test]
fn every_index_and_table_that_is_missing_is_named_at_open() {
    let mut looked_at = 0;
    for kind in ["index", "table"] {
        for name in names(kind) {
            let (_folder, path) = changed(&format!("PRAGMA foreign_keys = OFF; DROP {kind} {name}"));
            assert_named(&path, &[&format!("{kind} {name}: found nothing, expected CREATE ")]);
            looked_at += 1;
        }
    }
    assert!(looked_at > 30, "{looked_at}");
}

#[test]
fn an_index_with_another_definition_is_named_with_both() {
    let (_folder, path) = changed(
        "DROP INDEX idx_jobs_claim; CREATE INDEX idx_jobs_claim ON jobs(priority, run_at) WHERE status = 'pending'",
    );
    assert_named(
        &path,
        &["index idx_jobs_claim", "ON jobs(priority, run_at)", "ON jobs(command_type, priority, run_at)"],
    );
}

#[test]
fn an_index_that_was_made_again_in_another_layout_is_the_same() {
    let (_folder, path) = changed(
        "DROP INDEX idx_jobs_claim;
         CREATE INDEX \"idx_jobs_claim\" ON jobs (command_type, priority, run_at)
         WHERE status = 'pending' AND waits_for = '' /* made again */",
    );
    open(&path).unwrap();
}

/// Makes a table again like Alembic's batch mode: with columns and indexes as SQLAlchemy reflects them, which leaves
/// out indexes on expressions.
fn rebuilt(table: &str, edit: impl Fn(String) -> String) -> (TempDir, PathBuf) {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        sql: String,
    }
    let (folder, path) = changed("SELECT 1");
    let mut conn = foreign(&path);
    let query = "SELECT sql FROM sqlite_schema WHERE tbl_name = ? AND sql IS NOT NULL AND type IN ('table', 'index')";
    let rows: Vec<Row> = diesel::sql_query(query).bind::<Text, _>(table).load(&mut conn).unwrap();
    let new = format!("CREATE TABLE _alembic_tmp_{table}");
    let mut statements = edit(rows[0].sql.replacen(&format!("CREATE TABLE {table}"), &new, 1));
    statements.push_str(&format!("; DROP TABLE {table}; ALTER TABLE _alembic_tmp_{table} RENAME TO {table}"));
    for index in rows[1..].iter().filter(|index| !index.sql.contains("CASE")) {
        statements.push_str("; ");
        statements.push_str(&index.sql);
    }
    conn.batch_execute(&format!("PRAGMA foreign_keys = OFF; {statements}")).unwrap();
    (folder, path)
}

#[test]
fn a_table_that_alembic_has_made_anew_lacks_indexes_of_expressions_and_the_store_says_so() {
    let (_folder, path) = rebuilt("files", |sql| sql);
    assert_named(
        &path,
        &[
            "index idx_files_arrival: found nothing",
            "index idx_files_status_arrival: found nothing",
            "index idx_files_species_arrival: found nothing",
            "index idx_files_species_status_arrival: found nothing",
        ],
    );
}

#[test]
fn a_table_made_anew_without_what_the_store_needs_is_named() {
    for (table, from, to, named) in [
        (
            "jobs",
            "attempts INTEGER DEFAULT 0",
            "attempts TEXT",
            "column jobs.attempts: found TEXT, expected INTEGER DEFAULT 0",
        ),
        (
            "jobs",
            " ON DELETE CASCADE",
            "",
            "foreign key of jobs: found nothing, expected (file_id) references files(id)",
        ),
        ("jobs", "lease_token TEXT, ", "", "column jobs.lease_token: found nothing, expected TEXT"),
        (
            "listings",
            ",\n    UNIQUE(platform, platform_listing_id)",
            "",
            "unique constraint of listings: found nothing",
        ),
        (
            "jobs",
            "last_error TEXT,",
            "last_error TEXT, theirs TEXT NOT NULL,",
            "column jobs.theirs: found TEXT NOT NULL",
        ),
    ] {
        let (_folder, path) = rebuilt(table, |sql| {
            assert!(sql.contains(from), "{from}: {sql}");
            sql.replace(from, to)
        });
        assert_named(&path, &[named]);
    }
}

#[test]
fn what_another_program_has_added_is_left_to_it() {
    let (_folder, path) = changed(
        "ALTER TABLE files ADD COLUMN theirs TEXT; ALTER TABLE jobs ADD COLUMN theirs INTEGER NOT NULL DEFAULT 7;
         CREATE INDEX theirs_too ON files(theirs); CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);
         CREATE TRIGGER theirs AFTER INSERT ON files BEGIN SELECT 1; END; CREATE VIEW views AS SELECT 1 AS n",
    );
    open(&path).unwrap();
    let (_folder, path) = rebuilt("listings", |sql| {
        sql.replace("listing_url TEXT", "listing_url VARCHAR(200) CHECK (listing_url <> 'x'), theirs TEXT")
            .replace("id TEXT PRIMARY KEY", "id VARCHAR(36) NOT NULL PRIMARY KEY")
    });
    open(&path).unwrap();
}
