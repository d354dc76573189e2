//! The program `fieldfen-backup` as an operator or cron runs it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use fieldfen_persistence::{OpenMode, connect, migrations};

use crate::program::{Shop, unprivileged};

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
fn a_file_that_may_not_grow_is_an_error_and_leaves_the_earlier_backup() {
    let shop = Shop::with_files(10_000);
    shop.backup(&["run"]).ends_with(0);
    let names = shop.names();
    let backup = shop.backups().join(&names[0]);
    let before = fs::read(&backup).unwrap();
    // Blocks of 512 bytes: enough for the log's index, but not for the copy.
    let limited = "ulimit -f 256; exec \"$1\" run";
    let refused = shop.shell(limited);
    refused.ends_with(8);
    assert!(refused.err.contains("no backup of ") && refused.err.lines().count() == 1, "{}", refused.err);
    assert_eq!((shop.names(), fs::read(&backup).unwrap()), (names, before));
}

#[test]
fn under_a_limit_on_the_size_of_files_a_backup_that_fits_is_made() {
    let shop = Shop::with_files(1);
    shop.shell("ulimit -f 100000; exec \"$1\" run").ends_with(0);
    assert_eq!(shop.names().len(), 1);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let shop = Shop::with_files(1);
    fs::create_dir(shop.backups()).unwrap();
    fs::set_permissions(shop.backups(), fs::Permissions::from_mode(0o555)).unwrap();
    let refused = unprivileged(&shop, "chown -R 65534:65534 data", &["run"]);
    refused.ends_with(7);
    assert!(refused.err.contains("backups"), "{}", refused.err);
}

#[test]
fn an_older_schema_is_backed_up_before_it_is_migrated() {
    let shop = Shop::with_files(1);
    let mut conn = connect(&shop.url(), OpenMode::ExistingOnly).unwrap();
    while migrations::status(&mut conn).unwrap().iter().filter(|status| status.applied).count() > 1 {
        migrations::revert_last(&mut conn).unwrap();
    }
    let document = shop.backup(&["run", "--json"]).document(0);
    assert_eq!((document["schema"].as_str(), &document["rows"]["files"]), (Some("0001_initial_schema"), &1.into()));
}
