//! Group commit under concurrency, failing closures and failing transaction statements.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use fieldfen_domain::store::StoreError;

use super::settings::SqliteOptions;
use super::watch::Commits;
use super::writer::Writer;
use crate::SqliteUrl;

#[derive(Debug)]
enum Failure {
    Store(StoreError),
    Own,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn writer(folder: &Path) -> Writer {
    counted_writer(folder).0
}

/// A writer, and the count of its commits.
fn counted_writer(folder: &Path) -> (Writer, Arc<Commits>) {
    // On a busy machine it takes long until all who are to share a batch have come.
    writer_with(folder, SqliteOptions { busy_timeout: Duration::from_secs(300), ..Default::default() })
}

fn writer_with(folder: &Path, options: SqliteOptions) -> (Writer, Arc<Commits>) {
    let url = SqliteUrl::from(folder.join("a.db").as_path());
    let commits = Arc::new(Commits::default());
    let mut writer = Writer::open(&url, options, Arc::clone(&commits)).unwrap();
    writer.longest_batch = Duration::from_secs(3600);
    run(&writer, "CREATE TABLE t (n INTEGER PRIMARY KEY, parent INTEGER REFERENCES t(n))").unwrap();
    (writer, commits)
}

/// Executes a statement in a part of a batch.
fn run(writer: &Writer, sql: &str) -> Result<(), Failure> {
    writer.write(|session| {
        session.announces = true;
        session.conn.batch_execute(sql).map_err(|error| super::classify(error).into())
    })
}

/// Another program's connection.
fn foreign(folder: &Path) -> SqliteConnection {
    SqliteConnection::establish(&folder.join("a.db").to_string_lossy()).unwrap()
}

/// The numbers that another connection sees.
fn committed(folder: &Path) -> Vec<i64> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        n: i64,
    }
    let rows: Vec<Row> = diesel::sql_query("SELECT n FROM t ORDER BY n").load(&mut foreign(folder)).unwrap();
    rows.into_iter().map(|row| row.n).collect()
}

/// Runs the first statement while the others wait to join its batch, and gives all answers in their order. The mutex
/// does not promise the order in which the others come.
fn together(writer: &Writer, sql: &[&'static str]) -> Vec<Result<(), Failure>> {
    let begun = Barrier::new(2);
    thread::scope(|scope| {
        let first = scope.spawn(|| {
            writer.write(|session| {
                begun.wait();
                while writer.waiting.load(Ordering::SeqCst) < sql.len() - 1 {
                    thread::yield_now();
                }
                session.announces = true;
                session.conn.batch_execute(sql[0]).map_err(|error| super::classify(error).into())
            })
        });
        begun.wait();
        let others: Vec<_> = sql[1..].iter().map(|sql| scope.spawn(|| run(writer, sql))).collect();
        std::iter::once(first).chain(others).map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn writers_that_come_together_share_a_transaction_and_all_return_after_its_commit() {
    let folder = tempfile::tempdir().unwrap();
    let (writer, commits) = counted_writer(folder.path());
    let before = commits.count();
    let answers = together(&writer, &["INSERT INTO t (n) VALUES (1)", "INSERT INTO t (n) VALUES (2)", "SELECT 1"]);
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(commits.count() - before, 1);
    assert_eq!(committed(folder.path()), [1, 2]);
}

#[test]
fn a_failing_closure_leaves_the_others_of_its_batch_alone() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(folder.path());
    let bad = "INSERT INTO t (n) VALUES (9); INSERT INTO t (n) VALUES (1)";
    let answers = together(&writer, &["INSERT INTO t (n) VALUES (1)", bad, "INSERT INTO t (n) VALUES (3)"]);
    assert_eq!(answers.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(committed(folder.path()), [1, 3]);
}

#[test]
fn a_closure_that_fails_or_panics_alone_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(folder.path());
    let answer: Result<(), Failure> = writer.write(|session| {
        session.conn.batch_execute("INSERT INTO t (n) VALUES (1)").unwrap();
        Err(Failure::Own)
    });
    assert!(matches!(answer, Err(Failure::Own)));
    let panic = catch_unwind(AssertUnwindSafe(|| {
        writer.write::<(), Failure, _>(|session| {
            session.conn.batch_execute("INSERT INTO t (n) VALUES (2)").unwrap();
            panic!("lens cap");
        })
    }));
    assert!(panic.is_err());
    run(&writer, "INSERT INTO t (n) VALUES (3)").unwrap();
    assert_eq!(committed(folder.path()), [3]);
}

#[test]
fn when_release_fails_nobody_who_was_told_ok_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(folder.path());
    // SQLite rolls back by itself after some errors; here the closure does it, so that RELEASE finds no savepoint.
    let answers = together(&writer, &["INSERT INTO t (n) VALUES (1)", "ROLLBACK", "INSERT INTO t (n) VALUES (3)"]);
    told_ok_means_committed(&answers, &[1, 0, 3], folder.path());
    assert!(answers[1].is_err());
    run(&writer, "INSERT INTO t (n) VALUES (4)").unwrap();
    assert!(committed(folder.path()).contains(&4), "the next batch begins afresh");
}

#[test]
fn when_rollback_to_fails_nobody_who_was_told_ok_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(folder.path());
    let bad = "INSERT INTO t (n) VALUES (2); ROLLBACK; INSERT INTO none VALUES (1)";
    let answers = together(&writer, &["INSERT INTO t (n) VALUES (1)", bad, "INSERT INTO t (n) VALUES (3)"]);
    told_ok_means_committed(&answers, &[1, 2, 3], folder.path());
    assert!(answers[1].is_err());
}

#[test]
fn what_is_written_after_the_transaction_is_lost_never_commits_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(folder.path());
    // Nobody notices before the next writer's savepoint, which is a transaction of its own then.
    let answers = together(&writer, &["ROLLBACK", "INSERT INTO t (n) VALUES (2)", "INSERT INTO t (n) VALUES (3)"]);
    told_ok_means_committed(&answers, &[0, 2, 3], folder.path());
    assert!(answers[0].is_err());
    let swallowed: Result<(), Failure> = writer.write(|session| {
        session.conn.batch_execute("INSERT INTO t (n) VALUES (4); ROLLBACK").unwrap();
        assert!(session.conn.batch_execute("INSERT INTO t (n) VALUES (5)").is_err());
        Ok(())
    });
    assert!(swallowed.is_err());
    run(&writer, "INSERT INTO t (n) VALUES (6)").unwrap();
    let committed = committed(folder.path());
    assert!(committed.contains(&6) && !committed.contains(&4) && !committed.contains(&5), "{committed:?}");
    writer.between_batches(|conn| conn.batch_execute("INSERT INTO t (n) VALUES (7)").map_err(super::classify)).unwrap();
}

