//! The files that a run removes from the folder of backups, and those that it keeps.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use fieldfen_backup::{BackupError, PRIVATE, back_up, remove_old};
use fieldfen_domain::store::Store;
use fieldfen_persistence::SqliteStore;

use crate::shop_harness::Shop;
use crate::{now, today};

#[test]
fn old_backups_go_and_other_files_stay() {
    let shop = Shop::with_files(1);
    fs::create_dir(shop.backups()).unwrap();
    for name in
        ["fieldfen-20260101.db", "fieldfen-20260102.db", "fieldfen-20261123.db", "notes.txt", "shop-20200101.db"]
    {
        fs::write(shop.backups().join(name), "x").unwrap();
    }
    back_up(&shop.url(), &shop.backups(), now(), PRIVATE).unwrap();
    let removed = remove_old(&shop.url(), &shop.backups(), today(), 2).unwrap().removed;
    let named = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let removed: Vec<_> = removed.iter().map(|path| named(path)).collect();
    assert_eq!(removed, ["fieldfen-20260102.db", "fieldfen-20260101.db"]);
    assert_eq!(shop.names(), ["fieldfen-20261123.db", "fieldfen-20261124.db", "notes.txt", "shop-20200101.db"]);
}

#[test]
fn only_names_that_this_program_makes_are_removed_and_a_folder_stops_nothing() {
    let shop = Shop::with_files(1);
    shop.backup(&["run"]).ends_with(0);
    let mine = [
        "fieldfen-my.db.partial.keep",
        "fieldfen-.db.partial",
        "fieldfen-20200101.db.partial.keep",
        "fieldfen-20200101.db.partial-wal2",
        "fieldfen-20200230.db.partial",
        "fieldfen-20200101.db.partial ",
        "fieldfen-20200106.db-wal",
        "fieldfen-20200101.db.bak",
    ];
    for name in mine {
        fs::write(shop.backups().join(name), "mine").unwrap();
    }
    // The newest backup to remove comes after two that cannot be removed.
    for folder in ["fieldfen-20200105.db", "fieldfen-20200103.db.partial"] {
        fs::create_dir(shop.backups().join(folder)).unwrap();
    }
    fs::write(shop.folder().join("elsewhere"), "mine").unwrap();
    symlink("../elsewhere", shop.backups().join("fieldfen-20200104.db")).unwrap();
    for name in ["fieldfen-20200101.db", "fieldfen-20200102.db", "fieldfen-20200102.db.partial-journal"] {
        fs::write(shop.backups().join(name), "x").unwrap();
    }
    let run = shop.backup(&["run", "--keep", "1"]);
    run.ends_with(0);
    for name in ["fieldfen-20200105.db", "fieldfen-20200104.db", "fieldfen-20200103.db.partial"] {
        assert!(run.err.lines().any(|line| line.contains(name)), "{name} is reported: {}", run.err);
        assert!(shop.backups().join(name).exists());
    }
    let names = shop.names();
    for name in mine {
        assert!(names.iter().any(|there| there == name), "{name} in {names:?}");
    }
    assert!(!names.iter().any(|name| name.contains("20200102") || name == "fieldfen-20200101.db"), "{names:?}");
    let document = shop.backup(&["run", "--keep", "1", "--json"]).document(0);
    let skipped = document["skipped"].as_array().unwrap();
    assert!(skipped.iter().any(|one| one["reason"].as_str().unwrap().contains("a folder")), "{document:#}");
}

#[test]
fn retention_never_removes_the_database_under_whatever_name_it_lies_in_the_folder() {
    for (live, linked) in [
        ("fieldfen-20200101.db", None),
        ("fieldfen-20200101.db", Some("symbolic")),
        ("fieldfen-20200101.db", Some("hard")),
        ("fieldfen-20200101.db.partial", None),
        ("fieldfen-20200101.db.partial", Some("symbolic")),
    ] {
        let shop = Shop::with_files(3);
        fs::create_dir(shop.backups()).unwrap();
        let live = shop.backups().join(live);
        let database = Path::new(shop.database());
        match linked {
            Some("hard") => fs::hard_link(database, &live).unwrap(),
            Some(_) => {
                fs::rename(database, &live).unwrap();
                symlink(&live, database).unwrap();
            }
            None => fs::rename(database, &live).unwrap(),
        }
        let address = if linked.is_some() { database } else { &live };
        // Two newer backups, so that no old one is kept because of the number.
        for day in ["20200102", "20200103"] {
            fs::write(shop.backups().join(format!("fieldfen-{day}.db")), "x").unwrap();
        }
        for _ in 0..2 {
            let run = shop.backup(&["run", "--keep", "1", "--database", address.to_str().unwrap()]);
            // A database with two hard links is not read.
            run.ends_with(if linked == Some("hard") { 3 } else { 0 });
        }
        assert!(live.exists(), "{live:?} {linked:?}");
        if linked == Some("hard") {
            let removed = remove_old(&shop.url(), &shop.backups(), today(), 1).unwrap();
            assert!(live.exists() && matches!(removed.skipped[..], [(_, BackupError::Live { .. })]), "{removed:?}");
        } else {
            let store = SqliteStore::open(address.to_str().unwrap()).unwrap();
            assert_eq!(store.read(|s| s.files().count()).unwrap()[0].1, 3);
        }
        assert!(!shop.backups().join("fieldfen-20200102.db").exists(), "others go");
    }
}

#[test]
fn a_clock_that_was_set_back_is_warned_of_and_removes_nothing() {
    let shop = Shop::with_files(1);
    fs::create_dir(shop.backups()).unwrap();
    for name in ["fieldfen-29990101.db", "fieldfen-29990102.db"] {
        fs::write(shop.backups().join(name), "x").unwrap();
    }
    let run = shop.backup(&["run", "--keep", "1"]);
    run.ends_with(0);
    assert!(run.err.contains("2 backups are of a later day than today"), "{}", run.err);
    assert_eq!(shop.names().len(), 3);
}
