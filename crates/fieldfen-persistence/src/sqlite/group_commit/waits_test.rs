//! The waits of writers: for SQLite's lock, for each other and for the commit of their batch.

use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use fieldfen_domain::store::StoreError;
use fieldfen_testkit::wait::{DeadlineBarrier, scope_with_deadline, wait_until};

use super::tests::{Failure, LONG, committed, foreign, run, writer_with};
use crate::sqlite::connection::options::SqliteOptions;

const SHORT: Duration = Duration::from_millis(200);

fn is_busy(answer: &Result<(), Failure>) -> bool {
    matches!(answer, Err(Failure::Store(StoreError::Busy { .. })))
}

#[test]
fn threads_that_wait_behind_one_another_for_a_foreign_lock_wait_no_longer_than_one() {
    const TIMEOUT: Duration = Duration::from_secs(1);
    let folder = tempfile::tempdir().unwrap();
    let (writer, _) = writer_with(folder.path(), SqliteOptions { busy_timeout: TIMEOUT, ..Default::default() });
    let mut foreign = foreign(folder.path());
    foreign.batch_execute("BEGIN IMMEDIATE").unwrap();
    let began = Instant::now();
    scope_with_deadline("all writers have their answers", |scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let began = Instant::now();
                let answer = run(&writer, "SELECT 1");
                let elapsed = began.elapsed();
                let Err(Failure::Store(StoreError::Busy { waited_ms, .. })) = answer else { panic!("{answer:?}") };
                assert!(elapsed >= TIMEOUT, "{elapsed:?}");
                assert!((1000..=elapsed.as_millis()).contains(&waited_ms.into()), "{waited_ms} ms of {elapsed:?}");
            });
        }
    });
    assert!(began.elapsed() < TIMEOUT * 5, "{:?}", began.elapsed());
    foreign.batch_execute("COMMIT").unwrap();
    run(&writer, "INSERT INTO t (n) VALUES (1)").unwrap();
}

#[test]
fn without_patience_a_write_succeeds_unless_somebody_else_writes() {
    let folder = tempfile::tempdir().unwrap();
    let impatient = SqliteOptions { busy_timeout: Duration::ZERO, ..Default::default() };
    let (writer, _) = writer_with(folder.path(), impatient);
    run(&writer, "INSERT INTO t (n) VALUES (1)").unwrap();
    let mut foreign = foreign(folder.path());
    foreign.batch_execute("BEGIN IMMEDIATE").unwrap();
    let answer = run(&writer, "SELECT 1");
    assert!(is_busy(&answer), "{answer:?}");
    foreign.batch_execute("COMMIT").unwrap();
    run(&writer, "INSERT INTO t (n) VALUES (2)").unwrap();
    assert_eq!(committed(folder.path()), [1, 2]);
}

#[test]
fn a_closure_that_waits_for_a_thread_that_writes_waits_no_longer_than_the_timeout() {
    let folder = tempfile::tempdir().unwrap();
    let (mut writer, _) = writer_with(folder.path(), SqliteOptions { busy_timeout: SHORT, ..Default::default() });
    writer.max_batch_age = Duration::from_millis(50);
    let began = Instant::now();
    let inside = scope_with_deadline("all writers have their answers", |scope| {
        let mut inside = None;
        writer
            .write::<_, Failure, _>(|session| {
                session.conn.batch_execute("INSERT INTO t (n) VALUES (1)").unwrap();
                inside = Some(scope.spawn(|| run(&writer, "INSERT INTO t (n) VALUES (2)")).join().unwrap());
                Ok(())
            })
            .unwrap();
        inside.unwrap()
    });
    let Err(Failure::Store(StoreError::Busy { waited_ms, source })) = &inside else { panic!("{inside:?}") };
    assert!(*waited_ms >= 200 && source.to_string().contains("another thread"), "{inside:?}");
    assert!(began.elapsed() < LONG);
    run(&writer, "INSERT INTO t (n) VALUES (3)").unwrap();
    assert_eq!(committed(folder.path()), [1, 3]);
}

