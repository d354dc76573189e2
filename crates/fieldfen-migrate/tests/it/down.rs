//! The effect of reverted migrations on jobs and publications.

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::job::{ClaimRequest, JobKind, WorkerName};
use fieldfen_domain::store::Store as _;
use fieldfen_domain::{FenceToken, Timestamp};
use fieldfen_persistence::SqliteStore;

use crate::shop_harness::Shop;

/// Jobs in every state that a reversal may affect.
const JOBS: &str = "
    INSERT INTO jobs (id, command_type, status, run_at, priority, max_retries, dedup_key, last_error) VALUES
    ('00000000-0000-4000-8000-000000000001', 'test.post', 'pending', '2099-01-02 03:04:05.000006', 1, 9, 'post:7', 'a; \"b\"
c'),
    ('00000000-0000-4000-8000-000000000002', 'test.post', 'pending', '2099-01-02 03:04:05.000006', 2, 5, NULL, NULL),
    ('00000000-0000-4000-8000-000000000003', 'test.post', 'pending', '2026-01-01 00:00:00.000000', 2, 5, NULL, NULL);";

const RUNNING: &str = "
    INSERT INTO jobs (id, command_type, status, run_at, started_at, lease_token, lease_expires_at, worker)
    VALUES ('00000000-0000-4000-8000-000000000004', 'test.run', 'running', '2026-01-01 00:00:00.000000',
            '2026-01-01 00:00:00.000000', '00000000-0000-4000-8000-0000000000aa', '2026-01-01 00:01:00.000000', 'w-1');";

fn publication(state: &str) -> String {
    format!(
        "INSERT OR IGNORE INTO files (id, original_filename, status) VALUES ('f', 'a.jpg', 'approved');
         INSERT INTO publications (id, file_id, channel, platform, client_key, state, token, held_until, created_at,
                                   updated_at)
         VALUES ('p-{state}', 'f', 'listing', 'etsy', 'k-{state}', '{state}', 't', '2026-01-01 00:00:00.000000',
                 '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000');"
    )
}

fn shop(statements: &str) -> Shop {
    let shop = Shop::new();
    shop.migrate(&["up"]).ends_with(0);
    change(&shop, statements);
    shop
}

fn change(shop: &Shop, statements: &str) {
    SqliteConnection::establish(shop.database()).unwrap().batch_execute(statements).unwrap();
}

fn texts(shop: &Shop, query: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        line: String,
    }
    let mut conn = SqliteConnection::establish(shop.database()).unwrap();
    diesel::sql_query(query).load::<Row>(&mut conn).unwrap().into_iter().map(|row| row.line).collect()
}

/// The ids, by their last digit, of the jobs that are due in 2027.
fn due(shop: &Shop) -> BTreeSet<char> {
    let store = SqliteStore::open(shop.database()).unwrap();
    let now: Timestamp = "2027-01-01T00:00:00Z".parse().unwrap();
    let kinds = ["test.post", "test.run"].map(|kind| JobKind::custom(kind).unwrap());
    let request = ClaimRequest::new(
        kinds.into(),
        10,
        FenceToken::from_random(1),
        now,
        std::time::Duration::from_secs(60),
        WorkerName::new("after"),
    )
    .limits(Default::default())
    .alone(true);
    let claimed = store.write(|s| s.jobs().claim(&request)).unwrap();
    claimed.jobs.iter().filter_map(|job| job.id.to_string().chars().last()).collect()
}

#[test]
fn jobs_that_are_not_due_are_not_due_after_down_and_up_either() {
    let shop = shop(JOBS);
    let all = "SELECT json_array(id, status, run_at, priority, max_retries, dedup_key, last_error) AS line FROM jobs ORDER BY id";
    let before = texts(&shop, all);
    let refused = shop.migrate(&["down", "--to", "0001"]);
    refused.ends_with(2);
    assert!(refused.err.contains("jobs that are not due yet: 2"), "{}", refused.err);
    let down = shop.migrate(&["down", "--to", "0001", "--allow-data-loss"]);
    down.ends_with(0);
    assert!(down.out.contains("jobs that are not due yet: 2"), "{}", down.out);

    // A program that knows only the specification runs pending jobs, whenever they are due.
    let pending = texts(&shop, "SELECT id AS line FROM jobs WHERE status = 'pending'");
    assert_eq!(pending, ["00000000-0000-4000-8000-000000000003"]);

    shop.migrate(&["up"]).ends_with(0);
    let after = texts(&shop, all);
    assert_eq!(after[..2], before[..2], "whole, with keys and priorities");
    assert_eq!(due(&shop), BTreeSet::from(['3']));
}

#[test]
fn down_is_refused_while_jobs_run_and_leaves_the_file_as_it_is() {
    let shop = shop(RUNNING);
    let before = shop.listing();
    for arguments in [&["down", "--to", "0001"][..], &["down"]] {
        let refused = shop.migrate(arguments);
        refused.ends_with(2);
        for said in ["running jobs: 1", "--allow-data-loss"] {
            assert!(refused.err.contains(said), "{said}: {}", refused.err);
        }
        assert_eq!(shop.listing(), before, "{arguments:?}");
    }
}

