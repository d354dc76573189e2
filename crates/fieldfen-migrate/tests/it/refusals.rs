//! A refused or failed change of the schema leaves the database and its folder as they are.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;

use crate::shop_harness::{Shop, is_root};

const SPECIFICATION: &str = include_str!("../../../fieldfen-persistence/tests/specification.sql");

/// A trigger of another program that interferes with a migration.
const FAILS_IN_0002: &str = r#"
    INSERT INTO files (id, original_filename, status)
    VALUES ('00000000-0000-4000-8000-00000000000f', 'f', 'ingested');
    INSERT INTO jobs (id, file_id, command_type, status, result_json)
    VALUES ('00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000f', 'UpscaleImage', 'failed',
            '{"held_until_migration": "0002", "run_at": "9999-01-01"}');
    CREATE TRIGGER theirs BEFORE UPDATE ON jobs BEGIN SELECT RAISE(ABORT, 'hands off'); END;
"#;

/// A shop whose database was made by these statements, with a rollback journal or in WAL mode.
fn shop(statements: &str, mode: &str) -> Shop {
    let shop = Shop::new();
    fs::create_dir(shop.folder().join("data")).unwrap();
    change(&shop, &format!("PRAGMA journal_mode = {mode}; {statements}"));
    shop
}

fn change(shop: &Shop, statements: &str) {
    SqliteConnection::establish(shop.database()).unwrap().batch_execute(statements).unwrap();
}

#[test]
fn a_migration_that_fails_leaves_the_bytes_of_the_file_and_nothing_beside_it() {
    for mode in ["delete", "wal"] {
        let shop = shop(&format!("{SPECIFICATION}; {FAILS_IN_0002}"), mode);
        let before = shop.listing();
        let failed = shop.migrate(&["up"]);
        failed.ends_with(1);
        assert_eq!(failed.err.matches("0002_job_queue").count(), 1, "{}", failed.err);
        assert_eq!(failed.err.matches("hands off").count(), 1, "{}", failed.err);
        assert_eq!(shop.listing(), before, "{mode}");
    }
}

#[test]
fn a_newer_schema_stays_as_it_is_to_the_byte() {
    let newer = "CREATE TABLE __diesel_schema_migrations (version TEXT PRIMARY KEY, run_on TEXT);
                 INSERT INTO __diesel_schema_migrations VALUES ('9000', '')";
    for mode in ["delete", "wal"] {
        let shop = shop(newer, mode);
        let before = shop.listing();
        for arguments in [&["up"][..], &["down"], &["status"]] {
            shop.migrate(arguments).ends_with(5);
            assert_eq!(shop.listing(), before, "{mode} {arguments:?}");
        }
    }
}

#[test]
fn what_this_user_cannot_write_ends_with_7_and_gets_no_files_beside_it() {
    for mode in ["delete", "wal"] {
        let shop = Shop::new();
        shop.migrate(&["up"]).ends_with(0);
        change(&shop, &format!("DROP INDEX idx_jobs_unknown_ends; PRAGMA journal_mode = {mode}"));
        fs::set_permissions(shop.folder().join("data"), Permissions::from_mode(0o777)).unwrap();
        fs::set_permissions(shop.database(), Permissions::from_mode(if is_root() { 0o644 } else { 0o444 })).unwrap();
        let before = shop.listing();
        for arguments in [&["up"][..], &["down"]] {
            let refused = shop.migrate_unprivileged(arguments);
            refused.ends_with(7);
            assert!(refused.err.contains("cannot be written by this user"), "{}", refused.err);
            assert_eq!(shop.listing(), before, "{mode} {arguments:?}");
        }
    }
}

#[test]
fn a_folder_in_which_no_log_can_be_made_ends_with_7() {
    let shop = Shop::new();
    shop.migrate(&["up"]).ends_with(0);
    fs::set_permissions(shop.database(), Permissions::from_mode(0o666)).unwrap();
    let set_mode = |mode| fs::set_permissions(shop.folder().join("data"), Permissions::from_mode(mode)).unwrap();
    set_mode(if is_root() { 0o755 } else { 0o555 });
    let before = shop.listing();
    for arguments in [&["up"][..], &["down"]] {
        shop.migrate_unprivileged(arguments).ends_with(7);
        assert_eq!(shop.listing(), before, "{arguments:?}");
    }
    // The user who deletes the folder needs write permission.
    set_mode(0o755);
}