#[test]
fn threads_that_wait_behind_one_another_for_a_foreign_lock_wait_no_longer_than_one() {
    const TIMEOUT: Duration = Duration::from_secs(1);
    let folder = tempfile::tempdir().unwrap();
    let (writer, _) = writer_with(folder.path(), SqliteOptions { busy_timeout: TIMEOUT, ..Default::default() });
    let mut foreign = foreign(folder.path());
    foreign.batch_execute("BEGIN IMMEDIATE").unwrap();
    let began = Instant::now();
    thread::scope(|scope| {
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
fn a_batch_is_no_fuller_for_the_time_that_its_lock_was_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let patient = SqliteOptions { busy_timeout: Duration::from_secs(300), ..Default::default() };
    let (mut writer, commits) = writer_with(folder.path(), patient);
    writer.longest_batch = Duration::from_millis(50);
    let mut foreign = foreign(folder.path());
    // The threads may be slow to come together; where the wait counts, they never share.
    let shared = (0..20).any(|_| {
        let before = commits.count();
        foreign.batch_execute("BEGIN IMMEDIATE").unwrap();
        let answers = thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(100));
                foreign.batch_execute("COMMIT").unwrap();
            });
            together(&writer, &["SELECT 1", "SELECT 2"])
        });
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        commits.count() - before == 1
    });
    assert!(shared);
}

#[test]
fn when_commit_fails_everyone_in_the_batch_fails() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(folder.path());
    // A foreign key that is only checked at the commit.
    let orphan = "PRAGMA defer_foreign_keys = ON; INSERT INTO t (n, parent) VALUES (2, 77)";
    let answers = together(&writer, &["INSERT INTO t (n) VALUES (1)", orphan, "INSERT INTO t (n) VALUES (3)"]);
    assert!(answers.iter().all(|answer| matches!(answer, Err(Failure::Store(StoreError::Database(_))))), "{answers:?}");
    assert_eq!(committed(folder.path()), [0_i64; 0]);
    run(&writer, "INSERT INTO t (n) VALUES (4)").unwrap();
    assert_eq!(committed(folder.path()), [4]);
}

