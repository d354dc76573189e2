//! Databases that another program has created from the specification.

#![expect(clippy::unwrap_used, reason = "test support outside of test functions")]

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;
use fieldfen_persistence::SqliteStore;
use fieldfen_persistence::migrations::{self, MigrationError};
use fieldfen_testkit::sqlalchemy::ShopDatabase;

const SPECIFICATION: &str = include_str!("specification.sql");

fn memory(schema: &str) -> SqliteConnection {
    let mut conn = SqliteConnection::establish(":memory:").unwrap();
    conn.batch_execute(schema).unwrap();
    conn
}

fn text(conn: &mut SqliteConnection, query: &str) -> String {
    diesel::select(diesel::dsl::sql::<Text>(&format!("({query})"))).get_result(conn).unwrap()
}

const SCHEMA: &str = "SELECT group_concat(type || name || tbl_name || sql, char(10)) FROM sqlite_schema";

#[test]
fn a_database_of_the_specification_is_recognised_and_migrated_from_there() {
    let spelled_otherwise = SPECIFICATION
        .replace("TIMESTAMP DEFAULT CURRENT_TIMESTAMP", "DATETIME default (current_timestamp)")
        .replace("CREATE TABLE files (", "CREATE TABLE [Files] (")
        .replace("original_filename TEXT", "\"Original_Filename\" VARCHAR(255)");
    let sqlalchemy = ShopDatabase::named("clean").sql;
    for (name, schema) in [("plain", SPECIFICATION), ("SQLAlchemy", sqlalchemy), ("other", &spelled_otherwise)] {
        let mut conn = memory(schema);
        conn.batch_execute(
            "INSERT INTO files (id, original_filename, status, drive_file_id) VALUES ('f', 'a.jpg', 'processed', 'd');
             INSERT INTO jobs (id, file_id, command_type, status) VALUES ('j', 'f', 'UpscaleImage', 'pending');
             CREATE TABLE theirs (n); CREATE INDEX theirs_too ON jobs(created_at);",
        )
        .unwrap();
        let state = migrations::inspect(&mut conn).unwrap();
        assert!(state.is_specification && state.differences.is_empty(), "{name}: {state:?}");
        let applied = migrations::run_pending(&mut conn).unwrap();
        assert_eq!(applied.recognised.unwrap().to_string(), "0001_initial_schema", "{name}");
        assert_eq!(applied.migrations[0].to_string(), "0002_job_queue", "{name}");
        assert_eq!(applied.migrations.last(), Some(&migrations::newest()), "{name}");
        let state = migrations::inspect(&mut conn).unwrap();
        assert!(!state.is_specification && state.migrations.iter().all(|status| status.applied), "{name}: {state:?}");
        assert_eq!(state.differences, [], "{name}");
        assert_eq!(text(&mut conn, "SELECT file_id FROM file_drive_ids WHERE drive_file_id = 'd'"), "f");
        assert_eq!(migrations::run_pending(&mut conn).unwrap(), migrations::AppliedMigrations::default(), "{name}");
    }
}

#[test]
fn a_store_works_on_a_database_that_sqlalchemy_has_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db").display().to_string();
    let mut conn = SqliteConnection::establish(&path).unwrap();
    conn.batch_execute(ShopDatabase::named("clean").sql).unwrap();
    migrations::run_pending(&mut conn).unwrap();
    SqliteStore::open(&path).unwrap();
}

