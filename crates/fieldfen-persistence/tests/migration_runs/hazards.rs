//! Five ways in which `diesel_migrations` 2.3.2 harms a database. Each test shows the harm, and that a run prevents it.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel_migrations::{FileBasedMigrations, MigrationHarness as _};
use fieldfen_persistence::migrations::{InvalidMigrations, MigrationEvent};

use super::rebuilds::REBUILD;
use super::*;

/// A folder with migrations in the layout of diesel.
fn folder(migrations: &[(&str, &[(&str, &str)])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, files) in migrations {
        fs::create_dir(folder.path().join(name)).unwrap();
        for (file, text) in *files {
            fs::write(folder.path().join(name).join(file), text).unwrap();
        }
    }
    folder
}

fn of_diesel(folder: &Path) -> FileBasedMigrations {
    FileBasedMigrations::from_path(folder).unwrap()
}

fn read(folder: &Path) -> Result<Migrations, InvalidMigrations> {
    Migrations::fieldfen().with(MigrationSet::read_folder("aviary", folder)?)
}

const EGGS: (&str, &[(&str, &str)]) =
    ("20260101000001_eggs", &[("up.sql", "CREATE TABLE eggs (n)"), ("down.sql", "DROP TABLE eggs")]);
const NESTS: (&str, &[(&str, &str)]) =
    ("20260101000002_nests", &[("up.sql", "CREATE TABLE nests (n)"), ("down.sql", "DROP TABLE nests")]);

/// The number of objects of a schema with this name.
fn named(conn: &mut SqliteConnection, name: &str) -> i64 {
    number(conn, &format!("SELECT count(*) FROM sqlite_schema WHERE name = '{name}'"))
}

#[test]
fn hazard_1_listing_pending_migrations_writes() {
    let folder = folder(&[EGGS]);
    let shop = Shop { folder: tempfile::tempdir().unwrap() };
    connect(&SqliteUrl::from(shop.path().as_path()), OpenMode::CreateIfMissing).unwrap();
    let before = shop.bytes();
    let migrations = read(folder.path()).unwrap();
    let mut conn = shop.conn();
    migrations.status(&mut conn).unwrap();
    migrations.inspect(&mut conn).unwrap();
    assert!(!migrations.plan(&mut conn, &Target::Newest).unwrap().is_empty());
    drop(conn);
    assert!(shop.bytes() == before);

    assert_eq!(shop.conn().pending_migrations(of_diesel(folder.path())).unwrap().len(), 1);
    assert!(shop.bytes() != before, "diesel has created its table");
}

