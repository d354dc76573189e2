//! The write-ahead log under readers.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use fieldfen_domain::job::{JobActionOutcome, JobKind, NewJob};
use fieldfen_domain::store::Store as _;
use fieldfen_domain::{JobId, RawJson};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;
use fieldfen_testkit::wait::{PATIENCE, RaiseOnDrop, scope_with_deadline, wait_until};

use crate::database::Database;

const MIB: u64 = 1 << 20;

/// The time that a reader stays if there are no commits. It is shorter than the wait of the upkeep.
const LONG_ENOUGH: Duration = Duration::from_millis(20);

/// Writes this many MiB and deletes them again, so that the database itself stays small.
fn write(store: &SqliteStore, mebibytes: u64) {
    let environment = Environment::system();
    for _ in 0..mebibytes * 2 {
        let payload = RawJson::parse(format!("\"{}\"", "x".repeat(512 << 10))).unwrap();
        let id: JobId = environment.job_id();
        let kind = JobKind::custom("test.large").unwrap();
        let job = NewJob::untyped(id, kind, Some(payload), environment.now()).unwrap();
        store.write(|s| s.jobs().enqueue(&job)).unwrap();
        assert_eq!(store.write(|s| s.job_actions().delete(&id)).unwrap(), JobActionOutcome::Done);
    }
}

fn log(database: &Database) -> u64 {
    fs::metadata(database.beside("-wal")).unwrap().len()
}

#[test]
fn the_log_is_cut_back_after_a_long_reader_has_ended() {
    let database = Database::new();
    database.enqueue("test.small", 7);
    let store = database.store();
    let (begun, has_begun) = channel();
    let (end, may_end) = channel();
    scope_with_deadline("the reader has ended", |scope| {
        let store = &store;
        let reader = scope.spawn(move || {
            store.read(|s| {
                let before = s.jobs().count()?;
                begun.send(()).unwrap();
                may_end.recv_timeout(PATIENCE).unwrap();
                Ok((before, s.jobs().count()?))
            })
        });
        has_begun.recv_timeout(PATIENCE).unwrap();
        write(store, 24);
        let grown = log(&database);
        end.send(()).unwrap();
        let (before, after) = reader.join().unwrap().unwrap();
        assert_eq!(before, after, "the reader saw one moment");
        assert!(grown > 24 * MIB, "the reader still needs the state of before: {grown}");
    });
    assert_eq!(store.maintain().unwrap().log_held, None);
    assert_eq!(log(&database), 0);
    write(&store, 1);
    assert_eq!(store.maintain().unwrap().log_held, None);
    assert!(log(&database) < 16 * MIB);
}

#[test]
fn the_log_stays_bounded_under_readers_of_whom_one_is_always_there() {
    let database = Database::new();
    database.enqueue("test.small", 7);
    let store = database.store();
    let (begun, commits, over) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let (mut highest, mut cut) = (0, false);
    scope_with_deadline("all readers have ended", |scope| {
        let _over_at_end = RaiseOnDrop(&over);
        for _ in 0..3 {
            scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    let read = store.read(|s| {
                        s.jobs().count()?;
                        let mine = begun.fetch_add(1, Ordering::SeqCst) + 1;
                        let seen = commits.load(Ordering::SeqCst);
                        // The reader ends after the next one has begun, and after two commits that it does not see, or
                        // after some time, since the upkeep blocks writers while it waits for readers.
                        let began = Instant::now();
                        loop {
                            let next = begun.load(Ordering::SeqCst) > mine;
                            let behind = commits.load(Ordering::SeqCst) >= seen + 2 || began.elapsed() > LONG_ENOUGH;
                            if (next && behind) || over.load(Ordering::SeqCst) {
                                break;
                            }
                            thread::sleep(Duration::from_millis(1));
                        }
                        s.jobs().count()
                    });
                    read.unwrap();
                }
            });
        }
        for _ in 0..10 {
            for _ in 0..8 {
                write(&store, 1);
                commits.fetch_add(1, Ordering::SeqCst);
            }
            highest = highest.max(log(&database));
            // If the machine delays a reader for longer than the upkeep waits, the next upkeep tries again.
            cut = (0..1000).any(|_| {
                let report = store.maintain().unwrap();
                assert!(report.log_held.is_some() || report.log_bytes <= 16 * MIB, "{report:?}");
                report.log_held.is_none()
            });
            if !cut {
                break;
            }
        }
    });
    println!("the log had {} MiB at the most while 80 MiB were written", highest / MIB);
    assert!(cut && highest < 40 * MIB, "{highest}");
}

#[test]
fn the_log_is_cut_back_under_overlapping_readers_of_a_quarter_of_a_second() {
    const STAY: Duration = Duration::from_millis(250);
    let database = Database::new();
    database.enqueue("test.small", 7);
    let (store, theirs) = (database.store(), database.store());
    let (over, reading) = (AtomicBool::new(false), AtomicU64::new(0));
    let (mut highest, mut cuts) = (0, 0);
    scope_with_deadline("all readers have ended", |scope| {
        let _over_at_end = RaiseOnDrop(&over);
        for reader in 0..3 {
            let (theirs, over, reading) = (&theirs, &over, &reading);
            scope.spawn(move || {
                thread::sleep(STAY / 3 * reader);
                while !over.load(Ordering::SeqCst) {
                    let read = theirs.read(|s| {
                        s.jobs().count()?;
                        reading.fetch_add(1, Ordering::SeqCst);
                        thread::sleep(STAY);
                        s.jobs().count()
                    });
                    read.unwrap();
                }
            });
        }
        wait_until("all three readers read", || reading.load(Ordering::SeqCst) >= 3);
        for _ in 0..20 {
            write(&store, 8);
            highest = highest.max(log(&database));
            let report = store.maintain().unwrap();
            cuts += u32::from(report.log_bytes == 0);
            assert!(report.log_held.is_some() || report.log_bytes <= 16 * MIB, "{report:?}");
        }
    });
    println!("the log had {} MiB at the most while 160 MiB were written, and was cut {cuts} times", highest / MIB);
    assert!(cuts > 0 && highest < 150 * MIB, "{highest}, {cuts}");
}
