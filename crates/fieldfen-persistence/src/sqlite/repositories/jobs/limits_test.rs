//! Tests limits and pauses together with rows of other programs, and the number of statements.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::connection::{InstrumentationEvent, SimpleConnection};
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::file::FileStatus;
use fieldfen_domain::job::{ConcurrencyLimit, Job, NewJob, Partition, Pause, PauseScope, Priority};
use fieldfen_domain::store::{ConcurrencyLimits, JobQueue, JobReads, Pauses};
use fieldfen_testkit::fixtures::{
    account, at, claim_ref, claim_request, file_id, file_in, job, job_id, kind, reclaim_request, work,
};

use crate::sqlite::columns::test_database::{database, session, text};

/// A database in which at most this many jobs run per file or account.
fn limited(partition: Partition, max_running: u32) -> SqliteConnection {
    let mut conn = database();
    set(&mut conn, partition, max_running);
    conn
}

fn set(conn: &mut SqliteConnection, partition: Partition, max_running: u32) {
    let limit = ConcurrencyLimit::new(work(), partition, max_running).unwrap();
    session(conn).set(&limit).unwrap();
}

fn job_of(number: u64, of: u64) -> NewJob {
    job(number).account(account(of))
}

fn enqueue(conn: &mut SqliteConnection, jobs: impl IntoIterator<Item = NewJob>) {
    session(conn).enqueue_many(&jobs.into_iter().collect::<Vec<_>>()).unwrap();
}

/// The numbers of the jobs that a claim takes.
fn claim(conn: &mut SqliteConnection, token: u64, limit: u32) -> Vec<u64> {
    numbers(&session(conn).claim(&claim_request(token, limit, at(5))).unwrap().jobs)
}

fn numbers(jobs: &[Job]) -> Vec<u64> {
    jobs.iter().map(|job| (1..4000).find(|number| job_id(*number) == job.id).unwrap()).collect()
}

fn reclaim(conn: &mut SqliteConnection) {
    session(conn).reclaim(&reclaim_request(at(5), 9), &|_| std::time::Duration::ZERO).unwrap();
}

fn id(number: u64) -> String {
    job_id(number).to_string()
}

#[test]
fn jobs_that_other_programs_run_count() {
    for (partition, expected) in [(Partition::All, vec![]), (Partition::File, vec![3]), (Partition::Account, vec![3])] {
        let mut conn = limited(partition, 1);
        for number in [1, 2] {
            file_in(&mut session(&mut conn), number, FileStatus::Processing).unwrap();
        }
        let about = |number, of| job_of(number, of).file_id(file_id(of));
        enqueue(&mut conn, [about(1, 1), about(2, 1), about(3, 2)]);
        let run = format!("UPDATE jobs SET status = 'running', partition_key = NULL WHERE id = '{}'", id(1));
        conn.batch_execute(&run).unwrap();
        assert_eq!(claim(&mut conn, 1, 9), expected, "{partition}");
        let next = session(&mut conn).next_due(&[work()]).unwrap();
        assert_eq!(next, None, "{partition}");
    }
}

#[test]
fn a_file_counts_whether_its_id_has_hyphens_or_not() {
    let mut conn = limited(Partition::File, 1);
    let plain = file_id(1).uuid().simple().to_string();
    file_in(&mut session(&mut conn), 1, FileStatus::Processing).unwrap();
    conn.batch_execute(&format!("UPDATE files SET id = '{plain}'")).unwrap();
    enqueue(&mut conn, [job(1).file_id(file_id(1))]);
    let foreign = format!(
        "INSERT INTO jobs (id, file_id, command_type, status) VALUES ('{}', '{plain}', 'test.work', 'pending')",
        id(2)
    );
    conn.batch_execute(&foreign).unwrap();
    // The job of the other program is due since 1970.
    assert_eq!(claim(&mut conn, 1, 9), [2]);
    assert_eq!(claim(&mut conn, 2, 9), [] as [u64; 0]);
    assert!(session(&mut conn).complete(&claim_ref(2, 1), None, at(5)).unwrap().is_done());
    assert_eq!(claim(&mut conn, 3, 9), [1]);
}

