//! Backs up databases that are idle, in use, missing and damaged.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod concurrent_writers;
mod disk_full;
mod permissions;
mod program;
mod retention;
mod shop_harness;
mod sigkill;
mod unusable_paths;

use std::fs;

use chrono::NaiveDate;
use diesel::connection::SimpleConnection;
use fieldfen_backup::{BackupError, PRIVATE, back_up};
use fieldfen_domain::Timestamp;
use fieldfen_domain::store::Store;
use fieldfen_persistence::{OpenMode, SqliteStore, SqliteUrl, connect};
use shop_harness::Shop;

fn now() -> Timestamp {
    "2026-11-24T23:59:59Z".parse().unwrap()
}

fn today() -> NaiveDate {
    now().date_naive()
}

#[test]
fn a_backup_of_a_database_at_rest_holds_the_same_rows() {
    let shop = Shop::with_files(7);
    let report = back_up(&shop.url(), &shop.backups(), now(), PRIVATE).unwrap();
    assert_eq!(report.backup, shop.backups().join("fieldfen-20261124.db"));
    assert_eq!((report.rows["files"], report.compared, report.dangling_references), (7, true, 0));
    assert_eq!(report.schema, Some(fieldfen_persistence::migrations::newest().to_string()));
    assert_eq!(shop.names(), ["fieldfen-20261124.db"]);
    let copy = SqliteStore::open(report.backup.to_str().unwrap()).unwrap();
    assert_eq!(copy.read(|s| s.files().count()).unwrap()[0].1, 7);
}

#[test]
fn a_second_backup_of_a_day_replaces_the_first() {
    let shop = Shop::with_files(2);
    back_up(&shop.url(), &shop.backups(), now(), PRIVATE).unwrap();
    shop.add_files(2..5);
    assert_eq!(back_up(&shop.url(), &shop.backups(), now(), PRIVATE).unwrap().rows["files"], 5);
    assert_eq!(shop.names(), ["fieldfen-20261124.db"]);
}

#[test]
fn a_failed_backup_leaves_the_earlier_one_and_nothing_else() {
    let shop = Shop::with_files(2);
    let backup = back_up(&shop.url(), &shop.backups(), now(), PRIVATE).unwrap().backup;
    let before = fs::read(&backup).unwrap();
    let mut conn = connect(&shop.url(), OpenMode::ExistingOnly).unwrap();
    // The schema has an index at a page that is not one, so that every copy fails the check.
    conn.batch_execute(
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'jobs') WHERE name = 'files';
         PRAGMA writable_schema = OFF;",
    )
    .unwrap();
    drop(conn);
    let error = back_up(&shop.url(), &shop.backups(), now(), PRIVATE).unwrap_err();
    assert!(matches!(error, BackupError::Store { .. } | BackupError::CheckFailed { .. }), "{error:?}");
    assert_eq!(fs::read(&backup).unwrap(), before);
    assert_eq!(shop.names(), ["fieldfen-20261124.db"]);
}

#[test]
fn a_missing_database_is_not_created_and_makes_no_folder() {
    let shop = Shop::with_files(0);
    let url = SqliteUrl::from(shop.folder().join("none/fieldfen.db").as_path());
    let error = back_up(&url, &shop.backups(), now(), PRIVATE).unwrap_err();
    assert!(matches!(error, BackupError::Store { .. }), "{error}");
    assert!(!shop.folder().join("none").exists());
    assert!(!shop.backups().exists());
}

#[test]
fn a_database_without_tables_is_no_backup() {
    let shop = Shop::with_files(0);
    let empty = SqliteUrl::from(shop.folder().join("empty.db").as_path());
    drop(connect(&empty, OpenMode::CreateIfMissing).unwrap());
    assert!(matches!(back_up(&empty, &shop.backups(), now(), PRIVATE), Err(BackupError::Empty { .. })));
    assert!(!shop.backups().exists());
}

#[test]
fn a_backup_never_replaces_the_database_itself() {
    let shop = Shop::with_files(1);
    let live = shop.folder().join("fieldfen-20261124.db");
    fs::rename(shop.url().path().unwrap(), &live).unwrap();
    let error = back_up(&SqliteUrl::from(live.as_path()), shop.folder(), now(), PRIVATE).unwrap_err();
    assert!(matches!(error, BackupError::OntoItself { .. }), "{error}");
    SqliteStore::open(live.to_str().unwrap()).unwrap();
}

#[test]
fn a_backup_that_a_program_has_open_is_left_alone() {
    let shop = Shop::with_files(1);
    let backup = back_up(&shop.url(), &shop.backups(), now(), PRIVATE).unwrap().backup;
    let open = SqliteStore::open(backup.to_str().unwrap()).unwrap();
    open.read(|s| s.files().count()).unwrap();
    let error = back_up(&shop.url(), &shop.backups(), now(), PRIVATE).unwrap_err();
    assert!(matches!(error, BackupError::InUse { .. }), "{error}");
    drop(open);
    back_up(&shop.url(), &shop.backups(), now(), PRIVATE).unwrap();
}

#[test]
fn rows_that_refer_to_nothing_are_counted_and_backed_up() {
    let shop = Shop::with_files(1);
    let mut conn = connect(&shop.url(), OpenMode::ExistingOnly).unwrap();
    conn.batch_execute(
        "PRAGMA foreign_keys = OFF;
         INSERT INTO jobs (id, file_id, command_type, status) VALUES ('j', 'nothing', 'UpscaleImage', 'pending')",
    )
    .unwrap();
    let report = back_up(&shop.url(), &shop.backups(), now(), PRIVATE).unwrap();
    assert_eq!((report.dangling_references, report.rows["jobs"]), (1, 1));
}

#[test]
fn a_database_of_the_specification_that_was_never_migrated_is_backed_up_too() {
    let shop = Shop::with_files(0);
    let specification = SqliteUrl::from(shop.folder().join("specification.db").as_path());
    connect(&specification, OpenMode::CreateIfMissing)
        .unwrap()
        .batch_execute("CREATE TABLE \"odd \"\"name\" (n); INSERT INTO \"odd \"\"name\" VALUES (1)")
        .unwrap();
    let report = back_up(&specification, &shop.backups(), now(), PRIVATE).unwrap();
    assert_eq!((report.schema, report.rows["odd \"name"]), (None, 1));
}
