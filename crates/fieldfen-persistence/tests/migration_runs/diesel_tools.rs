//! diesel's own tools on the same database: `diesel_migrations`, on which diesel_cli is built, agrees with the runner.

use diesel::migration::Migration as _;
use diesel_migrations::{FileBasedMigrations, MigrationHarness as _};
use fieldfen_persistence::migrations::{MigrationState, MigrationStatus, newest};

use super::*;

/// fieldfen's migrations as diesel reads them.
fn folder() -> FileBasedMigrations {
    FileBasedMigrations::from_path(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite")).unwrap()
}

/// The versions that diesel would run.
fn pending(conn: &mut SqliteConnection) -> Vec<String> {
    let pending = conn.pending_migrations(folder()).unwrap();
    pending.iter().map(|migration| migration.name().version().to_string()).collect()
}

/// The states of fieldfen's migrations by the runner.
fn states(conn: &mut SqliteConnection) -> Vec<MigrationStatus> {
    Migrations::fieldfen().status(conn).unwrap()
}

#[test]
fn diesel_finds_reverts_and_applies_what_the_runner_has_applied() {
    let shop = Shop::new();
    let mut conn = shop.conn();
    let newest = newest().version;
    // diesel's times are whole seconds.
    let earlier = ["__diesel_schema_migrations", "__fieldfen_migrations"]
        .map(|table| format!("UPDATE {table} SET run_on = '2026-01-01 00:00:00';"));
    conn.batch_execute(&earlier.concat()).unwrap();
    assert_eq!(pending(&mut conn), [""; 0]);
    let applied = conn.applied_migrations().unwrap();
    assert_eq!(applied.len(), states(&mut conn).len());
    assert_eq!(conn.revert_last_migration(folder()).unwrap().to_string(), newest);
    assert_eq!(pending(&mut conn), [newest.as_str()]);
    let last = states(&mut conn).pop().unwrap();
    assert_eq!((last.state, last.ledger.map(|entry| entry.is_stale)), (MigrationState::Pending, Some(true)));

    assert_eq!(conn.run_pending_migrations(folder()).unwrap().len(), 1);
    let last = states(&mut conn).pop().unwrap();
    assert_eq!((last.state, last.ledger.map(|entry| entry.is_stale)), (MigrationState::Applied, Some(true)));
    let own = Migrations::fieldfen();
    assert_eq!(shop.run(&own).unwrap(), RunReport::default(), "nothing is left to do");
    let entry = states(&mut conn).pop().unwrap().ledger.unwrap();
    assert_eq!((entry.is_stale, entry.how.as_str()), (false, "before ledger"));

    MigrationRun::new(&own).target(Target::Down(1)).run(&mut conn).unwrap();
    assert_eq!(pending(&mut conn), [newest.as_str()]);
}

#[test]
fn a_database_that_diesel_has_migrated_gets_its_ledger_at_the_first_run() {
    let shop = Shop { folder: tempfile::tempdir().unwrap() };
    let mut conn = connect(&SqliteUrl::from(shop.path().as_path()), OpenMode::CreateIfMissing).unwrap();
    conn.run_pending_migrations(folder()).unwrap();
    let is_unknown = |status: &MigrationStatus| status.state == MigrationState::Applied && status.ledger.is_none();
    assert!(states(&mut conn).iter().all(is_unknown));
    let own = Migrations::fieldfen();
    assert_eq!(shop.run(&own).unwrap(), RunReport::default());
    let is_recorded = |status: &MigrationStatus| {
        let entry = status.ledger.as_ref().unwrap();
        status.state == MigrationState::Applied && entry.how == "before ledger" && !entry.is_stale
    };
    assert!(states(&mut conn).iter().all(is_recorded));
    assert_eq!(pending(&mut conn), [""; 0]);
    let before = shop.bytes();
    assert_eq!(shop.run(&own).unwrap(), RunReport::default());
    assert!(shop.bytes() == before, "a run without anything to do writes nothing");
    // From now on, an edited file is noticed.
    conn.batch_execute("UPDATE __fieldfen_migrations SET up_digest = 'x' WHERE version = '0003'").unwrap();
    assert!(matches!(shop.run(&own), Err(MigrationError::Edited(_))));
}