#[test]
fn a_reclaim_admits_the_jobs_that_other_programs_leave_waiting() {
    let leave = [
        "UPDATE jobs SET status = 'completed' WHERE status = 'running'",
        "UPDATE jobs SET status = 'failed' WHERE status = 'running'",
        "DELETE FROM jobs WHERE status = 'running'",
        "UPDATE jobs SET account = 'etsy/2', partition_key = 'account:etsy/2' WHERE status = 'running'",
        "DELETE FROM concurrency_limits",
    ];
    for leave in leave {
        let mut conn = limited(Partition::Account, 1);
        enqueue(&mut conn, [job_of(1, 1), job_of(2, 1), job_of(3, 1)]);
        assert_eq!(claim(&mut conn, 1, 9), [1]);
        conn.batch_execute(leave).unwrap();
        assert_eq!(claim(&mut conn, 2, 9), [] as [u64; 0], "{leave}");
        reclaim(&mut conn);
        assert_eq!(claim(&mut conn, 3, 1), [2], "{leave}");
    }
}

#[test]
fn a_reclaim_counts_the_running_jobs_of_a_kind_anew() {
    let mut conn = limited(Partition::All, 2);
    enqueue(&mut conn, (1..=4).map(job));
    assert_eq!(claim(&mut conn, 1, 9), [1, 2]);
    conn.batch_execute(&format!("UPDATE jobs SET status = 'completed' WHERE id = '{}'", id(1))).unwrap();
    assert_eq!(claim(&mut conn, 2, 9), [] as [u64; 0]);
    reclaim(&mut conn);
    assert_eq!(claim(&mut conn, 3, 9), [3]);
    conn.batch_execute(&format!("UPDATE jobs SET status = 'running' WHERE id = '{}'", id(1))).unwrap();
    assert!(session(&mut conn).complete(&claim_ref(2, 1), None, at(5)).unwrap().is_done());
    reclaim(&mut conn);
    assert_eq!(claim(&mut conn, 4, 9), [] as [u64; 0]);
}

#[test]
fn a_job_that_another_program_makes_pending_again_waits_like_the_others() {
    let mut conn = limited(Partition::Account, 1);
    enqueue(&mut conn, [job_of(1, 1), job_of(2, 1)]);
    assert_eq!(claim(&mut conn, 1, 9), [1]);
    let status = |status: &str| format!("UPDATE jobs SET status = '{status}' WHERE id = '{}'", id(2));
    conn.batch_execute(&status("completed")).unwrap();
    assert!(session(&mut conn).complete(&claim_ref(1, 1), None, at(5)).unwrap().is_done());
    conn.batch_execute(&status("pending")).unwrap();
    reclaim(&mut conn);
    assert_eq!(claim(&mut conn, 2, 9), [2]);
}

#[test]
fn reclaims_look_at_every_partition_in_turn() {
    let mut conn = limited(Partition::Account, 1);
    let accounts = 1200;
    enqueue(&mut conn, (1..=accounts).map(|number| job_of(number, number)));
    enqueue(&mut conn, (1..=accounts).map(|number| job_of(accounts + number, number)));
    assert_eq!(claim(&mut conn, 1, 9999).len(), 1200);
    // The waiting job of the last account and that of the first are both found within three rounds.
    conn.batch_execute("UPDATE jobs SET status = 'completed' WHERE account IN ('etsy/1', 'etsy/999')").unwrap();
    conn.batch_execute("UPDATE jobs SET status = 'pending' WHERE account IN ('etsy/1', 'etsy/999') AND rowid > 1200")
        .unwrap();
    for _ in 0..3 {
        reclaim(&mut conn);
    }
    let mut found = claim(&mut conn, 2, 9);
    found.sort_unstable();
    assert_eq!(found, [1201, 2199]);
    reclaim(&mut conn);
    let started_again = text(&mut conn, "SELECT coalesce(checked_to, '-') FROM concurrency_limits");
    assert!(started_again.starts_with("account:"), "{started_again}");
}

