//! Removes the query planner's statistics of fieldfen's tables.
//!
//! `ANALYZE` and `PRAGMA optimize` store the number of rows of each table in `sqlite_stat1`. SQLite then reads a small
//! table whole instead of searching it, and it goes on to do so when the table has grown, until the statistics are
//! renewed. Each connection reads the statistics when it reads the schema, and keeps them. Such scans occur in single
//! statements and in the actions of foreign keys, which cannot name an index.
//!
//! fieldfen therefore gathers no statistics. Its statements name their indexes, and without statistics SQLite assumes
//! that every table is large. Maintenance removes the statistics that another program has gathered. Statistics of other
//! tables in the same file stay.

use std::fmt::Write as _;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;

use super::error::Classify;
use super::migrations;

/// The tables in which SQLite keeps statistics. It creates the second one only if it was compiled to take samples.
const STATISTICS: &str =
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN ('sqlite_stat1', 'sqlite_stat4')";

/// Changes the version of the schema. Every connection then reads the schema anew, and the statistics with it.
const CHANGE_SCHEMA: &str = "CREATE TABLE fieldfen_schema_change (n); DROP TABLE fieldfen_schema_change;";

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// The tables of fieldfen of which the database has statistics.
pub(super) fn analyzed_tables(conn: &mut SqliteConnection) -> Result<Vec<String>, StoreError> {
    let mut analyzed = Vec::new();
    for table in names(conn, STATISTICS)? {
        analyzed.extend(names(conn, &format!("SELECT DISTINCT tbl AS name FROM {table} WHERE {}", of_fieldfen()?))?);
    }
    analyzed.sort_unstable();
    analyzed.dedup();
    Ok(analyzed)
}

/// Removes the statistics of fieldfen's tables, for all connections of all programs but this one.
pub(super) fn remove(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    if analyzed_tables(conn)?.is_empty() {
        return Ok(());
    }
    let mut removal = String::from("BEGIN IMMEDIATE;");
    for table in names(conn, STATISTICS)? {
        let _ = write!(removal, "DELETE FROM {table} WHERE {};", of_fieldfen()?);
    }
    conn.batch_execute(&(removal + CHANGE_SCHEMA + "COMMIT")).store()
}

/// The condition on the column `tbl` that the table is fieldfen's.
fn of_fieldfen() -> Result<String, StoreError> {
    let tables = migrations::tables()?;
    Ok(format!("tbl COLLATE NOCASE IN ('{}')", tables.join("', '")))
}

fn names(conn: &mut SqliteConnection, sql: &str) -> Result<Vec<String>, StoreError> {
    let rows: Vec<Name> = diesel::sql_query(sql).load(conn).store()?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SqliteUrl;
    use crate::sqlite::connection::tool_connection::{OpenMode, connect};
    use crate::sqlite::repositories::job_plans_test::plan;
    use crate::sqlite::repositories::plans_test::all_statements;

    const THREE_ROWS: &str = "
        INSERT INTO jobs (id, command_type, status)
        VALUES ('1', 'a', 'pending'), ('2', 'a', 'running'), ('3', 'b', 'failed');
        INSERT INTO job_attempts (job_id, attempt, outcome, ended_at) SELECT id, 1, 'failed', '' FROM jobs;
        INSERT INTO files (id, original_filename, status)
        VALUES ('1', 'a', 'ingested'), ('2', 'b', 'ingested'), ('3', 'c', 'ingested');
        INSERT INTO file_history (file_id, to_status, reason, at) SELECT id, 'ingested', '', '' FROM files;
        INSERT INTO processed_hashes (hash) VALUES ('1'), ('2'), ('3');
        INSERT INTO api_usage (service) VALUES ('a'), ('a'), ('b');
        INSERT INTO listings (id, file_id, platform, platform_listing_id, status)
        SELECT id, id, 'etsy', id, 'active' FROM files;
        INSERT INTO social_posts (id, file_id, platform) SELECT id, id, 'tiktok' FROM files;
        INSERT INTO publications
            (id, file_id, channel, platform, client_key, state, token, held_until, created_at, updated_at)
        SELECT id, id, 'listing', 'etsy', 'k', 'confirmed', 't', '', '', '' FROM files";

    #[test]
    fn removed_statistics_leave_no_trace_in_the_plans_of_another_connection() {
        let folder = tempfile::tempdir().unwrap();
        let url = SqliteUrl::from(folder.path().join("shop.db").as_path());
        let open = || connect(&url, OpenMode::CreateIfMissing).unwrap();
        let mut other = open();
        migrations::run_pending(&mut other).unwrap();
        let plans = |conn: &mut SqliteConnection| -> Vec<(&str, Vec<String>)> {
            // A connection notices that the schema has changed when it runs a statement, and EXPLAIN runs none.
            conn.batch_execute("SELECT count(*) FROM jobs").unwrap();
            all_statements().into_iter().map(|(name, sql)| (name, plan(conn, &sql))).collect()
        };
        let without = plans(&mut open());
        other.batch_execute(THREE_ROWS).unwrap();
        other.batch_execute("CREATE TABLE orders (n); INSERT INTO orders VALUES (1); ANALYZE").unwrap();
        let mut conn = open();
        let scans = |plans: &[(&str, Vec<String>)]| {
            plans.iter().flat_map(|(_, steps)| steps).filter(|step| step.starts_with("SCAN jobs")).count()
        };
        assert!(scans(&plans(&mut conn)) > scans(&without), "statistics of three rows make SQLite scan");
        remove(&mut other).unwrap();
        assert_eq!(plans(&mut conn), without);
        assert_eq!(analyzed_tables(&mut conn).unwrap(), [""; 0]);
        assert_eq!(
            names(&mut conn, "SELECT DISTINCT tbl AS name FROM sqlite_stat1").unwrap(),
            ["orders", "__fieldfen_migrations", "__diesel_schema_migrations"]
        );
    }
}
