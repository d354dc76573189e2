//! Tests of the checks on databases that other programs have damaged.

use std::fs;
use std::path::PathBuf;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use fieldfen_domain::health::Severity;

use super::*;
use crate::sqlite::connection::tool_connection::{OpenMode, connect};
use crate::sqlite::migrations;

/// A migrated database in a folder of its own.
struct Database {
    folder: tempfile::TempDir,
}

impl Database {
    fn new() -> Self {
        let database = Self { folder: tempfile::tempdir().unwrap() };
        migrations::run_pending(&mut connect(&database.url(), OpenMode::CreateIfMissing).unwrap()).unwrap();
        database
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("shop.db")
    }

    fn url(&self) -> SqliteUrl {
        SqliteUrl::from(self.path().as_path())
    }

    /// Runs statements as a program that does not check foreign keys.
    fn run(&self, sql: &str) {
        let mut conn = SqliteConnection::establish(self.path().to_str().unwrap()).unwrap();
        conn.batch_execute(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
    }

    fn health(&self) -> HealthCheck<'_> {
        HealthCheck::new(&self.url(), "2026-11-27T09:00:00Z".parse().unwrap())
    }

    #[track_caller]
    fn finding(&self, check: Check) -> Finding {
        let findings = self.health().run();
        findings.iter().find(|finding| finding.check == check).unwrap_or_else(|| panic!("{findings:?}")).clone()
    }

    /// The content of the database and the names of the files beside it.
    fn content(&self) -> (Vec<u8>, Vec<String>) {
        let names = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        (fs::read(self.path()).unwrap(), names)
    }
}

fn problems(findings: &[Finding]) -> Vec<&Finding> {
    findings.iter().filter(|finding| finding.severity == Severity::Problem).collect()
}

#[test]
fn a_healthy_database_has_no_problem_and_is_not_changed() {
    let database = Database::new();
    let before = database.content();
    for full in [false, true] {
        let (mut ran, mut steps) = (false, Vec::new());
        let health = database.health().full(full).on_progress(|step| steps.push(step));
        let findings = health
            .rows(|session, go_on| {
                ran = go_on() && session.workers().seen_since("2026-01-01T00:00:00Z".parse().unwrap()).is_ok();
                Vec::new()
            })
            .run();
        assert!(findings.iter().all(|finding| finding.severity < Severity::Problem), "{findings:?}");
        assert!(findings.iter().any(|finding| finding.found.contains("at 00")), "{findings:?}");
        assert!(ran, "the check of rows has not run");
        assert_eq!(steps.len() as u64, steps.last().unwrap().steps, "{steps:?}");
    }
    assert!(database.content() == before, "the checks have changed a file");
}

#[test]
fn dangling_rows_are_named_by_their_keys_and_counted() {
    let database = Database::new();
    database.run(
        "INSERT INTO jobs (id, file_id, command_type, status) VALUES ('j1', 'f1', 'test.work', 'pending');
         INSERT INTO job_attempts (job_id, attempt, ended_at, outcome) VALUES ('j2', 1, '2026-01-01 00:00:00.000000', 'failed');
         WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 30)
         INSERT INTO listings (id, file_id, platform, platform_listing_id, status)
         SELECT 'l' || i, 'gone', 'etsy', i, 'active' FROM n",
    );
    let finding = database.finding(Check::ForeignKeys);
    assert_eq!((finding.severity, &*finding.found), (Severity::Problem, "32 rows refer to rows that do not exist"));
    for line in [
        "jobs 'j1': file_id 'f1' is not in files",
        "job_attempts 'j2', 1: job_id 'j2' is not in jobs",
        "listings 'l1': file_id 'gone' is not in files",
        "listings: 10 more rows",
    ] {
        assert!(finding.details.iter().any(|detail| detail == line), "{line}: {:?}", finding.details);
    }
}

#[test]
fn rows_that_cannot_be_read_are_named() {
    let database = Database::new();
    database.run(
        "INSERT INTO files (id, original_filename, status) VALUES ('f', 'a.jpg', 'ingested');
         INSERT INTO file_history (file_id, to_status, reason, at) VALUES ('f', 'lost', '', '2026-01-01 00:00:00.000000');
         INSERT INTO jobs (id, command_type, status, payload_json) VALUES ('j', 'test.work', 'pending', x'ff');
         INSERT INTO job_attempts (job_id, attempt, ended_at, outcome) VALUES ('j', 1, 'soon', 'failed')",
    );
    let finding = database.finding(Check::UnreadableRows);
    assert_eq!(finding.severity, Severity::Problem);
    for part in ["file_history 1: column to_status", "job_attempts j: column ended_at", "jobs j: column payload_json"] {
        assert!(finding.details.iter().any(|detail| detail.starts_with(part)), "{part}: {:?}", finding.details);
    }
}

#[test]
fn times_in_the_future_and_running_jobs_without_a_lease_are_warnings() {
    let database = Database::new();
    database.run(
        "INSERT INTO jobs (id, command_type, status, created_at, started_at) VALUES
            ('old', 'test.work', 'running', '2026-11-20 00:00:00', '2026-11-20 00:00:00.000000'),
            ('new', 'test.work', 'running', '2026-11-20 00:00:00', '2026-11-27 08:59:00');
         INSERT INTO files (id, original_filename, status, created_at, updated_at)
            VALUES ('f', 'a.jpg', 'ingested', '2027-01-01 00:00:00', '2026-11-20 00:00:00')",
    );
    let running = database.finding(Check::JobsWithoutLease);
    assert_eq!((running.severity, running.details.len()), (Severity::Warning, 1), "{running:?}");
    assert!(running.details[0].contains("job old of test.work"), "{running:?}");
    let ahead = database.finding(Check::FutureTimes);
    assert!(ahead.details.iter().any(|detail| detail == "files f, created_at 2027-01-01 00:00:00"), "{ahead:?}");
}

