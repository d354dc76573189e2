//! `status` does not change the database or its folder.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::Store as _;
use fieldfen_persistence::SqliteStore;

use crate::shop_harness::Shop;

fn set_mode(path: &std::path::Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A shop whose migrated database belongs to this user, in a folder that every user may write.
fn stopped() -> Shop {
    let shop = Shop::new();
    shop.migrate(&["up"]).ends_with(0);
    set_mode(shop.folder(), 0o755);
    set_mode(&shop.folder().join("data"), 0o777);
    set_mode(shop.database().as_ref(), 0o644);
    shop
}

#[test]
#[ignore = "needs root, which can become another user"]
fn the_status_that_another_user_asks_for_leaves_nothing_beside_a_stopped_services_database() {
    let shop = stopped();
    for mode in [0o777, 0o755] {
        set_mode(&shop.folder().join("data"), mode);
        let before = shop.listing();
        shop.migrate_as_other(&["status"]).ends_with(0);
        assert_eq!(shop.listing(), before);
    }
}

#[test]
fn the_status_that_the_owner_asks_for_leaves_nothing_beside_a_stopped_services_database() {
    let shop = stopped();
    let before = shop.listing();
    shop.migrate(&["status"]).ends_with(0);
    assert_eq!(shop.listing(), before);
}

#[test]
#[ignore = "needs root, which can give a file to another user"]
fn the_status_that_root_asks_for_leaves_nothing_beside_a_stopped_services_database() {
    let shop = stopped();
    std::os::unix::fs::chown(shop.database(), Some(65534), None).unwrap();
    let before = shop.listing();
    shop.migrate(&["status"]).ends_with(0);
    assert_eq!(shop.listing(), before);
}

#[test]
fn the_status_of_a_running_services_database_is_the_committed_one_and_disturbs_nothing() {
    let shop = stopped();
    let store = SqliteStore::open(shop.database()).unwrap();
    store.write(|_| Ok(())).unwrap();
    let mut other = SqliteConnection::establish(shop.database()).unwrap();
    other.batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('9000')").unwrap();
    // A process that reads these files without SQLite drops SQLite's locks.
    let names = || {
        let entries = fs::read_dir(shop.folder().join("data")).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect::<std::collections::BTreeSet<_>>()
    };
    let before = names();
    let status = shop.migrate_unprivileged(&["status", "--json"]).document(5);
    assert_eq!(status["unknown"], 1, "the row is in the log only");
    assert_eq!(names(), before);
    other.batch_execute("DELETE FROM __diesel_schema_migrations WHERE version = '9000'").unwrap();
    drop(other);
    store.write(|_| Ok(())).unwrap();
}

/// A log that remained after a crash of its last program.
fn crashed() -> Shop {
    let shop = stopped();
    let mut conn = SqliteConnection::establish(shop.database()).unwrap();
    conn.batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('9000')").unwrap();
    let elsewhere = shop.folder().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    for name in ["fieldfen.db", "fieldfen.db-wal", "fieldfen.db-shm"] {
        fs::copy(shop.folder().join("data").join(name), elsewhere.join(name)).unwrap();
    }
    drop(conn);
    fs::remove_dir_all(shop.folder().join("data")).unwrap();
    fs::rename(&elsewhere, shop.folder().join("data")).unwrap();
    set_mode(&shop.folder().join("data"), 0o777);
    shop
}

#[test]
#[ignore = "needs root, which can become another user"]
fn the_log_of_a_crashed_service_is_read_by_another_user_and_stays() {
    let shop = crashed();
    let before = shop.listing();
    let status = shop.migrate_as_other(&["status", "--json"]).document(5);
    assert_eq!(status["unknown"], 1, "the rows in the log count");
    assert_eq!(shop.listing(), before);
}

#[test]
#[ignore = "needs root, which can become another user"]
fn a_log_that_another_user_would_have_to_recover_is_refused_with_the_reason() {
    let shop = crashed();
    fs::remove_file(shop.folder().join("data/fieldfen.db-shm")).unwrap();
    let before = shop.listing();
    let refused = shop.migrate_as_other(&["status"]);
    refused.ends_with(3);
    assert!(refused.err.contains("-wal") && refused.err.contains("its owner"), "{}", refused.err);
    assert_eq!(shop.listing(), before);
}

#[test]
fn a_log_that_must_be_recovered_is_recovered_for_its_owner() {
    let shop = crashed();
    fs::remove_file(shop.folder().join("data/fieldfen.db-shm")).unwrap();
    let status = shop.migrate(&["status", "--json"]).document(5);
    assert_eq!(status["unknown"], 1, "the row is in the log only");
}

#[test]
fn an_empty_file_and_a_rollback_journal_database_stay_as_they_are() {
    let shop = Shop::new();
    fs::create_dir(shop.folder().join("data")).unwrap();
    fs::write(shop.database(), "").unwrap();
    let before = shop.listing();
    shop.migrate(&["status"]).ends_with(5);
    assert_eq!(shop.listing(), before, "an empty file does not grow");

    SqliteConnection::establish(shop.database()).unwrap().batch_execute("CREATE TABLE theirs (n)").unwrap();
    let before = shop.listing();
    shop.migrate(&["status"]).ends_with(5);
    assert_eq!(shop.listing(), before, "a rollback-journal database stays one");
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let shop = Shop::new();
    fs::create_dir(shop.folder().join("data")).unwrap();
    assert!(Command::new("mkfifo").arg(shop.database()).status().unwrap().success());
    let refused = shop.migrate(&["status"]);
    refused.ends_with(3);
    assert!(refused.err.contains("not a regular file"), "{}", refused.err);
}

#[test]
fn what_stands_in_the_place_of_a_log_or_journal_is_refused_at_once_and_stays() {
    let shop = stopped();
    let victim = shop.folder().join("victim");
    fs::write(&victim, "theirs").unwrap();
    for ending in ["-wal", "-shm", "-journal"] {
        let beside = format!("{}{ending}", shop.database());
        let pipe = || assert!(Command::new("mkfifo").arg(&beside).status().unwrap().success());
        let put: [(&dyn Fn(), &str); 4] = [
            (&pipe, "not a regular file"),
            (&|| std::os::unix::fs::symlink(&victim, &beside).unwrap(), "not a regular file"),
            (&|| std::os::unix::fs::symlink("nowhere", &beside).unwrap(), "not a regular file"),
            (&|| fs::hard_link(&victim, &beside).unwrap(), "several names"),
        ];
        for (put, says) in put {
            put();
            // With a writer at the FIFO, opening it does not block.
            let _writer = fs::File::options().read(true).write(true).open(&beside).ok();
            let state = || (fs::symlink_metadata(&beside).unwrap().file_type(), fs::read(shop.database()).unwrap());
            let before = state();
            for arguments in [&["status"][..], &["up"], &["down"]] {
                let refused = shop.migrate(arguments);
                refused.ends_with(3);
                assert!(refused.err.contains(says) && refused.err.contains(&beside), "{}", refused.err);
            }
            assert!(state() == before, "{beside}");
            fs::remove_file(&beside).unwrap();
        }
    }
    assert_eq!(fs::read_to_string(&victim).unwrap(), "theirs");
}

#[test]
fn a_journal_that_must_be_rolled_back_is_refused_with_the_reason_and_rolled_back_by_up() {
    let shop = Shop::new();
    fs::create_dir(shop.folder().join("data")).unwrap();
    let mut writer = SqliteConnection::establish(shop.database()).unwrap();
    let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)";
    writer.batch_execute("CREATE TABLE theirs (n); INSERT INTO theirs VALUES (1)").unwrap();
    // Pages that do not fit into the cache are written before the commit. A copy at that moment is like the file after
    // a crash.
    let insert = format!("PRAGMA cache_size = 2; BEGIN; {rows} INSERT INTO theirs SELECT zeroblob(400) FROM n");
    writer.batch_execute(&insert).unwrap();
    let beside = |name: &str, ending: &str| format!("{name}{ending}");
    let copy = shop.folder().join("copy.db").display().to_string();
    for ending in ["", "-journal"] {
        fs::copy(beside(shop.database(), ending), beside(&copy, ending)).unwrap();
    }
    drop(writer);
    for ending in ["", "-journal"] {
        fs::rename(beside(&copy, ending), beside(shop.database(), ending)).unwrap();
    }

    let before = shop.listing();
    for arguments in [&["status"][..], &["down"]] {
        let refused = shop.migrate(arguments);
        refused.ends_with(3);
        assert!(refused.err.contains("-journal) must be rolled back first"), "{}", refused.err);
    }
    assert_eq!(shop.listing(), before);
    shop.migrate(&["up"]).ends_with(0);
    shop.migrate(&["status"]).ends_with(0);
}