#[test]
fn a_full_database_fails_its_writers_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(folder.path());
    run(&writer, "INSERT INTO t (n) VALUES (1); CREATE TABLE bytes (b)").unwrap();
    writer.between_batches(|conn| conn.batch_execute("PRAGMA max_page_count = 8").map_err(super::classify)).unwrap();
    let large = "INSERT INTO bytes VALUES (zeroblob(100000))";
    let answers = together(&writer, &["INSERT INTO t (n) VALUES (2)", large, "INSERT INTO t (n) VALUES (3)"]);
    assert!(is_full(&answers[1]), "{answers:?}");
    assert!(answers.iter().all(|answer| answer.is_ok() || is_full(answer)), "all are told why: {answers:?}");
    told_ok_means_committed(&answers, &[2, 0, 3], folder.path());
    let swallowed: Result<(), Failure> = writer.write(|session| {
        session.conn.batch_execute(large).map_err(super::classify).unwrap_err();
        Ok(())
    });
    assert!(is_full(&swallowed), "{swallowed:?}");
    // What has been told once is the reason of nothing that comes later.
    let answers = together(&writer, &["INSERT INTO t (n) VALUES (4)", "ROLLBACK"]);
    assert!(answers.iter().any(Result::is_err) && !answers.iter().any(is_full), "{answers:?}");
    writer
        .between_batches(|conn| conn.batch_execute("PRAGMA max_page_count = 100000").map_err(super::classify))
        .unwrap();
    run(&writer, large).unwrap();
}

#[test]
fn a_batch_is_committed_without_a_writer_who_was_about_to_join_it_and_does_not_come() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = writer(folder.path());
    writer.longest_batch = Duration::from_millis(5);
    writer.waiting.fetch_add(1, Ordering::SeqCst);
    run(&writer, "INSERT INTO t (n) VALUES (1)").unwrap();
    foreign(folder.path()).batch_execute("INSERT INTO t (n) VALUES (2)").unwrap();
    assert_eq!(committed(folder.path()), [1, 2]);
}

#[test]
fn many_threads_get_what_they_were_told() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(folder.path());
    let told: Vec<i64> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8_i64)
            .map(|thread| {
                let writer = &writer;
                scope.spawn(move || {
                    let mut told = Vec::new();
                    for turn in 0..50 {
                        let n = thread * 1000 + turn;
                        let sql = match turn % 7 {
                            3 => format!("INSERT INTO t (n) VALUES ({n}); INSERT INTO none VALUES (1)"),
                            5 => format!("INSERT INTO t (n) VALUES ({n}); ROLLBACK"),
                            _ => format!("INSERT INTO t (n) VALUES ({n})"),
                        };
                        if run(writer, &sql).is_ok() {
                            told.push(n);
                        }
                    }
                    told
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let committed = committed(folder.path());
    // How many share a batch with a rollback, and are told so, is up to the scheduler.
    assert!(!told.is_empty());
    for n in told {
        assert!(committed.contains(&n), "{n} was acknowledged and is missing");
    }
}

fn is_full(answer: &Result<(), Failure>) -> bool {
    matches!(answer, Err(Failure::Store(StoreError::Full(_))))
}

/// Everyone who was told Ok is in the database, and everyone who was told otherwise is not.
fn told_ok_means_committed(answers: &[Result<(), Failure>], numbers: &[i64], folder: &Path) {
    let committed = committed(folder);
    for (answer, number) in answers.iter().zip(numbers) {
        assert_eq!(answer.is_ok(), committed.contains(number), "{number}: {answer:?}, committed: {committed:?}");
    }
}

const SHORT: Duration = Duration::from_millis(200);

/// Waits that end only with the test, should they not end by themselves.
const LONG: Duration = Duration::from_secs(60);

fn is_busy(answer: &Result<(), Failure>) -> bool {
    matches!(answer, Err(Failure::Store(StoreError::Busy { .. })))
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
    writer.longest_batch = Duration::from_millis(50);
    let began = Instant::now();
    let inside = thread::scope(|scope| {
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
    writer.longest_batch = Duration::from_millis(50);
    let writer = &writer;
    let shared = (0..50).any(|_| {
        let begun = Barrier::new(2);
        thread::scope(|scope| {
            let first = scope.spawn(|| {
                writer.write::<_, Failure, _>(|session| {
                    begun.wait();
                    while writer.waiting.load(Ordering::SeqCst) == 0 {
                        thread::yield_now();
                    }
                    session.conn.batch_execute("INSERT INTO t (n) VALUES (1)").unwrap();
                    Ok(())
                })
            });
            begun.wait();
            let mut first = Some(first);
            let mut first_answer = None;
            let second = writer.write::<(), Failure, _>(|session| {
                session.conn.batch_execute("INSERT INTO t (n) VALUES (2)").unwrap();
                first_answer = first.take().map(|first| first.join().unwrap());
                Ok(())
            });
            let first_answer = first_answer.unwrap_or_else(|| first.unwrap().join().unwrap());
            // Where the first one had to commit before the second came, there was nothing to wait for.
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
