//! Rows that other programs have damaged: they end, with what hangs on them, and keep nothing else from going on.

use fieldfen_domain::PageRequest;
use fieldfen_domain::file::FileStatus;
use fieldfen_domain::job::{JobKind, WorkerName};
use fieldfen_domain::store::{Store as _, StoreError};
use fieldfen_services::Environment;
use fieldfen_services::queue::Queue;
use fieldfen_services::recurring::take_due;
use fieldfen_testkit::fixtures::{at, file_id, file_in, recurring, upscale_job};

use crate::database::Database;

/// A database with a file that waits for a job which nobody can read.
fn with_unreadable_job() -> Database {
    let database = Database::new();
    let store = database.store();
    store
        .write::<_, StoreError, _>(|s| {
            let id = file_in(s, 1, FileStatus::Processing)?;
            s.jobs().enqueue(&upscale_job(1, id))
        })
        .unwrap();
    database.foreign().execute_batch("UPDATE jobs SET max_retries = 'many'").unwrap();
    database
}

fn assert_failed(database: &Database, queue: &Queue<fieldfen_persistence::SqliteStore>) {
    let file = database.store().read(|s| s.files().find(&file_id(1))).unwrap().unwrap();
    assert_eq!(file.state.status(), FileStatus::Failed);
    let dead = queue.dead_letters(PageRequest::first(9)).unwrap();
    assert_eq!((dead.items.len(), dead.unreadable.len()), (0, 1), "{dead:?}");
}

#[test]
fn the_file_of_a_job_that_a_claim_cannot_read_fails_with_it() {
    let database = with_unreadable_job();
    let queue = Queue::new(database.store(), Environment::system());
    let kinds = [JobKind::UpscaleImage].into();
    let claims = queue.claim(&kinds, 9, std::time::Duration::from_secs(60), &WorkerName::new("ours")).unwrap();
    assert_eq!((claims.jobs.len(), claims.unreadable.len()), (0, 1));
    assert_failed(&database, &queue);
}

#[test]
fn the_file_of_a_job_that_a_reclaim_cannot_read_fails_with_it() {
    for set in ["status = 'running', lease_expires_at = '2025-01-01 00:00:00'", "priority = 7"] {
        let database = with_unreadable_job();
        database.foreign().execute_batch(&format!("UPDATE jobs SET {set}")).unwrap();
        let queue = Queue::new(database.store(), Environment::system());
        assert_eq!(queue.reclaim(9).unwrap(), []);
        assert_failed(&database, &queue);
    }
}

#[test]
fn recurring_work_that_cannot_be_read_keeps_no_other_from_running() {
    let database = Database::new();
    let store = database.store();
    for name in ["broken", "whole"] {
        store.write(|s| s.recurring().define(&recurring(name, "0 * * * *", at(0)))).unwrap();
    }
    database.foreign().execute_batch("UPDATE recurring_jobs SET next_at = 'soon' WHERE name = 'broken'").unwrap();
    assert_eq!(take_due(&store, &Environment::system()).unwrap().jobs.len(), 1);
}
