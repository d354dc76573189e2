//! A program with tables of its own in fieldfen's database: how it migrates at its start, and what keeps its rows safe.
//!
//! `cargo run -p fieldfen-migrate --example own_migrations`

use std::error::Error;
use std::path::Path;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;
use fieldfen_migrate::lint::lint_set;
use fieldfen_migrate::{MigrateError, Migrator};
use fieldfen_persistence::migrations::{DataLoss, MigrationFile, MigrationSet, Migrations, Target};

/// The migrations of the program, the oldest first. Versions have fourteen digits; those with four are fieldfen's.
/// `MigrationSet::read_folder` reads the same from a folder of diesel.
const MIGRATIONS: [MigrationFile; 2] = [
    MigrationFile::new(
        "20260102030405_birds",
        "CREATE TABLE aviary_birds (
             ring TEXT PRIMARY KEY NOT NULL,
             name TEXT NOT NULL,
             file_id TEXT,
             FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE SET NULL
         );
         CREATE INDEX idx_aviary_birds_file_id ON aviary_birds(file_id);",
        "DROP TABLE aviary_birds;",
    ),
    MigrationFile::new(
        "20260203040506_eggs",
        "ALTER TABLE aviary_birds ADD COLUMN eggs INTEGER NOT NULL DEFAULT 0;",
        "ALTER TABLE aviary_birds DROP COLUMN eggs;",
    ),
];

/// A migration that would lose rows: the guard stops it, with a rehearsal and without.
const CARELESS: MigrationFile = MigrationFile::new(
    "20260304050607_one_name",
    "DELETE FROM aviary_birds WHERE ring NOT IN (SELECT min(ring) FROM aviary_birds GROUP BY name);",
    "SELECT 1;",
);

/// A migration that keeps every row, and that breaks older programs: two crops of a picture have one Drive id.
const INCOMPATIBLE: MigrationFile = MigrationFile::new(
    "20260304050607_one_drive_id",
    "CREATE UNIQUE INDEX aviary_one_drive_id ON files(drive_file_id);",
    "DROP INDEX aviary_one_drive_id;",
);

/// The migrator of a program with these migrations beside fieldfen's own.
fn migrator(database: &Path, files: &[MigrationFile]) -> Result<Migrator, Box<dyn Error>> {
    let own = MigrationSet::new("aviary", files.to_vec())?;
    let migrations = Migrations::fieldfen().with(own)?;
    Ok(Migrator::new(database.display().to_string().parse()?)?.migrations(migrations).tool("aviary 1.0.0"))
}

/// A test runs it too.
pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let database = folder.path().join("data/fieldfen.db");

    // In a test of the program: the same rules as for fieldfen's own migrations.
    let lint = lint_set(&MigrationSet::new("aviary", MIGRATIONS.to_vec())?)?;
    println!("lint: {} statements, {} findings", lint.statements, lint.findings.len());
    assert_eq!(lint.findings, []);

    // The first start creates the database with fieldfen's tables and those of the program.
    let created = migrator(&database, &MIGRATIONS[..1])?.up()?;
    println!("first start: {} migrations applied", created.applied.len());
    let mut conn = SqliteConnection::establish(&database.display().to_string())?;
    conn.batch_execute("INSERT INTO aviary_birds (ring, name) VALUES ('A1', 'wren'), ('A2', 'wren')")?;
    drop(conn);

    // A start with a newer version: the plan, the rehearsal on a copy, the backup, the run.
    let newer = migrator(&database, &MIGRATIONS)?;
    for planned in newer.plan(&Target::Newest)?.migrations() {
        println!("planned: {} {} of {}: {}", planned.migration, planned.direction, planned.program, planned.sql);
    }
    let updated = newer.up()?;
    let rehearsal = updated.rehearsal.ok_or("a database with tables is rehearsed")?;
    println!("rehearsed: {} statements of older programs still work", rehearsal.checked_statements);
    println!("backed up: {}", updated.backup.is_some_and(|backup| backup.is_file()));
    for line in newer.status()?.migrations.iter().filter(|line| line.program == "aviary") {
        println!("status: {}_{} is {}", line.version, line.name, line.state);
    }

    // Mistakes end with an error, and the database is as it was.
    for careless in [CARELESS, INCOMPATIBLE] {
        let files = [&MIGRATIONS[..], &[careless]].concat();
        let stopped = migrator(&database, &files)?.up();
        match stopped {
            Err(error @ (MigrateError::Rehearsal { .. } | MigrateError::BrokenStatements { .. })) => {
                println!("stopped: {}", fieldfen_domain::with_causes(&error));
            }
            other => return Err(format!("the migration should have been stopped: {other:?}").into()),
        }
    }

    // Reverting says what would be lost. fieldfen's own migrations stay.
    let back = Target::Version("20260102030405".to_owned());
    for loss in newer.plan_down(&back)?.losses {
        println!("would be lost: {loss}");
    }
    if let Err(error) = newer.run(&back, DataLoss::Refuse) {
        println!("refused: {error}");
    }
    let reverted = newer.run(&back, DataLoss::Allow)?;
    println!("reverted: {}, after a backup: {}", reverted.reverted[0].migration, reverted.backup.is_some());
    Ok(())
}
