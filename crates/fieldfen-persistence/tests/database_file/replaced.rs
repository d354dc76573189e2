//! Files that another program removes, replaces, truncates or overwrites under an open store.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::with_causes;
use fieldfen_persistence::{OpenMode, SqliteStore, SqliteUrl, connect};

use super::{beside, call, migrated, open, read};

fn write(store: &SqliteStore) -> Result<(), StoreError> {
    store.write(|s| s.api_usage().record(&call()))
}

/// The number of these calls that a newly opened store finds.
fn calls(path: &Path) -> i64 {
    let mut conn = connect(&SqliteUrl::from(path), OpenMode::ExistingOnly).unwrap();
    diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>("(SELECT count(*) FROM api_usage)"))
        .get_result(&mut conn)
        .unwrap()
}

/// Returns whether the store has noticed that its files are no longer those that it opened.
fn has_noticed(result: &Result<(), StoreError>) -> bool {
    matches!(result, Err(StoreError::Io(_) | StoreError::Corrupt(_)))
}

/// A store that has found its files in place so often that it only checks the times of their folder.
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
    // `rsync -a` sets such a time.
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

/// Overwrites a file in place.
fn overwrite(path: &Path, bytes: &[u8]) {
    OpenOptions::new().write(true).open(path).unwrap().write_all(bytes).unwrap();
}

/// The damage that another program does to the log with this path.
type Damage<'a> = &'a dyn Fn(&Path);

#[test]
fn a_log_that_is_cut_off_or_copied_over_is_noticed_before_the_next_acknowledgement() {
    let folder = tempfile::tempdir().unwrap();
    // The log of another database, with the same length.
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

/// Copies over a file that this process has open. Another process must do that.
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
