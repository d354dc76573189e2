//! Files and folders that must not be written.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use fieldfen_tests::duty::WORK_KIND;
use fieldfen_tests::fact::Fact;

use crate::database::Database;
use crate::process::{Process, WORKER, arguments};

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A worker that is not root, whom no permissions stop.
fn unprivileged(database: &Database) -> Process {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return Process::start(database.path(), "obey").until_ready();
    }
    // The folder of the tests' programs may be closed to others.
    let program = database.folder().join("worker");
    // Another process copies it: a child of another thread that inherits the open copy would keep it from running.
    assert!(Command::new("cp").arg(WORKER).arg(&program).status().unwrap().success());
    set_mode(&program, 0o755);
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
    Process::spawn(command.args(arguments(database.path(), "obey"))).until_ready()
}

/// Whether somebody without privileges can be told from root here.
fn can_drop_privileges() -> bool {
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    !root || Command::new("setpriv").args(["--reuid=65534", "true"]).status().is_ok_and(|status| status.success())
}

#[test]
fn what_must_not_be_written_is_said_so_and_stays_as_it_was() {
    if !can_drop_privileges() {
        return fieldfen_testkit::skipped("root cannot drop its privileges here");
    }
    for (file, folder) in [(0o444, 0o755), (0o444, 0o777), (0o666, 0o755)] {
        let database = Database::new();
        database.enqueue(WORK_KIND, 3);
        fs::remove_file(database.beside("-lock")).unwrap();
        let before = fs::read(database.path()).unwrap();
        let mut worker = unprivileged(&database);
        set_mode(database.path(), file);
        set_mode(database.folder(), folder);
        let refusal = worker.ask_in_vain("open");
        println!("file {file:o}, folder {folder:o}: {refusal:?}");
        assert_eq!(refusal.kind, "read-only");
        assert!(refusal.message.contains("check the permissions of the file, of the files beside it"), "{refusal:?}");
        worker.dismiss();
        if file == 0o444 {
            for ending in ["-wal", "-shm", "-lock"] {
                assert!(!database.beside(ending).exists(), "{ending} would keep the owner from writing");
            }
        }
        assert_eq!(fs::read(database.path()).unwrap(), before);
        set_mode(database.folder(), 0o777);
        // SQLite gives the files beside the database the same permissions, and so must a user that changes them.
        for ending in ["", "-wal", "-shm"] {
            if database.beside(ending).exists() {
                set_mode(&database.beside(ending), 0o666);
            }
        }
        let mut worker = unprivileged(&database);
        assert_eq!(worker.ask("open"), []);
        assert!(matches!(worker.ask("enqueue 1 10").as_slice(), [Fact::Enqueued(_)]));
        assert_eq!(worker.ask("count"), [Fact::Counted(4)]);
        worker.dismiss();
    }
}
