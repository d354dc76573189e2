//! Tests pages of jobs for a filter that no single index serves.

use diesel::connection::SimpleConnection;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::PageRequest;
use fieldfen_domain::job::{JobFilter, JobKind, JobStatus};
use fieldfen_domain::store::JobReads;

use crate::sqlite::columns::test_database::{database, session};
use crate::sqlite::keyset_page::EXAMINED;

/// A number of failed jobs. Only the jobs with the rowids in `rare` are of the rare kind.
fn failed_jobs(jobs: i64, rare: &[i64]) -> SqliteConnection {
    let mut conn = database();
    let rare = rare.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    conn.batch_execute(&format!(
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {jobs})
         INSERT INTO jobs (id, command_type, status)
         SELECT printf('%032x', i), iif(i IN ({rare}), 'CreateListing', 'UpscaleImage'), 'failed' FROM n"
    ))
    .unwrap();
    conn
}

/// The pages of the rare kind, as the rowids of the jobs.
fn pages(conn: &mut SqliteConnection, first: &PageRequest) -> Vec<Vec<u128>> {
    let filter = JobFilter::default().status(JobStatus::Failed).kind(JobKind::CreateListing);
    let mut page = |request: &PageRequest| session(conn).page(&filter, request).unwrap();
    let mut pages = vec![page(first)];
    while let Some(next) = pages.last().and_then(|page| page.next.clone()) {
        pages.push(page(&first.clone().after(next)));
    }
    for (before, after) in pages.iter().zip(&pages[1..]).rev() {
        let back = page(&first.clone().before(after.previous.clone().unwrap()));
        assert!(back.items.iter().all(|job| before.items.contains(job)), "the way back may have shorter pages");
    }
    pages.iter().map(|page| page.items.iter().map(|job| job.id.uuid().as_u128()).collect()).collect()
}

#[test]
fn a_page_ends_after_so_many_rows_and_says_where_to_go_on() {
    let (rare, jobs) = ([3, 10_000, 10_001, 10_002, 29_999], 30_000);
    assert_eq!(EXAMINED, 10_000);
    let mut conn = failed_jobs(jobs, &rare);
    let oldest = pages(&mut conn, &PageRequest::first(2));
    assert_eq!(oldest, [vec![3, 10_000], vec![10_001, 10_002], vec![29_999], vec![]]);
    let newest = pages(&mut conn, &PageRequest::first(2).newest_first());
    // The page before the last one examines exactly the remaining rows and cannot know that none is left.
    assert_eq!(newest, [vec![29_999], vec![10_002, 10_001], vec![10_000, 3], vec![]]);
}

#[test]
fn a_page_that_ends_with_the_list_says_so_however_many_rows_were_examined() {
    for (jobs, expected) in [
        (9_999, vec![vec![7]]),
        (10_000, vec![vec![7], vec![]]),
        (10_001, vec![vec![7], vec![]]),
        (20_000, vec![vec![7], vec![], vec![]]),
    ] {
        assert_eq!(pages(&mut failed_jobs(jobs, &[7]), &PageRequest::first(2)), expected, "{jobs}");
    }
}