#[test]
fn hazard_2_edited_deleted_late_and_duplicate_migrations_pass_in_silence() {
    type Folder<'a> = &'a [(&'a str, &'a [(&'a str, &'a str)])];
    let edited = (EGGS.0, &[("up.sql", "CREATE TABLE eggs (n, size)"), ("down.sql", "DROP TABLE eggs")][..]);
    let late = ("20260101000000_late", &[("up.sql", "CREATE TABLE late (n)"), ("down.sql", "DROP TABLE late")][..]);
    let twice = ("20260101000002_twice", NESTS.1);
    let cases: [(Folder<'_>, &str); 4] = [
        (&[edited, NESTS], "have been changed since: 20260101000001_eggs"),
        (&[EGGS], "files are gone: 20260101000002_nests"),
        (&[late, EGGS, NESTS], "lacks 20260101000000_late"),
        (&[EGGS, NESTS, twice], "have the same version"),
    ];
    for (changed, expected) in cases {
        let (first, changed) = (folder(&[EGGS, NESTS]), folder(changed));
        let diesel = Shop { folder: tempfile::tempdir().unwrap() };
        let mut conn = connect(&SqliteUrl::from(diesel.path().as_path()), OpenMode::CreateIfMissing).unwrap();
        conn.run_pending_migrations(of_diesel(first.path())).unwrap();
        conn.run_pending_migrations(of_diesel(changed.path())).unwrap();

        let shop = Shop::new();
        shop.run(&read(first.path()).unwrap()).unwrap();
        let error = match read(changed.path()) {
            Ok(migrations) => shop.refused(&migrations, Target::Newest).to_string(),
            Err(error) => error.to_string(),
        };
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn hazard_3_a_second_migrator_fails_without_a_busy_timeout() {
    let folder = folder(&[EGGS]);
    let shop = Shop::new();
    let without_timeout = || SqliteConnection::establish(shop.path().to_str().unwrap()).unwrap();
    let mut first = without_timeout();
    first.batch_execute("BEGIN IMMEDIATE").unwrap();
    let failed = without_timeout().run_pending_migrations(of_diesel(folder.path())).unwrap_err();
    assert!(failed.to_string().contains("locked"), "{failed}");

    let migrations = read(folder.path()).unwrap();
    let (waits, is_waiting) = mpsc::channel();
    std::thread::scope(|scope| {
        let second = scope.spawn(|| {
            let mut conn = without_timeout();
            let observer = |event: &MigrationEvent<'_>| {
                if let MigrationEvent::WaitingForLock { .. } = event {
                    waits.send(()).unwrap();
                }
            };
            MigrationRun::new(&migrations).lock_wait(Duration::from_secs(600)).observer(observer).run(&mut conn)
        });
        is_waiting.recv().unwrap();
        first.batch_execute("COMMIT").unwrap();
        assert_eq!(second.join().unwrap().unwrap().applied.len(), 1);
    });
}

#[test]
fn hazard_4_metadata_without_its_key_leaves_half_of_a_migration() {
    let files = |metadata: bool| {
        let files: &[(&str, &str)] = &[
            ("up.sql", "CREATE TABLE half (n); CREATE TABLE half (n)"),
            ("down.sql", "DROP TABLE half"),
            ("metadata.toml", "# nothing is set\n"),
        ];
        folder(&[("20260101000003_half", &files[..if metadata { 3 } else { 2 }])])
    };
    let shop = Shop::new();
    let mut conn = shop.conn();
    conn.run_pending_migrations(of_diesel(files(true).path())).unwrap_err();
    assert_eq!(named(&mut conn, "half"), 1, "diesel has run half of the migration");
    conn.batch_execute("DROP TABLE half").unwrap();
    drop(conn);

    let error = read(files(true).path()).unwrap_err().to_string();
    assert!(error.contains("metadata.toml") && error.contains("switches the transaction off"), "{error}");
    let error = shop.refused(&read(files(false).path()).unwrap(), Target::Newest);
    assert!(matches!(error, MigrationError::Failed { .. }), "{error}");
    assert_eq!(named(&mut shop.conn(), "half"), 0);
}

#[test]
fn hazard_5_a_rebuilt_parent_empties_its_children_and_breaks_views_and_triggers() {
    let rebuild = format!("DROP VIEW feathered; {REBUILD}");
    let children = "SELECT count(*) FROM feathers";
    let folder = folder(&[("20260101000004_rebuild", &[("up.sql", &rebuild), ("down.sql", "SELECT 1")])]);
    let shop = rebuilds::specification();
    let diesel = Shop::copy_of(&shop);
    let mut conn = diesel.conn();
    assert_eq!(number(&mut conn, "SELECT foreign_keys FROM pragma_foreign_keys"), 1);
    // Rows that refer to `files` without ON DELETE CASCADE would make the DROP TABLE fail.
    conn.batch_execute("DELETE FROM jobs").unwrap();
    conn.run_pending_migrations(of_diesel(folder.path())).unwrap();
    assert_eq!(number(&mut conn, children), 0, "diesel has emptied the child table");
    assert_eq!(number(&mut conn, "SELECT count(*) FROM pragma_foreign_key_check"), 0, "and no check complains");

    let migrations = read(folder.path()).unwrap();
    let target = || Target::Version("20260101000004".to_owned());
    MigrationRun::new(&migrations).target(target()).run(&mut shop.conn()).unwrap();
    assert_eq!(number(&mut shop.conn(), children), 3);
    assert_eq!(number(&mut shop.conn(), "SELECT foreign_keys FROM pragma_foreign_keys"), 1, "on again");
}
