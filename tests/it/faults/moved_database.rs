//! The database is deleted or replaced while a store has it open.

use std::collections::BTreeSet;
use std::fs;

use fieldfen_domain::JobId;
use fieldfen_domain::job::{JobKind, NewJob};
use fieldfen_domain::store::{Store as _, StoreError};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;
use fieldfen_tests::event::Event;

use crate::audit::{enqueued, ids};
use crate::database::{Database, migrate};
use crate::process::Process;

fn enqueue(store: &SqliteStore) -> Result<(), StoreError> {
    let environment = Environment::system();
    let kind = JobKind::custom("test.work").unwrap();
    let job = NewJob::untyped(environment.job_id(), kind, None, environment.now()).unwrap();
    store.write(|s| s.jobs().enqueue(&job).map(drop))
}

#[test]
fn a_database_that_was_moved_away_takes_no_writes_until_it_is_back() {
    let database = Database::new();
    let store = database.store();
    enqueue(&store).unwrap();
    let elsewhere = database.folder().join("elsewhere.db");
    fs::rename(database.path(), &elsewhere).unwrap();
    for _ in 0..3 {
        // An acknowledged write would go into a file that no program finds again.
        assert!(matches!(enqueue(&store), Err(StoreError::Io(_))));
    }
    assert!(!database.path().exists(), "nothing was made in its place");
    fs::rename(&elsewhere, database.path()).unwrap();
    enqueue(&store).unwrap();
    drop(store);
    assert_eq!(database.number("SELECT count(*) FROM jobs"), 2);
    database.assert_sound();
}

#[test]
fn of_writers_whose_database_is_moved_away_and_back_only_the_acknowledged_writes_are_kept() {
    let database = Database::new();
    let elsewhere = database.folder().join("elsewhere.db");
    let mut worker = Process::start(database.path(), "interpret --threads 3").wait_until_ready();
    worker.run("open");
    let mut noticed = 0;
    for _ in 0..100 {
        if noticed == 5 {
            break;
        }
        worker.send("enqueue 300 10");
        for _ in 0..50 {
            assert!(matches!(worker.next_event(), Some(Event::Enqueued(_))));
        }
        fs::rename(database.path(), &elsewhere).unwrap();
        let refused = loop {
            match worker.next_event() {
                Some(Event::StoreFailed(failure)) => break Some(failure.kind),
                Some(Event::Enqueued(_)) => {}
                // The command had ended before it could notice.
                Some(Event::CommandDone) => break None,
                other => panic!("{other:?}"),
            }
        };
        fs::rename(&elsewhere, database.path()).unwrap();
        if let Some(kind) = refused {
            assert_eq!(kind, "io");
            noticed += 1;
            worker.events_until(&Event::CommandDone, "enqueue");
        }
        assert!(matches!(worker.run("enqueue 1 10").as_slice(), [Event::Enqueued(_)]));
    }
    let events = worker.close();
    let acknowledged: BTreeSet<JobId> = ids(&events, enqueued).into_iter().collect();
    let held: BTreeSet<JobId> = database.texts("SELECT id FROM jobs").iter().map(|id| id.parse().unwrap()).collect();
    assert_eq!(held, acknowledged);
    assert!(noticed > 0, "nobody noticed");
    database.assert_sound();
}

#[test]
fn a_writer_whose_database_is_deleted_acknowledges_nothing_once_it_has_noticed() {
    let database = Database::new();
    let mut worker = Process::start(database.path(), "interpret").wait_until_ready();
    worker.run("open");
    worker.send("enqueue 300 10");
    for _ in 0..50 {
        assert!(matches!(worker.next_event(), Some(Event::Enqueued(_))));
    }
    for ending in ["", "-wal", "-shm"] {
        fs::remove_file(database.beside(ending)).unwrap();
    }
    // The command may have ended before.
    worker.send("enqueue 1 10");
    let events = worker.close();
    let noticed = events.iter().position(|event| matches!(event, Event::StoreFailed(_))).unwrap();
    let after = &events[noticed..];
    assert!(
        after.iter().all(|event| matches!(event, Event::StoreFailed(failure) if failure.kind == "io")
            || *event == Event::CommandDone)
    );
    assert!(!database.path().exists(), "nothing was made in its place");
}

#[test]
fn a_deleted_database_is_an_error_until_another_one_is_opened() {
    let database = Database::new();
    let store = database.store();
    enqueue(&store).unwrap();
    for ending in ["", "-wal", "-shm"] {
        fs::remove_file(database.beside(ending)).unwrap();
    }
    assert!(matches!(enqueue(&store), Err(StoreError::Io(_))));
    migrate(database.path());
    let error = enqueue(&store).unwrap_err();
    assert!(format!("{error:?}").contains("open the database anew"), "{error:?}");
    let anew = database.store();
    enqueue(&anew).unwrap();
    drop((store, anew));
    assert_eq!(database.number("SELECT count(*) FROM jobs"), 1);
    database.assert_sound();
}

#[test]
fn a_database_that_was_replaced_takes_no_writes_from_a_store_of_the_old_one() {
    let database = Database::new();
    let store = database.store();
    enqueue(&store).unwrap();
    let other = Database::new();
    other.enqueue("test.work", 5);
    fs::rename(other.path(), database.path()).unwrap();
    for ending in ["-wal", "-shm"] {
        fs::remove_file(database.beside(ending)).unwrap();
    }
    for _ in 0..3 {
        let error = enqueue(&store).unwrap_err();
        assert!(matches!(error, StoreError::Io(_)), "{error:?}");
    }
    drop(store);
    let anew = database.store();
    enqueue(&anew).unwrap();
    drop(anew);
    assert_eq!(database.number("SELECT count(*) FROM jobs"), 6);
    database.assert_sound();
}
