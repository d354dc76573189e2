//! A program with its own tables in the same file.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use fieldfen_domain::RawJson;
use fieldfen_domain::job::{Job, JobStatus, Payload};
use fieldfen_persistence::{OpenMode, SqliteSession, SqliteUrl, connect};
use fieldfen_services::Environment;
use fieldfen_services::Transaction;
use fieldfen_services::queue::{self, Completion, Queue};
use fieldfen_services::worker::{AppliedOutcome, Metrics, Outcome, Task, Worker};
use fieldfen_testkit::wait::with_deadline;
use serde::{Deserialize, Serialize};

use crate::database::Database;

/// An order that is to be booked.
#[derive(Serialize, Deserialize)]
struct Book {
    order: i64,
}

impl Payload for Book {
    const KIND: &'static str = "importer.book";
}

#[derive(Clone, Default)]
struct Endings(Arc<Mutex<Vec<AppliedOutcome>>>);

impl Metrics for Endings {
    fn job_ended(&self, _job: &Job, ended: AppliedOutcome, _took: Duration) {
        self.0.lock().unwrap().push(ended);
    }
}

#[test]
fn a_job_is_completed_in_the_transaction_that_writes_the_programs_own_table() {
    let database = Database::new();
    let url = SqliteUrl::from(database.path());
    let mut conn = connect(&url, OpenMode::ExistingOnly).unwrap();
    conn.batch_execute("CREATE TABLE orders (number INTEGER NOT NULL)").unwrap();
    let queue = Queue::new(database.store(), Environment::system());
    let job = queue.job(&Book { order: 7 }).unwrap();
    queue.enqueue(&job).unwrap();

    let book = move |task: Task<Book>| -> Result<Completion, Outcome> {
        let mut conn = connect(&url, OpenMode::ExistingOnly)?;
        conn.immediate_transaction(|conn| {
            diesel::sql_query("INSERT INTO orders VALUES (?)").bind::<BigInt, _>(task.order).execute(conn)?;
            let mut session = SqliteSession::join(conn)?;
            let mut completion = Completion::new().result("booked");
            if queue::complete(&mut Transaction::new(&mut session), &task.claim(), &mut completion, task.now())?
                .is_done()
            {
                return Ok(());
            }
            Err::<(), Box<dyn std::error::Error + Send + Sync>>("the job is no longer ours".into())
        })?;
        Ok(Completion::new().result("not written, for the job has ended"))
    };
    let endings = Endings::default();
    let worker = Worker::builder(database.store(), Environment::system()).metrics(endings.clone()).handle(book);
    let running = worker.start().unwrap();
    running.stop_handle().stop_when_idle();
    with_deadline("the worker has stopped", || running.join()).unwrap();

    assert_eq!(*endings.0.lock().unwrap(), [AppliedOutcome::Completed]);
    let done = queue.find(&job.id).unwrap().unwrap();
    assert_eq!((done.state.status(), done.result), (JobStatus::Completed, Some(RawJson::parse("\"booked\"").unwrap())));
    let orders = diesel::dsl::sql::<BigInt>("(SELECT sum(number) FROM orders)");
    assert_eq!(diesel::select(orders).get_result::<i64>(&mut conn).unwrap(), 7);
}