#[test]
fn a_row_that_cannot_be_read_leaves_its_place() {
    let mut conn = limited(Partition::Account, 1);
    enqueue(&mut conn, [job_of(1, 1).priority(Priority::Urgent), job_of(2, 1), job_of(3, 1)]);
    conn.batch_execute(&format!("UPDATE jobs SET max_retries = -1 WHERE id = '{}'", id(1))).unwrap();
    let claimed = session(&mut conn).claim(&claim_request(1, 9, at(5))).unwrap();
    assert_eq!((claimed.jobs.len(), claimed.unreadable.len()), (0, 1));
    assert_eq!(claim(&mut conn, 2, 9), [2]);
}

#[test]
fn an_account_that_cannot_be_read_fails_its_job_and_no_other() {
    let mut conn = limited(Partition::Account, 1);
    enqueue(&mut conn, [job_of(1, 1), job_of(2, 2)]);
    conn.batch_execute(&format!("UPDATE jobs SET account = x'ff' WHERE id = '{}'", id(1))).unwrap();
    let claimed = session(&mut conn).claim(&claim_request(1, 9, at(5))).unwrap();
    assert_eq!(numbers(&claimed.jobs), [2]);
    assert!(claimed.unreadable[0].reason.contains("column account"), "{:?}", claimed.unreadable);
}

#[test]
fn a_pause_that_another_program_writes_holds_and_one_it_deletes_does_not() {
    let mut conn = database();
    enqueue(&mut conn, [job_of(1, 1), job(2), job(3).kind(kind("b.kind"))]);
    let insert = |scope: &str, name: &str, until: &str| {
        format!(
            "INSERT INTO pauses (scope, name, reason, since, until, by) \
             VALUES ('{scope}', '{name}', 'a hand', CURRENT_TIMESTAMP, {until}, 'sql')"
        )
    };
    conn.batch_execute(&insert("service", "etsy", "NULL")).unwrap();
    conn.batch_execute(&insert("kind", "b.kind", "'no time'")).unwrap();
    let both = |token| claim_request(token, 9, at(5)).kinds([work(), kind("b.kind")].into());
    assert_eq!(numbers(&session(&mut conn).claim(&both(1)).unwrap().jobs), [2]);
    conn.batch_execute("DELETE FROM pauses").unwrap();
    reclaim(&mut conn);
    assert_eq!(numbers(&session(&mut conn).claim(&both(2)).unwrap().jobs), [1, 3]);
}

#[test]
fn a_pause_is_deleted_only_when_no_job_waits_for_it() {
    let mut conn = database();
    let pauses = |conn: &mut SqliteConnection| text(conn, "SELECT CAST(count(*) AS TEXT) FROM pauses");
    session(&mut conn)
        .pause(&Pause::new(PauseScope::Account(account(1)), "429", at(1), "limiter").until(at(4)))
        .unwrap();
    let jobs: Vec<_> = (1..=3000).map(|number| job_of(number, 1).created_at(at(2))).collect();
    enqueue(&mut conn, jobs);
    for expected in ["1", "1", "0"] {
        reclaim(&mut conn);
        assert_eq!(pauses(&mut conn), expected);
    }
    assert_eq!(claim(&mut conn, 1, 9999).len(), 3000);
}

/// Counts the statements from now on.
fn count(conn: &mut SqliteConnection) -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if matches!(event, InstrumentationEvent::StartQuery { .. }) {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    count
}

