//! The database file of the SQLite store: its path, its upkeep, and its loss.

#![expect(clippy::unwrap_used, reason = "test support outside of test functions")]
#![cfg(unix)]

mod replaced;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::PageRequest;
use fieldfen_domain::api_usage::{ApiCall, ApiCallFilter};
use fieldfen_domain::store::{MaintenanceReport, Store, StoreError};
use fieldfen_persistence::{OpenMode, SqliteOptions, SqliteStore, SqliteUrl, connect, migrations};
use fieldfen_testkit::fixtures::job;
use fieldfen_testkit::wait::{received, scope_with_deadline, with_deadline};

fn migrated(folder: &Path) -> PathBuf {
    let path = folder.join("shop 100%?.db");
    let mut conn = connect(&SqliteUrl::from(path.as_path()), OpenMode::CreateIfMissing).unwrap();
    migrations::run_pending(&mut conn).unwrap();
    path
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}{ending}", path.display()))
}

fn open(path: &Path, busy_timeout: Duration) -> SqliteStore {
    let mut options = SqliteOptions::default();
    options.busy_timeout = busy_timeout;
    SqliteStore::open_with(&path.display().to_string(), &options).unwrap()
}

fn call() -> ApiCall {
    ApiCall::new("camera".to_owned(), "2026-11-23T14:05:09Z".parse().unwrap())
}

fn read(store: &SqliteStore) -> Result<(), StoreError> {
    store.read(|s| s.jobs().count().map(drop))
}

#[test]
fn neither_reading_nor_upkeep_makes_a_database_where_one_was() {
    for has_read in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let path = migrated(folder.path());
        let store = SqliteStore::open(&path.display().to_string()).unwrap();
        if has_read {
            read(&store).unwrap();
        }
        for ending in ["", "-wal", "-shm"] {
            fs::remove_file(beside(&path, ending)).unwrap();
        }
        assert!(matches!(read(&store), Err(StoreError::Io(_))), "{:?}", read(&store));
        assert!(matches!(store.maintain(), Err(StoreError::Io(_))));
        assert!(!path.exists());
    }
}

#[test]
fn a_store_that_is_gone_has_closed_its_file_whoever_watches_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(folder.path());
    for _ in 0..20 {
        let store = open(&path, Duration::from_secs(60));
        let mut watch = store.watch().unwrap();
        store.write(|_| Ok(())).unwrap();
        let (looks, looked) = channel();
        let watching = thread::spawn(move || {
            while looks.send(()).is_ok() {
                watch.wait(Duration::from_micros(1)).unwrap();
            }
        });
        received("the watch has looked", &looked);
        drop(store);
        let closed = !beside(&path, "-wal").exists();
        drop(looked);
        with_deadline("the thread that watches has ended", || watching.join()).unwrap();
        assert!(closed, "the log is still there");
    }
}

#[test]
fn a_database_behind_a_link_is_known_by_its_own_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(folder.path());
    let link = folder.path().join("link.db");
    symlink(&path, &link).unwrap();
    let store = SqliteStore::open(&link.display().to_string()).unwrap();
    fs::remove_file(&link).unwrap();
    read(&store).unwrap();
    store.write(|_| Ok(())).unwrap();
    assert_eq!(store.maintain().unwrap().log_held, None);
    assert!(beside(&path, "-lock").exists() && !beside(&link, "-lock").exists());
}

#[test]
fn a_name_that_sqlite_cannot_be_told_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(OsStr::from_bytes(b"shop\xff.db"));
    let error = connect(&SqliteUrl::from(path.as_path()), OpenMode::CreateIfMissing).err().unwrap();
    assert!(matches!(&error, StoreError::Open { reason, .. } if reason.contains("UTF-8")), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_longest_timeout_of_all_is_a_long_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(folder.path());
    let (first, second) = (open(&path, Duration::MAX), open(&path, Duration::MAX));
    let mut foreign = SqliteConnection::establish(&path.display().to_string()).unwrap();
    scope_with_deadline("both writers have their answers", |scope| {
        foreign.batch_execute("BEGIN IMMEDIATE").unwrap();
        let writers = [&first, &second].map(|store| scope.spawn(|| store.write(|_| Ok(()))));
        std::thread::sleep(Duration::from_millis(50));
        foreign.batch_execute("COMMIT").unwrap();
        for writer in writers {
            writer.join().unwrap().unwrap();
        }
    });
}

