//! Tests the statements of the job queue and their query plans, without statistics and after ANALYZE.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;

use crate::sqlite::repositories::jobs::statements;

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// The steps of SQLite's query plan for a statement.
pub(in crate::sqlite) fn plan(conn: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let steps = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load::<Step>(conn).unwrap();
    steps.into_iter().map(|step| step.detail).collect()
}

/// The plan steps that are allowed: index searches, and steps that merge or pass on the rows of searches.
const SEARCHES: [&str; 12] = [
    "SEARCH",
    "SCAN json_each VIRTUAL TABLE",
    "SCAN given VIRTUAL TABLE",
    "LIST SUBQUERY",
    "CORRELATED SCALAR SUBQUERY",
    "CO-ROUTINE",
    "COMPOUND QUERY",
    "MERGE (UNION ALL)",
    "UNION ALL",
    "LEFT",
    "RIGHT",
    "SCAN (subquery-",
];

/// A database in which every index could look useful to the planner: thousands of jobs in every status and of several
/// kinds.
fn busy_database() -> SqliteConnection {
    let mut conn = SqliteConnection::establish(":memory:").unwrap();
    crate::sqlite::migrations::run_pending(&mut conn).unwrap();
    conn.batch_execute(
        "WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 8000)
         INSERT INTO jobs (id, command_type, status, priority, run_at, completed_at, lease_token, lease_expires_at)
         SELECT printf('%08x', i), 'Kind' || (i % 3),
                CASE i % 4 WHEN 0 THEN 'pending' WHEN 1 THEN 'running' WHEN 2 THEN 'completed' ELSE 'failed' END,
                i % 4, '2026-01-01 00:00:00.000000', iif(i % 4 > 1 AND i % 3, '2026-01-01 00:00:00.000000', NULL),
                'x', iif(i % 4 = 1, '2026-01-01 00:00:00.000000', NULL) FROM n",
    )
    .unwrap();
    conn
}

#[test]
fn the_statements_of_the_queue_and_their_plans_are_as_they_were() {
    let mut conn = busy_database();
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
fn no_statement_of_the_queue_scans_or_sorts_whether_analyzed_or_not() {
    let mut conn = busy_database();
    for analyzed in [false, true] {
        if analyzed {
            conn.batch_execute("ANALYZE").unwrap();
        }
        for (name, sql) in statements().into_iter().filter(|(name, _)| !["PageOfAll", "CountAll"].contains(name)) {
            for step in plan(&mut conn, &sql) {
                let searches = SEARCHES.iter().any(|search| step.starts_with(search));
                let groups_few = step == "USE TEMP B-TREE FOR GROUP BY" && sql.contains("LIMIT ?) GROUP BY");
                assert!(searches || groups_few, "{name}, analyzed: {analyzed}: {step}");
            }
        }
    }
}
