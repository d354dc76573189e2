//! What the runner of the migrations does when something stands in its way.

#![expect(clippy::unwrap_used, reason = "test support outside of test functions")]

use std::error::Error;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;
use fieldfen_persistence::migrations::{self, MigrationError};

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
    while migrations::status(conn).unwrap().into_iter().any(|s| s.applied && *s.migration.version > *version) {
        migrations::revert_last(conn).unwrap();
    }
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
        // One page is free for the schema, which has grown, and none for new tables and indexes.
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
    take_back_to(&mut conn, "0005");
    conn.batch_execute("CREATE VIEW recurring_jobs AS SELECT 1").unwrap();
    let error = migrations::run_pending(&mut conn).unwrap_err();
    let mut said = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        said.push(error.to_string());
        cause = error.source();
    }
    let said = said.join(": ");
    assert_eq!(said.matches("recurring_jobs already exists").count(), 1, "{said}");
    assert_eq!(said.matches("0006_recurring_jobs").count(), 1, "{said}");
}