#[test]
fn kinds_without_limits_cost_one_statement_more_and_full_partitions_none() {
    let mut conn = limited(Partition::Account, 1);
    enqueue(&mut conn, (1..=200).map(|number| job(number).kind(kind("b.kind"))));
    enqueue(&mut conn, (1..=500).map(|number| job_of(1000 + number, 1).priority(Priority::Urgent)));
    enqueue(&mut conn, [job_of(2000, 2)]);
    assert_eq!(claim(&mut conn, 1, 1), [1001]);
    let statements = count(&mut conn);
    let unlimited = claim_request(2, 100, at(5)).kinds([kind("b.kind")].into());
    assert_eq!(session(&mut conn).claim(&unlimited).unwrap().jobs.len(), 100);
    assert_eq!(statements.swap(0, Ordering::Relaxed), 3, "the rules, the due jobs and the claim of 100 jobs");
    assert_eq!(claim(&mut conn, 3, 1), [2000]);
    assert_eq!(
        statements.swap(0, Ordering::Relaxed),
        4,
        "the rules, the due job, the running jobs of its account and the claim"
    );
}

/// The number of jobs that wait.
fn waiting(conn: &mut SqliteConnection) -> String {
    text(conn, "SELECT CAST(count(*) AS TEXT) FROM jobs WHERE waits_for <> ''")
}

/// Admits waiting jobs until no partition is left. Returns the number of jobs that wait after each round.
fn admit_all(conn: &mut SqliteConnection) -> Vec<String> {
    let (mut next, mut left) = (Some(String::new()), Vec::new());
    while let Some(after) = next {
        next = session(conn).admit_waiting(&work(), &after, at(5)).unwrap();
        left.push(waiting(conn));
    }
    left
}

#[test]
fn a_removed_limit_admits_its_jobs_in_rounds() {
    let mut conn = limited(Partition::Account, 1);
    enqueue(&mut conn, (1..=3000).map(|number| job_of(number, 1 + number % 2)));
    assert_eq!(claim(&mut conn, 1, 9), [1, 2]);
    assert_eq!(waiting(&mut conn), "2998");
    assert!(session(&mut conn).remove(&work(), Partition::Account).unwrap());
    assert_eq!(waiting(&mut conn), "1974");
    assert_eq!(admit_all(&mut conn), ["950", "0"]);
    assert_eq!(claim(&mut conn, 2, 9999).len(), 2998);
}

#[test]
fn a_higher_limit_admits_the_jobs_of_many_accounts_in_rounds() {
    let mut conn = limited(Partition::Account, 1);
    enqueue(&mut conn, (1..=3000).map(|number| job_of(number, number % 1000)));
    assert_eq!(claim(&mut conn, 1, 9999).len(), 1000);
    set(&mut conn, Partition::Account, 2);
    assert_eq!(waiting(&mut conn), "1488");
    assert_eq!(admit_all(&mut conn), ["1488", "1000"]);
    assert_eq!(claim(&mut conn, 2, 9999).len(), 1000);
}

#[test]
fn completions_of_limited_jobs_are_few_statements() {
    let mut conn = limited(Partition::Account, 60);
    set(&mut conn, Partition::All, 1000);
    enqueue(&mut conn, (1..=200).map(|number| job_of(number, 1)));
    let claimed = claim(&mut conn, 1, 99);
    assert_eq!(claimed.len(), 60);
    let completions: Vec<_> = claimed.into_iter().map(|number| (claim_ref(number, 1), None)).collect();
    let statements = count(&mut conn);
    let mut s = session(&mut conn);
    s.expects_limits = true;
    assert!(s.complete_many(&completions, at(5)).unwrap().iter().all(|outcome| outcome.is_done()));
    assert_eq!(
        statements.load(Ordering::Relaxed),
        6,
        "the partitions, a savepoint, the completions, its end, the running jobs and the admissions"
    );
    assert_eq!(claim(&mut conn, 2, 99).len(), 60);
}

