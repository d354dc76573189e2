//! Rehearses migrations on a copy of the database: there, back and there again.

pub(crate) mod disk_space;
pub(crate) mod rehearsal_file;
pub(crate) mod report;
pub(crate) mod schema;

use std::fs;
use std::path::Path;
use std::time::Instant;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::Timestamp;
use fieldfen_persistence::migrations::{
    DataLoss, Migration, MigrationEvent, MigrationRun, Migrations, RunReport, Target,
};
use fieldfen_persistence::{OpenMode, SqliteUrl, connect, copy_database, store_error};

use crate::compat::Compatibility;
use crate::error::{MigrateError, WithOperation as _};
use crate::event::MigrateEvent;
use crate::scratch::Scratch;
use report::{RehearsalReport, milliseconds};

/// The memory for pages of a run, in KiB as a negative number (<https://sqlite.org/pragma.html#pragma_cache_size>).
/// Indexes are created and dropped in the order of other columns than the rows.
pub(crate) const CACHE: &str = "PRAGMA cache_size = -65536";

/// The copy need not survive a crash.
const NO_FLUSHES: &str = "PRAGMA synchronous = OFF";

/// The parameters of a rehearsal.
pub(crate) struct Rehearsal<'a> {
    pub(crate) url: &'a SqliteUrl,
    pub(crate) database: &'a Path,
    /// The folder in which the copy is made. The caller holds the lock on it.
    pub(crate) within: &'a Path,
    pub(crate) migrations: &'a Migrations,
    pub(crate) target: &'a Target,
    pub(crate) now: Timestamp,
    pub(crate) observer: &'a dyn Fn(&MigrateEvent<'_>),
}

/// The goal of a run on the copy.
enum Goal {
    Target(Target),
    Revert(Vec<Migration>),
}

