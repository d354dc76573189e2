//! Another process keeps the database locked.

use std::thread;
use std::time::{Duration, Instant};

use fieldfen_domain::store::{Store as _, StoreError};
use fieldfen_persistence::SqliteOptions;
use fieldfen_testkit::wait::scope_with_deadline;
use fieldfen_tests::commands::WORK_KIND;
use fieldfen_tests::event::Event;

use crate::database::Database;
use crate::process::Process;

fn patience(time: Duration) -> SqliteOptions {
    let mut options = SqliteOptions::default();
    options.busy_timeout = time;
    options
}

#[test]
fn a_lock_held_for_longer_than_the_timeout_is_busy_and_not_before() {
    const TIMEOUT: Duration = Duration::from_millis(400);
    let database = Database::new();
    let mut foreigner = Process::start(database.path(), "interpret").wait_until_ready();
    foreigner.run("lock");
    let store = database.store_with(&patience(TIMEOUT)).unwrap();
    scope_with_deadline("all writers have their answers", |scope| {
        // One writer, then several that share their waits.
        for _ in 0..3 {
            scope.spawn(|| {
                let began = Instant::now();
                let error = store.write(|_| Ok(())).unwrap_err();
                let elapsed = began.elapsed();
                let StoreError::Busy { waited_ms, .. } = error else { panic!("{error:?}") };
                assert!(elapsed >= TIMEOUT, "{elapsed:?}");
                assert!((400..=elapsed.as_millis()).contains(&u128::from(waited_ms)), "{waited_ms} ms of {elapsed:?}");
            });
        }
    });
    assert_eq!(store.read(|s| s.jobs().count()).unwrap(), [], "readers wait for nobody");
    foreigner.run("unlock");
    store.write(|_| Ok(())).unwrap();
    foreigner.close();
}

#[test]
fn a_lock_given_up_within_the_timeout_is_waited_for() {
    let database = Database::new();
    let mut foreigner = Process::start(database.path(), "interpret").wait_until_ready();
    foreigner.run("lock");
    let mut worker = Process::start(database.path(), "--busy-timeout-ms 100000 interpret").wait_until_ready();
    worker.run("open");
    worker.send("enqueue 1 10");
    thread::sleep(Duration::from_millis(50));
    foreigner.run("unlock");
    assert!(matches!(worker.next_event(), Some(Event::Enqueued(_))));
    worker.close();
    foreigner.close();
}

#[test]
fn a_store_can_be_opened_and_read_while_the_database_is_locked() {
    let database = Database::new();
    database.enqueue(WORK_KIND, 2);
    let mut foreigner = Process::start(database.path(), "interpret").wait_until_ready();
    foreigner.run("lock");
    let mut worker = Process::start(database.path(), "--busy-timeout-ms 50 interpret").wait_until_ready();
    assert_eq!(worker.run("open"), []);
    assert_eq!(worker.run("count"), [Event::Counted(2)]);
    let failure = worker.run_refused("claim 1000");
    assert!(failure.kind == "busy" && failure.waited_ms >= 50, "{failure:?}");
    foreigner.kill();
    assert!(matches!(worker.run("claim 1000").as_slice(), [Event::Claimed(_)]), "a lock ends with its process");
    worker.close();
}

#[test]
fn maintenance_of_a_locked_database_is_no_error() {
    let database = Database::new();
    database.enqueue(WORK_KIND, 2000);
    let mut foreigner = Process::start(database.path(), "interpret").wait_until_ready();
    foreigner.run("lock");
    let mut worker = Process::start(database.path(), "--busy-timeout-ms 50 interpret").wait_until_ready();
    worker.run("open");
    assert_eq!(worker.run("maintain"), []);
    foreigner.kill();
    worker.close();
}
