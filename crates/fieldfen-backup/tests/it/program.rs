//! The program `fieldfen-backup`, run by an operator or by cron.

use std::fs;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use fieldfen_persistence::migrations::{self, DataLoss};
use fieldfen_persistence::{OpenMode, connect};

use crate::shop_harness::{Shop, all_paths};

#[test]
fn a_run_says_where_the_backup_is_and_what_it_holds() {
    let shop = Shop::with_files(3);
    let run = shop.backup(&["run"]);
    run.ends_with(0);
    let names = shop.names();
    assert!(names[0].starts_with("fieldfen-20") && names[0].ends_with(".db"), "{names:?}");
    assert!(run.out.starts_with(&format!("backups/{}: ", names[0])) && run.out.ends_with("checked\n"), "{}", run.out);

    let document = shop.backup(&["run", "--json", "--dir", "elsewhere/deep"]).document(0);
    assert_eq!((&document["rows"]["files"], &document["compared"]), (&3.into(), &true.into()));
    assert!(shop.folder().join(document["backup"].as_str().unwrap()).is_file());
    assert_eq!(document["removed"], serde_json::json!([]));
}

#[test]
fn the_folder_is_that_of_the_shop_file_whatever_else_is_in_it() {
    let shop = Shop::with_files(1);
    let rules = shop.folder().join("fieldfen.toml");
    fs::write(&rules, "approval = \"of a newer version\"\n[backups]\nfolder = \"nightly\"\nkeep = 7\n").unwrap();
    let made = shop.backup(&["run", "--json"]).document(0);
    assert!(made["backup"].as_str().unwrap().starts_with("nightly/"), "{made}");
    let made = shop.backup(&["run", "--json", "--dir", "elsewhere"]).document(0);
    assert!(made["backup"].as_str().unwrap().starts_with("elsewhere/"), "{made}");
    for wrong in ["[backups]\nfolder = 7\n", "[backups]\nfolder = \"\"\n", "backups = \"nightly\"\n"] {
        fs::write(&rules, wrong).unwrap();
        let refused = shop.backup(&["run"]);
        refused.ends_with(2);
        assert!(refused.err.contains("backups"), "{wrong}: {}", refused.err);
    }
}

#[test]
fn a_missing_a_damaged_and_a_wrong_database_are_told_apart() {
    let shop = Shop::with_files(0);
    for (database, code, says) in [
        ("none.db", 3, "there is no such file"),
        ("garbage.db", 6, "not a database"),
        (":memory:", 2, "in memory"),
        ("postgres://db/shop", 2, "sqlite://"),
    ] {
        fs::write(shop.folder().join("garbage.db"), "a text of more than a hundred bytes, ".repeat(5)).unwrap();
        let refused = shop.backup(&["run", "--database", database]);
        refused.ends_with(code);
        assert!(refused.err.contains(says), "{}", refused.err);
        assert_eq!((refused.err.lines().count(), refused.out.as_str()), (1, ""));
        assert!(!shop.backups().exists() && !shop.folder().join("none.db").exists());
        let document = shop.backup(&["run", "--json", "--database", database]).document(code);
        assert_eq!(document["error"]["exit_code"], code);
    }
}

#[test]
fn a_second_backup_into_the_same_folder_is_refused_while_one_runs() {
    let shop = Shop::with_files(1);
    shop.backup(&["run"]).ends_with(0);
    let lock = fs::File::open(shop.backups().join(".fieldfen-backup.lock")).unwrap();
    lock.lock().unwrap();
    let refused = shop.backup(&["run"]);
    refused.ends_with(4);
    assert!(refused.err.contains("another backup"), "{}", refused.err);
}

#[test]
fn an_older_schema_is_backed_up_before_it_is_migrated() {
    let shop = Shop::with_files(1);
    let mut conn = connect(&shop.url(), OpenMode::ExistingOnly).unwrap();
    let all = migrations::status(&mut conn).unwrap().into_iter().rev().map(|status| status.migration);
    let newer: Vec<_> = all.filter(|migration| migration.version != "0001").collect();
    migrations::revert(&mut conn, &newer, DataLoss::Allow).unwrap();
    let document = shop.backup(&["run", "--json"]).document(0);
    assert_eq!((document["schema"].as_str(), &document["rows"]["files"]), (Some("0001_initial_schema"), &1.into()));
}

#[test]
fn names_with_line_ends_and_escape_sequences_are_printed_harmlessly_and_kept_in_the_document() {
    let shop = Shop::with_files(1);
    let dir = "a\u{1b}]0;owned\u{7}\nremoved b";
    let run = shop.backup(&["run", "--dir", dir]);
    run.ends_with(0);
    assert!(run.out.starts_with("a\\u{1b}]0;owned\\u{7}\\nremoved b/fieldfen-"), "{}", run.out);
    assert_eq!(run.out.lines().count(), 1);
    let document = shop.backup(&["run", "--json", "--dir", dir]).document(0);
    assert!(document["backup"].as_str().unwrap().starts_with(dir));
    let refused = shop.backup(&["run", "--database", "no\u{1b}[2J\nsuch.db"]);
    refused.ends_with(3);
    assert!(refused.err.contains("no\\u{1b}[2J\\nsuch.db"), "{}", refused.err);
}

#[test]
fn a_database_that_another_program_holds_exclusively_is_busy() {
    let shop = Shop::with_files(1);
    let mut holder = SqliteConnection::establish(shop.database()).unwrap();
    holder.batch_execute("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; DELETE FROM files; COMMIT").unwrap();
    let before = all_paths(shop.folder());
    let refused = shop.backup(&["run"]);
    refused.ends_with(4);
    assert_eq!(all_paths(shop.folder()), before);
    // An ordinary write transaction blocks no backup.
    drop(holder);
    let mut writer = SqliteConnection::establish(shop.database()).unwrap();
    writer.batch_execute("BEGIN IMMEDIATE; DELETE FROM files").unwrap();
    shop.backup(&["run"]).ends_with(0);
}

#[test]
fn a_stdout_that_is_full_or_closed_has_its_code() {
    let shop = Shop::with_files(1);
    let full = shop.shell("\"$1\" run > /dev/full");
    full.ends_with(8);
    assert!(full.err.contains("cannot write to stdout"), "{}", full.err);
    shop.shell("\"$1\" run >&-").ends_with(0);
    shop.shell("{ \"$1\" run; echo $? >&2; } | true");
    let gone = shop.shell("{ \"$1\" run --json; echo \"code $?\" >&2; } | sleep 0");
    assert!(gone.err.contains("code 0"), "{}", gone.err);
    let closed = shop.shell("\"$1\" run --database none.db 2>&-");
    assert_eq!(closed.code, 3);
}
