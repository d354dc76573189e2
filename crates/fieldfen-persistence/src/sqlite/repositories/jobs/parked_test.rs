//! Tests parked jobs in the file: the columns that are kept, and values that other programs write into `parked_for`.

use diesel::connection::SimpleConnection;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::PageRequest;
use fieldfen_domain::job::{
    FailOutcome, FencedResult, JobActionOutcome, JobFilter, JobState, JobStatus, ParkedFor, PruneRequest, Retry,
};
use fieldfen_domain::store::{JobActions, JobQueue, JobReads, Store};
use fieldfen_testkit::fixtures::{at, claim_ref, claim_request, failure, job, job_id};

use crate::sqlite::columns::test_database::{database, session, text};
use crate::{OpenMode, SqliteStore, SqliteUrl, connect, migrations};

/// A database with one failed job. `set` changes some of its columns.
fn with_failed_job(set: &str) -> SqliteConnection {
    let mut conn = database();
    session(&mut conn).enqueue(&job(1)).unwrap();
    assert_eq!(session(&mut conn).cancel(&job_id(1), "no", at(0)).unwrap(), JobActionOutcome::Done);
    conn.batch_execute(&format!("UPDATE jobs SET {set}")).unwrap();
    conn
}

fn column(conn: &mut SqliteConnection) -> String {
    text(conn, "SELECT coalesce(parked_for, 'none') FROM jobs")
}

#[test]
fn a_parked_job_is_parked_when_the_file_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    migrations::run_pending(&mut connect(&SqliteUrl::from(path.as_path()), OpenMode::CreateIfMissing).unwrap())
        .unwrap();
    let open = || SqliteStore::open(&path.display().to_string()).unwrap();
    let parked = open()
        .write(|s| {
            s.jobs().enqueue(&job(1))?;
            s.jobs().claim(&claim_request(1, 1, at(0)))?;
            s.jobs().fail(&claim_ref(1, 1), &failure("no", Retry::Parked(ParkedFor::Approval), at(1)))
        })
        .unwrap();
    assert_eq!(parked, FencedResult::Done(FailOutcome::Parked));
    let found = open().read(|s| s.jobs().find(&job_id(1))).unwrap().unwrap();
    assert_eq!(found.state, JobState::Parked { at: Some(at(1)), parked_for: ParkedFor::Approval });
}

#[test]
fn no_text_of_an_error_parks_a_job() {
    for error in ["waits for an approval", "waits for an approval: the file is processed", "waits for a person: etsy"] {
        let mut conn = with_failed_job(&format!("last_error = '{error}'"));
        let found = session(&mut conn).find(&job_id(1)).unwrap().unwrap();
        assert_eq!((found.state, found.last_error.as_deref()), (JobState::Failed { at: Some(at(0)) }, Some(error)));
    }
}

#[test]
fn a_word_of_another_version_parks_a_job_for_it() {
    let mut conn = with_failed_job("parked_for = 'restore'");
    let restore: ParkedFor = "restore".parse().unwrap();
    let mut s = session(&mut conn);
    assert_eq!(s.find(&job_id(1)).unwrap().unwrap().state.parked_for(), Some(restore));
    let page = s.page(&JobFilter::new().parked_for(restore), &PageRequest::first(9)).unwrap();
    assert_eq!(page.items.len(), 1);
}

#[test]
fn what_is_no_word_is_named_and_a_retry_or_a_cancel_takes_it_away() {
    for word in ["'An approval of Ann'", "x'61'", "''"] {
        let mut conn = with_failed_job(&format!("parked_for = {word}"));
        let mut s = session(&mut conn);
        let error = s.find(&job_id(1)).unwrap_err().to_string();
        assert!(error.contains("column parked_for"), "{word}: {error}");
        assert_eq!(s.page(&JobFilter::new().parked(), &PageRequest::first(9)).unwrap().unreadable.len(), 1);
        assert!(s.count().unwrap()[0].parked_for.is_some(), "{word}");
        assert_eq!(s.retry(&job_id(1), at(1)).unwrap(), JobActionOutcome::Done, "{word}");
        assert_eq!(s.claim(&claim_request(1, 9, at(1))).unwrap().jobs.len(), 1, "{word}");

        let mut conn = with_failed_job(&format!("parked_for = {word}"));
        assert_eq!(session(&mut conn).cancel(&job_id(1), "no", at(1)).unwrap(), JobActionOutcome::Done, "{word}");
        assert_eq!(column(&mut conn), "none", "{word}");
    }
}

#[test]
fn the_column_means_nothing_for_a_job_that_another_program_has_let_run_again() {
    for word in ["'approval'", "'An approval of Ann'", "x'61'"] {
        let mut conn = with_failed_job(&format!("status = 'pending', completed_at = NULL, parked_for = {word}"));
        let mut s = session(&mut conn);
        assert_eq!(s.find(&job_id(1)).unwrap().unwrap().state, JobState::Pending, "{word}");
        let page = s.page(&JobFilter::new().parked(), &PageRequest::first(9)).unwrap();
        assert_eq!((page.items.len(), page.unreadable.len()), (0, 0), "{word}");
        assert_eq!(s.claim(&claim_request(1, 9, at(1))).unwrap().jobs.len(), 1, "{word}");
        assert!(s.complete(&claim_ref(1, 1), None, at(2)).unwrap().is_done());
        let all = PruneRequest::new(JobStatus::Completed, at(9), 9);
        assert_eq!(s.prune(&all).unwrap(), 1, "{word}");
    }
}

#[test]
fn a_parked_job_that_another_program_has_completed_is_pruned() {
    for (word, ended) in
        [("'approval'", "'2026-01-01 00:00:01'"), ("x'61'", "'2026-01-01 00:00:01'"), ("'person'", "NULL")]
    {
        let mut conn = with_failed_job(&format!("parked_for = {word}"));
        conn.batch_execute(&format!("UPDATE jobs SET status = 'completed', completed_at = {ended}")).unwrap();
        let pruned = session(&mut conn).prune(&PruneRequest::new(JobStatus::Completed, at(9), 9)).unwrap();
        assert_eq!(pruned, 1, "{word} {ended}");
    }
}
