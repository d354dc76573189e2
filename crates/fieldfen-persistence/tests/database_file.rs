//! What the SQLite store makes of its file: where it is, and what happens when it is gone.

#![expect(clippy::unwrap_used, reason = "test support outside of test functions")]
#![cfg(unix)]

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::api_usage::{ApiCall, ApiCallFilter};
use fieldfen_domain::store::{MaintenanceReport, Store, StoreError};
use fieldfen_domain::{PageRequest, with_causes};
use fieldfen_persistence::{OpenMode, SqliteOptions, SqliteStore, SqliteUrl, connect, migrations};
use fieldfen_testkit::fixtures::job;
use fieldfen_testkit::wait::{received, with_deadline};

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
    std::thread::scope(|scope| {
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
        for ending in ["", "-wal", "-shm", "-lock", "-wake"] {
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
        for ending in ["-lock", "-wake"] {
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

fn write(store: &SqliteStore) -> Result<(), StoreError> {
    store.write(|s| s.api_usage().record(&call()))
}

fn call() -> ApiCall {
    ApiCall::new("camera".to_owned(), "2026-11-23T14:05:09Z".parse().unwrap())
}

/// How many of these calls a store that is opened anew finds.
fn calls(path: &Path) -> i64 {
    let mut conn = connect(&SqliteUrl::from(path), OpenMode::ExistingOnly).unwrap();
    diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>("(SELECT count(*) FROM api_usage)"))
        .get_result(&mut conn)
        .unwrap()
}

/// Whether the store has noticed that its files are not those that it has opened.
fn has_noticed(result: &Result<(), StoreError>) -> bool {
    matches!(result, Err(StoreError::Io(_) | StoreError::Corrupt(_)))
}

/// A store that has found its files in place so often that it looks only at the times of their folder.
fn settled(path: &Path) -> SqliteStore {
    let store = open(path, Duration::from_secs(60));
    for _ in 0..2 {
        write(&store).unwrap();
        thread::sleep(Duration::from_millis(100));
    }
    write(&store).unwrap();
    store
}

#[test]
fn a_log_that_is_replaced_is_noticed_also_when_the_time_of_the_folder_is_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(folder.path());
    let store = settled(&path);
    let modified = fs::metadata(folder.path()).unwrap().modified().unwrap();
    fs::copy(beside(&path, "-wal"), folder.path().join("other")).unwrap();
    fs::rename(folder.path().join("other"), beside(&path, "-wal")).unwrap();
    // As `rsync -a` does.
    File::open(folder.path()).unwrap().set_modified(modified).unwrap();
    let written = write(&store);
    assert!(has_noticed(&written), "{written:?}");
}

#[test]
fn a_log_or_its_index_that_is_gone_or_replaced_is_noticed_before_the_next_acknowledgement() {
    for ending in ["-wal", "-shm"] {
        for replaced in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let path = migrated(folder.path());
            let store = open(&path, Duration::from_secs(60));
            write(&store).unwrap();
            read(&store).unwrap();
            let lose = || {
                if replaced {
                    let other = folder.path().join("other");
                    fs::copy(beside(&path, ending), &other).unwrap();
                    fs::rename(&other, beside(&path, ending)).unwrap();
                } else {
                    fs::remove_file(beside(&path, ending)).unwrap();
                }
            };
            let amid = store.write(|s| {
                s.api_usage().record(&call())?;
                lose();
                Ok(())
            });
            assert!(has_noticed(&amid), "{ending}, replaced: {replaced}: {amid:?}");
            assert!(has_noticed(&write(&store)) && has_noticed(&read(&store)), "{ending}");
            if !replaced {
                drop(store);
                assert_eq!(calls(&path), 1, "{ending}: what was acknowledged before is there");
            }
        }
    }
}

/// Writes into a file as it is, without a new one in its place.
fn overwrite(path: &Path, bytes: &[u8]) {
    OpenOptions::new().write(true).open(path).unwrap().write_all(bytes).unwrap();
}

/// What another program does to the log with this path.
type Damage<'a> = &'a dyn Fn(&Path);

#[test]
fn a_log_that_is_cut_off_or_copied_over_is_noticed_before_the_next_acknowledgement() {
    let folder = tempfile::tempdir().unwrap();
    // The log of another database, which is as long.
    let other = migrated(&folder.path().join("other"));
    let others = open(&other, Duration::from_secs(60));
    (0..9).for_each(|_| write(&others).unwrap());
    let damages: [(&str, Damage<'_>); 4] = [
        ("emptied", &|log| drop(File::create(log).unwrap())),
        ("cut off", &|log| OpenOptions::new().write(true).open(log).unwrap().set_len(5000).unwrap()),
        ("wiped", &|log| overwrite(log, &[0; 32])),
        ("copied over", &|log| overwrite(log, &fs::read(beside(&other, "-wal")).unwrap())),
    ];
    for (number, (name, damage)) in damages.into_iter().enumerate() {
        for amid_a_write in [false, true] {
            let path = migrated(&folder.path().join(format!("{number} {amid_a_write}")));
            let store = open(&path, Duration::from_secs(60));
            (0..3).for_each(|_| write(&store).unwrap());
            if !amid_a_write {
                damage(&beside(&path, "-wal"));
            }
            let answer = store.write(|s| {
                s.api_usage().record(&call())?;
                if amid_a_write {
                    damage(&beside(&path, "-wal"));
                }
                Ok(())
            });
            let Err(error @ StoreError::Io(_)) = &answer else { panic!("{name}, {amid_a_write}: {answer:?}") };
            assert!(with_causes(error).contains("the log (-wal)"), "{name}, {amid_a_write}: {error:?}");
            assert!(has_noticed(&write(&store)), "{name}: it is noticed again");
        }
    }
}

#[test]
fn a_database_with_two_names_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(folder.path());
    let other = folder.path().join("other.db");
    fs::hard_link(&path, &other).unwrap();
    for name in [&path, &other] {
        let store = SqliteStore::open(&name.display().to_string()).err().unwrap();
        let tool = connect(&SqliteUrl::from(name.as_path()), OpenMode::ExistingOnly).err().unwrap();
        for error in [store, tool] {
            assert!(matches!(&error, StoreError::Open { reason, .. } if reason.contains("hard links")), "{error:?}");
        }
        assert!(!beside(name, "-wal").exists());
    }
    fs::remove_file(&other).unwrap();
    write(&open(&path, Duration::from_secs(60))).unwrap();
}

/// Copies over a file that this process has open, which must be done by another one.
fn copy_over(from: &Path, to: &Path) {
    assert!(std::process::Command::new("cp").args([from, to]).status().unwrap().success());
}

#[test]
fn a_file_copied_over_the_database_is_noticed_before_the_next_acknowledgement() {
    let elsewhere = tempfile::tempdir().unwrap();
    let file = |name: &str| elsewhere.path().join(name);
    fs::write(file("empty"), "").unwrap();
    fs::write(file("text"), "a text ".repeat(30_000)).unwrap();
    let make = |name: &str, sql: &str| {
        SqliteConnection::establish(file(name).to_str().unwrap()).unwrap().batch_execute(sql).unwrap();
    };
    let large = "CREATE TABLE t (b); INSERT INTO t VALUES (zeroblob(3000000));";
    make("rollback-journal", large);
    make("other-schema", &format!("PRAGMA journal_mode = WAL; {large}"));
    fs::create_dir(file("grown")).unwrap();
    let grown = migrated(&file("grown"));
    connect(&SqliteUrl::from(grown.as_path()), OpenMode::ExistingOnly)
        .unwrap()
        .batch_execute("INSERT INTO api_usage (service, request_count) VALUES (zeroblob(3000000), 1)")
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let older = file("older");
    for other in [file("empty"), file("text"), file("rollback-journal"), file("other-schema"), grown, older.clone()] {
        let folder = folder.path().join(other.file_name().unwrap());
        fs::create_dir(&folder).unwrap();
        let path = migrated(&folder);
        if other == older {
            fs::copy(&path, &older).unwrap();
            let mut conn = connect(&SqliteUrl::from(path.as_path()), OpenMode::ExistingOnly).unwrap();
            conn.batch_execute(large).unwrap();
        }
        let store = open(&path, Duration::from_secs(60));
        write(&store).unwrap();
        copy_over(&other, &path);
        for _ in 0..2 {
            let error = write(&store);
            assert!(has_noticed(&error), "{}: {error:?}", other.display());
        }
    }
}

#[test]
fn what_other_programs_do_to_the_file_by_sqlite_is_no_copy() {
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(folder.path());
    let store = open(&path, Duration::from_secs(60));
    let mut foreign = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    for sql in [
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "CREATE TABLE t (b); INSERT INTO t VALUES (zeroblob(3000000))",
        "PRAGMA wal_checkpoint(PASSIVE)",
        "DELETE FROM t",
        "PRAGMA wal_checkpoint(FULL)",
        "VACUUM",
        "PRAGMA wal_checkpoint(RESTART)",
        "PRAGMA user_version = 7; PRAGMA application_id = 9; ANALYZE; DROP TABLE t",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "PRAGMA auto_vacuum = FULL; VACUUM; CREATE TABLE t (b); INSERT INTO t VALUES (zeroblob(3000000))",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "DELETE FROM t",
        "PRAGMA wal_checkpoint(TRUNCATE)",
    ] {
        foreign.batch_execute(sql).unwrap();
        write(&store).unwrap_or_else(|error| panic!("after {sql}: {error:?}"));
        assert_eq!(store.maintain().unwrap().log_held, None);
        write(&store).unwrap_or_else(|error| panic!("after {sql} and upkeep: {error:?}"));
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