#[test]
fn releases_of_limited_jobs_are_few_statements_and_admit_the_next_ones() {
    let mut conn = limited(Partition::Account, 60);
    set(&mut conn, Partition::All, 1000);
    enqueue(&mut conn, (1..=200).map(|number| job_of(number, 1)));
    let claimed = claim(&mut conn, 1, 99);
    let claims: Vec<_> = claimed.iter().map(|number| claim_ref(*number, 1)).collect();
    let statements = count(&mut conn);
    let mut s = session(&mut conn);
    s.expects_limits = true;
    assert!(s.release_many(&claims, at(9), at(5)).unwrap().iter().all(|outcome| outcome.is_done()));
    assert_eq!(
        statements.load(Ordering::Relaxed),
        6,
        "the partitions, a savepoint, the releases, its end, the running jobs and the admissions"
    );
    assert_eq!(claim(&mut conn, 2, 99), (61..=120).collect::<Vec<_>>());
    // One claim is refused, and the other jobs are released one by one.
    let claims = [claim_ref(61, 2), claim_ref(1, 1), claim_ref(62, 2)];
    let released = session(&mut conn).release_many(&claims, at(9), at(5)).unwrap();
    assert_eq!(released.iter().map(|outcome| outcome.is_done()).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(claim(&mut conn, 3, 99), [121, 122]);
}

#[test]
fn completions_of_limited_jobs_and_of_others_go_together() {
    for expects_limits in [false, true] {
        let mut conn = limited(Partition::Account, 1);
        let other = kind("b.kind");
        enqueue(&mut conn, [job_of(1, 1), job_of(2, 1), job(3).kind(other.clone()), job(4).kind(other.clone())]);
        let both = claim_request(1, 9, at(5)).kinds([work(), other].into());
        assert_eq!(numbers(&session(&mut conn).claim(&both).unwrap().jobs), [1, 3, 4]);
        let mut complete = |claims: &[(u64, u64)]| {
            let claims: Vec<_> = claims.iter().map(|(number, token)| (claim_ref(*number, *token), None)).collect();
            let mut s = session(&mut conn);
            s.expects_limits = expects_limits;
            let outcomes = s.complete_many(&claims, at(5)).unwrap();
            outcomes.into_iter().map(|outcome| outcome.is_done()).collect::<Vec<_>>()
        };
        assert_eq!(complete(&[(1, 1), (3, 1), (4, 9)]), [true, true, false], "{expects_limits}");
        assert_eq!(complete(&[(1, 1), (4, 1)]), [false, true], "{expects_limits}");
        assert_eq!(claim(&mut conn, 2, 9), [2], "{expects_limits}");
    }
}

#[test]
fn due_jobs_without_a_place_are_set_aside_once_their_limit_is_set() {
    let mut conn = database();
    enqueue(&mut conn, (1..=3000).map(|number| job_of(number, 1).priority(Priority::Urgent)));
    enqueue(&mut conn, [job_of(3001, 2)]);
    set(&mut conn, Partition::Account, 1);
    assert!(session(&mut conn).set_aside_due(&work(), at(5)).unwrap());
    while session(&mut conn).set_aside_due(&work(), at(5)).unwrap() {}
    assert_eq!(waiting(&mut conn), "2999");
    assert_eq!(claim(&mut conn, 1, 1), [1]);
    let statements = count(&mut conn);
    assert_eq!(claim(&mut conn, 2, 1), [3001]);
    assert_eq!(statements.load(Ordering::Relaxed), 4, "the claim sets no job aside");
}

#[test]
fn the_jobs_of_an_account_are_counted_only_if_enough_jobs_of_the_kind_run() {
    let mut conn = limited(Partition::Account, 2);
    set(&mut conn, Partition::All, 9);
    enqueue(&mut conn, (1..=4).map(|number| job_of(number, 1)));
    enqueue(&mut conn, [job_of(5, 2)]);
    let statements = count(&mut conn);
    for (token, expected, number) in [(1, [1], 4), (2, [2], 4), (3, [5], 5)] {
        assert_eq!(claim(&mut conn, token, 1), expected);
        assert_eq!(statements.swap(0, Ordering::Relaxed), number, "the claim of {expected:?}");
    }
    assert_eq!(claim(&mut conn, 4, 9), [] as [u64; 0]);
}