#[test]
fn a_closure_that_waits_for_a_writer_of_its_own_batch_fails_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut writer, _) = writer_with(folder.path(), SqliteOptions { busy_timeout: SHORT, ..Default::default() });
    writer.max_batch_age = Duration::from_millis(50);
    let writer = &writer;
    let shared = (0..50).any(|_| {
        let begun = DeadlineBarrier::new(2);
        scope_with_deadline("all writers have their answers", |scope| {
            let first = scope.spawn(|| {
                writer.write::<_, Failure, _>(|session| {
                    begun.wait("the first write has begun");
                    wait_until("the second writer waits", || writer.waiting.load(Ordering::SeqCst) > 0);
                    session.conn.batch_execute("INSERT INTO t (n) VALUES (1)").unwrap();
                    Ok(())
                })
            });
            begun.wait("the first write has begun");
            let mut first = Some(first);
            let mut first_answer = None;
            let second = writer.write::<(), Failure, _>(|session| {
                session.conn.batch_execute("INSERT INTO t (n) VALUES (2)").unwrap();
                first_answer = first.take().map(|first| first.join().unwrap());
                Ok(())
            });
            let first_answer = first_answer.unwrap_or_else(|| first.unwrap().join().unwrap());
            // If the first one had to commit before the second arrived, there was nothing to wait for.
            let shared = is_busy(&first_answer);
            assert_eq!(is_busy(&second), shared, "{first_answer:?}, {second:?}");
            assert_eq!(committed(folder.path()), if shared { vec![] } else { vec![1, 2] });
            run(writer, "DELETE FROM t").unwrap();
            shared
        })
    });
    assert!(shared, "never in one batch");
}

#[test]
fn a_writer_is_closed_at_once_while_somebody_else_writes() {
    let folder = tempfile::tempdir().unwrap();
    let (writer, _) = writer_with(folder.path(), SqliteOptions { busy_timeout: LONG * 2, ..Default::default() });
    run(&writer, "INSERT INTO t (n) VALUES (1); CREATE INDEX i ON t (parent); ANALYZE").unwrap();
    for n in 2..200 {
        run(&writer, &format!("INSERT INTO t (n) VALUES ({n})")).unwrap();
    }
    run(&writer, "SELECT count(*) FROM t WHERE parent = 1").unwrap();
    let mut foreign = foreign(folder.path());
    foreign.batch_execute("BEGIN IMMEDIATE").unwrap();
    let began = Instant::now();
    drop(writer);
    assert!(began.elapsed() < LONG, "{:?}", began.elapsed());
}

#[test]
fn a_writer_waits_for_the_lock_and_for_its_batch_no_longer_in_all_than_the_timeout() {
    const TIMEOUT: Duration = Duration::from_secs(4);
    const HELD: Duration = Duration::from_secs(3);
    let folder = tempfile::tempdir().unwrap();
    let (writer, _) = writer_with(folder.path(), SqliteOptions { busy_timeout: TIMEOUT, ..Default::default() });
    let writer = &writer;
    let somebody_waits = || wait_until("another writer waits", || writer.waiting.load(Ordering::SeqCst) > 0);
    let (begun, second_begun, (end_last, last_may_end)) =
        (DeadlineBarrier::new(2), DeadlineBarrier::new(2), mpsc::channel::<()>());
    let (second, elapsed, last) = scope_with_deadline("all writers have their answers", |scope| {
        scope.spawn(|| {
            writer.write::<_, Failure, _>(|_| {
                begun.wait("the first write has begun");
                somebody_waits();
                thread::sleep(HELD);
                Ok(())
            })
        });
        begun.wait("the first write has begun");
        let second = scope.spawn(|| {
            let asked = Instant::now();
            let answer = writer.write::<_, Failure, _>(|_| {
                second_begun.wait("the second write has begun");
                somebody_waits();
                Ok(())
            });
            (answer, asked.elapsed())
        });
        second_begun.wait("the second write has begun");
        // The thread keeps the batch open until the second one has its answer.
        let last = scope.spawn(move || {
            writer.write::<_, Failure, _>(|_| {
                last_may_end.recv_timeout(LONG).unwrap();
                Ok(())
            })
        });
        let (second, elapsed) = second.join().unwrap();
        end_last.send(()).unwrap();
        (second, elapsed, last.join().unwrap())
    });
    let Err(Failure::Store(StoreError::Busy { waited_ms, .. })) = second else { panic!("{second:?}") };
    assert!(u128::from(waited_ms) >= TIMEOUT.as_millis(), "{waited_ms}");
    assert!(elapsed < TIMEOUT + HELD, "{elapsed:?}");
    // The thread that kept the batch open has waited for nobody, but others have waited for it.
    let Err(Failure::Store(StoreError::Busy { waited_ms, .. })) = last else { panic!("{last:?}") };
    assert!(u128::from(waited_ms) >= TIMEOUT.as_millis(), "{waited_ms}");
}
