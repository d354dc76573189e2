//! Databases that SQLAlchemy and Alembic have made, and the shop's Python program on them afterwards.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use fieldfen_migrate::{AdoptionOutcome, Migrator};
use fieldfen_persistence::migrations::{self, MigrationError};
use fieldfen_persistence::{OpenMode, SqliteUrl, connect};
use fieldfen_testkit::sqlalchemy::{Fault, SHOP_DATABASES, ShopDatabase};
use serde_json::Value;
use tempfile::TempDir;

use crate::database::foreign;
use crate::python::{output, program, script};

fn create(kind: ShopDatabase) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    kind.create(&path, |sql| foreign(&path).execute_batch(sql).unwrap());
    (folder, path)
}

fn texts(path: &Path, query: &str) -> Vec<String> {
    let conn = foreign(path);
    let mut statement = conn.prepare(query).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap_or_else(|error| vec![error.to_string()])
}

#[test]
fn each_database_has_the_fault_that_it_is_said_to_have() {
    for kind in SHOP_DATABASES {
        let (_folder, path) = create(*kind);
        let mut conn = connect(&SqliteUrl::from(path.as_path()), OpenMode::CreateIfMissing).unwrap();
        let state = migrations::inspect(&mut conn).unwrap();
        assert_eq!(state.is_specification, kind.fault != Some(Fault::Schema), "{}: {state:?}", kind.name);
        if kind.fault == Some(Fault::Schema) {
            assert_eq!(state.differences.len(), 1, "{}: {state:?}", kind.name);
            let error = migrations::run_pending(&mut conn).unwrap_err();
            assert!(matches!(error, MigrationError::NotTheSpecification(_)), "{}: {error:?}", kind.name);
            let error = error.to_string();
            assert!(kind.named.iter().all(|text| error.contains(text)), "{}: {error}", kind.name);
        }
        let sound = texts(&path, "PRAGMA integrity_check") == ["ok"];
        assert_eq!(sound, kind.fault != Some(Fault::Page), "{}", kind.name);
    }
}

#[test]
fn only_the_messy_database_has_rows_of_files_that_are_gone() {
    let of_gone_files = |name| {
        let (_folder, path) = create(ShopDatabase::named(name));
        texts(&path, "SELECT \"table\" FROM pragma_foreign_key_check ORDER BY 1")
    };
    assert_eq!(of_gone_files("messy"), ["jobs", "listings"]);
    for name in ["clean", "messy-typed", "messy-trigger"] {
        assert_eq!(of_gone_files(name), [""; 0], "{name}");
    }
}

#[test]
#[ignore = "needs Python 3 with SQLAlchemy 2 and Alembic; FIELDFEN_PYTHON names it"]
fn sqlalchemy_and_alembic_still_make_the_databases_of_the_testkit() {
    let folder = tempfile::tempdir().unwrap();
    let mut write = script("sqlalchemy_fixtures.py");
    write.arg("write").arg(folder.path());
    output(write);
    let renew = "python tests/python/sqlalchemy_fixtures.py write crates/fieldfen-testkit/src/sqlalchemy";
    for kind in SHOP_DATABASES.iter().filter(|kind| kind.fault != Some(Fault::Page)) {
        let made = std::fs::read_to_string(folder.path().join(kind.name).with_extension("sql")).unwrap();
        assert!(made == kind.sql, "the dump of {} is not as the script makes it: {renew}", kind.name);
    }
    let mut list = script("sqlalchemy_fixtures.py");
    list.arg("list");
    let listed = String::from_utf8(output(list)).unwrap();
    let known: BTreeSet<&str> = SHOP_DATABASES.iter().map(|kind| kind.name).collect();
    assert_eq!(listed.lines().collect::<BTreeSet<_>>(), known);
}

/// A file by its column `original_filename`.
fn id_of(path: &Path, name: &str) -> String {
    texts(path, &format!("SELECT id FROM files WHERE original_filename = '{name}'")).remove(0)
}

#[test]
#[ignore = "needs Python 3 with SQLAlchemy 2 and Alembic; FIELDFEN_PYTHON names it"]
fn the_statements_of_the_python_programs_are_those_of_the_record() {
    let folder = tempfile::tempdir().unwrap();
    let recorded = folder.path().join("specification.sql");
    let mut record = script("record_statements.py");
    record.arg(&recorded);
    output(record);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/fieldfen-migrate/compat/specification.sql");
    let is_equal = std::fs::read_to_string(recorded).unwrap() == std::fs::read_to_string(file).unwrap();
    assert!(
        is_equal,
        "the programs in tests/python issue other statements than the record: run `just record-statements`"
    );
}

#[test]
#[ignore = "needs Python 3 with SQLAlchemy 2 and Alembic; FIELDFEN_PYTHON names it"]
fn the_programs_of_a_sqlalchemy_shop_read_and_write_its_adopted_database() {
    for (kind, style, existing) in [
        ("clean", "text", "published.jpg"),
        ("messy", "text", "published.jpg"),
        ("messy", "typed", "typed.jpg"),
        ("messy-typed", "typed", "typed.jpg"),
        ("messy-trigger", "text", "published.jpg"),
    ] {
        let (_folder, path) = create(ShopDatabase::named(kind));
        let before = texts(&path, "SELECT id FROM files ORDER BY id");
        let migrator = Migrator::new(SqliteUrl::from(path.as_path())).unwrap().backups(None);
        assert_eq!(migrator.adopt().unwrap().outcome, AdoptionOutcome::Adopted);
        assert_eq!(texts(&path, "SELECT id FROM files ORDER BY id"), before, "{kind}: the spelling of the ids");
        let ask = |command: &[&str]| program(style, &path, command);

        // Rows that were there, by their ids and by their status.
        let id = id_of(&path, existing);
        assert_eq!(ask(&["get", &id])["original_filename"], existing, "{kind} {style}");
        let published = ask(&["by-status", "published"]);
        assert_eq!(published.as_array().unwrap().len(), 1, "{kind} {style}: {published}");
        assert_eq!(ask(&["update", &id, "failed"]), 1, "{kind} {style}");
        assert_eq!(ask(&["by-status", "published"]), Value::Array(Vec::new()), "{kind} {style}");

        // Rows of its own.
        let inserted = ask(&["insert"]);
        let own = inserted["file"].as_str().unwrap();
        assert_eq!(ask(&["by-status", "published"]), Value::from(vec![own]), "{kind} {style}");
        assert_eq!(ask(&["delete", own]), 1, "{kind} {style}");
        assert_eq!(ask(&["get", own]), Value::Null, "{kind} {style}");

        // The enum of `typed` has no values, so that it cannot read rows of `text`.
        if (kind, style) != ("messy", "typed") {
            assert_eq!(ask(&["read"])["files"].as_array().unwrap().len(), before.len(), "{kind} {style}");
        }
    }
}
