//! Applies or reverts migrations: all of a run in one transaction, with the lock on the database, under the guard.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::migration::MigrationConnection as _;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;

use super::adoption::AdoptionPhase;
use super::data_loss::{self, DataLoss, DeclaredTables};
use super::embedded::EMBEDDED;
use super::expected_schema::{self, SpecificationTables};
use super::guard::Guard;
use super::guard_finding::{GuardFinding, GuardReport};
use super::ledger::{HowApplied, WrittenBy};
use super::migration_event::{EventSink, MigrationEvent};
use super::migration_lock::exclusively;
use super::migration_set::FIELDFEN;
use super::migration_state::MigrationStatus;
use super::migrations_of_programs::Migrations;
use super::step::{Direction, Step};
use super::target::{self, Target};
use super::{Migration, MigrationError, checks, encoding, ledger};
use crate::sqlite::columns::StoredText;
use crate::sqlite::error::Classify as _;

/// The longest wait for a lock that another run holds, unless a run sets another time.
pub const LOCK_WAIT: Duration = Duration::from_secs(60);

/// A migration that a run has applied or reverted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DoneStep {
    /// The name of the set to which the migration belongs.
    pub program: String,
    /// The migration.
    pub migration: Migration,
    /// The time that its statements took.
    pub took: Duration,
    /// The growth of the database in bytes, without the write-ahead log. Negative if it has shrunk.
    pub grown_bytes: i64,
    /// The size of the write-ahead log in bytes after the statements. Pages that are still in SQLite's cache are not in
    /// it; 0 without a log.
    pub log_bytes: u64,
}

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RunReport {
    /// fieldfen's first migration, if another program had created its tables from the specification.
    pub recognised: Option<Migration>,
    /// The applied migrations in their order.
    pub applied: Vec<DoneStep>,
    /// The reverted migrations in their order.
    pub reverted: Vec<DoneStep>,
}

/// The goal of a run.
enum Goal {
    Target(Target),
    /// Reverts these newest migrations of their sets, and fails if others are the newest.
    Revert(Vec<Migration>),
}

/// The function that gets the progress of a run.
type Observer<'a> = dyn FnMut(&MigrationEvent<'_>) + 'a;

/// The function that takes a database over, once before the migrations and once after them.
type Adopt<'a> = dyn FnMut(&mut SqliteConnection, AdoptionPhase) -> Result<(), MigrationError> + 'a;

/// A run of migrations. All of it is one transaction: after an error, the database is as it was before.
///
/// Foreign keys are off during the run, so that a rebuilt table takes no rows of other tables along, and are compared
/// before and after. One run is at work at a time; a second one waits for the lock and then finds nothing to do.
pub struct MigrationRun<'a> {
    migrations: &'a Migrations,
    goal: Goal,
    data_loss: DataLoss,
    lock_wait: Duration,
    tool: String,
    backup: Option<String>,
    adopt: Option<Box<Adopt<'a>>>,
    observer: Option<Box<Observer<'a>>>,
}

impl std::fmt::Debug for MigrationRun<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MigrationRun").field("tool", &self.tool).finish_non_exhaustive()
    }
}

impl<'a> MigrationRun<'a> {
    /// A run that applies all pending migrations.
    #[must_use]
    pub fn new(migrations: &'a Migrations) -> Self {
        Self {
            migrations,
            goal: Goal::Target(Target::Newest),
            data_loss: DataLoss::Refuse,
            lock_wait: LOCK_WAIT,
            tool: concat!("fieldfen-persistence ", env!("CARGO_PKG_VERSION")).to_owned(),
            backup: None,
            adopt: None,
            observer: None,
        }
    }

    /// Sets another target.
    #[must_use]
    pub fn target(self, target: Target) -> Self {
        Self { goal: Goal::Target(target), ..self }
    }

    /// Reverts exactly these migrations, the newest first. They must be the newest ones of their sets; newer migrations
    /// of other sets stay.
    #[must_use]
    pub fn revert(self, migrations: Vec<Migration>) -> Self {
        Self { goal: Goal::Revert(migrations), ..self }
    }

    /// Sets whether migrations whose data is still needed may be reverted. By default they may not.
    #[must_use]
    pub const fn data_loss(mut self, data_loss: DataLoss) -> Self {
        self.data_loss = data_loss;
        self
    }

    /// Sets the longest wait for the lock on the database, by default [`LOCK_WAIT`]. The busy timeout of the connection
    /// comes on top of it.
    #[must_use]
    pub const fn lock_wait(mut self, lock_wait: Duration) -> Self {
        self.lock_wait = lock_wait;
        self
    }

    /// Sets the name and version of the tool for the ledger, for example `fieldfen-migrate 0.1.0`.
    #[must_use]
    pub fn tool(self, tool: impl Into<String>) -> Self {
        Self { tool: tool.into(), ..self }
    }

    /// Sets the place of the backup for the ledger.
    #[must_use]
    pub fn backup(self, place: impl Into<String>) -> Self {
        Self { backup: Some(place.into()), ..self }
    }

