//! Rows that other programs have damaged: they end together with the rows that depend on them, and block nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fieldfen_domain::PageRequest;
use fieldfen_domain::file::FileStatus;
use fieldfen_domain::job::{JobKind, JobStatus, UpscaleImage, WorkerName};
use fieldfen_domain::store::{MaintenanceReport, ReadSession, Session, Store, StoreError, Watch};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;
use fieldfen_services::pipeline::FileFailureHook;
use fieldfen_services::queue::Queue;
use fieldfen_services::recurring::take_due;
use fieldfen_services::worker::{ShutdownReport, Task, Worker};
use fieldfen_testkit::fixtures::{at, file_id, file_in, job_id, recurring, token, upscale_job};
use fieldfen_testkit::wait::with_deadline;

use crate::database::Database;

/// A database with a file that waits for an unreadable job.
fn with_unreadable_job() -> Database {
    let database = Database::new();
    let store = database.store();
    store
        .write(|s| {
            let id = file_in(s, 1, FileStatus::Processing)?;
            s.jobs().enqueue(&upscale_job(1, id))
        })
        .unwrap();
    database.foreign().execute_batch("UPDATE jobs SET max_retries = 'many'").unwrap();
    database
}

fn assert_failed(database: &Database, queue: &Queue<SqliteStore>) {
    let file = database.store().read(|s| s.files().find(&file_id(1))).unwrap().unwrap();
    assert_eq!(file.state.status(), FileStatus::Failed);
    let dead = queue.dead_letters(&PageRequest::first(9)).unwrap();
    assert_eq!((dead.items.len(), dead.unreadable.len()), (0, 1), "{dead:?}");
}

#[test]
fn the_file_of_a_job_that_a_claim_cannot_read_fails_with_it() {
    let database = with_unreadable_job();
    let queue = Queue::new(database.store(), Environment::system()).with_failure_hook(FileFailureHook);
    let kinds = [JobKind::UpscaleImage].into();
    let claims = queue.claim(&kinds, 9, Duration::from_secs(60), &WorkerName::new("ours")).unwrap();
    assert_eq!((claims.jobs.len(), claims.unreadable.len()), (0, 1));
    assert_failed(&database, &queue);
}

#[test]
fn the_file_of_a_job_that_a_reclaim_cannot_read_fails_with_it() {
    for set in ["status = 'running', lease_expires_at = '2025-01-01 00:00:00'", "priority = 7"] {
        let database = with_unreadable_job();
        database.foreign().execute_batch(&format!("UPDATE jobs SET {set}")).unwrap();
        let queue = Queue::new(database.store(), Environment::system()).with_failure_hook(FileFailureHook);
        assert_eq!(queue.reclaim(9).unwrap(), []);
        assert_failed(&database, &queue);
    }
}

/// A database with 100 unreadable jobs and one readable job. The leases of all have expired, that of the readable job last.
fn with_unreadable_leases() -> Database {
    let database = with_unreadable_job();
    database
        .store()
        .write(|s| (2..=101).try_for_each(|number| s.jobs().enqueue(&upscale_job(number, file_id(1))).map(drop)))
        .unwrap();
    let (token, readable) = (token(1), job_id(101));
    let sql = format!(
        "UPDATE jobs SET status = 'running', lease_token = '{token}', lease_expires_at = '2025-01-01 00:00:00';
         UPDATE jobs SET max_retries = 'many' WHERE id <> '{readable}';
         UPDATE jobs SET lease_expires_at = '2025-01-02 00:00:00' WHERE id = '{readable}'"
    );
    database.foreign().execute_batch(&sql).unwrap();
    database
}

#[test]
fn a_reclaim_goes_on_behind_a_batch_of_jobs_that_cannot_be_read() {
    let database = with_unreadable_leases();
    let queue = Queue::new(database.store(), Environment::system()).with_failure_hook(FileFailureHook);
    let reclaimed = queue.reclaim(10).unwrap();
    assert_eq!(reclaimed.iter().map(|reclaimed| reclaimed.job.id).collect::<Vec<_>>(), [job_id(101)]);
    assert_eq!(queue.reclaim(10).unwrap(), []);
}

