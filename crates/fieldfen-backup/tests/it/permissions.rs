//! The users who may read a backup, and runs of users who may not write.

use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Instant;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use fieldfen_testkit::wait::{PATIENCE, exit_status};

use crate::shop_harness::{Shop, all_paths, is_root, unprivileged};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
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
    assert!(all_paths(&private).iter().all(|path| mode(path) == 0o600), "{:?}", all_paths(&private));
    for refused in ["777", "200", "-1", "rw", "1600", "0"] {
        shop.backup(&["run", &format!("--mode={refused}")]).ends_with(2);
    }
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
        let data = all_paths(data_folder);
        let before = fs::read(database).unwrap();
        fs::create_dir(shop.backups()).unwrap();
        let run = unprivileged(&shop, "chown 65534:65534 backups", &["run", "--json"]);
        assert_eq!(run.document(0)["rows"]["files"], 5, "{journal}");
        assert_eq!(all_paths(data_folder), data, "{journal}");
        assert_eq!(fs::read(database).unwrap(), before, "{journal}");
        set_modes(0o644, 0o755);
        fs::remove_dir_all(shop.backups()).unwrap();
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let shop = Shop::with_files(1);
    fs::create_dir(shop.backups()).unwrap();
    fs::set_permissions(shop.backups(), Permissions::from_mode(0o555)).unwrap();
    let refused = unprivileged(&shop, "chown -R 65534:65534 data", &["run"]);
    refused.ends_with(7);
    assert!(refused.err.contains("backups"), "{}", refused.err);
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
