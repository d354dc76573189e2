//! Commits of other processes. No test waits for a timer: where a test is about events, polls without events are an
//! hour apart.
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::job::Retry;
use fieldfen_domain::store::{Session, Store, StoreError, Watch};
use fieldfen_testkit::fixtures::{at, claim_ref, claim_request, failure, file, job};
use fieldfen_testkit::wait::{PATIENCE, output, scope_with_deadline, wait_until};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::PollIntervals;
use super::file_events::{FileEvents, StopSignal};
use super::poll_schedule::ObservedEvents;
use super::wake_file::WakeFile;
use crate::sqlite::file::replaced_files::DatabaseFile;
use crate::{OpenMode, SqliteOptions, SqliteStore, SqliteUrl, connect, migrations};

const HOUR: Duration = Duration::from_secs(3600);

/// Intervals at which only events cause a poll.
const EVENTS_ONLY: PollIntervals =
    PollIntervals { with_events: HOUR, without_events: HOUR, try_again: HOUR, after_write: Duration::from_millis(20) };

/// The environment variable with the path of the database, for a test that runs itself again as another process.
const DATABASE: &str = "FIELDFEN_TEST_DATABASE";

fn migrated(folder: &Path) -> PathBuf {
    let path = folder.join("shop.db");
    migrations::run_pending(&mut connect(&SqliteUrl::from(path.as_path()), OpenMode::CreateIfMissing).unwrap())
        .unwrap();
    path
}

fn open(path: &Path) -> SqliteStore {
    open_with(path, EVENTS_ONLY)
}

fn open_with(path: &Path, intervals: PollIntervals) -> SqliteStore {
    SqliteStore::open(path.to_str().unwrap()).unwrap().with_poll_intervals(intervals)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}{ending}", path.display()))
}

fn enqueue(store: &SqliteStore, number: u64) {
    store.write(|s| s.jobs().enqueue(&job(number))).unwrap();
}

/// A watch that has finished its first poll and the polls that follow it.
fn watch(store: &SqliteStore) -> Box<dyn Watch> {
    let mut watch = store.watch().unwrap();
    assert!(!watch.wait(Duration::from_millis(50)).unwrap());
    watch
}

fn must_wake(watch: &mut Box<dyn Watch>) {
    assert!(watch.wait(PATIENCE).unwrap(), "no commit has woken the watch within {PATIENCE:?}");
}

/// The database that the parent process has given; `None` in the parent process.
fn given_database() -> Option<PathBuf> {
    std::env::var_os(DATABASE).map(PathBuf::from)
}

/// Runs a test in another process, with this database.
fn run_as_process(test: &str, database: &Path) {
    let name = format!("sqlite::watch::tests::{test}");
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = output(command.args(["--exact", &name]).env(DATABASE, database).stdin(Stdio::null()));
    let has_run = String::from_utf8_lossy(&output.stdout).contains("running 1 test");
    assert!(has_run && output.status.success(), "{output:?}");
}

#[test]
fn a_commit_of_another_process_wakes_a_watch() {
    if let Some(path) = given_database() {
        return enqueue(&open(&path), 77);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(folder.path());
    let store = open(&path);
    let mut watch = watch(&store);
    run_as_process("a_commit_of_another_process_wakes_a_watch", &path);
    must_wake(&mut watch);
    assert_eq!(store.read(|s| s.jobs().count()).unwrap().len(), 1);
}

#[test]
fn a_commit_of_a_program_that_knows_nothing_of_fieldfen_wakes_a_watch() {
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(folder.path());
    let store = open(&path);
    let mut foreign = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    foreign.batch_execute("PRAGMA busy_timeout = 60000").unwrap();
    let mut watch = watch(&store);
    let closer = watch.closer();
    scope_with_deadline("the watch has returned", |scope| {
        let waiting = scope.spawn(|| watch.wait(HOUR).unwrap());
        // Between the event and the end of its commit, this process may be stopped for longer than the watcher polls
        // for the commit.
        for number in 0..1000 {
            if waiting.is_finished() {
                break;
            }
            let insert = format!("INSERT INTO api_usage (service, request_count) VALUES ('x', {number})");
            foreign.batch_execute(&insert).unwrap();
            thread::sleep(Duration::from_millis(30));
        }
        closer.close();
        assert!(waiting.join().unwrap());
    });
}

#[test]
fn each_of_many_stores_on_one_file_notices_each_commit_of_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(folder.path());
    let stores: Vec<_> = (0..8).map(|_| open(&path)).collect();
    let mut watches: Vec<_> = stores.iter().map(watch).collect();
    for (number, store) in (1..).zip(&stores) {
        enqueue(store, number);
        watches.iter_mut().for_each(must_wake);
    }
}

