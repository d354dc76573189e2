//! Tests jobs that other programs inserted with values that no domain type can hold.

use diesel::connection::SimpleConnection;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::job::{JobFilter, JobKind, JobStatus, Priority, PruneRequest, UnreadableJob};
use fieldfen_domain::store::{Files, JobActions, JobQueue, JobReads};
use fieldfen_domain::{PageRequest, Timestamp};
use fieldfen_testkit::fixtures::{
    at, claim_ref, claim_request, file, file_id, job, job_id, lost_lease_backoff, reclaim_request, token, work,
};

use crate::sqlite::columns::test_database::{database, session, text};

/// A database with one pending job. `set` changes some of its columns.
fn with_job(set: &str) -> SqliteConnection {
    let mut conn = database();
    session(&mut conn).enqueue(&job(1)).unwrap();
    conn.batch_execute(&format!("UPDATE jobs SET {set}")).unwrap();
    conn
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Due times as other programs write them, with their meaning. With `None`, the job fails.
fn due_times() -> Vec<(&'static str, Option<Timestamp>)> {
    let due = |sql, text: &str| (sql, Some(time(text)));
    vec![
        due("'2026-11-25 10:00:00'", "2026-11-25T10:00:00Z"),
        due("'2026-11-25 10:00:00.25'", "2026-11-25T10:00:00.25Z"),
        due("'2026-11-25 10:00:00.123456789'", "2026-11-25T10:00:00.123456Z"),
        due("'2026-11-25T10:00:00'", "2026-11-25T10:00:00Z"),
        due("'2026-11-25T10:00:00Z'", "2026-11-25T10:00:00Z"),
        due("'2026-11-25T10:00:00.000001+00:00'", "2026-11-25T10:00:00.000001Z"),
        due("'2026-11-25 10:00:00+02:00'", "2026-11-25T08:00:00Z"),
        due("'2026-11-25 10:00:00-05:00'", "2026-11-25T15:00:00Z"),
        due("'2026-11-25 10:00'", "2026-11-25T10:00:00Z"),
        due("'2026-11-25'", "2026-11-25T00:00:00Z"),
        due("'2026-11-24 24:00:00'", "2026-11-25T00:00:00Z"),
        due("'2026-11-31 00:00:00'", "2026-12-01T00:00:00Z"),
        due("'20261125T100000'", "2026-11-25T10:00:00Z"),
        due("1795600800", "2026-11-25T10:00:00Z"),
        due("1795600800.5", "2026-11-25T10:00:00.5Z"),
        due("1795600800000", "2026-11-25T10:00:00Z"),
        due("julianday('2026-11-25 12:00:00')", "2026-11-25T12:00:00Z"),
        ("''", None),
        ("'soon'", None),
        ("'2026-13-01 00:00:00'", None),
        ("x'00'", None),
        ("CAST('2026-01-01 00:00:00.000000' AS BLOB)", None),
        ("CAST(x'32e9' AS TEXT)", None),
    ]
}

#[test]
fn a_job_is_due_when_its_time_says_in_whatever_form_another_program_has_written_it() {
    let microsecond = chrono::TimeDelta::microseconds(1);
    for (run_at, due) in due_times() {
        let mut conn = with_job(&format!("run_at = {run_at}"));
        let mut s = session(&mut conn);
        s.enqueue(&job(2)).unwrap();
        let taken = s.reclaim(&reclaim_request(at(0), 9), &lost_lease_backoff).unwrap();
        assert_eq!((taken.jobs.len(), taken.unreadable.len()), (0, usize::from(due.is_none())), "{run_at}");
        let claimed = s.claim(&claim_request(1, 9, at(0))).unwrap();
        assert_eq!((claimed.jobs.len(), claimed.jobs[0].id), (1, job_id(2)), "{run_at}");
        let Some(due) = due else { continue };
        assert_eq!(s.next_due(&[work()]).unwrap(), Some(due), "{run_at}");
        assert_eq!(s.claim(&claim_request(2, 9, due - microsecond)).unwrap(), Default::default(), "{run_at}");
        assert_eq!(s.claim(&claim_request(3, 9, due)).unwrap().jobs.len(), 1, "{run_at}");
    }
}

#[test]
fn no_claim_takes_a_job_before_its_time_or_fails_it_before_a_reclaim_has_seen_it() {
    for (run_at, due) in due_times() {
        let Some(due) = due else { continue };
        let mut conn = with_job(&format!("run_at = {run_at}"));
        let mut s = session(&mut conn);
        for minutes in [-2000, -700, -60, -1] {
            let now = due + chrono::TimeDelta::minutes(minutes);
            assert_eq!(s.claim(&claim_request(1, 9, now)).unwrap(), Default::default(), "{run_at} at {now}");
        }
        s.reclaim(&reclaim_request(due, 9), &lost_lease_backoff).unwrap();
        assert_eq!(s.claim(&claim_request(2, 9, due)).unwrap().jobs.len(), 1, "{run_at}");
    }
}

#[test]
fn a_due_time_in_our_own_form_that_only_sqlite_takes_for_one_fails_no_job() {
    for (run_at, due) in [
        ("2026-11-24 24:00:00.000000", "2026-11-25T00:00:00Z"),
        ("2026-11-31 10:00:00.000000", "2026-12-01T10:00:00Z"),
        ("2026-02-30 10:00:00.000000", "2026-03-02T10:00:00Z"),
    ] {
        let mut conn = with_job(&format!("run_at = '{run_at}'"));
        let mut s = session(&mut conn);
        s.reclaim(&reclaim_request(at(0), 9), &lost_lease_backoff).unwrap();
        let due = time(due);
        let before = due - chrono::TimeDelta::microseconds(1);
        assert_eq!(s.claim(&claim_request(1, 9, before)).unwrap(), Default::default(), "{run_at}");
        // The first claim that reads the text rewrites the time.
        let claims = [2, 3].map(|number| s.claim(&claim_request(number, 9, due)).unwrap());
        let (jobs, unreadable): (Vec<_>, Vec<_>) = claims.into_iter().map(|c| (c.jobs.len(), c.unreadable)).unzip();
        assert_eq!((jobs.iter().sum::<usize>(), unreadable.concat()), (1, vec![]), "{run_at}");
    }
}

#[test]
fn counters_at_their_end_stay_there_and_keep_no_other_job_from_being_reclaimed() {
    for set in [
        "attempts = 4294967295",
        "attempts = 4294967295, max_retries = 4294967295, alone = 1",
        "lost_leases = 4294967295",
        "lost_leases = 4294967295, max_retries = 0",
    ] {
        let mut conn = with_job("priority = 2");
        session(&mut conn).enqueue(&job(2)).unwrap();
        session(&mut conn).claim(&claim_request(1, 2, at(0))).unwrap();
        conn.batch_execute(&format!("UPDATE jobs SET {set} WHERE rowid = 1")).unwrap();
        let taken = session(&mut conn).reclaim(&reclaim_request(at(3600), 9), &lost_lease_backoff).unwrap();
        assert_eq!((taken.jobs.len(), taken.unreadable.len()), (2, 0), "{set}");
    }
    let mut conn = with_job("attempts = 4294967294, throttled = 4294967295, max_retries = 4294967295");
    let mut s = session(&mut conn);
    for number in 1..=3 {
        assert_eq!(s.claim(&claim_request(number, 1, at(0))).unwrap().jobs.len(), 1);
        assert!(s.throttle(&claim_ref(1, number), at(0), at(0)).unwrap().is_done());
    }
    assert_eq!(s.find(&job_id(1)).unwrap().unwrap().throttled, u32::MAX);
}

#[test]
fn a_lease_that_ends_at_no_time_or_beyond_every_lease_is_reclaimed_and_named() {
    let latest = at(86_400);
    for (expires_at, named) in [
        ("'soon'", "\"soon\""),
        ("''", "\"\""),
        ("x'00'", "a blob"),
        ("'2026-13-01 00:00:00'", "2026-13-01"),
        ("'2027-01-01 00:00:00.000000'", "2027-01-01"),
        ("'2026-01-02 00:00:01'", "2026-01-02"),
        ("'9999-12-31 23:59:59.999999'", "9999-12-31"),
    ] {
        let mut conn = with_job("priority = 2");
        session(&mut conn).claim(&claim_request(1, 1, at(0))).unwrap();
        conn.batch_execute(&format!("UPDATE jobs SET lease_expires_at = {expires_at}")).unwrap();
        let mut s = session(&mut conn);
        let request = reclaim_request(at(0), 9).latest(latest);
        let taken = s.reclaim(&request, &lost_lease_backoff).unwrap();
        assert_eq!((taken.jobs.len(), taken.unreadable.len()), (1, 0), "{expires_at}");
        let reason = taken.jobs[0].job.last_error.clone().unwrap();
        assert!(reason.contains(named) && taken.jobs[0].job.attempts == 1, "{expires_at}: {reason}");
        assert_eq!(s.reclaim(&request, &lost_lease_backoff).unwrap(), Default::default());
    }
}

#[test]
fn a_lease_that_is_written_in_another_form_ends_when_it_says() {
    for expires_at in ["'2026-01-01T10:00:00'", "'2026-01-01T12:00:00+02:00'", "1767261600", "'2026-01-01 10:00'"] {
        let mut conn = with_job("priority = 2");
        session(&mut conn).claim(&claim_request(1, 1, at(0))).unwrap();
        conn.batch_execute(&format!("UPDATE jobs SET lease_expires_at = {expires_at}")).unwrap();
        let mut s = session(&mut conn);
        for (second, expected) in [(35_999, 0), (36_000, 1)] {
            let request = reclaim_request(at(second), 9).latest(at(second + 86_400));
            let taken = s.reclaim(&request, &lost_lease_backoff).unwrap();
            assert_eq!((taken.jobs.len(), taken.unreadable.len()), (expected, 0), "{expires_at} at {second}");
        }
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

#[test]
fn a_page_names_the_rows_that_cannot_be_read_and_goes_on_behind_them() {
    let mut conn = with_job("priority = 1.5");
    let mut s = session(&mut conn);
    for number in 2..=3 {
        s.enqueue(&job(number)).unwrap();
    }
    let first = s.page(&JobFilter::default(), &PageRequest::first(2)).unwrap();
    assert_eq!((first.items.len(), first.items[0].id), (1, job_id(2)));
    let bad = format!("jobs {}: column priority holds a real number; it must be a whole number", job_id(1));
    assert_eq!(first.unreadable.iter().map(ToString::to_string).collect::<Vec<_>>(), [bad]);
    let rest = s.page(&JobFilter::default(), &PageRequest::first(2).after(first.next.unwrap())).unwrap();
    assert_eq!((rest.items.len(), rest.unreadable.len(), rest.next), (1, 0, None));
}

#[test]
fn ended_jobs_without_a_completion_are_pruned_by_their_creation_where_that_is_a_time() {
    for (created_at, ended) in [
        ("'2026-01-01 11:59:59'", Some(true)),
        ("'2026-01-01 12:00:00'", Some(false)),
        ("'2026-01-01 12:00:00.0'", Some(false)),
        ("NULL", None),
        ("1763906709", None),
        ("''", None),
    ] {
        let mut conn = with_job(&format!("status = 'failed', created_at = {created_at}"));
        let mut s = session(&mut conn);
        let noon = time("2026-01-01T12:00:00Z");
        let request = PruneRequest::new(JobStatus::Failed, noon, 9);
        assert_eq!(s.count_ended(JobStatus::Failed).unwrap(), u64::from(ended.is_some()), "{created_at}");
        assert_eq!(s.prune(&request).unwrap(), u64::from(ended == Some(true)), "{created_at}");
        let left = s.prune(&request.also_oldest(9)).unwrap();
        assert_eq!(left, u64::from(ended == Some(false)), "{created_at}");
    }
}

#[test]
fn a_completion_without_fraction_is_not_before_its_own_second() {
    let mut conn = with_job("status = 'completed', completed_at = '2026-01-01 12:00:00'");
    let ended_before = time("2026-01-01T12:00:00Z");
    let request = PruneRequest::new(JobStatus::Completed, ended_before, 9);
    assert_eq!(session(&mut conn).prune(&request).unwrap(), 0);
}

#[test]
fn jobs_with_a_status_that_there_is_not_are_not_counted() {
    let mut conn = with_job("status = 'lost'");
    let mut s = session(&mut conn);
    s.enqueue(&job(2)).unwrap();
    let counts = s.count().unwrap();
    assert_eq!((counts.len(), counts[0].status, counts[0].jobs), (1, JobStatus::Pending, 1));
}

/// A job of a file, with a number of retries outside the valid range.
fn with_unreadable_job_of_a_file() -> SqliteConnection {
    let mut conn = with_job("max_retries = 'many'");
    Files::insert(&mut session(&mut conn), &file(1)).unwrap();
    conn.batch_execute(&format!("UPDATE jobs SET file_id = '{}'", file_id(1))).unwrap();
    conn
}

fn assert_ended(conn: &mut SqliteConnection, unreadable: &[UnreadableJob]) {
    let [row] = unreadable else { panic!("{unreadable:?}") };
    assert_eq!((&row.id, &row.kind, row.file_id), (&job_id(1).to_string(), &Some(work()), Some(file_id(1))));
    assert!(row.reason.contains("column max_retries"), "{row:?}");
    assert_eq!(text(conn, "SELECT status || ' ' || last_error FROM jobs"), format!("failed {}", row.reason));
}

#[test]
fn a_claim_says_what_is_known_of_a_job_that_it_cannot_read() {
    let mut conn = with_unreadable_job_of_a_file();
    let claimed = session(&mut conn).claim(&claim_request(1, 9, at(0))).unwrap();
    assert_ended(&mut conn, &claimed.unreadable);
}

#[test]
fn a_reclaim_says_what_is_known_of_a_job_that_it_cannot_read() {
    let mut conn = with_unreadable_job_of_a_file();
    conn.batch_execute(&format!(
        "UPDATE jobs SET status = 'running', lease_token = '{}', lease_expires_at = '2025-01-01 00:00:00'",
        token(1)
    ))
    .unwrap();
    let taken = session(&mut conn).reclaim(&reclaim_request(at(0), 9), &lost_lease_backoff).unwrap();
    assert_eq!(taken.jobs, []);
    assert_ended(&mut conn, &taken.unreadable);
}

#[test]
fn pending_jobs_with_priorities_that_no_claim_looks_at_fail_and_others_stay() {
    for priority in ["-1", "4", "'high'", "-0.5", "0.5", "1.5", "2.999", "3.5", "x'00'"] {
        let mut conn = with_job(&format!("priority = {priority}, command_type = 'test.other'"));
        let mut s = session(&mut conn);
        s.enqueue(&job(2)).unwrap();
        let taken = s.reclaim(&reclaim_request(at(0), 9), &lost_lease_backoff).unwrap();
        assert_eq!((taken.jobs.len(), taken.unreadable.len()), (0, 1), "{priority}");
        assert!(taken.unreadable[0].reason.contains("column priority"), "{taken:?}");
        assert_eq!(
            s.reclaim(&reclaim_request(at(0), 9), &lost_lease_backoff).unwrap(),
            Default::default(),
            "{priority}"
        );
        assert_eq!(s.claim(&claim_request(1, 9, at(0))).unwrap().jobs.len(), 1);
    }
}

#[test]
fn pending_jobs_that_no_time_makes_due_fail_and_those_due_in_the_last_year_stay() {
    for (run_at, fails) in [
        ("x'00'", true),
        ("CAST('2026-01-01 00:00:00.000000' AS BLOB)", true),
        ("'soon'", true),
        ("':'", true),
        ("'9999-12-31 25:00:00'", true),
        ("'9999-12-31 23:59:59.999999'", false),
        ("'9999-12-31T00:00:00'", false),
    ] {
        for priority in 0..4 {
            let mut conn = with_job(&format!("run_at = {run_at}, priority = {priority}"));
            let mut s = session(&mut conn);
            s.enqueue(&job(2)).unwrap();
            let taken = s.reclaim(&reclaim_request(at(0), 9), &lost_lease_backoff).unwrap();
            assert_eq!((taken.jobs.len(), taken.unreadable.len()), (0, usize::from(fails)), "{run_at}");
            assert!(taken.unreadable.iter().all(|row| row.reason.contains("column run_at")), "{taken:?}");
            assert_eq!(
                s.reclaim(&reclaim_request(at(0), 9), &lost_lease_backoff).unwrap(),
                Default::default(),
                "{run_at}"
            );
            assert_eq!(s.claim(&claim_request(1, 9, at(0))).unwrap().jobs.len(), 1);
        }
    }
}

#[test]
fn a_pending_job_whose_kind_is_a_blob_fails_at_a_reclaim_and_any_text_stays() {
    for (kind, fails) in [
        ("x'41'", true),
        ("x''", true),
        ("x'ff'", true),
        ("CAST(x'74e9' AS TEXT)", false),
        ("''", false),
        ("'no kind'", false),
        ("'\u{fffd}'", false),
        ("1", false),
    ] {
        let mut conn = with_job(&format!("command_type = {kind}"));
        let mut s = session(&mut conn);
        s.enqueue(&job(2).priority(Priority::High)).unwrap();
        let taken = s.reclaim(&reclaim_request(at(0), 9), &lost_lease_backoff).unwrap();
        assert_eq!((taken.jobs.len(), taken.unreadable.len()), (0, usize::from(fails)), "{kind}");
        assert!(taken.unreadable.iter().all(|row| row.id == job_id(1).to_string()), "{taken:?}");
        assert!(taken.unreadable.iter().all(|row| row.reason.contains("column command_type")), "{taken:?}");
        assert_eq!(s.reclaim(&reclaim_request(at(0), 9), &lost_lease_backoff).unwrap(), Default::default(), "{kind}");
        assert_eq!(s.claim(&claim_request(1, 9, at(0))).unwrap().jobs.len(), 1);
    }
}

#[test]
fn a_job_whose_texts_for_people_are_latin_1_runs() {
    let mut conn = with_job("last_error = CAST(x'64e96ae0' AS TEXT), worker = x'e9'");
    let claimed = session(&mut conn).claim(&claim_request(1, 9, at(0))).unwrap();
    assert_eq!(claimed.unreadable, []);
    assert_eq!(claimed.jobs[0].last_error.as_deref(), Some("d\u{fffd}j\u{fffd}"));
}

#[test]
fn a_job_whose_payload_is_not_utf_8_fails_by_name_and_the_others_are_claimed() {
    for (set, column, value) in [
        ("payload_json = CAST(x'7be97d' AS TEXT)", "payload_json", "\"{\\xe9}\"; it must be UTF-8"),
        ("payload_json = x'7b7d'", "payload_json", "the blob \"{}\"; it must be a text"),
        ("dedup_key = CAST(x'e9' AS TEXT)", "dedup_key", "\"\\xe9\"; it must be UTF-8"),
        ("file_id = CAST(x'e9' AS TEXT)", "file_id", "\"\\xe9\"; it must be UTF-8"),
    ] {
        let mut conn = database();
        conn.batch_execute("PRAGMA foreign_keys = OFF").unwrap();
        for number in 1..=3 {
            session(&mut conn).enqueue(&job(number)).unwrap();
        }
        conn.batch_execute(&format!("UPDATE jobs SET {set} WHERE rowid = 2")).unwrap();
        let mut s = session(&mut conn);
        let claimed = s.claim(&claim_request(1, 9, at(0))).unwrap();
        let ids: Vec<_> = claimed.jobs.iter().map(|job| job.id).collect();
        assert_eq!(ids, [job_id(1), job_id(3)], "{set}");
        let reason = format!("jobs {}: column {column} holds {value}", job_id(2));
        assert_eq!(claimed.unreadable.iter().map(|row| &row.reason).collect::<Vec<_>>(), [&reason]);
        let page = s.page(&JobFilter::default(), &PageRequest::first(9)).unwrap();
        // Pages do not read payloads.
        let hidden = usize::from(column != "payload_json");
        assert_eq!((page.items.len(), page.unreadable.len()), (3 - hidden, hidden), "{set}");
        assert_eq!(s.count().unwrap().iter().map(|count| count.jobs).sum::<u64>(), 3);
    }
}

#[test]
fn a_due_time_that_is_not_utf_8_hides_no_job_of_another_kind() {
    let mut conn = with_job("run_at = CAST(x'2de9' AS TEXT)");
    let mut s = session(&mut conn);
    s.enqueue(&job(2)).unwrap();
    let mut request = claim_request(1, 9, at(0));
    request.kinds.insert(JobKind::UpscaleImage);
    let claimed = s.claim(&request).unwrap();
    assert_eq!((claimed.jobs.len(), claimed.unreadable.len()), (1, 1));
}
