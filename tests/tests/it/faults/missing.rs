//! The database is deleted or replaced while a store has it open.

use std::fs;

use fieldfen_domain::job::{JobKind, NewJob};
use fieldfen_domain::store::{Store as _, StoreError};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;

use crate::database::{Database, migrate};

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
        // An acknowledged write would go into a file that nobody finds again.
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
    assert!(format!("{error:?}").contains("open it anew"), "{error:?}");
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
