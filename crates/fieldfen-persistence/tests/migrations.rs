//! Migrations that fail or are refused.

#![expect(clippy::unwrap_used, reason = "test support outside of test functions")]

use std::error::Error;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;
use fieldfen_persistence::migrations::{self, DataLoss, MigrationError};

fn memory() -> SqliteConnection {
    SqliteConnection::establish(":memory:").unwrap()
}

/// The first store error in the chain.
fn store_error(error: &MigrationError) -> Option<&StoreError> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

fn number(conn: &mut SqliteConnection, query: &str) -> i64 {
    diesel::select(diesel::dsl::sql::<BigInt>(&format!("({query})"))).get_result(conn).unwrap()
}

fn take_back_to(conn: &mut SqliteConnection, version: &str) {
    let newer = migrations::status(conn).unwrap().into_iter().rev().map(|status| status.migration);
    let newer: Vec<_> = newer.filter(|migration| *migration.version > *version).collect();
    migrations::revert(conn, &newer, DataLoss::Allow).unwrap();
}

#[test]
fn a_disk_that_is_full_inside_a_migration_is_said_to_be_full_and_nothing_is_applied() {
    for version in ["0001", "0006"] {
        let mut conn = memory();
        migrations::run_pending(&mut conn).unwrap();
        take_back_to(&mut conn, version);
        conn.batch_execute("VACUUM").unwrap();
        let pages = number(&mut conn, "SELECT page_count FROM pragma_page_count");
        let before = number(&mut conn, "SELECT count(*) FROM sqlite_schema");
        // One page is free for the larger schema, and none for new tables and indexes.
        conn.batch_execute(&format!("PRAGMA max_page_count = {}", pages + 1)).unwrap();
        let error = migrations::run_pending(&mut conn).unwrap_err();
        assert!(matches!(store_error(&error), Some(StoreError::Full(_))), "{error:?}");
        assert_eq!(number(&mut conn, "SELECT count(*) FROM sqlite_schema"), before);
        conn.batch_execute("PRAGMA max_page_count = 100000").unwrap();
        migrations::run_pending(&mut conn).unwrap();
    }
}

#[test]
fn what_a_failed_migration_says_is_said_once() {
    let mut conn = memory();
    migrations::run_pending(&mut conn).unwrap();
    take_back_to(&mut conn, "0001");
    conn.batch_execute(
        r#"INSERT INTO files (id, original_filename, status) VALUES ('f', 'f', 'ingested');
           INSERT INTO jobs (id, file_id, command_type, status, result_json) VALUES ('j', 'f', 'UpscaleImage', 'failed',
               '{"held_until_migration": "0002", "run_at": "9999-01-01"}');
           CREATE TRIGGER theirs BEFORE UPDATE ON jobs BEGIN SELECT RAISE(ABORT, 'hands off'); END"#,
    )
    .unwrap();
    let error = migrations::run_pending(&mut conn).unwrap_err();
    let mut said = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        said.push(error.to_string());
        cause = error.source();
    }
    let said = said.join(": ");
    assert_eq!(said.matches("hands off").count(), 1, "{said}");
    assert_eq!(said.matches("0002_job_queue").count(), 1, "{said}");
}

#[test]
fn a_library_user_is_refused_as_the_operator_is_and_nothing_is_reverted() {
    let mut conn = memory();
    migrations::run_pending(&mut conn).unwrap();
    conn.batch_execute(
        "INSERT INTO jobs (id, command_type, status, lease_expires_at) VALUES ('j', 'x', 'running', '2026-01-01')",
    )
    .unwrap();
    let plan = migrations::status(&mut conn).unwrap().into_iter().rev().map(|status| status.migration);
    let plan: Vec<_> = plan.collect();
    let refused = migrations::revert(&mut conn, &plan[..plan.len() - 1], DataLoss::Refuse).unwrap_err();
    assert!(refused.to_string().contains("running jobs: 1"), "{refused}");
    for error in [refused, migrations::revert_last(&mut conn).unwrap_err()] {
        assert!(matches!(error, MigrationError::DataLoss(_)), "{error:?}");
    }
    assert!(migrations::status(&mut conn).unwrap().iter().all(|status| status.applied));
    let other = migrations::revert(&mut conn, &plan[1..], DataLoss::Allow).unwrap_err();
    assert!(matches!(&other, MigrationError::NotNewest { found, .. } if *found == plan[0].to_string()), "{other:?}");
    migrations::revert(&mut conn, &plan[..plan.len() - 1], DataLoss::Allow).unwrap();
    assert_eq!(number(&mut conn, "SELECT count(*) FROM jobs WHERE status = 'failed'"), 1);
}

#[test]
fn whatever_stands_in_a_job_that_is_not_due_it_is_not_due_after_down_and_up() {
    let values = ["NULL", "CAST(x'e9' AS TEXT)", "x'e9'", "7", "'{\"run_at\": 1}'", "'\"'", "CAST(x'0061' AS TEXT)"];
    let mut conn = memory();
    migrations::run_pending(&mut conn).unwrap();
    for (number, value) in values.iter().enumerate() {
        let row = format!(
            "INSERT INTO jobs (id, command_type, status, run_at, dedup_key, last_error, progress_json, result_json, priority)
             VALUES ('{number}', 'x', 'pending', '2099-01-01 00:00:00.000000', {value}, {value}, {value}, {value}, coalesce({value}, 2))"
        );
        conn.batch_execute(&row).unwrap();
    }
    let rows = "SELECT count(*) FROM jobs WHERE status = 'pending' AND run_at = '2099-01-01 00:00:00.000000'";
    take_back_to(&mut conn, "0001");
    assert_eq!(number(&mut conn, "SELECT count(*) FROM jobs WHERE status = 'failed'"), values.len() as i64);
    migrations::run_pending(&mut conn).unwrap();
    assert_eq!(number(&mut conn, rows), values.len() as i64);
    assert_eq!(number(&mut conn, "SELECT count(*) FROM jobs WHERE last_error LIKE 'held by%'"), 0);
}

#[test]
fn what_looks_like_a_held_job_and_is_none_is_left_alone() {
    let mut conn = memory();
    migrations::run_pending(&mut conn).unwrap();
    take_back_to(&mut conn, "0001");
    let held = r#"'{"held_until_migration": "0002"}'"#;
    let earlier = r#"'held by fieldfen until migration 0002 is applied again: {"run_at": "9999-01-01"}'"#;
    for (id, result) in
        [held, "NULL", "''", "'{'", "'7'", "'[1]'", "x'0102'", r#"'{"run_at": "9999-01-01"}'"#].iter().enumerate()
    {
        let row = format!(
            "INSERT INTO jobs (id, command_type, status, last_error, result_json)
             VALUES ('{id}', 'x', 'failed', {earlier}, {result})"
        );
        conn.batch_execute(&row).unwrap();
    }
    migrations::run_pending(&mut conn).unwrap();
    assert_eq!(number(&mut conn, "SELECT count(*) FROM jobs WHERE status = 'failed'"), 8, "no error decides");
}
