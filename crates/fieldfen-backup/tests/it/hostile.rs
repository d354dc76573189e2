//! Backups beside hostile files: links, FIFOs, wrong names, missing permissions and full disks.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Instant;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use fieldfen_backup::{BackupError, PRIVATE, back_up, remove_old};
use fieldfen_domain::store::Store;
use fieldfen_persistence::SqliteStore;
use fieldfen_testkit::wait::{PATIENCE, exit_status, output};

use crate::program::{Shop, is_root, unprivileged};
use crate::{now, today};

/// Every path under a folder, without the folder itself.
fn everything(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            }
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

fn pipe(path: &Path) {
    rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
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
fn a_copy_is_its_owners_alone_also_while_it_is_written_and_never_more_readable_than_the_database() {
    let shop = Shop::with_files(20_000);
    let database = Path::new(shop.database());
    let backup = |run: &[&str]| {
        let watched = shop.backups();
        let mut child = shop.spawn(run);
        let mut seen = Vec::new();
        let began = Instant::now();
        while child.try_wait().unwrap().is_none() && began.elapsed() < PATIENCE {
            let entries = fs::read_dir(&watched).into_iter().flatten().flatten();
            seen.extend(entries.filter_map(|entry| Some((entry.file_name(), entry.metadata().ok()?.mode() & 0o777))));
        }
        assert!(exit_status(&mut child).success());
        seen
    };
    let mut watched = 0;
    for (source, wanted, expected) in
        [(0o600, "640", 0o600), (0o644, "600", 0o600), (0o640, "644", 0o640), (0o644, "644", 0o644)]
    {
        fs::set_permissions(database, Permissions::from_mode(source)).unwrap();
        let seen = backup(&["run", "--mode", wanted]);
        let partial: Vec<_> = seen.iter().filter(|(name, _)| name.as_bytes().ends_with(b".partial")).collect();
        assert!(partial.iter().all(|(_, mode)| mode & !expected == 0), "{source:o} {partial:?}");
        watched += partial.len();
        let name = shop.names().pop().unwrap();
        assert_eq!(mode(&shop.backups().join(name)), expected, "of {source:o}, wanted {wanted}");
    }
    assert!(watched > 0, "not one copy was seen while it was written");
    // The umask may remove more permissions.
    assert_eq!(mode(&shop.backups()) & !0o050, 0o700);
    assert_eq!(mode(&shop.backups().join(".fieldfen-backup.lock")), 0o600);
    // By default, only the owner has access, to the folder too.
    shop.backup(&["run", "--dir", "private"]).ends_with(0);
    let private = shop.folder().join("private");
    assert_eq!(mode(&private), 0o700);
    assert!(everything(&private).iter().all(|path| mode(path) == 0o600), "{:?}", everything(&private));
    for refused in ["777", "200", "-1", "rw", "1600", "0"] {
        shop.backup(&["run", &format!("--mode={refused}")]).ends_with(2);
    }
}

#[test]
fn what_stands_in_the_way_is_named_at_once_and_nothing_is_left_behind() {
    let shop = Shop::with_files(1);
    let at = |name: &str| shop.folder().join(name);
    fs::write(at("file"), "").unwrap();
    pipe(&at("pipe"));
    let _socket = UnixListener::bind(at("socket")).unwrap();
    symlink("loop", at("loop")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    let before = everything(shop.folder());
    for (dir, code, says) in [
        ("file", 2, "a file is there"),
        ("pipe", 2, "a pipe is there"),
        ("socket", 2, "a socket is there"),
        ("loop", 1, "symbolic links"),
        ("dangling", 2, "a symbolic link"),
        ("file/below", 1, "Not a directory"),
        ("", 2, "value"),
    ] {
        let refused = shop.backup(&["run", "--dir", dir]);
        refused.ends_with(code);
        assert!(refused.err.contains(says), "{dir}: {}", refused.err);
        assert_eq!(everything(shop.folder()), before, "{dir}");
    }
    let ended = output(shop.command(&["run", "--dir"]).arg(OsStr::from_bytes(b"new/no\xfftext")));
    assert_eq!(ended.status.code(), Some(2));
    assert_eq!(everything(shop.folder()), before);
    shop.backup(&["run", "--keep", "0"]).ends_with(2);
    assert_eq!(everything(shop.folder()), before);
    let empty = at("empty.db");
    fs::write(&empty, "").unwrap();
    let refused = shop.backup(&["run", "--dir", "a/b/c", "--database", empty.to_str().unwrap()]);
    refused.ends_with(5);
    assert!(refused.err.contains("has no tables"), "{}", refused.err);
    fs::remove_file(empty).unwrap();
    assert_eq!(everything(shop.folder()), before);
}

#[test]
fn a_lock_that_is_a_link_or_a_pipe_is_refused_at_once() {
    let shop = Shop::with_files(1);
    shop.backup(&["run"]).ends_with(0);
    let lock = shop.backups().join(".fieldfen-backup.lock");
    fs::remove_file(&lock).unwrap();
    symlink("../victim", &lock).unwrap();
    let refused = shop.backup(&["run"]);
    refused.ends_with(1);
    assert!(refused.err.contains("a symbolic link"), "{}", refused.err);
    assert!(!shop.folder().join("victim").exists());
    fs::remove_file(&lock).unwrap();
    pipe(&lock);
    let refused = shop.backup(&["run"]);
    refused.ends_with(1);
    assert!(refused.err.contains("a pipe"), "{}", refused.err);
}

#[test]
fn what_has_the_name_of_todays_backup_is_refused_before_anything_is_copied() {
    let shop = Shop::with_files(1);
    let back_up = || back_up(&shop.url(), &shop.backups(), now(), PRIVATE);
    let backup = back_up().unwrap().backup;
    for suffix in ["", ".partial", ".partial-journal", ".partial-wal"] {
        fs::remove_file(&backup).ok();
        let blocked = PathBuf::from(format!("{}{suffix}", backup.display()));
        for (make, says) in [
            (&|path: &Path| fs::create_dir(path).unwrap(), "a folder"),
            (&|path: &Path| symlink("nowhere", path).unwrap(), "a symbolic link"),
            (&|path: &Path| pipe(path), "a pipe"),
        ] as [(&dyn Fn(&Path), &str); 3]
        {
            make(&blocked);
            let error = back_up().unwrap_err();
            assert!(matches!(&error, BackupError::Blocked { path, .. } if *path == blocked), "{error:?}");
            assert!(error.to_string().contains(says), "{error}");
            assert_eq!(shop.names(), [blocked.file_name().unwrap().to_str().unwrap()]);
            if blocked.is_dir() { fs::remove_dir(&blocked).unwrap() } else { fs::remove_file(&blocked).unwrap() }
        }
    }
    back_up().unwrap();
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
fn a_user_who_may_only_read_backs_up_and_leaves_nothing_beside_the_database() {
    let shop = Shop::with_files(5);
    for journal in ["wal", "delete"] {
        let mut conn = SqliteConnection::establish(shop.database()).unwrap();
        conn.batch_execute(&format!("PRAGMA journal_mode = {journal}")).unwrap();
        drop(conn);
        let database = Path::new(shop.database());
        let data_folder = database.parent().unwrap();
        let set_modes = |file, folder| {
            fs::set_permissions(database, Permissions::from_mode(file)).unwrap();
            fs::set_permissions(data_folder, Permissions::from_mode(folder)).unwrap();
        };
        // Root becomes another user, to whom the owner's permissions do not apply.
        if is_root() {
            set_modes(0o644, 0o755)
        } else {
            set_modes(0o444, 0o555)
        }
        let data = everything(data_folder);
        let before = fs::read(database).unwrap();
        fs::create_dir(shop.backups()).unwrap();
        let run = unprivileged(&shop, "chown 65534:65534 backups", &["run", "--json"]);
        assert_eq!(run.document(0)["rows"]["files"], 5, "{journal}");
        assert_eq!(everything(data_folder), data, "{journal}");
        assert_eq!(fs::read(database).unwrap(), before, "{journal}");
        set_modes(0o644, 0o755);
        fs::remove_dir_all(shop.backups()).unwrap();
    }
}

#[test]
fn a_folder_in_a_folder_without_permission_is_named_and_ends_with_7() {
    let shop = Shop::with_files(1);
    fs::set_permissions(shop.database(), Permissions::from_mode(0o644)).unwrap();
    fs::create_dir(shop.folder().join("closed")).unwrap();
    fs::set_permissions(shop.folder().join("closed"), Permissions::from_mode(0o500)).unwrap();
    let refused = unprivileged(&shop, ":", &["run", "--dir", "closed/backups"]);
    refused.ends_with(7);
    assert!(refused.err.contains("closed/backups"), "{}", refused.err);
}

#[test]
fn a_database_that_another_program_holds_exclusively_is_busy() {
    let shop = Shop::with_files(1);
    let mut holder = SqliteConnection::establish(shop.database()).unwrap();
    holder.batch_execute("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; DELETE FROM files; COMMIT").unwrap();
    let before = everything(shop.folder());
    let refused = shop.backup(&["run"]);
    refused.ends_with(4);
    assert_eq!(everything(shop.folder()), before);
    // An ordinary write transaction blocks no backup.
    drop(holder);
    let mut writer = SqliteConnection::establish(shop.database()).unwrap();
    writer.batch_execute("BEGIN IMMEDIATE; DELETE FROM files").unwrap();
    shop.backup(&["run"]).ends_with(0);
}

#[test]
#[ignore = "needs the right to mount a file system: run it as root"]
fn a_full_disk_ends_with_8_and_leaves_the_earlier_backup_and_nothing_else() {
    let shop = Shop::with_files(20_000);
    let small = shop.folder().join("small");
    fs::create_dir(&small).unwrap();
    let mount = "mount -t tmpfs -o size=1m tmpfs small";
    let script = format!(
        "{mount}; mkdir small/b; echo old > small/b/fieldfen-20260101.db; for dir in small/b small/new/deep; do \
         \"$1\" run --dir $dir; echo $?; find small; done"
    );
    let run = shop.shell(&format!("unshare --mount sh -c '{script}' sh \"$1\""));
    let left = "small\nsmall/b\nsmall/b/.fieldfen-backup.lock\nsmall/b/fieldfen-20260101.db\n";
    let sorted = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&run.out), sorted(&format!("8\n{left}8\n{left}")), "{run:?}");
    assert!(run.err.lines().count() == 2 && run.err.contains("no backup of "), "{}", run.err);
}

#[test]
#[ignore = "needs the right to mount a file system: run it as root"]
fn a_database_on_a_full_disk_is_backed_up_to_another_one() {
    let shop = Shop::with_files(1);
    fs::create_dir(shop.folder().join("small")).unwrap();
    let mount = "mount -t tmpfs -o size=1m tmpfs small";
    let script = format!(
        "{mount}; cp \"$2\" small/shop.db; cat /dev/zero > small/ballast 2> no-space; \"$1\" run --database small/shop.db \
         --dir elsewhere > answer; echo $?; ls -A small elsewhere"
    );
    let run = shop.shell(&format!("unshare --mount sh -c '{script}' sh \"$1\" \"$DATABASE_URL\""));
    run.ends_with(0);
    assert!(run.out.starts_with("0\n") && run.out.contains("small:\nballast\nshop.db\n"), "{run:?}");
    assert!(run.out.contains("\nfieldfen-"), "{run:?}");
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
