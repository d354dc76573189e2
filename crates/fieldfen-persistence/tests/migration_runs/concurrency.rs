//! Several runs at once: one works, the others wait and find nothing to do.

use std::sync::Barrier;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use fieldfen_domain::store::StoreError;
use fieldfen_persistence::migrations::MigrationEvent;

use super::*;

#[test]
fn of_ten_runs_at_once_one_applies_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    SqliteConnection::establish(path.to_str().unwrap()).unwrap().batch_execute("CREATE TABLE t (n)").unwrap();
    let barrier = Barrier::new(10);
    let migrations = one("CREATE TABLE eggs (n)", "DROP TABLE eggs");
    let applied: Vec<_> = std::thread::scope(|scope| {
        let run = |_| {
            scope.spawn(|| {
                // No busy timeout: this connection does not wait by itself.
                let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
                barrier.wait();
                MigrationRun::new(&migrations).run(&mut conn).unwrap().applied.len()
            })
        };
        let runs: Vec<_> = (0..10).map(run).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert_eq!(applied.iter().sum::<usize>(), 20, "{applied:?}");
    assert_eq!(applied.iter().filter(|applied| **applied > 0).count(), 1, "{applied:?}");
}

#[test]
fn a_run_that_does_not_get_the_lock_says_that_it_waits_and_gives_up() {
    let shop = Shop::new();
    let mut other = SqliteConnection::establish(shop.path().to_str().unwrap()).unwrap();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let mut waits = 0;
    let mut conn = SqliteConnection::establish(shop.path().to_str().unwrap()).unwrap();
    let migrations = one("CREATE TABLE eggs (n)", "DROP TABLE eggs");
    let observer = |event: &MigrationEvent<'_>| {
        waits += usize::from(matches!(event, MigrationEvent::WaitingForLock { .. }));
    };
    let run = MigrationRun::new(&migrations).lock_wait(Duration::from_millis(100)).observer(observer);
    let error = run.run(&mut conn).unwrap_err();
    assert!(matches!(error, MigrationError::Store(StoreError::Busy { waited_ms: 100.., .. })), "{error:?}");
    assert!(waits > 0);
    other.batch_execute("ROLLBACK").unwrap();
    MigrationRun::new(&migrations).run(&mut conn).unwrap();
}

#[test]
fn a_transaction_of_the_caller_is_refused_and_stays_open() {
    let shop = Shop::new();
    let mut conn = shop.conn();
    conn.batch_execute("BEGIN; INSERT INTO painted VALUES ('mine')").unwrap();
    let migrations = one("CREATE TABLE eggs (n)", "DROP TABLE eggs");
    let error = MigrationRun::new(&migrations).run(&mut conn).unwrap_err();
    assert!(error.to_string().contains("foreign_keys"), "{error}");
    conn.batch_execute("COMMIT").unwrap();
    assert_eq!(number(&mut conn, "SELECT count(*) FROM painted"), 1);
}
