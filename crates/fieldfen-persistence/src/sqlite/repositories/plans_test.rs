//! Tests the statements of the other repositories and their query plans on 100,000 rows, without statistics and after
//! ANALYZE.

use diesel::connection::SimpleConnection;
use diesel::sqlite::SqliteConnection;

use crate::sqlite::columns::test_database::database;
use crate::sqlite::repositories::job_plans_test::plan;

/// The statements that may scan: one counts all rows, the others those of a limited subquery.
const BEYOND_A_SEARCH: [&str; 3] = ["CountAll", "CountUpTo", "NextRows"];

/// All statements of the store with their names.
pub(in crate::sqlite) fn all_statements() -> Vec<(&'static str, String)> {
    [crate::sqlite::repositories::jobs::statements(), statements()].concat()
}

fn statements() -> Vec<(&'static str, String)> {
    [
        crate::sqlite::repositories::files::statements(),
        crate::sqlite::repositories::publications::statements(),
        crate::sqlite::repositories::webhook_hashes::statements(),
        crate::sqlite::repositories::api_costs::statements(),
        crate::sqlite::repositories::api_usage::statements(),
        crate::sqlite::repositories::recurring::statements(),
        crate::sqlite::repositories::recurring_runs::statements(),
        crate::sqlite::repositories::operator_actions::statements(),
        crate::sqlite::repositories::bulk_actions::statements(),
        crate::sqlite::repositories::workers::statements(),
        crate::sqlite::repositories::rate_limits::statements(),
        crate::sqlite::repositories::concurrency_limits::statements(),
        crate::sqlite::repositories::pauses::statements(),
        crate::sqlite::repositories::ids::statements(),
    ]
    .concat()
}

