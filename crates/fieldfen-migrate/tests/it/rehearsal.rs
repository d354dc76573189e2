//! The rehearsal on a copy, the backup before a run, and what both leave behind.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;
use fieldfen_backup::BackupError;
use fieldfen_migrate::{MigrateError, MigrateEvent, Migrator};
use fieldfen_persistence::migrations;
use fieldfen_testkit::wait::{exit_status, output_of, wait_until};

use crate::shop_harness::{ProgramOutput, Shop};

/// A shop at the last but one schema with this many rows of about 1 KiB.
pub(crate) fn behind(rows: u32) -> Shop {
    let shop = Shop::new();
    shop.migrate(&["up"]).ends_with(0);
    change(
        &shop,
        &format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
             INSERT INTO files (id, original_filename, status)
             SELECT 'f-' || i, hex(randomblob(440)), 'ingested' FROM n WHERE i <= {rows}"
        ),
    );
    shop.migrate(&["down", "--no-rehearsal", "--no-backup"]).ends_with(0);
    shop
}

fn change(shop: &Shop, statements: &str) {
    SqliteConnection::establish(shop.database()).unwrap().batch_execute(statements).unwrap();
}

/// The names in the folder of the database.
pub(crate) fn names(shop: &Shop) -> Vec<String> {
    let entries = fs::read_dir(shop.folder().join("data")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub(crate) fn backups(shop: &Shop) -> Vec<String> {
    let Ok(entries) = fs::read_dir(shop.folder().join("backups")) else { return Vec::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != ".fieldfen-backup.lock").collect()
}

#[test]
fn a_rehearsal_changes_no_byte_of_the_database_and_plan_tells_what_it_predicts() {
    let shop = behind(100);
    let orphan = "INSERT INTO jobs (id, file_id, command_type, status) VALUES ('j', 'nobody', 'x', 'failed')";
    change(&shop, &format!("PRAGMA foreign_keys = OFF; {orphan}"));
    let before = fs::read(shop.database()).unwrap();
    let unknown = shop.migrate(&["plan"]);
    unknown.ends_with(0);
    assert!(unknown.out.contains("ALTER TABLE") && unknown.out.contains("not rehearsed yet"), "{}", unknown.out);

    let rehearsal = shop.migrate(&["rehearse", "--json"]).document(0)["rehearsal"].clone();
    assert_eq!(fs::read(shop.database()).unwrap(), before);
    assert_eq!(names(&shop), ["fieldfen.db", "fieldfen.db-rehearsal.json"]);
    assert_eq!(rehearsal["dangling_references"], 1, "an orphan is no reason to stop: {rehearsal:#}");
    assert_eq!(rehearsal["migrations"][0]["migration"], migrations::newest().to_string());
    assert_eq!(rehearsal["migrations"][0]["direction"], "up");
    assert!(rehearsal["database_bytes"].as_u64().unwrap() > 100_000 && rehearsal["log_bytes"].as_u64().unwrap() > 0);

    let all = shop.listing();
    assert_eq!(shop.migrate(&["plan", "--json"]).document(0)["prediction"], rehearsal);
    let people = shop.migrate(&["plan"]);
    assert!(people.out.contains("in which other programs cannot write"), "{}", people.out);
    assert_eq!(shop.listing(), all, "plan changes nothing");
    change(&shop, "CREATE TABLE theirs (n)");
    assert!(shop.migrate(&["plan", "--json"]).document(0)["prediction"].is_null(), "the schema is another one");

    shop.migrate(&["up", "--no-rehearsal", "--no-backup"]).ends_with(0);
    assert_eq!(names(&shop), ["fieldfen.db"], "the prediction is no longer one");
    let done = shop.migrate(&["rehearse"]);
    done.ends_with(0);
    assert!(done.out.contains("nothing to rehearse"), "{}", done.out);
}

#[test]
fn up_rehearses_backs_up_and_notes_the_backup() {
    let shop = behind(10);
    let up = shop.migrate(&["up", "--json"]).document(0);
    assert_eq!(up["rehearsed"], true);
    let backup = up["backup"].as_str().unwrap();
    assert!(backup.starts_with("backups/fieldfen-before-migration-"), "{backup}");
    assert_eq!(backups(&shop).len(), 1, "{:?}", backups(&shop));
    let restored = shop.command(&["status", "--json", "--database", backup], false).document(5);
    assert_eq!(restored["pending"], 1, "the backup has the old schema");
    let status = shop.migrate(&["status", "--json"]).document(0);
    let last = status["migrations"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["state"], &last["how"]), (&"applied".into(), &"applied".into()));
    assert!(last["backup"].as_str().unwrap().ends_with(backup), "{last:#}");
    assert!(last["tool"].as_str().unwrap().starts_with("fieldfen-migrate "), "{last:#}");
    assert_eq!(names(&shop), ["fieldfen.db"]);

    let again = shop.migrate(&["up", "--json"]).document(0);
    assert_eq!((&again["rehearsed"], &again["backup"]), (&false.into(), &serde_json::Value::Null));
    assert_eq!(backups(&shop).len(), 1, "nothing to do needs no backup");
}

#[test]
fn rehearsal_and_backup_can_be_left_out_and_have_other_places() {
    let shop = behind(10);
    let scratch = tempfile::tempdir().unwrap();
    let other = shop.folder().join("other");
    let places = ["--scratch", scratch.path().to_str().unwrap(), "--backups", other.to_str().unwrap()];
    let up = shop.migrate(&[&["up", "--json"][..], &places].concat()).document(0);
    assert!(up["backup"].as_str().unwrap().starts_with(other.to_str().unwrap()), "{up:#}");
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
    let down = shop.migrate(&["down", "2", "--no-rehearsal", "--no-backup", "--json"]).document(0);
    assert_eq!((&down["rehearsed"], &down["backup"]), (&false.into(), &serde_json::Value::Null));
    assert_eq!(down["reverted"].as_array().unwrap().len(), 2);
    assert!(backups(&shop).is_empty());
    let down = shop.migrate(&["down", "--json"]).document(0);
    assert_eq!(down["rehearsed"], true);
    assert_eq!(backups(&shop).len(), 1);
}

#[test]
fn to_goes_either_way_and_up_to_only_forward() {
    let shop = behind(1);
    let to = |version: &str| shop.migrate(&["to", version, "--json"]).document(0)["at"].clone();
    assert_eq!(to("0010"), "0010_workers");
    assert_eq!(to("0012_rate_limits"), "0012_rate_limits");
    let up = shop.migrate(&["up", "--to", "0014", "--json"]).document(0);
    assert_eq!(up["applied"], serde_json::json!(["0013_api_costs", "0014_concurrency_limits"]));
    let before = shop.listing();
    shop.migrate(&["up", "--to", "0013"]).ends_with(2);
    let wrong = shop.migrate(&["down", "--to", "0016"]);
    wrong.ends_with(2);
    assert!(wrong.err.contains("0014_concurrency_limits"), "{}", wrong.err);
    assert_eq!(shop.listing(), before);
}

#[test]
fn an_edited_migration_is_shown_refused_and_repaired() {
    let shop = behind(1);
    change(&shop, "UPDATE __fieldfen_migrations SET up_digest = 'x' WHERE version = '0002'");
    let status = shop.migrate(&["status"]);
    status.ends_with(5);
    assert!(status.out.contains("edited") && status.err.contains("repair VERSION"), "{status:?}");
    for arguments in [&["up"][..], &["rehearse"], &["plan"], &["down"]] {
        let refused = shop.migrate(arguments);
        refused.ends_with(5);
        assert!(refused.err.contains("0002_job_queue"), "{}", refused.err);
    }
    let repaired = shop.migrate(&["repair", "0002_job_queue", "--by", "ada", "--json"]).document(0);
    assert_eq!(repaired["repaired"], true);
    assert_eq!(shop.migrate(&["repair", "0002", "--by", "ada", "--json"]).document(0)["repaired"], false);
    shop.migrate(&["up"]).ends_with(0);
}

#[test]
fn ten_at_once_make_one_rehearsal_one_backup_and_one_run() {
    let shop = behind(2_000);
    let children: Vec<_> = (0..10).map(|_| shop.spawn(&["up", "--json"])).collect();
    let ended: Vec<_> = children.into_iter().map(|child| ProgramOutput::from(output_of(child)).document(0)).collect();
    for what in ["rehearsed", "backup"] {
        let n = ended.iter().filter(|document| document[what] != false && !document[what].is_null()).count();
        assert_eq!(n, 1, "{what}: {ended:#?}");
    }
    let applied: usize = ended.iter().map(|document| document["applied"].as_array().unwrap().len()).sum();
    assert_eq!((applied, backups(&shop).len()), (1, 1));
    assert_eq!(names(&shop), ["fieldfen.db"]);
}

#[test]
fn two_databases_with_one_folder_of_backups_are_migrated_at_once() {
    let shops = [behind(3_000), behind(3_000)];
    let backups = tempfile::tempdir().unwrap();
    let place = ["up", "--json", "--no-rehearsal", "--backups", backups.path().to_str().unwrap()];
    let children = shops.each_ref().map(|shop| shop.spawn(&place));
    let documents = children.map(|child| ProgramOutput::from(output_of(child)).document(0));
    for (shop, document) in shops.iter().zip(&documents) {
        let backup = document["backup"].as_str().unwrap();
        let mut conn = SqliteConnection::establish(backup).unwrap();
        let first = "(SELECT min(original_filename) FROM files)";
        let first = |conn: &mut SqliteConnection| -> String {
            diesel::select(diesel::dsl::sql::<diesel::sql_types::Text>(first)).get_result(conn).unwrap()
        };
        let live = first(&mut SqliteConnection::establish(shop.database()).unwrap());
        assert_eq!(first(&mut conn), live, "each backup is of its own database");
    }
    assert_ne!(documents[0]["backup"], documents[1]["backup"]);
}

#[test]
fn another_backup_into_the_folder_is_waited_for_within_bounds() {
    let shop = behind(10);
    shop.migrate(&["up", "--no-rehearsal"]).ends_with(0);
    shop.migrate(&["down", "--no-backup"]).ends_with(0);
    let lock = fs::File::open(shop.folder().join("backups/.fieldfen-backup.lock")).unwrap();
    lock.lock().unwrap();
    let migrator = Migrator::new(shop.url()).unwrap().backups(Some(shop.folder().join("backups")));
    let waits = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&waits);
    let migrator = migrator.observer(move |event| {
        let is_wait = matches!(event, MigrateEvent::WaitingForFolder(folder) if folder.ends_with("backups"));
        seen.fetch_add(usize::from(is_wait), Ordering::Relaxed);
    });
    let short = migrator.clone().lock_wait(Duration::from_millis(200)).up().unwrap_err();
    assert!(matches!(short, MigrateError::Backup(BackupError::AlreadyRunning { .. })), "{short:?}");
    assert_eq!(waits.load(Ordering::Relaxed), 1);
    let up = thread::spawn(move || migrator.up().map_err(|error| error.to_string()));
    wait_until("the second run waits", || waits.load(Ordering::Relaxed) == 2);
    assert!(!up.is_finished());
    drop(lock);
    assert_eq!(up.join().unwrap().unwrap().applied.len(), 1);
}

