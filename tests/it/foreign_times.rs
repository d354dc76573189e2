//! Due times and leases in the forms of other programs, with a running worker.

use std::time::Duration;

use fieldfen_domain::JobId;
use fieldfen_domain::job::Payload;
use fieldfen_services::Environment;
use fieldfen_services::queue::{Queue, WaitOutcome};
use fieldfen_services::worker::{ShutdownReport, Task, Worker};
use fieldfen_testkit::wait::{wait_until, with_deadline};
use serde::{Deserialize, Serialize};

use crate::database::Database;

/// After this wait, the job was not due at its time.
const LONG: Duration = Duration::from_secs(120);

#[derive(Debug, Serialize, Deserialize)]
struct Foreign {}

impl Payload for Foreign {
    const KIND: &'static str = "test.foreign";
}

/// Inserts a job that is due in two seconds, by this SQL expression. Returns its id.
fn insert(database: &Database, run_at: &str) -> JobId {
    let id = Environment::system().job_id();
    let sql = format!(
        "INSERT INTO jobs (id, command_type, status, payload_json, run_at)
         VALUES ('{id}', 'test.foreign', 'pending', '{{}}', {run_at})"
    );
    database.foreign().execute_batch(&sql).unwrap();
    id
}

#[test]
fn jobs_whose_due_times_have_any_form_are_done_within_seconds_of_them() {
    let database = Database::new();
    let forms = [
        "strftime('%Y-%m-%dT%H:%M:%S', 'now', '+2 seconds')",
        "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+2 seconds')",
        "strftime('%Y-%m-%d %H:%M:%S+00:00', 'now', '+2 seconds')",
        "strftime('%Y-%m-%dT%H:%M:%S+09:00', 'now', '+9 hours', '+2 seconds')",
        "strftime('%Y-%m-%d %H:%M:%S-07:00', 'now', '-7 hours', '+2 seconds')",
        "datetime('now', '+2 seconds')",
        "strftime('%s', 'now', '+2 seconds') + 0",
        "strftime('%s', 'now', '+2 seconds') * 1000",
        "strftime('%s', 'now', '+2 seconds') + 0.25",
        "julianday('now', '+2 seconds')",
        "date('now')",
    ];
    let jobs = forms.map(|form| (form, insert(&database, form)));
    let later = insert(&database, "strftime('%s', 'now', '+1 day') + 0");
    let queue = Queue::new(database.store(), Environment::system());
    let worker =
        Worker::builder(database.store(), Environment::system()).handle(|_: Task<Foreign>| ()).start().unwrap();
    for (form, id) in jobs {
        assert_eq!(queue.wait_for(&id, LONG).unwrap(), WaitOutcome::Completed { result: None }, "{form}");
        let early = format!("SELECT count(*) FROM jobs WHERE id = '{id}' AND started_at < run_at");
        assert_eq!(database.number(&early), 0, "{form}: it ran before it was due");
    }
    assert_eq!(queue.wait_for(&later, Duration::ZERO).unwrap(), WaitOutcome::TimedOut);
    worker.stop_handle().stop();
    assert_eq!(with_deadline("the worker has stopped", || worker.join()).unwrap(), ShutdownReport::default());
}

#[test]
fn leases_that_end_at_no_time_or_in_a_year_are_reclaimed_by_a_worker() {
    let database = Database::new();
    let ends = ["'soon'", "x'00'", "datetime('now', '+1 year')", "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')", "'9999'"];
    let jobs = ends.map(|expires_at| {
        let id = insert(&database, "datetime('now')");
        let sql = format!(
            "UPDATE jobs SET status = 'running', lease_token = '{id}', lease_expires_at = {expires_at} WHERE id = '{id}'"
        );
        database.foreign().execute_batch(&sql).unwrap();
        (expires_at, id)
    });
    let worker =
        Worker::builder(database.store(), Environment::system()).handle(|_: Task<Foreign>| ()).start().unwrap();
    for (expires_at, id) in jobs {
        // A row whose lease has no valid end cannot be read before it is reclaimed.
        let done = format!("SELECT count(*) FROM jobs WHERE id = '{id}' AND status = 'completed' AND attempts = 1");
        wait_until(&format!("the job whose lease ends at {expires_at} is done"), || database.number(&done) == 1);
    }
    worker.stop_handle().stop();
    assert_eq!(with_deadline("the worker has stopped", || worker.join()).unwrap(), ShutdownReport::default());
}
