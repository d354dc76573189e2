//! Tests attempts and fingerprints of jobs that other programs have written.

use diesel::connection::SimpleConnection;
use fieldfen_domain::job::{AttemptOutcome, DeadLetterGroup, JobActionOutcome, MAX_DEAD_LETTERS_COUNTED, Retry};
use fieldfen_domain::store::{JobActions, JobQueue, JobReads};
use fieldfen_testkit::fixtures::{
    at, claim_ref, claim_request, failure, job, job_id, lost_lease_backoff, reclaim_request, work,
};

use crate::sqlite::columns::test_database::{database, session, text};

#[test]
fn a_job_whose_id_has_no_hyphens_has_attempts_and_a_group() {
    let mut conn = database();
    session(&mut conn).enqueue(&job(1)).unwrap();
    conn.batch_execute("UPDATE jobs SET id = replace(id, '-', '')").unwrap();
    let mut s = session(&mut conn);
    s.claim(&claim_request(1, 1, at(0))).unwrap();
    assert!(s.fail(&claim_ref(1, 1), &failure("no", Retry::At(at(1)), at(0))).unwrap().is_done());
    s.claim(&claim_request(2, 1, at(1))).unwrap();
    assert_eq!(s.kill(&job_id(1), "hangs", at(2)).unwrap(), JobActionOutcome::Done);
    assert_eq!(s.retry(&job_id(1), at(1000)).unwrap(), JobActionOutcome::Done);
    s.claim(&claim_request(3, 1, at(1000))).unwrap();
    assert_eq!(s.reclaim(&reclaim_request(at(2000), 9), &lost_lease_backoff).unwrap().jobs.len(), 1);
    let outcomes: Vec<_> = s.attempts(&job_id(1)).unwrap().into_iter().map(|attempt| attempt.outcome).collect();
    assert_eq!(outcomes, [AttemptOutcome::Failed, AttemptOutcome::Killed, AttemptOutcome::LeaseLost]);
    assert_eq!(s.cancel(&job_id(1), "no", at(3)).unwrap(), JobActionOutcome::Done);
    assert_eq!(s.dead_letters_by_error(9, MAX_DEAD_LETTERS_COUNTED).unwrap()[0].example, Some(job_id(1)));
}

#[test]
fn jobs_that_other_programs_fail_are_a_group_without_fingerprint() {
    let mut conn = database();
    conn.batch_execute(
        "INSERT INTO jobs (id, command_type, status, last_error, completed_at) VALUES \
         ('00000000000000000000000000000001', 'test.work', 'failed', 'boom', NULL), \
         ('00000000000000000000000000000002', 'test.work', 'failed', 'boom', '2026-01-02 00:00:00'), \
         ('00000000000000000000000000000003', 'test.work', 'failed', 'boom', '2026-01-01 00:00:00.5'), \
         (NULL, 'test.work', 'failed', 'boom', '2026-01-03 00:00:00'), \
         ('00000000000000000000000000000005', x'ff', 'failed', 'boom', NULL), \
         ('00000000000000000000000000000006', 'no kind', 'failed', 'boom', NULL)",
    )
    .unwrap();
    let mut expected = DeadLetterGroup::new(work(), None, 4);
    expected.oldest = Some("2026-01-01T00:00:00.5Z".parse().unwrap());
    expected.newest = Some("2026-01-03T00:00:00Z".parse().unwrap());
    assert_eq!(session(&mut conn).dead_letters_by_error(9, MAX_DEAD_LETTERS_COUNTED).unwrap(), [expected]);
}

#[test]
fn a_count_of_dead_letters_has_an_end_and_says_so() {
    let mut conn = database();
    let jobs = MAX_DEAD_LETTERS_COUNTED + 1;
    conn.batch_execute(&format!(
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {jobs})
         INSERT INTO jobs (id, command_type, status, error_fingerprint, completed_at)
         SELECT printf('%032x', i), 'test.work', 'failed', 'no', '2026-01-01 00:00:00.000000' FROM n"
    ))
    .unwrap();
    let groups = session(&mut conn).dead_letters_by_error(9, MAX_DEAD_LETTERS_COUNTED).unwrap();
    assert_eq!((groups.len(), groups[0].jobs, groups[0].has_more), (1, MAX_DEAD_LETTERS_COUNTED, true));
    conn.batch_execute("DELETE FROM jobs WHERE rowid = 1").unwrap();
    let groups = session(&mut conn).dead_letters_by_error(9, MAX_DEAD_LETTERS_COUNTED).unwrap();
    assert_eq!((groups[0].jobs, groups[0].has_more), (MAX_DEAD_LETTERS_COUNTED, false));
}

#[test]
fn an_attempt_is_read_and_recorded_whatever_another_program_has_written_beside_it() {
    let mut conn = database();
    session(&mut conn).enqueue(&job(1)).unwrap();
    session(&mut conn).claim(&claim_request(1, 1, at(0))).unwrap();
    conn.batch_execute(
        "UPDATE jobs SET started_at = 'just now', worker = x'ff'; INSERT INTO job_attempts (job_id, attempt, ended_at, \
         outcome) SELECT id, 9223372036854775807, '2026-01-01 00:00:00.000000', 'failed' FROM jobs",
    )
    .unwrap();
    let mut s = session(&mut conn);
    assert!(s.fail(&claim_ref(1, 1), &failure("no", Retry::Never, at(1))).unwrap().is_done());
    conn.batch_execute("DELETE FROM job_attempts WHERE attempt > 4294967295").unwrap();
    let attempts = session(&mut conn).attempts(&job_id(1)).unwrap();
    assert_eq!(
        (attempts[0].number, attempts[0].claimed_at, attempts[0].worker.as_deref()),
        (u32::MAX, None, Some("\u{fffd}"))
    );
    conn.batch_execute("UPDATE job_attempts SET outcome = 'eaten'").unwrap();
    let error = session(&mut conn).attempts(&job_id(1)).unwrap_err().to_string();
    assert!(error.contains("job_attempts") && error.contains("\"eaten\""), "{error}");
}

#[test]
fn a_program_that_knows_only_the_specification_fails_and_deletes_jobs_with_attempts() {
    let mut conn = database();
    session(&mut conn).enqueue(&job(1)).unwrap();
    session(&mut conn).claim(&claim_request(1, 1, at(0))).unwrap();
    assert!(session(&mut conn).fail(&claim_ref(1, 1), &failure("no", Retry::Never, at(1))).unwrap().is_done());
    conn.batch_execute("PRAGMA foreign_keys = ON; DELETE FROM jobs").unwrap();
    assert_eq!(text(&mut conn, "SELECT count(*) FROM job_attempts"), "0");
}
