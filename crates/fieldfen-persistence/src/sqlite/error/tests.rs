//! Provokes SQLite's errors with a real SQLite, so that a changed text is noticed.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;

use crate::sqlite::error::Classify;

fn open(path: &Path) -> SqliteConnection {
    SqliteConnection::establish(&path.to_string_lossy()).unwrap()
}

fn error(conn: &mut SqliteConnection, sql: &str) -> StoreError {
    conn.batch_execute(sql).store().unwrap_err()
}

#[test]
fn busy_full_read_only_and_corrupt_are_kinds_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let (mut first, mut second) = (open(&path), open(&path));
    first.batch_execute("CREATE TABLE t (n); BEGIN IMMEDIATE").unwrap();
    assert!(matches!(error(&mut second, "BEGIN IMMEDIATE"), StoreError::Busy { .. }));
    first.batch_execute("COMMIT; PRAGMA max_page_count = 3").unwrap();
    assert!(matches!(error(&mut first, "INSERT INTO t VALUES (zeroblob(100000))"), StoreError::Full(_)));
    second.batch_execute("PRAGMA query_only = ON").unwrap();
    assert!(matches!(error(&mut second, "INSERT INTO t VALUES (1)"), StoreError::ReadOnly(_)));
    drop((first, second));

    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096..].fill(0x5a);
    std::fs::write(&path, bytes).unwrap();
    assert!(matches!(error(&mut open(&path), "INSERT INTO t VALUES (1)"), StoreError::Corrupt(_)));
    std::fs::write(&path, "no database at all, but long enough to be looked at by SQLite".repeat(20)).unwrap();
    assert!(matches!(error(&mut open(&path), "SELECT * FROM t"), StoreError::Corrupt(_)));
}

#[test]
fn a_schema_that_makes_no_sense_is_damage_and_a_text_that_is_no_json_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let mut conn = open(&path);
    assert!(matches!(error(&mut conn, "SELECT json_extract('{', '$')"), StoreError::Database(_)));
    conn.batch_execute("CREATE TABLE t (n); PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'nonsense'")
        .unwrap();
    drop(conn);
    assert!(matches!(error(&mut open(&path), "SELECT * FROM t"), StoreError::Corrupt(_)));
}

#[test]
fn a_name_in_the_schema_that_is_not_utf8_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    open(&path).batch_execute("CREATE TABLE files (id TEXT, \"zzspecies\" TEXT)").unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let place = bytes.windows(9).position(|part| part == b"zzspecies").unwrap();
    bytes[place] = 0xff;
    std::fs::write(&path, bytes).unwrap();
    let columns = diesel::select(diesel::dsl::sql::<diesel::sql_types::Text>(
        "(SELECT name FROM pragma_table_info('files') LIMIT 1 OFFSET 1)",
    ));
    let error = columns.get_result::<String>(&mut open(&path)).store().unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
}

#[test]
fn a_database_that_cannot_be_opened_is_an_input_output_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let mut conn = open(&path);
    let attach = format!("ATTACH '{}' AS other", folder.path().join("none/b.db").display());
    assert!(matches!(error(&mut conn, &attach), StoreError::Io(_)));
}

#[test]
fn broken_constraints_name_what_was_to_be_written() {
    let mut conn = open(Path::new(":memory:"));
    conn.batch_execute("PRAGMA foreign_keys = ON; CREATE TABLE t (n INTEGER PRIMARY KEY, p REFERENCES t(n))").unwrap();
    let insert = |conn: &mut SqliteConnection, sql: &str| {
        diesel::sql_query(sql).execute(conn).writing(|| "leaf 7 of tree 9".to_owned()).unwrap_err()
    };
    let missing = insert(&mut conn, "INSERT INTO t VALUES (7, 9)");
    assert!(matches!(missing, StoreError::MissingReference { .. }), "{missing}");
    assert!(missing.to_string().starts_with("leaf 7 of tree 9 refers to"), "{missing}");
    conn.batch_execute("INSERT INTO t VALUES (7, NULL)").unwrap();
    let twice = insert(&mut conn, "INSERT INTO t VALUES (7, NULL)");
    assert_eq!(twice.to_string(), "leaf 7 of tree 9 exists already");
}
