//! Links, pipes, sockets and folders where a backup needs a file or a folder.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use fieldfen_backup::{BackupError, PRIVATE, back_up};
use fieldfen_testkit::wait::output;

use crate::now;
use crate::shop_harness::{Shop, all_paths};

fn pipe(path: &Path) {
    rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
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
    let before = all_paths(shop.folder());
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
        assert_eq!(all_paths(shop.folder()), before, "{dir}");
    }
    let ended = output(shop.command(&["run", "--dir"]).arg(OsStr::from_bytes(b"new/no\xfftext")));
    assert_eq!(ended.status.code(), Some(2));
    assert_eq!(all_paths(shop.folder()), before);
    shop.backup(&["run", "--keep", "0"]).ends_with(2);
    assert_eq!(all_paths(shop.folder()), before);
    let empty = at("empty.db");
    fs::write(&empty, "").unwrap();
    let refused = shop.backup(&["run", "--dir", "a/b/c", "--database", empty.to_str().unwrap()]);
    refused.ends_with(5);
    assert!(refused.err.contains("has no tables"), "{}", refused.err);
    fs::remove_file(empty).unwrap();
    assert_eq!(all_paths(shop.folder()), before);
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