    /// Sets a function that takes the database over, if another program has created it by the specification: see
    /// [`AdoptionPhase`]. The function runs in the transaction of the run. The first migration is then recorded as
    /// [`HowApplied::Adopted`]. For any other database, the function is not called.
    #[must_use]
    pub fn adopt(
        self,
        adopt: impl FnMut(&mut SqliteConnection, AdoptionPhase) -> Result<(), MigrationError> + 'a,
    ) -> Self {
        Self { adopt: Some(Box::new(adopt)), ..self }
    }

    /// Sets an observer of the progress.
    #[must_use]
    pub fn observer(self, observer: impl FnMut(&MigrationEvent<'_>) + 'a) -> Self {
        Self { observer: Some(Box::new(observer)), ..self }
    }

    /// Runs the migrations on this connection, which must have no transaction open. If there is nothing to do, nothing
    /// is written but rows of the ledger that are missing, because another tool has applied the migrations.
    ///
    /// # Errors
    /// [`MigrationError`]. The database is then as it was before.
    pub fn run(mut self, conn: &mut SqliteConnection) -> Result<RunReport, MigrationError> {
        let mut observer = self.observer.take();
        let mut events = EventSink(observer.as_mut().map(|observer| &mut **observer as _));
        let mut adopt = self.adopt.take();
        let ran =
            exclusively(conn, self.lock_wait, &mut events, |conn, events| self.locked(conn, &mut adopt, None, events));
        match ran {
            Err(MigrationError::Guard(report)) if report.migrations.len() > 1 => {
                Err(self.attributed(conn, &mut adopt, report, &mut events))
            }
            ran => ran,
        }
    }

    /// Runs the steps again and compares after each of them, so that the error names the migration that made the
    /// changes. Everything is rolled back again. The report stays as it is if the changes are not found a second time.
    fn attributed(
        &self,
        conn: &mut SqliteConnection,
        adopt: &mut Option<Box<Adopt<'a>>>,
        report: Box<GuardReport>,
        events: &mut EventSink<'_>,
    ) -> MigrationError {
        let again = exclusively(conn, self.lock_wait, events, |conn, events| {
            self.locked(conn, adopt, Some(&report.findings), events)?;
            // Nothing was found, so that this error rolls the steps back.
            Err::<(), _>(MigrationError::Guard(report.clone()))
        });
        match again {
            Err(MigrationError::Guard(found)) => MigrationError::Guard(found),
            Ok(()) | Err(_) => MigrationError::Guard(report),
        }
    }

    /// Runs the steps in the open transaction. With `suspects`, which an earlier run has found, the guard compares after
    /// each step.
    fn locked(
        &self,
        conn: &mut SqliteConnection,
        adopt: &mut Option<Box<Adopt<'a>>>,
        suspects: Option<&[GuardFinding]>,
        events: &mut EventSink<'_>,
    ) -> Result<RunReport, MigrationError> {
        encoding::refuse_other(conn)?;
        let status = self.migrations.status(conn)?;
        let mut steps = self.steps(&status)?;
        let goes_up = matches!(self.goal, Goal::Target(Target::Newest | Target::Version(_)))
            && steps.iter().all(|step| step.direction == Direction::Up);
        let mut applied = own_versions(&status);
        let mut report = RunReport::default();
        let mut indexes = Vec::new();
        if goes_up && steps.first().is_some_and(|step| is_own(step) && step.file.version() == EMBEDDED[0].version()) {
            match SpecificationTables::of_unmigrated(conn, &applied)? {
                Some(SpecificationTables::Different(differences)) => {
                    return Err(MigrationError::NotTheSpecification(differences));
                }
                Some(SpecificationTables::Equal { indexes: missing }) => {
                    indexes = missing;
                    steps.remove(0);
                    report.recognised = Some(EMBEDDED[0].migration());
                }
                Some(SpecificationTables::Absent) | None => {}
            }
        }
        let is_done = steps.is_empty() && report.recognised.is_none();
        if is_done {
            if goes_up {
                refuse_changed(conn, &applied)?;
                self.fill_ledger(conn, &status)?;
            }
            return Ok(report);
        }
        if self.data_loss == DataLoss::Refuse {
            data_loss::refuse(conn, &status, &steps)?;
        }
        let mut adopt = adopt.as_mut().filter(|_| report.recognised.is_some());
        if let Some(adopt) = &mut adopt {
            adopt(conn, AdoptionPhase::BeforeMigrations)?;
        }
        let first = if suspects.is_some() { 0..steps.len().min(1) } else { 0..steps.len() };
        let mut guard = Guard::begin(conn, &steps, first, suspects, events)?;
        // Creates diesel's own table if it is missing.
        conn.setup().store()?;
        self.fill_ledger(conn, &status)?;
        ledger::create(conn)?;
        if report.recognised.is_some() {
            indexes.iter().try_for_each(|index| conn.batch_execute(index)).store()?;
            EMBEDDED[0].record(conn)?;
            let how = if adopt.is_some() { HowApplied::Adopted } else { HowApplied::Recognised };
            ledger::write(conn, FIELDFEN, &EMBEDDED[0], how, None, self.written_by())?;
            applied.push(EMBEDDED[0].version().to_owned());
        }
        if goes_up {
            refuse_changed(conn, &applied)?;
            match expected_schema::taken_names(conn, &applied)? {
                taken if taken.is_empty() => {}
                taken => return Err(MigrationError::NamesTaken(taken)),
            }
        }
        for (number, step) in steps.iter().enumerate() {
            if suspects.is_some() && number > 0 {
                guard.finish(conn, events)?;
                guard = Guard::begin(conn, &steps, number..number + 1, suspects, events)?;
            }
            guard.before_step(conn, number, events)?;
            let done = self.step(conn, step, events)?;
            match step.direction {
                Direction::Up => report.applied.push(done),
                Direction::Down => report.reverted.push(done),
            }
        }
        guard.finish(conn, events)?;
        if let Some(adopt) = &mut adopt {
            adopt(conn, AdoptionPhase::AfterMigrations)?;
        }
        if goes_up {
            let applied = super::applied(conn)?;
            refuse_changed(conn, &applied)?;
        }
        Ok(report)
    }

    fn steps(&self, status: &[MigrationStatus]) -> Result<Vec<Step>, MigrationError> {
        let sets = self.migrations.sets();
        match &self.goal {
            Goal::Target(target) => target::steps(sets, status, target),
            Goal::Revert(expected) => target::reversal(sets, status, expected),
        }
    }

    fn step(
        &self,
        conn: &mut SqliteConnection,
        step: &Step,
        events: &mut EventSink<'_>,
    ) -> Result<DoneStep, MigrationError> {
        let (migration, direction) = (step.migration(), step.direction);
        if direction == Direction::Up && step.file.checks.is_some() {
            events.send(&MigrationEvent::Checking { migration: &migration });
            checks::run(conn, &step.file)?;
        }
        events.send(&MigrationEvent::Started { migration: &migration, direction });
        let bytes_before = database_bytes(conn)?;
        let declared = match self.data_loss {
            DataLoss::Refuse => Some(DeclaredTables::before(conn, step)?),
            DataLoss::Allow => None,
        };
        let began = Instant::now();
        match direction {
            Direction::Up => step.file.apply(conn)?,
            Direction::Down => step.file.revert(conn)?,
        }
        let took = began.elapsed();
        declared.map_or(Ok(()), |declared| declared.refuse_losses(conn))?;
        match direction {
            Direction::Up => {
                ledger::write(conn, &step.program, &step.file, HowApplied::Applied, Some(took), self.written_by())?;
            }
            Direction::Down => ledger::delete(conn, step.file.version())?,
        }
        events.send(&MigrationEvent::Finished { migration: &migration, direction, took });
        let grown_bytes = database_bytes(conn)? - bytes_before;
        Ok(DoneStep { program: step.program.clone(), migration, took, grown_bytes, log_bytes: log_bytes(conn)? })
    }

    /// Writes the rows of migrations that were applied before the ledger existed, or by another tool. If none is missing,
    /// nothing is written.
    fn fill_ledger(&self, conn: &mut SqliteConnection, status: &[MigrationStatus]) -> Result<(), MigrationError> {
        let is_missing =
            |status: &&MigrationStatus| status.applied && status.ledger.as_ref().is_none_or(|entry| entry.is_stale);
        for status in status.iter().filter(is_missing) {
            let set = self.migrations.sets().iter().find(|set| set.program() == status.program);
            let Some(file) = set.and_then(|set| set.get(&status.migration.version)) else { continue };
            ledger::create(conn)?;
            ledger::write(conn, &status.program, file, HowApplied::BeforeLedger, None, self.written_by())?;
        }
        Ok(())
    }

    fn written_by(&self) -> WrittenBy<'_> {
        WrittenBy { tool: &self.tool, backup: self.backup.as_deref() }
    }
}

