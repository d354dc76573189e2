//! Group commit under concurrency, failing closures and failing transaction statements.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use fieldfen_domain::store::StoreError;
use fieldfen_testkit::wait::{DeadlineBarrier, scope_with_deadline, wait_until};

use super::Writer;
use crate::SqliteUrl;
use crate::sqlite::connection::open::PutIntoWal;
use crate::sqlite::connection::options::SqliteOptions;
use crate::sqlite::deadline::Deadline;
use crate::sqlite::watch::{CommitNotice, CommitNotifier};

#[derive(Debug)]
pub(in crate::sqlite) enum Failure {
    Store(StoreError),
    Own,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The timeout of waits that should end by themselves.
pub(in crate::sqlite) const LONG: Duration = Duration::from_secs(60);

fn writer(folder: &Path) -> Writer {
    counted_writer(folder).0
}

/// A writer and the notifier that counts its commits.
fn counted_writer(folder: &Path) -> (Writer, Arc<CommitNotifier>) {
    // On a busy machine it takes long until all threads of a batch have arrived.
    writer_with(folder, SqliteOptions { busy_timeout: Duration::from_secs(300), ..Default::default() })
}

pub(in crate::sqlite) fn writer_with(folder: &Path, options: SqliteOptions) -> (Writer, Arc<CommitNotifier>) {
    let url = SqliteUrl::from(folder.join("a.db").as_path());
    let commits = Arc::new(CommitNotifier::default());
    let deadline = Deadline::after(options.busy_timeout);
    let mut writer = Writer::open(&url, options, Arc::clone(&commits), &deadline, PutIntoWal::All).unwrap();
    writer.max_batch_age = Duration::from_secs(3600);
    run(&writer, "CREATE TABLE t (n INTEGER PRIMARY KEY, parent INTEGER REFERENCES t(n))").unwrap();
    (writer, commits)
}

/// Executes a statement in a write of its own, which may share a batch.
pub(in crate::sqlite) fn run(writer: &Writer, sql: &str) -> Result<(), Failure> {
    writer.write(|session| {
        session.note(CommitNotice::JobDue);
        session.conn.batch_execute(sql).map_err(|error| crate::sqlite::classify(error).into())
    })
}

/// A connection of another program.
pub(in crate::sqlite) fn foreign(folder: &Path) -> SqliteConnection {
    SqliteConnection::establish(&folder.join("a.db").to_string_lossy()).unwrap()
}

/// The numbers that another connection sees.
pub(in crate::sqlite) fn committed(folder: &Path) -> Vec<i64> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        n: i64,
    }
    let rows: Vec<Row> = diesel::sql_query("SELECT n FROM t ORDER BY n").load(&mut foreign(folder)).unwrap();
    rows.into_iter().map(|row| row.n).collect()
}

/// Runs the first statement while the others wait to join its batch, and returns all answers in the order of the
/// statements. The mutex does not guarantee the order in which the others run.
fn together(writer: &Writer, sql: &[&'static str]) -> Vec<Result<(), Failure>> {
    let begun = DeadlineBarrier::new(2);
    scope_with_deadline("all writers have their answers", |scope| {
        let first = scope.spawn(|| {
            writer.write(|session| {
                begun.wait("the first write has begun");
                wait_until("all others wait", || writer.waiting.load(Ordering::SeqCst) >= sql.len() - 1);
                session.note(CommitNotice::JobDue);
                session.conn.batch_execute(sql[0]).map_err(|error| crate::sqlite::classify(error).into())
            })
        });
        begun.wait("the first write has begun");
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
    // SQLite notices only at the next writer's savepoint, which is then a transaction of its own.
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
    writer
        .with_connection(&Deadline::after(LONG), |conn| {
            conn.batch_execute("INSERT INTO t (n) VALUES (7)").map_err(crate::sqlite::classify)
        })
        .unwrap();
}

#[test]
fn a_batch_is_no_fuller_for_the_time_that_its_lock_was_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let patient = SqliteOptions { busy_timeout: Duration::from_secs(300), ..Default::default() };
    let (mut writer, commits) = writer_with(folder.path(), patient);
    writer.max_batch_age = Duration::from_millis(50);
    let mut foreign = foreign(folder.path());
    // The threads may arrive slowly. If a batch waited on purpose, they would never share one.
    let shared = (0..20).any(|_| {
        let before = commits.count();
        foreign.batch_execute("BEGIN IMMEDIATE").unwrap();
        let answers = scope_with_deadline("all writers have their answers", |scope| {
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
    writer
        .with_connection(&Deadline::after(LONG), |conn| {
            conn.batch_execute("PRAGMA max_page_count = 8").map_err(crate::sqlite::classify)
        })
        .unwrap();
    let large = "INSERT INTO bytes VALUES (zeroblob(100000))";
    let answers = together(&writer, &["INSERT INTO t (n) VALUES (2)", large, "INSERT INTO t (n) VALUES (3)"]);
    assert!(is_full(&answers[1]), "{answers:?}");
    assert!(answers.iter().all(|answer| answer.is_ok() || is_full(answer)), "all are told why: {answers:?}");
    told_ok_means_committed(&answers, &[2, 0, 3], folder.path());
    let swallowed: Result<(), Failure> = writer.write(|session| {
        session.conn.batch_execute(large).map_err(crate::sqlite::classify).unwrap_err();
        Ok(())
    });
    assert!(is_full(&swallowed), "{swallowed:?}");
    // An error that was reported once is not the reason of a later failure.
    let answers = together(&writer, &["INSERT INTO t (n) VALUES (4)", "ROLLBACK"]);
    assert!(answers.iter().any(Result::is_err) && !answers.iter().any(is_full), "{answers:?}");
    writer
        .with_connection(&Deadline::after(LONG), |conn| {
            conn.batch_execute("PRAGMA max_page_count = 100000").map_err(crate::sqlite::classify)
        })
        .unwrap();
    run(&writer, large).unwrap();
}

#[test]
fn a_batch_is_committed_without_a_writer_who_was_about_to_join_it_and_does_not_come() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = writer(folder.path());
    writer.max_batch_age = Duration::from_millis(5);
    writer.waiting.fetch_add(1, Ordering::SeqCst);
    run(&writer, "INSERT INTO t (n) VALUES (1)").unwrap();
    foreign(folder.path()).batch_execute("INSERT INTO t (n) VALUES (2)").unwrap();
    assert_eq!(committed(folder.path()), [1, 2]);
}

#[test]
fn many_threads_get_what_they_were_told() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(folder.path());
    let told: Vec<i64> = scope_with_deadline("all writers have their answers", |scope| {
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
    // The scheduler decides how many writers share a batch with a rollback and get its error.
    assert!(!told.is_empty());
    for n in told {
        assert!(committed.contains(&n), "{n} was acknowledged and is missing");
    }
}

fn is_full(answer: &Result<(), Failure>) -> bool {
    matches!(answer, Err(Failure::Store(StoreError::Full(_))))
}

/// Checks that the numbers of all writers that got `Ok` are in the database, and that all others are not.
fn told_ok_means_committed(answers: &[Result<(), Failure>], numbers: &[i64], folder: &Path) {
    let committed = committed(folder);
    for (answer, number) in answers.iter().zip(numbers) {
        assert_eq!(answer.is_ok(), committed.contains(number), "{number}: {answer:?}, committed: {committed:?}");
    }
}