#[test]
fn a_worker_takes_back_in_one_round_what_is_behind_jobs_that_cannot_be_read() {
    let database = with_unreadable_leases();
    let worker = Worker::builder(database.store(), Environment::system()).failure_hook(FileFailureHook);
    let running = worker.handle(|_: Task<UpscaleImage>| ()).start().unwrap();
    running.stop_handle().stop_when_idle();
    assert_eq!(with_deadline("the worker has stopped", || running.join()).unwrap(), ShutdownReport::default());
    let job = database.store().read(|s| s.jobs().find(&job_id(101))).unwrap().unwrap();
    assert_eq!((job.state.status(), job.attempts), (JobStatus::Completed, 1));
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

/// A store whose first write is committed and answered with [`StoreError::OutcomeUnknown`], after another program has run
/// this SQL.
#[derive(Clone)]
struct FirstAnswerLost {
    store: SqliteStore,
    database: Arc<Database>,
    sql: &'static str,
    is_lost: Arc<AtomicBool>,
}

impl Store for FirstAnswerLost {
    fn try_read<T, E, F>(&self, f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn ReadSession) -> Result<T, E>,
    {
        self.store.try_read(f)
    }

    fn try_write<T, E, F>(&self, f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn Session) -> Result<T, E>,
    {
        let answer = self.store.try_write(f)?;
        if self.is_lost.swap(true, Ordering::SeqCst) {
            return Ok(answer);
        }
        self.database.foreign().execute_batch(self.sql).unwrap();
        Err(StoreError::OutcomeUnknown("the test keeps the answer to itself".into()).into())
    }

    fn watch(&self) -> Result<Box<dyn Watch>, StoreError> {
        self.store.watch()
    }

    fn maintain(&self) -> Result<MaintenanceReport, StoreError> {
        self.store.maintain()
    }
}

#[test]
fn a_claim_whose_answer_was_lost_is_recognised_by_the_jobs_that_can_be_read() {
    let database = Arc::new(Database::new());
    let store = database.store();
    store
        .write(|s| {
            let id = file_in(s, 1, FileStatus::Processing)?;
            (1..=2).try_for_each(|number| s.jobs().enqueue(&upscale_job(number, id)).map(drop))
        })
        .unwrap();
    let sql = "UPDATE jobs SET max_retries = 'many' WHERE rowid = (SELECT min(rowid) FROM jobs)";
    let store = FirstAnswerLost { store, database, sql, is_lost: Arc::default() };
    let queue = Queue::new(store, Environment::system());
    let kinds = [JobKind::UpscaleImage].into();
    let claims = queue.claim(&kinds, 9, Duration::from_secs(60), &WorkerName::new("ours")).unwrap();
    let ids: Vec<_> = claims.jobs.iter().map(|claimed| claimed.job.id).collect();
    assert_eq!(ids, [job_id(1), job_id(2)], "as they were when they were claimed");
}

/// Four jobs as a Python program writes them. The payload of the first and the last error of the last are in Latin-1.
const NOT_UTF_8: &str = r#"
    WITH sound(payload) AS (VALUES
        ('{"file_id": "0c5f3a52-6f0e-4a3f-9a57-000000000009", "scale_factor": 4, "target_dpi": 300}'))
    INSERT INTO jobs (id, command_type, status, payload_json, last_error)
    SELECT '0c5f3a52-6f0e-4a3f-9a57-00000000000' || n, 'UpscaleImage', 'pending',
           iif(n = 1, CAST(x'7b226e223a312c2274223a22e9227d' AS TEXT), payload), iif(n = 4, CAST(x'e9' AS TEXT), NULL)
    FROM sound, (SELECT column1 AS n FROM (VALUES (1), (2), (3), (4)))"#;

#[test]
fn a_payload_that_is_not_utf_8_fails_its_job_by_name_and_the_others_run() {
    let database = Database::new();
    database.foreign().execute_batch(NOT_UTF_8).unwrap();
    let worker = Worker::builder(database.store(), Environment::system()).failure_hook(FileFailureHook);
    let running = worker.handle(|_: Task<UpscaleImage>| ()).start().unwrap();
    running.stop_handle().stop_when_idle();
    assert_eq!(with_deadline("the worker has stopped", || running.join()).unwrap(), ShutdownReport::default());
    let queue = Queue::new(database.store(), Environment::system()).with_failure_hook(FileFailureHook);
    let counts = queue.count().unwrap();
    let count = |status| counts.iter().filter(|count| count.status == status).map(|count| count.jobs).sum::<u64>();
    assert_eq!((count(JobStatus::Completed), count(JobStatus::Failed)), (3, 1));
    let dead = queue.dead_letters(&PageRequest::first(9)).unwrap();
    let error = dead.items[0].last_error.as_deref().unwrap();
    assert!(error.contains("000000000001: column payload_json holds") && error.contains(r"\xe9"), "{error}");
}
