//! Migrations that the statements of older programs would not survive, stopped by the rehearsal.

use std::fs;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;
use fieldfen_migrate::{BrokenStatement, MigrateError, Migrator};
use fieldfen_persistence::migrations::{MigrationFile, MigrationSet, Migrations, Target};

use crate::shop_harness::Shop;

/// fieldfen's migrations and one more, which is not embedded in the program yet.
fn with_next(shop: &Shop, up: &str, down: &str) -> Migrations {
    let folder = shop.folder().join("migrations");
    let write = |name: &str, up: &str, down: &str| {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("up.sql"), up).unwrap();
        fs::write(folder.join("down.sql"), down).unwrap();
    };
    for file in MigrationSet::fieldfen().migrations() {
        write(&format!("{}_{}", file.version, file.name), &file.up, &file.down);
    }
    write("9999_next", up, down);
    Migrations::read_own_folder(folder).unwrap()
}

fn shop() -> Shop {
    let shop = Shop::new();
    shop.migrate(&["up"]).ends_with(0);
    shop
}

fn stopped(migrator: &Migrator) -> Vec<BrokenStatement> {
    match migrator.up().unwrap_err() {
        error @ MigrateError::BrokenStatements { .. } => {
            assert!(error.to_string().contains("statements of older programs fail"), "{error}");
            let MigrateError::BrokenStatements { broken } = error else { unreachable!() };
            broken
        }
        error => panic!("{error:?}"),
    }
}

#[test]
fn a_migration_of_fieldfen_that_is_not_backward_compatible_is_stopped_with_the_statement() {
    for (up, down, origin, statement, problem) in [
        (
            "-- fieldfen:changes files because nobody reads the column
             ALTER TABLE files DROP COLUMN processed_filename",
            "-- fieldfen:changes files because the column comes back
             ALTER TABLE files ADD COLUMN processed_filename TEXT",
            "program.py text get",
            "SELECT files.id",
            "no such column: files.processed_filename",
        ),
        (
            "-- fieldfen:changes jobs because the name was not clear
             ALTER TABLE jobs RENAME COLUMN last_error TO error",
            "-- fieldfen:changes jobs because the old name comes back
             ALTER TABLE jobs RENAME COLUMN error TO last_error",
            "specification.py write",
            "INSERT INTO jobs",
            "last_error",
        ),
        (
            "-- fieldfen:changes social_posts because the table is made anew with a campaign
             CREATE TABLE new_posts (id TEXT PRIMARY KEY, file_id TEXT NOT NULL, platform TEXT NOT NULL, post_type TEXT,
                 platform_post_id TEXT, post_url TEXT, posted_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, gone_at TIMESTAMP,
                 campaign TEXT NOT NULL, FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE);
             INSERT INTO new_posts SELECT *, '' FROM social_posts;
             DROP TABLE social_posts;
             ALTER TABLE new_posts RENAME TO social_posts;
             CREATE INDEX idx_social_posts_file_id ON social_posts(file_id);
             CREATE INDEX idx_social_posts_platform ON social_posts(platform);",
            "-- fieldfen:changes social_posts because the campaign goes
             ALTER TABLE social_posts DROP COLUMN campaign",
            "program.py typed fill",
            "INSERT INTO social_posts",
            "NOT NULL constraint failed: social_posts.campaign",
        ),
        (
            "CREATE UNIQUE INDEX idx_files_one_drive_id ON files(drive_file_id)",
            "DROP INDEX idx_files_one_drive_id",
            "program.py text fill",
            "INSERT INTO files",
            "UNIQUE constraint failed: files.drive_file_id",
        ),
        (
            "-- fieldfen:changes jobs because its index goes
             DROP INDEX idx_jobs_claim",
            "CREATE INDEX idx_jobs_claim ON jobs(command_type, priority, run_at)
             WHERE status = 'pending' AND waits_for = ''",
            "fieldfen 0.1",
            "INDEXED BY",
            "idx_jobs_claim",
        ),
    ] {
        let shop = shop();
        let migrator = Migrator::new(shop.url()).unwrap().migrations(with_next(&shop, up, down));
        let before = shop.listing();
        let broken = stopped(&migrator);
        let is_named = |one: &BrokenStatement| {
            one.origin.starts_with(origin) && one.statement.contains(statement) && one.problem.contains(problem)
        };
        assert!(broken.iter().any(is_named), "{up}: {broken:#?}");
        assert_eq!(shop.listing(), before, "{up}");
        // Nothing but these statements speaks against the migration.
        let applied = migrator.rehearsal(false).backups(None).up().unwrap().applied;
        assert_eq!(applied.len(), 1, "{up}");
    }
}

#[test]
fn an_importing_program_may_not_refuse_the_inserts_of_the_specification() {
    const ONE_POST: MigrationFile = MigrationFile::new(
        "20260102030405_one_post",
        "CREATE UNIQUE INDEX aviary_one_post ON social_posts(file_id, platform)",
        "DROP INDEX aviary_one_post",
    );
    let shop = shop();
    let migrations = Migrations::fieldfen().with(MigrationSet::new("aviary", vec![ONE_POST]).unwrap()).unwrap();
    let migrator = Migrator::new(shop.url()).unwrap().migrations(migrations);
    let broken = stopped(&migrator);
    assert!(
        broken.iter().all(|one| one.problem.contains("social_posts.file_id, social_posts.platform")),
        "{broken:#?}"
    );
    assert!(migrator.status().unwrap().pending == 1);
}

#[test]
fn a_statement_that_failed_before_is_reported_and_is_no_reason_to_stop() {
    let shop = shop();
    shop.migrate(&["down"]).ends_with(0);
    let rule = "CREATE TRIGGER theirs BEFORE INSERT ON files WHEN NEW.drive_file_id IS NULL
                BEGIN SELECT RAISE(ROLLBACK, 'a Drive id must be given'); END";
    SqliteConnection::establish(shop.database()).unwrap().batch_execute(rule).unwrap();
    let report = Migrator::new(shop.url()).unwrap().rehearse(&Target::Newest).unwrap().unwrap();
    assert!(report.broken_before > 0 && report.checked_statements > report.broken_before, "{report:?}");
    let rehearsal = shop.migrate(&["rehearse"]);
    rehearsal.ends_with(0);
    assert!(rehearsal.out.contains("the others fail before them too, and are no reason to stop"), "{}", rehearsal.out);
}