/// A database with 100,000 files, hashes, listings and publications, so that every index could look useful to the
/// planner.
fn full_database() -> SqliteConnection {
    let mut conn = database();
    conn.batch_execute(
        "PRAGMA foreign_keys = OFF; BEGIN;
         CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
         SELECT i FROM n;
         INSERT INTO files (id, original_filename, species, status, created_at)
         SELECT printf('%032x', i), 'a.jpg', 'species ' || (i % 7),
                iif(i % 10 = 0, 'processed', 'published'), datetime('2026-01-01', i || ' minutes') FROM n;
         INSERT INTO file_history (file_id, to_status, reason, at)
         SELECT printf('%032x', i / 5), 'ingested', '', '2026-01-01 00:00:00.000000' FROM n;
         INSERT INTO processed_hashes (hash, created_at, expires_at)
         SELECT printf('%064x', i), datetime('2026-01-01', i || ' minutes'),
                iif(i % 4, datetime('2026-01-02', i || ' minutes'), NULL) FROM n;
         INSERT INTO listings (id, file_id, platform, platform_listing_id, status)
         SELECT printf('%032x', i), printf('%032x', i / 3), iif(i % 2, 'etsy', 'ebay'), i, 'active' FROM n;
         INSERT INTO social_posts (id, file_id, platform)
         SELECT printf('%032x', i), printf('%032x', i / 3), 'tiktok' FROM n;
         INSERT INTO publications (id, file_id, channel, platform, client_key, state, token, held_until, platform_id,
                                   created_at, updated_at)
         SELECT printf('%032x', i), printf('%032x', i), 'listing', iif(i % 2, 'etsy', 'ebay'), 'k',
                iif(i % 50, 'confirmed', 'unknown'), 't', '', i, '', '' FROM n;
         INSERT INTO recurring_jobs (name, schedule, command_type, next_at, updated_at)
         SELECT 'work-' || i, '* * * * *', 'test.work', '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000' FROM n;
         INSERT INTO recurring_runs (name, run_at, job_id)
         SELECT 'work-' || (i % 9), datetime('2026-01-01', i || ' minutes'), printf('%032x', i) FROM n;
         INSERT INTO api_usage (service, recorded_at)
         SELECT iif(i % 2, 'etsy', 'replicate'), datetime('2026-01-01', i || ' minutes') FROM n;
         INSERT INTO api_costs (service, external_id, endpoint, amounts_json, status, amount_micros, currency, at, job_id)
         SELECT 'replicate', i, 'predictions', '{}', iif(i % 50, 'known', 'unknown'), i, 'USD',
                datetime('2026-01-01', i || ' minutes'), i FROM n;
         INSERT INTO api_usage_daily SELECT date('2026-01-01', (i / 30) || ' days'), i % 30, '', '', 'ok', 1, 1, 1 FROM n;
         INSERT INTO api_usage_monthly SELECT date('2026-01-01', (i / 30) || ' months'), i % 30, '', 1 FROM n;
         INSERT INTO api_cost_daily SELECT date('2026-01-01', (i / 30) || ' days'), i % 30, '', '', 'USD', 1, 0, 1, 0 FROM n;
         INSERT INTO api_cost_monthly SELECT date('2026-01-01', (i / 30) || ' months'), i % 30, '', 'USD', 1, 0, 1, 0 FROM n;
         INSERT INTO operator_actions (action_id, at, by, via, action, subject_kind, subject_id, reason, outcome)
         SELECT printf('%032x', i), '2026-01-01 00:00:00.000000', iif(i % 2, 'ann', 'bo'), 'tool', 'retry', 'job', printf('%032x', i / 2), 'r', 'done'
         FROM n;
         INSERT INTO bulk_actions (id, action, filter_json, by, via, reason, started_at, jobs_until, finished_at)
         SELECT printf('%032x', i), 'retry', '{}', 'ann', 'tool', 'r', datetime('2026-01-01', i || ' minutes'), 'jobs-1',
                iif(i % 50, '2026-01-01 00:00:00.000000', NULL) FROM n;
         INSERT INTO rate_limits (service, account, bucket, kind)
         SELECT iif(i % 2, 'etsy', 'replicate'), 'account ' || i, 'day', 'said' FROM n;
         INSERT INTO rate_limit_usage (limit_id, frees_at, units)
         SELECT i / 250, datetime('2026-01-01', i || ' minutes'), 1 FROM n;
         INSERT INTO api_permits (id, service, units, worker, acquired_at, start_by, lapses_at)
         SELECT printf('%032x', i), 'etsy', 1, '', '', '', datetime('2026-01-01', i || ' minutes') FROM n;
         INSERT INTO api_permit_limits (permit_id, limit_id, units, settled_units_then)
         SELECT printf('%032x', i), i, 1, 0 FROM n;
         COMMIT",
    )
    .unwrap();
    conn
}

#[test]
fn the_statements_of_the_repositories_and_their_plans_are_as_they_were() {
    let mut conn = full_database();
    let mut lines = String::new();
    for (name, sql) in statements() {
        lines += &format!("{name}: {sql}\n");
        for step in plan(&mut conn, &sql) {
            lines += &format!("    {step}\n");
        }
    }
    insta::assert_snapshot!(lines);
}

#[test]
fn no_statement_of_the_repositories_scans_or_sorts_whether_analyzed_or_not() {
    let mut conn = full_database();
    for analyzed in [false, true] {
        if analyzed {
            conn.batch_execute("ANALYZE").unwrap();
        }
        for (name, sql) in statements().into_iter().filter(|(name, _)| !BEYOND_A_SEARCH.contains(name)) {
            for step in plan(&mut conn, &sql) {
                let walks = step.contains("SCAN") && !step.contains("SCAN CONSTANT ROW");
                // A file has only a few rows at the platforms, and they may hold its id in both formats. Sorting them
                // is allowed, and so is grouping the rows that are rolled up.
                let sorts =
                    step.contains("TEMP B-TREE") && !["OfFile", "grouped"].iter().any(|word| name.contains(word));
                assert!(!walks && !sorts, "{name}, analyzed: {analyzed}: {step}");
            }
        }
    }
}
