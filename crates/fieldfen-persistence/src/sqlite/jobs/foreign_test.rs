//! Jobs that other programs have put in, with what no job can hold.

use diesel::connection::SimpleConnection;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::Timestamp;
use fieldfen_domain::store::{JobQueue, JobReads};
use fieldfen_testkit::fixtures::{at, claim_request, job, work};

use crate::rows::fresh::{database, session};

/// A database with one pending job in it, of which these columns are set otherwise.
fn with_job(set: &str) -> SqliteConnection {
    let mut conn = database();
    session(&mut conn).enqueue(&job(1)).unwrap();
    conn.batch_execute(&format!("UPDATE jobs SET {set}")).unwrap();
    conn
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_due_time_that_is_none_keeps_no_other_job_from_being_found_due() {
    for run_at in ["1763906709", "0.5", "''", "'1763906709'", "'2025-11-31 00:00:00'"] {
        let mut conn = with_job(&format!("run_at = {run_at}"));
        let mut s = session(&mut conn);
        s.enqueue(&job(2)).unwrap();
        assert!(s.next_due(&[work()]).unwrap().unwrap() <= at(0), "{run_at}");
        let claimed = s.claim(&claim_request(1, 9, at(0))).unwrap();
        assert_eq!((claimed.jobs.len(), claimed.unreadable.len()), (1, 1), "{run_at}");
        assert_eq!(s.next_due(&[work()]).unwrap(), None, "{run_at}: the claim has ended it");
    }
}

#[test]
fn a_due_time_that_the_claim_reaches_late_or_never_is_not_due_before() {
    for (run_at, reached) in [
        ("'2026-01-01T00:00:00'", Some(time("2026-01-02T00:00:00Z"))),
        ("'2026-13-01 00:00:00'", Some(time("2027-01-01T00:00:00Z"))),
        ("'soon'", None),
        ("x'00'", None),
    ] {
        let mut conn = with_job(&format!("run_at = {run_at}"));
        let mut s = session(&mut conn);
        assert_eq!(s.next_due(&[work()]).unwrap(), reached, "{run_at}");
        let before = reached.map_or(at(0), |reached| reached - chrono::TimeDelta::microseconds(1));
        assert_eq!(s.claim(&claim_request(1, 9, before)).unwrap(), Default::default(), "{run_at}");
        if let Some(reached) = reached {
            let claimed = s.claim(&claim_request(1, 9, reached)).unwrap();
            assert_eq!(claimed.jobs.len() + claimed.unreadable.len(), 1, "{run_at}");
        }
    }
}