#[test]
fn an_address_of_another_kind_is_no_file_and_its_password_is_not_shown() {
    let shop = Shop::new();
    let before = shop.listing();
    for address in [
        "host=h password=hunter2",
        "Server=h;Password=hunter2;",
        "a.db;password=hunter2",
        "a.db&password=hunter2",
        "a.db#hunter2",
        "//u:hunter2@h/db",
        "postgres//u:hunter2@h/db",
        "hunter2@h:5432/db",
        "https://h/hunter2",
        "sqlite:////u:hunter2@h/db",
    ] {
        for action in ["up", "status"] {
            let ended = shop.command(&[action, "--json", "--database", address], false);
            ended.ends_with(2);
            assert!(!ended.out.contains("hunter2") && !ended.err.contains("hunter2"), "{address}: {}", ended.err);
            assert_eq!(shop.listing(), before, "{address}");
        }
    }
}

#[test]
fn a_database_in_another_encoding_is_named_and_left_as_it_is() {
    for encoding in ["UTF-16le", "UTF-16be"] {
        let shop = shop(&format!("PRAGMA encoding = '{encoding}'; {SPECIFICATION}"), "delete");
        let before = shop.listing();
        for action in ["up", "status"] {
            let refused = shop.migrate(&[action]);
            refused.ends_with(5);
            assert!(refused.err.contains(&format!("the encoding of the database is {encoding}")), "{}", refused.err);
            assert_eq!(shop.listing(), before);
        }
    }
}

#[test]
fn what_another_program_has_under_a_name_that_the_migrations_need_is_named_before_anything_is_applied() {
    for (statement, named) in [
        ("CREATE TABLE publications (n)", "table publications: found CREATE TABLE publications (n)"),
        ("CREATE VIEW File_History AS SELECT 1 AS n", "view File_History: found CREATE VIEW File_History"),
        ("CREATE TABLE t (n); CREATE INDEX idx_jobs_claim ON t (n)", "index idx_jobs_claim: found CREATE INDEX"),
        ("CREATE TABLE idx_jobs_lease (n)", "table idx_jobs_lease: found CREATE TABLE"),
        ("CREATE INDEX idx_files_arrival ON files (created_at)", "index idx_files_arrival: found CREATE INDEX"),
    ] {
        for schema in ["", SPECIFICATION] {
            if schema.is_empty() && statement.contains("ON files") {
                continue;
            }
            let shop = shop(&format!("{schema}; {statement}"), "delete");
            let before = shop.listing();
            let refused = shop.migrate(&["up"]);
            refused.ends_with(5);
            assert!(refused.err.contains(named), "{}", refused.err);
            let status = shop.migrate(&["status"]);
            status.ends_with(5);
            assert!(
                status.out.contains(named) && status.err.contains("`fieldfen-migrate up` refuses them"),
                "{status:?}"
            );
            assert_eq!(shop.listing(), before, "{statement}");
        }
    }
}

#[test]
fn what_is_missing_of_a_recorded_migration_or_has_the_name_of_a_column_to_come_is_named() {
    let recorded = "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, run_on TIMESTAMP
                    NOT NULL DEFAULT CURRENT_TIMESTAMP); INSERT INTO __diesel_schema_migrations (version) VALUES ('0001')";
    let column = format!("{SPECIFICATION}; {recorded}; ALTER TABLE jobs ADD COLUMN Priority TEXT");
    for (statements, named) in [(recorded, "table jobs: found nothing"), (&column, "column jobs.priority: found TEXT")]
    {
        let shop = shop(statements, "delete");
        let before = shop.listing();
        let refused = shop.migrate(&["up"]);
        refused.ends_with(5);
        assert!(refused.err.contains(named), "{}", refused.err);
        let status = shop.migrate(&["status"]);
        status.ends_with(5);
        assert!(status.out.contains(named), "{status:?}");
        assert_eq!(shop.listing(), before);
    }
}