#[test]
fn a_job_that_ran_during_an_allowed_down_is_a_dead_letter_afterwards() {
    let shop = shop(RUNNING);
    shop.migrate(&["down", "--to", "0001", "--allow-data-loss"]).ends_with(0);
    let line = "SELECT status || ': ' || last_error || (completed_at IS NOT NULL) AS line FROM jobs";
    let job = texts(&shop, line).remove(0);
    assert!(job.starts_with("failed: ") && job.contains("was running") && job.ends_with('1'), "{job}");
    shop.migrate(&["up"]).ends_with(0);
    assert_eq!(due(&shop), BTreeSet::new());
}

#[test]
fn a_job_that_another_program_runs_stays_its_own() {
    let shop = shop(
        "INSERT INTO jobs (id, command_type, status) VALUES ('00000000-0000-4000-8000-000000000005', 'x', 'running')",
    );
    shop.migrate(&["down", "--to", "0001"]).ends_with(0);
    shop.migrate(&["up"]).ends_with(0);
    assert_eq!(texts(&shop, "SELECT status AS line FROM jobs"), ["running"]);
}

#[test]
fn down_is_refused_while_there_are_publications_and_says_what_would_follow() {
    for state in ["reserved", "unknown", "confirmed", "released"] {
        let shop = shop(&publication(state));
        let before = shop.listing();
        let refused = shop.migrate(&["down", "--to", "0003", "--json"]);
        refused.ends_with(2);
        for said in ["rows of publications: 1", "products and posts would be listed twice"] {
            assert!(refused.err.contains(said), "{state}: {said}: {}", refused.err);
        }
        assert_eq!(shop.listing(), before);
        shop.migrate(&["down", "--to", "0004"]).ends_with(0);
        let down = shop.migrate(&["down", "--to", "0003", "--allow-data-loss", "--json"]).document(0);
        assert!(down["lost"].as_array().unwrap().iter().any(|loss| loss["rows"] == 1), "{down:#}");
    }
}

#[test]
fn a_refusal_of_one_migration_takes_none_back() {
    let shop = shop(&publication("reserved"));
    let newest = fieldfen_persistence::migrations::newest().to_string();
    shop.migrate(&["down", "--to", "0001"]).ends_with(2);
    assert_eq!(shop.migrate(&["status", "--json"]).document(0)["at"], newest);
}

#[test]
fn what_is_lost_is_counted_by_table_and_column() {
    let shop = shop(
        "INSERT INTO files (id, original_filename, status, failure, failed_from)
         VALUES ('f', 'a.jpg', 'failed', 'x', 'approved'), ('g', 'a.jpg', 'failed', 'x', NULL);
         INSERT INTO file_history (file_id, to_status, reason, at) VALUES ('f', 'failed', 'x', '2026-01-01');
         INSERT INTO jobs (id, command_type, status, parked_for) VALUES ('j', 'x', 'failed', 'approval');
         INSERT INTO processed_hashes (hash, expires_at) VALUES ('h', '2099-01-01 00:00:00.000000');
         INSERT INTO recurring_jobs (name, schedule, command_type, next_at, updated_at)
         VALUES ('r', '@daily', 'x', '2026-01-01', '2026-01-01');
         INSERT INTO recurring_runs (name, run_at, job_id) VALUES ('r', '2026-01-01', 'j')",
    );
    shop.migrate(&["down", "--to", "0001"]).ends_with(2);
    let document = shop.migrate(&["down", "--to", "0001", "--allow-data-loss", "--json"]).document(0);
    let lost = document["lost"].as_array().unwrap();
    for (what, rows) in [
        ("rows with files.failure", 2),
        ("rows with files.failed_from", 1),
        ("rows of file_history", 1),
        ("rows with jobs.parked_for", 1),
        ("rows with processed_hashes.expires_at", 1),
        ("rows of recurring_jobs", 1),
        ("rows of recurring_runs", 1),
    ] {
        let loss = lost.iter().find(|loss| loss["what"] == what).unwrap_or_else(|| panic!("{what}: {document:#}"));
        assert_eq!(loss["rows"], rows, "{what}");
        assert!(loss["consequence"].as_str().unwrap().len() > 10, "{loss:#}");
    }
    assert_eq!(lost.len(), 7, "{document:#}");
}

#[test]
fn the_specifications_own_rows_are_deleted_by_permission_only() {
    let shop = shop("INSERT INTO files (id, original_filename, status) VALUES ('f', 'a.jpg', 'approved')");
    let refused = shop.migrate(&["down", "--to", "none"]);
    refused.ends_with(2);
    assert!(refused.err.contains("rows of files: 1"), "{}", refused.err);
    assert_eq!(texts(&shop, "SELECT id AS line FROM files"), ["f"]);
    shop.migrate(&["down", "--to", "none", "--allow-data-loss"]).ends_with(0);
}