#[test]
fn a_folder_that_another_process_keeps_locked_ends_the_wait_with_its_name() {
    let shop = behind(10);
    let before = shop.listing();
    let folder = fs::File::open(shop.folder().join("data")).unwrap();
    folder.lock().unwrap();
    let migrator = Migrator::new(shop.url()).unwrap().lock_wait(Duration::from_millis(200));
    let error = migrator.up().unwrap_err();
    assert!(matches!(error, MigrateError::FolderInUse { .. }) && error.to_string().contains("data"), "{error}");
    assert_eq!(shop.listing(), before);
}

#[test]
fn what_a_killed_creation_left_is_removed_by_the_next() {
    let shop = Shop::new();
    let is_there = || {
        let entries = fs::read_dir(shop.folder().join("data")).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name()).any(|name| name.to_str().unwrap().starts_with(".fieldfen-new-"))
    };
    let mut left = false;
    for _ in 0..100 {
        let mut child = shop.spawn(&["up"]);
        while !is_there() && child.try_wait().unwrap().is_none() {}
        child.kill().unwrap();
        exit_status(&mut child);
        left = is_there();
        if left {
            break;
        }
        fs::remove_dir_all(shop.folder().join("data")).unwrap();
    }
    assert!(left, "no kill was in time");
    shop.migrate(&["up"]).ends_with(0);
    assert_eq!(names(&shop), ["fieldfen.db"]);
}