#[test]
fn a_store_has_one_watcher_however_many_watches_and_it_ends_with_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(folder.path());
    let (store, other) = (open(&path), open(&path));
    let mut watches: Vec<_> = (0..5).map(|_| watch(&store)).collect();
    enqueue(&other, 1);
    watches.iter_mut().for_each(must_wake);
    let held = Arc::downgrade(store.writer());
    assert_eq!(held.strong_count(), 2, "the store's and its watcher's");
    drop(store);
    assert_eq!(held.strong_count(), 0);
    assert!(!watches[0].wait(Duration::ZERO).unwrap());
}

/// The events of the files beside a database, and the signal that ends waits for them.
fn events(path: &Path) -> (FileEvents, Arc<StopSignal>) {
    let (file, stop) = (DatabaseFile::remember(path).unwrap(), Arc::new(StopSignal::new().unwrap()));
    let wake_file = Arc::new(WakeFile::of(&file));
    (FileEvents::open(wake_file, file.beside("-wal"), Arc::clone(&stop)).unwrap(), stop)
}

/// Reads the events that have arrived.
fn told(events: &mut FileEvents) -> io::Result<ObservedEvents> {
    events.wait(Duration::ZERO)
}

fn touched(events: &mut FileEvents) -> bool {
    told(events).unwrap().touched
}

#[test]
fn only_commits_that_may_make_a_job_due_are_announced_to_other_processes() {
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(folder.path());
    let store = open(&path);
    let (mut events, _stop) = events(&path);
    let mut touches = |write: &dyn Fn(&mut dyn Session) -> Result<(), StoreError>| {
        store.write(|s| write(s)).unwrap();
        touched(&mut events)
    };
    assert!(touches(&|s| (1..5).try_for_each(|number| s.jobs().enqueue(&job(number)).map(drop))));
    assert!(!touches(&|s| s.jobs().claim(&claim_request(1, 4, at(0))).map(drop)));
    assert!(!touches(&|s| s.jobs().heartbeat(&claim_ref(1, 1), None, at(1), Duration::from_secs(60)).map(drop)));
    assert!(!touches(&|s| s.jobs().complete(&claim_ref(1, 1), None, at(1)).map(drop)));
    let fail = |number, retry| {
        move |s: &mut dyn Session| s.jobs().fail(&claim_ref(number, 1), &failure("no", retry, at(1))).map(drop)
    };
    assert!(touches(&fail(2, Retry::At(at(9)))));
    assert!(!touches(&fail(3, Retry::Never)));
    assert!(touches(&|s| s.jobs().release(&claim_ref(4, 1), at(1), at(1)).map(drop)));
    assert!(!touches(&|s| s.files().insert(&file(1)).map(drop)));
}

#[test]
fn a_wake_file_that_is_deleted_replaced_or_emptied_is_made_anew_and_watched() {
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(folder.path());
    let (mut events, _stop) = events(&path);
    let database = DatabaseFile::remember(&path).unwrap();
    let at_path = database.beside("-wake");
    let replace: [&dyn Fn(); 3] = [
        &|| fs::remove_file(&at_path).unwrap(),
        &|| {
            fs::write(folder.path().join("new"), "").unwrap();
            fs::rename(folder.path().join("new"), &at_path).unwrap();
        },
        &|| drop(File::create(&at_path).unwrap()),
    ];
    for replace in replace {
        let old = WakeFile::of(&database);
        old.touch();
        assert!(touched(&mut events));
        replace();
        assert!(touched(&mut events), "another process may have touched the new file already");
        assert!(fs::metadata(&at_path).unwrap().is_file());
        assert!(!touched(&mut events));
        old.touch();
        assert!(touched(&mut events), "by a process that has not noticed");
        WakeFile::of(&database).touch();
        assert!(touched(&mut events), "by a process that opens it now");
    }
}

