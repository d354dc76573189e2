//! Runs of migrations: the guard, the states of migrations, the ledger, checks, and several runs at once.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test support outside of test functions")]

mod checks;
mod concurrency;
mod diesel_tools;
mod guard;
mod hazards;
mod rebuilds;
mod sets;
mod states;

use std::borrow::Cow;
use std::fs;
use std::path::PathBuf;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::sqlite::SqliteConnection;
use fieldfen_persistence::migrations::{
    GuardFinding, MigrationError, MigrationFile, MigrationRun, MigrationSet, Migrations, RunReport, Target,
};
use fieldfen_persistence::{OpenMode, SqliteUrl, connect};

/// A database file with fieldfen's schema and rows of fieldfen and of another program.
struct Shop {
    folder: tempfile::TempDir,
}

/// A table of another program, with a view, a trigger and a foreign key on `files`.
const ROWS: &str = "
    INSERT INTO files (id, original_filename, status) VALUES ('f', 'a.jpg', 'ingested'), ('g', 'b.jpg', 'ingested');
    INSERT INTO jobs (id, file_id, command_type, status) VALUES ('j', 'f', 'x', 'failed'), ('k', 'g', 'x', 'failed');
    CREATE TABLE feathers (id INTEGER PRIMARY KEY, file_id TEXT REFERENCES files(id) ON DELETE CASCADE, colour TEXT);
    INSERT INTO feathers VALUES (1, 'f', 'red'), (2, 'f', 'blue'), (3, 'g', NULL);
    CREATE INDEX idx_feathers_colour ON feathers (colour);
    CREATE VIEW feathered AS SELECT f.id, colour FROM files AS f JOIN feathers ON file_id = f.id;
    CREATE TABLE painted (colour TEXT);
    CREATE TRIGGER paint AFTER UPDATE ON feathers BEGIN INSERT INTO painted VALUES (new.colour); END;";

impl Shop {
    fn new() -> Self {
        let shop = Self { folder: tempfile::tempdir().unwrap() };
        let mut conn = connect(&SqliteUrl::from(shop.path().as_path()), OpenMode::CreateIfMissing).unwrap();
        MigrationRun::new(&Migrations::fieldfen()).run(&mut conn).unwrap();
        conn.batch_execute(ROWS).unwrap();
        shop
    }

    fn copy_of(other: &Self) -> Self {
        let copy = Self { folder: tempfile::tempdir().unwrap() };
        fs::write(copy.path(), other.bytes()).unwrap();
        copy
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("shop.db")
    }

    fn conn(&self) -> SqliteConnection {
        connect(&SqliteUrl::from(self.path().as_path()), OpenMode::ExistingOnly).unwrap()
    }

    /// The bytes of the database file, after everything in the log has been copied into it.
    fn bytes(&self) -> Vec<u8> {
        self.conn().batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        fs::read(self.path()).unwrap()
    }

    /// Runs all migrations of the sets.
    fn run(&self, migrations: &Migrations) -> Result<RunReport, MigrationError> {
        MigrationRun::new(migrations).run(&mut self.conn())
    }

    /// The error of a run, which must leave every byte of the file as it was and foreign keys on.
    fn refused(&self, migrations: &Migrations, target: Target) -> MigrationError {
        let before = self.bytes();
        let mut conn = self.conn();
        let error = MigrationRun::new(migrations).target(target).run(&mut conn).unwrap_err();
        assert_eq!(number(&mut conn, "SELECT foreign_keys FROM pragma_foreign_keys"), 1);
        drop(conn);
        assert!(self.bytes() == before, "the file has changed: {error}");
        error
    }

    /// The findings of the guard that stopped a run.
    fn stopped(&self, migrations: &Migrations, target: Target) -> Vec<GuardFinding> {
        match self.refused(migrations, target) {
            MigrationError::Guard(report) => report.findings,
            other => panic!("{other:?}"),
        }
    }
}

fn file(version: u64, up: &str, down: &str) -> MigrationFile {
    let mut file = MigrationFile::new("20260101000000_birds", "", "");
    file.version = Cow::Owned(format!("2026010100{version:04}"));
    (file.up, file.down) = (Cow::Owned(up.to_owned()), Cow::Owned(down.to_owned()));
    file
}

/// fieldfen's set and the set `aviary` with these migrations.
fn sets(files: Vec<MigrationFile>) -> Migrations {
    Migrations::fieldfen().with(MigrationSet::new("aviary", files).unwrap()).unwrap()
}

/// As [`sets`], with one migration.
fn one(up: &str, down: &str) -> Migrations {
    sets(vec![file(1, up, down)])
}

fn number(conn: &mut SqliteConnection, query: &str) -> i64 {
    diesel::select(diesel::dsl::sql::<BigInt>(&format!("({query})"))).get_result(conn).unwrap()
}

fn text(conn: &mut SqliteConnection, query: &str) -> Option<String> {
    diesel::select(diesel::dsl::sql::<Nullable<Text>>(&format!("({query})"))).get_result(conn).unwrap()
}