#[test]
fn a_signal_during_the_rehearsal_leaves_nothing() {
    let shop = behind(20_000);
    let before = fs::read(shop.database()).unwrap();
    for signal in ["INT", "TERM", "HUP"] {
        let is_there = || names(&shop).iter().any(|name| name.starts_with(".fieldfen-rehearsal-"));
        let mut child = shop.spawn(&["up"]);
        wait_until("the rehearsal is under way", is_there);
        let pid = child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap().success());
        assert_eq!(exit_status(&mut child).code(), None, "{signal} ends the process");
        assert!(!is_there(), "{signal}: {:?}", names(&shop));
        assert_eq!(fs::read(shop.database()).unwrap(), before, "{signal}");
    }
    assert!(backups(&shop).is_empty());
}

#[test]
fn what_a_killed_rehearsal_left_is_removed_by_the_next() {
    let shop = behind(20_000);
    let before = fs::read(shop.database()).unwrap();
    let is_there = || names(&shop).iter().any(|name| name.starts_with(".fieldfen-rehearsal-"));
    let mut child = shop.spawn(&["rehearse"]);
    wait_until("the rehearsal is under way", is_there);
    child.kill().unwrap();
    exit_status(&mut child);
    assert!(is_there());
    assert_eq!(fs::read(shop.database()).unwrap(), before);
    shop.migrate(&["rehearse"]).ends_with(0);
    assert_eq!(names(&shop), ["fieldfen.db", "fieldfen.db-rehearsal.json"]);
}

#[test]
fn programs_write_during_the_rehearsal_and_lose_nothing() {
    let shop = behind(5_000);
    let database = shop.database().to_owned();
    let mut writer = SqliteConnection::establish(&database).unwrap();
    writer.batch_execute("PRAGMA busy_timeout = 60000").unwrap();
    let child = shop.spawn(&["up", "--json"]);
    let written = thread::spawn(move || {
        for n in 0..200 {
            let insert = "INSERT INTO files (id, original_filename, status) VALUES";
            writer.batch_execute(&format!("{insert} ('new-{n}', 'x', 'ingested')")).unwrap();
        }
    });
    ProgramOutput::from(output_of(child)).ends_with(0);
    written.join().unwrap();
    let mut conn = SqliteConnection::establish(&database).unwrap();
    let rows = diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>("(SELECT count(*) FROM files)"));
    assert_eq!(rows.get_result::<i64>(&mut conn), Ok(5_200));
}
