//! A full disk: a limit on the size of files, and a file system that is really full.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use fieldfen_domain::JobId;
use fieldfen_tests::event::Event;

use crate::audit::{enqueued, ids};
use crate::database::{Database, foreign, migrate};
use crate::process::{PROGRAM, Process, arguments};

/// The kind of the store's error when there is no room for a write.
const NO_ROOM: &[&str] = &["full"];

/// Fills the database until the store refuses writes with errors of these kinds, makes room, and fills it further.
/// Returns the acknowledged jobs.
fn fill(worker: &mut Process, kinds: &[&str], make_room: impl FnOnce(&mut Process)) -> BTreeSet<JobId> {
    let mut events = worker.run("enqueue 400 4000");
    let refused: Vec<&Event> = events.iter().filter(|event| matches!(event, Event::StoreFailed(_))).collect();
    assert!(!refused.is_empty() && refused.len() < 400, "{} of 400 writes were refused", refused.len());
    for event in refused {
        let Event::StoreFailed(failure) = event else { continue };
        assert!(kinds.contains(&failure.kind.as_str()), "{failure:?}");
    }
    let acknowledged = ids(&events, enqueued).len() as u64;
    assert_eq!(worker.run("count"), [Event::Counted(acknowledged)], "reading goes on, and sees what was acknowledged");
    make_room(worker);
    let afterwards = worker.run("enqueue 20 4000");
    assert_eq!(ids(&afterwards, enqueued).len(), 20, "{:?}", afterwards.first());
    assert_eq!(worker.run("count"), [Event::Counted(acknowledged + 20)]);
    events.extend(afterwards);
    ids(&events, enqueued).into_iter().collect()
}

/// Asserts that the file contains exactly these jobs.
fn assert_holds(path: &Path, jobs: &BTreeSet<JobId>) {
    let conn = foreign(path);
    let mut statement = conn.prepare("SELECT id FROM jobs").unwrap();
    let held: BTreeSet<JobId> = statement
        .query_map([], |row| row.get::<_, String>(0))
        .unwrap()
        .map(|id| id.unwrap().parse().unwrap())
        .collect();
    assert_eq!(&held, jobs);
    let check: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
}

#[test]
fn at_a_limit_on_the_size_of_files_nothing_acknowledged_is_lost_and_nothing_refused_is_left() {
    for threads in [1, 4] {
        let database = Database::new();
        let mut shell = Command::new("sh");
        shell.args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#, PROGRAM]);
        shell.args(arguments(database.path(), &format!("interpret --threads {threads}")));
        let mut worker = Process::spawn(&mut shell).wait_until_ready();
        worker.run("open");
        assert_eq!(worker.run("limit-files 1500000"), []);
        let jobs = fill(&mut worker, NO_ROOM, |worker| {
            worker.run("limit-files none");
        });
        worker.close();
        assert_holds(database.path(), &jobs);
    }
}

#[test]
fn at_a_limit_on_the_pages_of_the_database_nothing_acknowledged_is_lost_and_nothing_refused_is_left() {
    // A write that shares a transaction with the failing one is lost too, and gets the same error.
    for threads in [1, 4] {
        let database = Database::new();
        let mut worker = Process::start(database.path(), &format!("interpret --threads {threads}")).wait_until_ready();
        assert_eq!(worker.run("limit-pages 200"), []);
        worker.run("open");
        let jobs = fill(&mut worker, &["full"], |worker| {
            for command in ["close", "limit-pages none", "open"] {
                assert_eq!(worker.run(command), []);
            }
        });
        worker.close();
        assert_holds(database.path(), &jobs);
    }
}

#[test]
#[ignore = "needs the right to mount a file system: run it as root"]
fn on_a_full_file_system_nothing_acknowledged_is_lost_and_nothing_refused_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let small = folder.path().join("small");
    fs::create_dir(&small).unwrap();
    let template = folder.path().join("template.db");
    migrate(&template);
    // The mount is in its own namespace and ends with the worker.
    let mount = r#"mount -t tmpfs -o size=3m tmpfs "$1" || exit 9"#;
    let script =
        format!(r#"{mount}; cp "$2" "$1/shop.db"; head -c 2000000 /dev/zero > "$1/ballast"; shift 2; exec "$0" "$@""#);
    let database = small.join("shop.db");
    let mut shell = Command::new("unshare");
    shell.args(["--mount", "sh", "-c", &script, PROGRAM]).args([&small, &template]);
    shell.args(arguments(&database, "interpret --threads 3"));
    let mut worker = Process::spawn(&mut shell).wait_until_ready();
    worker.run("open");
    // The path of the worker's view of the file system.
    let seen = PathBuf::from(format!("/proc/{}/root", worker.id())).join(small.strip_prefix("/").unwrap());
    let jobs = fill(&mut worker, NO_ROOM, |_| fs::remove_file(seen.join("ballast")).unwrap());
    worker.run("close");
    let rescued = folder.path().join("rescued.db");
    fs::copy(seen.join("shop.db"), &rescued).unwrap();
    assert!(!seen.join("shop.db-wal").exists(), "the last connection has emptied the log");
    worker.close();
    assert_holds(&rescued, &jobs);
}

#[test]
#[ignore = "needs the right to mount a file system: run it as root"]
fn a_file_system_without_room_for_the_index_of_the_log_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let small = folder.path().join("small");
    fs::create_dir(&small).unwrap();
    let template = folder.path().join("template.db");
    migrate(&template);
    let mount = r#"mount -t tmpfs -o size=1m tmpfs "$1" || exit 9"#;
    let script =
        format!(r#"{mount}; cp "$2" "$1/shop.db"; cat /dev/zero > "$1/ballast" 2> /dev/null; shift 2; exec "$0" "$@""#);
    let mut shell = Command::new("unshare");
    shell.args(["--mount", "sh", "-c", &script, PROGRAM]).args([&small, &template]);
    shell.args(arguments(&small.join("shop.db"), "interpret --threads 1"));
    let mut worker = Process::spawn(&mut shell).wait_until_ready();
    let answer = worker.run("open");
    assert!(matches!(&answer[..], [Event::StoreFailed(failure)] if failure.kind == "full"), "{answer:?}");
    worker.close();
}