fn is_own(step: &Step) -> bool {
    step.program == FIELDFEN
}

/// The versions of fieldfen's applied migrations, the oldest first.
pub(super) fn own_versions(status: &[MigrationStatus]) -> Vec<String> {
    let own = status.iter().filter(|status| status.program == FIELDFEN && status.applied);
    own.map(|status| status.migration.version.clone()).collect()
}

fn refuse_changed(conn: &mut SqliteConnection, applied: &[String]) -> Result<(), MigrationError> {
    match expected_schema::differences(conn, applied)? {
        differences if differences.is_empty() => Ok(()),
        differences => Err(MigrationError::Changed(differences)),
    }
}

fn database_bytes(conn: &mut SqliteConnection) -> Result<i64, MigrationError> {
    let size = "SELECT page_count * page_size AS n FROM pragma_page_count, pragma_page_size";
    Ok(ledger::number(conn, size)?)
}

fn log_bytes(conn: &mut SqliteConnection) -> Result<u64, MigrationError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        file: StoredText,
    }
    let file = diesel::sql_query("SELECT file FROM pragma_database_list WHERE name = 'main'");
    let files: Vec<Row> = file.load(conn).store()?;
    let log = files.into_iter().map(|row| PathBuf::from(format!("{}-wal", row.file.into_prose()))).next();
    Ok(log.and_then(|log| fs::metadata(log).ok()).map_or(0, |log| log.len()))
}
