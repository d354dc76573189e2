//! Files and folders without write permission.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use fieldfen_tests::commands::WORK_KIND;
use fieldfen_tests::event::Event;

use crate::database::Database;
use crate::process::{PROGRAM, Process, arguments};

/// A user without files.
const NOBODY: u32 = 65_534;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A worker that does not run as root, since permissions do not stop root.
fn unprivileged(database: &Database) -> Process {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return Process::start(database.path(), "interpret").wait_until_ready();
    }
    // Other users may lack access to the folder of the test programs.
    let program = database.folder().join("worker");
    // Another process copies the program: a child of another thread that inherits the open copy would keep it from
    // running.
    assert!(Command::new("cp").arg(PROGRAM).arg(&program).status().unwrap().success());
    set_mode(&program, 0o755);
    let mut command = Command::new(program);
    command.args(arguments(database.path(), "interpret")).uid(NOBODY).gid(NOBODY);
    Process::spawn(&mut command).wait_until_ready()
}

#[test]
fn what_must_not_be_written_is_said_so_and_stays_as_it_was() {
    for (file, folder) in [(0o444, 0o755), (0o444, 0o777), (0o666, 0o755)] {
        let database = Database::new();
        database.enqueue(WORK_KIND, 3);
        for ending in ["-lock", "-lock-queue"] {
            fs::remove_file(database.beside(ending)).unwrap();
        }
        let before = fs::read(database.path()).unwrap();
        let mut worker = unprivileged(&database);
        set_mode(database.path(), file);
        set_mode(database.folder(), folder);
        let failure = worker.run_refused("open");
        println!("file {file:o}, folder {folder:o}: {failure:?}");
        assert_eq!(failure.kind, "read-only");
        assert!(
            failure.message.contains("check the permissions") && failure.message.contains("its folder"),
            "{failure:?}"
        );
        worker.close();
        if file == 0o444 {
            for ending in ["-wal", "-shm", "-lock", "-lock-queue"] {
                assert!(!database.beside(ending).exists(), "{ending} would keep the owner from writing");
            }
        }
        assert_eq!(fs::read(database.path()).unwrap(), before);
        set_mode(database.folder(), 0o777);
        // SQLite gives the files beside the database its permissions. A user who changes them must change all three
        // files.
        for ending in ["", "-wal", "-shm"] {
            if database.beside(ending).exists() {
                set_mode(&database.beside(ending), 0o666);
            }
        }
        let mut worker = unprivileged(&database);
        assert_eq!(worker.run("open"), []);
        assert!(matches!(worker.run("enqueue 1 10").as_slice(), [Event::Enqueued(_)]));
        assert_eq!(worker.run("count"), [Event::Counted(4)]);
        worker.close();
    }
}
