//! Each migration on databases with rows in every table and every state: rehearsed, applied, reverted and applied
//! again, from every version of the schema.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;
use fieldfen_migrate::Migrator;
use fieldfen_migrate::drift::SchemaDrift;
use fieldfen_persistence::SqliteUrl;
use fieldfen_persistence::migrations::{DataLoss, MigrationSet, TableDigest, Target, table_digests};

use crate::filled_tables::{column_of, columns_with_words, fill, table_names};

fn open(path: &Path) -> SqliteConnection {
    SqliteConnection::establish(path.to_str().unwrap()).unwrap()
}

/// A migrator that neither rehearses nor backs up by itself.
fn migrator(path: &Path) -> Migrator {
    Migrator::new(SqliteUrl::from(path)).unwrap().rehearsal(false).backups(None)
}

/// The versions, the oldest first.
fn versions() -> Vec<String> {
    MigrationSet::fieldfen().migrations().iter().map(|file| file.version.clone().into_owned()).collect()
}

/// For each version, a database of that version whose tables are all filled.
fn filled(folder: &Path) -> Vec<(String, PathBuf)> {
    let empty = folder.join("empty.db");
    let at = |version: String| {
        migrator(&empty).up_to(&Target::Version(version.clone())).unwrap();
        let path = folder.join(format!("{version}.db"));
        fs::copy(&empty, &path).unwrap();
        fill(&mut open(&path));
        (version, path)
    };
    versions().into_iter().map(at).collect()
}

/// The digests of the tables without those that record the migrations.
fn digests(path: &Path) -> BTreeMap<String, TableDigest> {
    let mut digests = table_digests(&mut open(path), |_| true, |_| {}).unwrap();
    digests.retain(|table, _| !table.starts_with("__"));
    digests
}

/// The tables without rows, and the words that no row has in a column.
fn lacks(path: &Path) -> Vec<String> {
    let conn = &mut open(path);
    let mut lacks = Vec::new();
    for table in table_names(conn) {
        if column_of(conn, &format!("SELECT 'a row' AS value FROM {table} LIMIT 1")).is_empty() {
            lacks.push(format!("{table}: rows"));
        }
        for (column, words) in columns_with_words(conn, &table) {
            let found = column_of(conn, &format!("SELECT DISTINCT CAST({column} AS TEXT) AS value FROM {table}"));
            let missing = words.iter().filter(|word| !found.contains(word));
            lacks.extend(missing.map(|word| format!("{table}.{column}: {word}")));
        }
    }
    lacks
}

/// Rehearses the migrations to the target, which are taken there, back and there again on a copy.
fn rehearse(path: &Path, version: &str, target: &Target) {
    let what = format!("from {version} to {target:?}");
    let rehearsal = migrator(path).rehearse(target).unwrap_or_else(|error| panic!("{what}: {error}")).unwrap();
    assert_eq!((rehearsal.dangling_references, rehearsal.broken_before), (0, 0), "{what}");
    assert!(rehearsal.checked_statements > 50, "{what}: {rehearsal:?}");
}

fn assert_no_drift(path: &Path) {
    let drift = SchemaDrift::read(&SqliteUrl::from(path)).unwrap();
    assert!(drift.is_none() && drift.additions.is_empty(), "{drift:?}");
}

#[test]
fn every_table_of_every_version_has_rows_with_every_word() {
    let folder = tempfile::tempdir().unwrap();
    let filled = filled(folder.path());
    assert_eq!(filled.len(), versions().len());
    for (version, path) in filled {
        assert_eq!(lacks(&path), [""; 0], "{version}");
        let dangling = column_of(&mut open(&path), "SELECT \"table\" AS value FROM pragma_foreign_key_check");
        assert_eq!(dangling, [""; 0], "{version}");
    }
}

#[test]
fn each_migration_and_all_together_go_there_and_back_on_filled_tables() {
    let folder = tempfile::tempdir().unwrap();
    let filled = filled(folder.path());
    for pair in filled.windows(2) {
        let [(version, path), (next, _)] = pair else { continue };
        let before = digests(path);
        rehearse(path, version, &Target::Version(next.clone()));
        rehearse(path, version, &Target::Newest);
        let migrator = migrator(path);
        assert!(!migrator.up().unwrap().applied.is_empty(), "{version}");
        assert_no_drift(path);
        migrator.run(&Target::Version(version.clone()), DataLoss::Allow).unwrap();
        assert_eq!(digests(path), before, "from {version} to the newest, and back");
        assert_no_drift(path);
        assert!(!migrator.up().unwrap().applied.is_empty(), "{version}");
    }
}