#[test]
fn a_store_whose_wake_file_cannot_be_used_works_without_it_and_says_so_once() {
    let log = Log::get();
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(folder.path());
    let wake_file = beside(&path, "-wake");
    let polling = PollIntervals { without_events: Duration::from_millis(1), try_again: Duration::ZERO, ..EVENTS_ONLY };
    let (store, other) = (open_with(&path, polling), open(&path));
    let mut watch = watch(&store);
    // The watcher may create the file again in between.
    while fs::create_dir(&wake_file).is_err() {
        let _ = fs::remove_file(&wake_file);
    }
    for number in 1..5 {
        enqueue(&open(&path), number);
        must_wake(&mut watch);
    }
    enqueue(&other, 5);
    must_wake(&mut watch);
    let late = log.lines(&path, "file notifications not available");
    assert_eq!(late.len(), 1, "{late:?}");
    fs::remove_dir(&wake_file).unwrap();
    wait_until("files are watched again", || {
        let again = !log.lines(&path, "file notifications available again").is_empty();
        if !again {
            watch.wait(Duration::from_millis(5)).unwrap();
        }
        again
    });
    // The announced events, and no other polls.
    enqueue(&other, 6);
    must_wake(&mut watch);
}

#[test]
fn a_store_without_file_notifications_neither_makes_the_wake_file_nor_needs_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(folder.path());
    let options = SqliteOptions { file_notifications: false, ..SqliteOptions::default() };
    let open = || SqliteStore::open_with(path.to_str().unwrap(), &options).unwrap();
    let (store, other) = (open(), open());
    let mut watch = watch(&store);
    for number in 1..5 {
        enqueue(&other, number);
        must_wake(&mut watch);
    }
    assert!(!beside(&path, "-wake").exists());
}

#[test]
fn a_store_whose_process_may_not_watch_files_notices_commits_all_the_same() {
    let Some(path) = given_database() else {
        let folder = tempfile::tempdir().unwrap();
        return run_as_process(
            "a_store_whose_process_may_not_watch_files_notices_commits_all_the_same",
            &migrated(folder.path()),
        );
    };
    let polling = PollIntervals { without_events: Duration::from_millis(1), ..EVENTS_ONLY };
    let (store, other) = (open_with(&path, polling), open(&path));
    let log = Log::get();
    enqueue(&other, 1);
    let all_files: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    let mut watch = store.watch().unwrap();
    enqueue(&other, 2);
    must_wake(&mut watch);
    drop(all_files);
    assert_eq!(log.lines(&path, "file notifications not available").len(), 1);
}

#[test]
fn a_thousand_stores_that_are_opened_and_closed_leave_neither_descriptors_nor_threads() {
    let Some(path) = given_database() else {
        let folder = tempfile::tempdir().unwrap();
        return run_as_process(
            "a_thousand_stores_that_are_opened_and_closed_leave_neither_descriptors_nor_threads",
            &migrated(folder.path()),
        );
    };
    let count = |what: &str| fs::read_dir(format!("/proc/self/{what}")).unwrap().count();
    // Closing the last connection to the file would cost a flush of the disk each time.
    let other = open(&path);
    let open_one = || {
        let store = open(&path);
        let mut watch = store.watch().unwrap();
        watch.wait(Duration::from_micros(100)).unwrap();
        watch
    };
    let (files, threads) = (count("fd"), count("task"));
    for _ in 0..1000 {
        open_one();
    }
    // SQLite keeps a few descriptors for later connections while another connection has the file open.
    let left = (count("fd").saturating_sub(files), count("task").saturating_sub(threads));
    assert!(left.0 < 10 && left.1 == 0, "{left:?} descriptors and threads are left");
    let store = open(&path);
    let mut watch = watch(&store);
    assert_eq!(count("task"), threads + 1);
    enqueue(&other, 1);
    must_wake(&mut watch);
}

/// The log of this process.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn get() -> Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        let log = LOG.get_or_init(|| {
            let log = Self::default();
            tracing::subscriber::set_global_default(log.clone()).unwrap();
            log
        });
        log.clone()
    }

    /// The warnings and lesser messages about this database that contain this text.
    fn lines(&self, database: &Path, text: &str) -> Vec<String> {
        let name = database.parent().unwrap().to_str().unwrap();
        self.0.lock().unwrap().iter().filter(|line| line.contains(name) && line.contains(text)).cloned().collect()
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        struct Text(String);
        impl Visit for Text {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                self.0.push_str(&format!("{field}={value:?} "));
            }
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        self.0.lock().unwrap().push(text.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