#[test]
fn pending_unknown_and_changed_schemas_are_told_apart_and_end_the_checks_of_rows() {
    for (sql, found) in [
        ("INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')", "does not know"),
        ("DROP INDEX idx_jobs_lease", "has changed the schema"),
    ] {
        let database = Database::new();
        database.run(sql);
        let findings = database.health().rows(|_, _| panic!("the rows have another form")).run();
        let schema = findings.iter().find(|finding| finding.check == Check::Schema).unwrap();
        assert_eq!(schema.severity, Severity::Problem, "{schema:?}");
        assert!(schema.found.contains(found), "{schema:?}");
    }
    let database = Database::new();
    migrations::revert_last(&mut connect(&database.url(), OpenMode::ExistingOnly).unwrap()).unwrap();
    let schema = database.finding(Check::Schema);
    assert_eq!((&*schema.found, schema.details.len()), ("the database lacks 1 migration", 1));
    assert!(schema.advice.unwrap().contains("fieldfen migrate up"));
}

#[test]
fn a_damaged_file_is_a_problem_that_names_its_faults() {
    let database = Database::new();
    database.run(
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
         INSERT INTO files (id, original_filename, status) SELECT printf('%032x', i), 'a.jpg', 'ingested' FROM n;
         PRAGMA wal_checkpoint(TRUNCATE)",
    );
    let mut bytes = fs::read(database.path()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0xab);
    fs::write(database.path(), &bytes).unwrap();
    let findings = database.health().run();
    let integrity = findings.iter().find(|finding| finding.check == Check::Integrity).unwrap();
    assert_eq!(integrity.severity, Severity::Problem, "{integrity:?}");
    assert!(fs::read(database.path()).unwrap() == bytes, "the checks have changed the file");
}

#[test]
fn an_index_that_lacks_a_row_is_found_by_the_full_check() {
    let database = Database::new();
    // The program that inserts the row does not know the index.
    database.run(
        "CREATE TABLE kept AS SELECT * FROM sqlite_schema WHERE name = 'idx_files_drive_file_id';
         PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'idx_files_drive_file_id'",
    );
    database
        .run("INSERT INTO files (id, original_filename, status, drive_file_id) VALUES ('f', 'a.jpg', 'ingested', 'd')");
    database.run("PRAGMA writable_schema = ON; INSERT INTO sqlite_schema SELECT * FROM kept; DROP TABLE kept");
    let quick = database.health().run();
    let full = database.health().full(true).run();
    let of = |findings: &[Finding]| findings.iter().find(|found| found.check == Check::Integrity).unwrap().clone();
    assert!(of(&full).details.iter().any(|line| line.contains("idx_files_drive_file_id")), "{quick:?} {full:?}");
}

#[test]
fn a_check_whose_time_is_over_says_so() {
    let database = Database::new();
    database.run(
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
         INSERT INTO files (id, original_filename, status) SELECT printf('%032x', i), 'a.jpg', 'ingested' FROM n",
    );
    let findings = database.health().time_budget(Duration::ZERO).run();
    let integrity = findings.iter().find(|finding| finding.check == Check::Integrity).unwrap();
    assert_eq!(integrity.severity, Severity::Warning, "{integrity:?}");
    assert!(integrity.advice.as_ref().unwrap().contains("--full"), "{integrity:?}");
    assert_eq!(problems(&findings), Vec::<&Finding>::new());
}

#[test]
fn a_file_that_is_no_database_a_folder_and_nothing_are_problems() {
    let folder = tempfile::tempdir().unwrap();
    let garbage = folder.path().join("garbage.db");
    fs::write(&garbage, "this is a text of some length, not a database, and SQLite says so").unwrap();
    for (path, found) in [
        (garbage.as_path(), "not a database"),
        (folder.path(), "it is a folder"),
        (&*folder.path().join("none.db"), "no such file"),
    ] {
        let findings = HealthCheck::new(&SqliteUrl::from(path), "2026-11-27T09:00:00Z".parse().unwrap()).run();
        let opened = findings.iter().find(|finding| finding.check == Check::Database).unwrap();
        assert!(opened.severity == Severity::Problem && opened.found.contains(found), "{opened:?}");
    }
}

#[cfg(unix)]
#[test]
fn files_that_everybody_can_write_are_a_problem_and_readable_ones_a_warning() {
    use std::os::unix::fs::PermissionsExt as _;
    let database = Database::new();
    assert_eq!(database.finding(Check::Permissions).severity, Severity::Ok);
    for (mode, severity) in [(0o644, Severity::Warning), (0o666, Severity::Problem)] {
        fs::set_permissions(database.path(), fs::Permissions::from_mode(mode)).unwrap();
        let finding = database.finding(Check::Permissions);
        assert_eq!(finding.severity, severity, "{finding:?}");
        assert!(finding.details[0].ends_with(&format!("shop.db has mode {mode:o}")), "{finding:?}");
    }
}