#[test]
fn maintenance_of_a_large_log_does_not_wait_long_for_a_reader_and_names_its_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(folder.path());
    let (store, other) = (open(&path, Duration::from_secs(3600)), open(&path, Duration::from_secs(3600)));
    let mut conn = connect(&SqliteUrl::from(path.as_path()), OpenMode::ExistingOnly).unwrap();
    other
        .read(|s| {
            s.jobs().count()?;
            conn.batch_execute("CREATE TABLE bytes (b); INSERT INTO bytes VALUES (zeroblob(20000000))").unwrap();
            assert!(fs::metadata(beside(&path, "-wal")).unwrap().len() > 16 << 20);
            let report = store.maintain()?;
            let held = report.log_held.expect("a reader is there");
            assert!(report.log_bytes > 16 << 20 && held.waited < Duration::from_secs(60), "{held}");
            if cfg!(target_os = "linux") {
                assert_eq!(held.processes, [std::process::id()], "{held}");
            }
            Ok(())
        })
        .unwrap();
    store.write(|_| Ok(())).unwrap();
    assert_eq!(store.maintain().unwrap(), MaintenanceReport::default(), "the log is empty");
    assert_eq!(fs::metadata(beside(&path, "-wal")).unwrap().len(), 0);
}

#[test]
fn the_files_beside_a_database_are_as_private_as_the_database() {
    for mode in [None, Some(0o640)] {
        let folder = tempfile::tempdir().unwrap();
        let path = migrated(folder.path());
        if let Some(mode) = mode {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        let store = SqliteStore::open(&path.display().to_string()).unwrap();
        store.write(|s| s.jobs().enqueue(&job(1))).unwrap();
        for ending in ["", "-wal", "-shm", "-lock", "-lock-queue", "-wake"] {
            let found = fs::metadata(beside(&path, ending)).unwrap().permissions().mode() & 0o777;
            assert_eq!(found, mode.unwrap_or(0o600), "{ending:?} is {found:o}");
        }
    }
}

#[test]
fn a_lock_or_wake_file_that_leads_elsewhere_is_left_alone_and_the_store_works_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(folder.path());
    let victim = folder.path().join("victim");
    let makers = [
        |file: &Path, victim: &Path| symlink(victim, file).unwrap(),
        |file: &Path, _: &Path| {
            assert!(std::process::Command::new("mkfifo").arg(file).status().unwrap().success());
        },
    ];
    for (number, make) in (1..).zip(makers) {
        for ending in ["-lock", "-lock-queue", "-wake"] {
            let _ = fs::remove_file(beside(&path, ending));
            make(&beside(&path, ending), &victim);
        }
        let store = SqliteStore::open(&path.display().to_string()).unwrap();
        let mut watch = store.watch().unwrap();
        store.write(|s| s.jobs().enqueue(&job(number))).unwrap();
        assert!(watch.wait(Duration::from_secs(300)).unwrap());
        assert!(!victim.exists());
    }
}

#[test]
fn a_first_start_makes_the_database_and_the_next_one_finds_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data/shop.db");
    let url = path.to_str().unwrap();
    let missing = SqliteStore::open(url).unwrap_err();
    assert!(matches!(&missing, StoreError::Open { .. }), "{missing:?}");
    SqliteStore::create(url).unwrap().write(|s| s.api_usage().record(&call())).unwrap();
    for store in [SqliteStore::create(url).unwrap(), SqliteStore::open(url).unwrap()] {
        assert_eq!(
            store.read(|s| s.api_usage().page(&ApiCallFilter::new(), &PageRequest::first(9))).unwrap().items,
            [call()]
        );
    }
    assert!(SqliteStore::create(":memory:").is_ok());
    assert!(matches!(SqliteStore::create("postgres://u:hunter2@db"), Err(StoreError::Open { .. })));
}
