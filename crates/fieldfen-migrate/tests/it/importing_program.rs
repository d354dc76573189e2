//! Migrations of an importing program: rehearsed and guarded like fieldfen's own.

use std::fs;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;
use fieldfen_migrate::{MigrateError, Migrator};
use fieldfen_persistence::migrations::{DataLoss, MigrationError, MigrationFile, MigrationSet, Migrations, Target};

use crate::shop_harness::Shop;

#[path = "../../examples/own_migrations.rs"]
mod own_migrations;

#[test]
fn the_example_runs() {
    own_migrations::main().unwrap();
}

const BIRDS: MigrationFile =
    MigrationFile::new("20260102030405_birds", "CREATE TABLE birds (name TEXT, ring TEXT)", "DROP TABLE birds");

/// A migrator for the shop's database with these migrations beside fieldfen's own.
fn migrator(shop: &Shop, files: Vec<MigrationFile>) -> Migrator {
    let migrations = Migrations::fieldfen().with(MigrationSet::new("aviary", files).unwrap()).unwrap();
    Migrator::new(shop.url()).unwrap().migrations(migrations)
}

fn with_birds() -> Shop {
    let shop = Shop::new();
    migrator(&shop, vec![BIRDS]).up().unwrap();
    let rows = "INSERT INTO birds VALUES ('wren', 'a'), ('wren', 'b')";
    SqliteConnection::establish(shop.database()).unwrap().batch_execute(rows).unwrap();
    shop
}

#[test]
fn own_migrations_are_rehearsed_and_backed_up_and_fieldfens_can_be_rehearsed_below_them() {
    let shop = with_birds();
    const EGGS: MigrationFile = MigrationFile::new(
        "20260203040506_eggs",
        "ALTER TABLE birds ADD COLUMN eggs INTEGER",
        "ALTER TABLE birds DROP COLUMN eggs",
    );
    let migrator = migrator(&shop, vec![BIRDS, EGGS]);
    let outcome = migrator.up().unwrap();
    assert!(outcome.rehearsal.is_some() && outcome.backup.is_some_and(|backup| backup.is_file()));
    assert_eq!(outcome.applied.len(), 1);

    // The newest of fieldfen's own is older than the importing program's, which stays.
    let newest = fieldfen_persistence::migrations::newest();
    let below = fieldfen_persistence::migrations::status(&mut SqliteConnection::establish(shop.database()).unwrap());
    let below = below.unwrap().into_iter().rev().nth(1).unwrap().migration;
    let outcome = migrator.run(&Target::Version(below.version), DataLoss::Refuse).unwrap();
    assert_eq!(outcome.reverted[0].migration, newest);
    assert!(outcome.rehearsal.is_some());
    let outcome = migrator.up().unwrap();
    assert_eq!((&outcome.applied[0].migration, outcome.rehearsal.is_some()), (&newest, true));
}

#[test]
fn a_migration_that_loses_one_row_is_stopped_with_a_rehearsal_and_without() {
    const LOSES: MigrationFile =
        MigrationFile::new("20260203040506_tidy", "DELETE FROM birds WHERE ring = 'b'", "SELECT 1");
    let shop = with_birds();
    let migrator = migrator(&shop, vec![BIRDS, LOSES]);
    let before = fs::read(shop.database()).unwrap();
    let rehearsed = migrator.up().unwrap_err();
    assert!(matches!(rehearsed, MigrateError::Rehearsal { source: MigrationError::Guard(_), .. }), "{rehearsed}");
    let guarded = migrator.rehearsal(false).backups(None).up().unwrap_err();
    assert!(matches!(guarded, MigrateError::Migration(MigrationError::Guard(_))), "{guarded}");
    assert_eq!(fs::read(shop.database()).unwrap(), before);
    assert!(!shop.folder().join("data/backups").exists(), "a rehearsal that fails comes before the backup");
}

#[test]
fn a_reversal_that_does_not_undo_its_migration_is_found_by_the_rehearsal() {
    const OTHER_INDEX: MigrationFile = MigrationFile::new(
        "20260203040506_index",
        "CREATE INDEX IF NOT EXISTS idx_birds ON birds (name)",
        "DROP INDEX idx_birds; CREATE INDEX idx_birds ON birds (ring)",
    );
    const NO_WAY_BACK: MigrationFile =
        MigrationFile::new("20260203040506_eggs", "ALTER TABLE birds ADD COLUMN eggs INTEGER", "SELECT 1");
    let shop = with_birds();
    let before = fs::read(shop.database()).unwrap();
    let found = migrator(&shop, vec![BIRDS, OTHER_INDEX]).up().unwrap_err();
    assert!(found.to_string().contains("index idx_birds"), "{found}");
    let found = migrator(&shop, vec![BIRDS, NO_WAY_BACK]).up().unwrap_err();
    assert!(found.to_string().contains("again after their reversal"), "{found}");
    assert_eq!(fs::read(shop.database()).unwrap(), before);
}