#[test]
fn every_difference_to_the_specification_is_named_and_nothing_is_changed() {
    const UNIQUE: &str = "    UNIQUE(platform, platform_listing_id)";
    for (from, to, named) in [
        ("width INTEGER,", "width TEXT,", "column files.width: found TEXT, expected INTEGER"),
        ("width INTEGER,", "", "column files.width: found nothing, expected INTEGER"),
        ("width INTEGER,", "width INTEGER, notes TEXT,", "column files.notes: found TEXT, expected nothing"),
        (
            "width INTEGER,",
            "width INTEGER GENERATED ALWAYS AS (7),",
            "column files.width: found INTEGER GENERATED, expected INTEGER",
        ),
        (
            "status TEXT NOT NULL,                   -- Enum: ingested",
            "status TEXT, -- Enum: ingested",
            "column files.status: found TEXT, expected TEXT NOT NULL",
        ),
        (
            "attempts INTEGER DEFAULT 0",
            "attempts INTEGER DEFAULT 1",
            "column jobs.attempts: found INTEGER DEFAULT 1, expected INTEGER DEFAULT 0",
        ),
        (
            "attempts INTEGER DEFAULT 0",
            "attempts INTEGER",
            "column jobs.attempts: found INTEGER, expected INTEGER DEFAULT 0",
        ),
        (
            "payload_json TEXT",
            "payload_json JSON",
            "column jobs.payload_json: found JSON (NUMERIC affinity), expected TEXT",
        ),
        (
            "species TEXT,",
            "species TEXT COLLATE NOCASE,",
            "column files.species: found TEXT COLLATE NOCASE, expected TEXT",
        ),
        ("hash TEXT PRIMARY KEY,", "hash TEXT,", "primary key of processed_hashes: found (), expected (hash)"),
        (
            "id INTEGER PRIMARY KEY AUTOINCREMENT",
            "id BIGINT PRIMARY KEY",
            "column api_usage.id: found BIGINT (INTEGER affinity), expected INTEGER",
        ),
        (
            "REFERENCES files(id) ON DELETE SET NULL",
            "REFERENCES files(id)",
            "foreign key of processed_hashes: found nothing, expected (file_id) references files(id) ON DELETE SET NULL",
        ),
        (
            UNIQUE,
            "    CHECK (1)",
            "unique constraint of listings: found nothing, expected platform, platform_listing_id",
        ),
        (
            UNIQUE,
            "    UNIQUE(platform, platform_listing_id), CHECK (status <> '')",
            "rules of table listings: found CHECK",
        ),
        (
            UNIQUE,
            "    UNIQUE(platform, platform_listing_id) ON CONFLICT REPLACE",
            "rules of table listings: found ON CONFLICT",
        ),
        (
            "REFERENCES files(id) ON DELETE SET NULL",
            "REFERENCES files(id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED",
            "rules of table processed_hashes: found INITIALLY DEFERRED",
        ),
        ("drive_file_id TEXT,", "drive_file_id TEXT UNIQUE,", "unique constraint of files: found drive_file_id"),
        (
            "ON files(species);",
            "ON files(status);",
            "index idx_files_species: found CREATE INDEX idx_files_species ON files(status)",
        ),
        ("CREATE TABLE social_posts", "CREATE TABLE posts", "table social_posts: found nothing, expected a table"),
    ] {
        assert!(SPECIFICATION.contains(from), "{from}");
        let mut schema = SPECIFICATION.replace(from, to);
        if to.contains("posts") {
            schema = schema.replace("ON social_posts", "ON posts");
        }
        let mut conn = memory(&schema);
        let before = text(&mut conn, SCHEMA);
        let error = migrations::run_pending(&mut conn).unwrap_err();
        assert!(matches!(error, MigrationError::NotTheSpecification(_)), "{error:?}");
        assert!(error.to_string().contains(named), "{named}\n{error}");
        let state = migrations::inspect(&mut conn).unwrap();
        assert!(!state.is_specification && !state.differences.is_empty());
        assert_eq!(text(&mut conn, SCHEMA), before);
    }
}

#[test]
fn all_differences_are_named_at_once() {
    let mut conn = memory("CREATE TABLE files (id TEXT PRIMARY KEY, status BLOB); CREATE VIEW jobs AS SELECT 1 AS id");
    let error = migrations::run_pending(&mut conn).unwrap_err().to_string();
    for named in ["files.status", "files.original_filename", "table jobs: found CREATE VIEW", "table listings"] {
        assert!(error.contains(named), "{named}: {error}");
    }
}

#[test]
fn a_table_of_another_program_with_a_name_that_a_migration_needs_is_named_and_nothing_is_recorded() {
    let mut conn = memory(SPECIFICATION);
    conn.batch_execute("CREATE TABLE publications (n)").unwrap();
    let before = text(&mut conn, SCHEMA);
    let error = migrations::run_pending(&mut conn).unwrap_err();
    assert!(matches!(&error, MigrationError::NamesTaken(taken) if taken[0].what == "table publications"), "{error:?}");
    assert_eq!(text(&mut conn, SCHEMA), before);
}

#[test]
fn the_condition_of_a_partial_index_is_one_line_as_sqlalchemy_reads_it() {
    let mut conn = memory("");
    migrations::run_pending(&mut conn).unwrap();
    let longer = "SELECT coalesce(group_concat(name), '') FROM sqlite_schema
                  WHERE type = 'index' AND sql LIKE '%WHERE %' AND instr(substr(sql, instr(sql, 'WHERE ')), char(10)) > 0";
    assert_eq!(text(&mut conn, longer), "", "Alembic cannot make their tables anew");
}