impl Rehearsal<'_> {
    /// Copies the database, runs the migrations to the target on the copy, runs the way back, and runs the migrations
    /// once more. The guard compares the rows in each run. Then the statements of older programs run on the copy. The
    /// copy is removed at the end.
    ///
    /// # Errors
    /// [`MigrateError`]; the database itself is only read.
    pub(crate) fn run(&self) -> Result<RehearsalReport, MigrateError> {
        let began = Instant::now();
        disk_space::require(self.database, self.within)?;
        let scratch = Scratch::make(self.within)?;
        let copy = scratch.copy();
        let database_bytes =
            copy_database(self.url, &copy, |pages, of| (self.observer)(&MigrateEvent::Copying { pages, of }))?;
        let copied = began.elapsed();
        let mut conn = connect(&SqliteUrl::from(copy.as_path()), OpenMode::ExistingOnly)?;
        conn.batch_execute(CACHE).and_then(|()| conn.batch_execute(NO_FLUSHES)).map_err(store_error)?;
        let steps = self.migrations.plan(&mut conn, self.target)?;
        let key = schema::key(&mut conn, &steps)?;
        (self.observer)(&MigrateEvent::CheckingStatements);
        let compatibility_before = Compatibility::check(&mut conn, self.migrations)?;

        let to_target = || Goal::Target(self.target.clone());
        let (there, run_ms) = self.on_copy(&mut conn, "while it ran the migrations", to_target())?;
        let log_bytes = log_bytes(&copy);
        let schema_there = schema::read(&mut conn)?;
        let began_back = Instant::now();
        let back = self.back(&mut conn, &there)?;
        let back_ms = milliseconds(began_back.elapsed());
        let back_log_bytes = self::log_bytes(&copy);
        self.on_copy(&mut conn, "while it ran the migrations again after their reversal", to_target())?;
        if let Some(objects) = schema::difference(&schema_there, &schema::read(&mut conn)?) {
            return Err(MigrateError::OtherSchema { objects });
        }
        (self.observer)(&MigrateEvent::CheckingStatements);
        let compatibility = Compatibility::check(&mut conn, self.migrations)?;
        match compatibility.worse_than(&compatibility_before) {
            broken if broken.is_empty() => {}
            broken => return Err(MigrateError::BrokenStatements { broken }),
        }
        (self.observer)(&MigrateEvent::CheckingCopy);
        require_integrity(&mut conn)?;
        let dangling_references = dangling_references(&mut conn)?;
        Ok(RehearsalReport {
            key,
            at: self.now.to_rfc3339(),
            database_bytes,
            copy_ms: milliseconds(copied),
            run_ms,
            back_ms,
            took_ms: milliseconds(began.elapsed()),
            grown_bytes: there.applied.iter().chain(&there.reverted).map(|done| done.grown_bytes).sum(),
            log_bytes,
            back_log_bytes,
            dangling_references,
            checked_statements: compatibility.checked() as u64,
            broken_before: compatibility.broken() as u64,
            migrations: report::migrations(&there, &back),
        })
    }

    /// Undoes a run on the copy.
    fn back(&self, conn: &mut SqliteConnection, there: &RunReport) -> Result<RunReport, MigrateError> {
        let mut back = RunReport::default();
        if !there.applied.is_empty() {
            let applied: Vec<Migration> = there.applied.iter().rev().map(|done| done.migration.clone()).collect();
            (back, _) = self.on_copy(conn, "while it reverted the migrations", Goal::Revert(applied))?;
        }
        // Of each set, the first reverted migration was the newest one.
        for set in self.migrations.sets() {
            let Some(newest) = there.reverted.iter().find(|done| done.program == set.program()) else { continue };
            let target = Target::Version(newest.migration.version.clone());
            let phase = "while it applied the reverted migrations again";
            let (report, _) = self.on_copy(conn, phase, Goal::Target(target))?;
            back.applied.extend(report.applied);
        }
        Ok(back)
    }

    /// Runs migrations on the copy, and returns the milliseconds that the run took.
    fn on_copy(
        &self,
        conn: &mut SqliteConnection,
        phase: &'static str,
        goal: Goal,
    ) -> Result<(RunReport, u64), MigrateError> {
        let began = Instant::now();
        let observer = |event: &MigrationEvent<'_>| (self.observer)(&MigrateEvent::Rehearsing(event));
        let run = MigrationRun::new(self.migrations).data_loss(DataLoss::Allow).observer(observer);
        let run = match goal {
            Goal::Target(target) => run.target(target),
            Goal::Revert(migrations) => run.revert(migrations),
        };
        let report = run.run(conn).map_err(|source| MigrateError::Rehearsal { phase, source })?;
        Ok((report, milliseconds(began.elapsed())))
    }
}

fn log_bytes(copy: &Path) -> u64 {
    let mut log = copy.as_os_str().to_owned();
    log.push("-wal");
    fs::metadata(log).map_or(0, |found| found.len())
}

fn require_integrity(conn: &mut SqliteConnection) -> Result<(), MigrateError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        problem: String,
    }
    let check = "SELECT integrity_check AS problem FROM pragma_integrity_check LIMIT 3";
    let found: Vec<Row> = diesel::sql_query(check).load(conn).map_err(store_error)?;
    match found.into_iter().map(|row| row.problem).collect::<Vec<_>>() {
        found if found == ["ok"] => Ok(()),
        found => Err(MigrateError::Damaged { problem: found.join("; ") }),
    }
}

fn dangling_references(conn: &mut SqliteConnection) -> Result<u64, MigrateError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        n: i64,
    }
    let count = diesel::sql_query("SELECT count(*) AS n FROM pragma_foreign_key_check");
    Ok(count.get_result::<Row>(conn).map_err(store_error)?.n.unsigned_abs())
}

/// The folder of a file.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The path of the database without links, as SQLite names the files beside it.
pub(crate) fn real_path(database: &Path) -> Result<std::path::PathBuf, MigrateError> {
    database.canonicalize().with_operation("find", database)
}
