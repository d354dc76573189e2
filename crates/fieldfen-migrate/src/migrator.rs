//! Applies and reverts the migrations of one database, after a rehearsal and a backup.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::SqliteConnection;
use fieldfen_persistence::migrations::{
    DataLoss, Direction, DoneStep, LOCK_WAIT, Migration, MigrationEvent, MigrationRun, Migrations, Step, Target,
};
use fieldfen_persistence::{OpenMode, SqliteUrl, connect, create_database, read_database, store_error};
use fieldfen_services::Environment;

use crate::adopt::{AdoptError, Adoption, AdoptionReport, Origin, absolute, alembic_revisions};
use crate::backup::back_up_when_free;
use crate::error::MigrateError;
use crate::event::MigrateEvent;
use crate::folder_lock::FolderLocks;
use crate::plan::MigrationPlan;
use crate::rehearsal::report::RehearsalReport;
use crate::rehearsal::{CACHE, Rehearsal, folder_of, real_path, rehearsal_file, schema};
use crate::report::SchemaReport;

/// The function that gets the progress.
type Observer = Arc<dyn Fn(&MigrateEvent<'_>) + Send + Sync>;

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct MigrateOutcome {
    /// fieldfen's first migration, if another program had created its tables from the specification.
    pub recognised: Option<Migration>,
    /// The report on the adoption of such a database; `None` if the database had migrations or no tables.
    pub adoption: Option<Box<AdoptionReport>>,
    /// The applied migrations, the oldest first.
    pub applied: Vec<DoneStep>,
    /// The reverted migrations, the newest first.
    pub reverted: Vec<DoneStep>,
    /// The result of the rehearsal; `None` if there was none.
    pub rehearsal: Option<RehearsalReport>,
    /// The backup that was made before; `None` if there was none.
    pub backup: Option<PathBuf>,
}

/// The plan of a run.
struct Planned {
    steps: Vec<Step>,
    has_tables: bool,
    /// Whether another program has created the database by the specification.
    must_be_adopted: bool,
}

/// Applies and reverts the migrations of one database.
///
/// By default a migrator rehearses each run on a copy, and makes a verified backup in the folder `backups` beside the
/// database. Neither happens if nothing is to be done or the database has no tables.
#[derive(Clone)]
pub struct Migrator {
    pub(crate) url: SqliteUrl,
    pub(crate) path: PathBuf,
    pub(crate) migrations: Migrations,
    pub(crate) rehearses: bool,
    scratch: Option<PathBuf>,
    pub(crate) backups: Option<PathBuf>,
    pub(crate) adoption: Adoption,
    pub(crate) lock_wait: Duration,
    pub(crate) tool: String,
    observer: Option<Observer>,
}

impl fmt::Debug for Migrator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migrator").field("url", &self.url).field("tool", &self.tool).finish_non_exhaustive()
    }
}

impl Migrator {
    /// A migrator for the database at this address, which need not exist yet.
    ///
    /// # Errors
    /// [`MigrateError::InMemory`].
    pub fn new(url: SqliteUrl) -> Result<Self, MigrateError> {
        let Some(path) = url.path().map(Path::to_owned) else { return Err(MigrateError::InMemory { url }) };
        Ok(Self {
            backups: Some(folder_of(&path).join("backups")),
            url,
            path,
            migrations: Migrations::fieldfen(),
            rehearses: true,
            scratch: None,
            lock_wait: LOCK_WAIT,
            adoption: Adoption::new(),
            tool: concat!("fieldfen-migrate ", env!("CARGO_PKG_VERSION")).to_owned(),
            observer: None,
        })
    }

    /// Sets the migrations, for a program with migrations of its own. The default is fieldfen's alone.
    #[must_use]
    pub fn migrations(self, migrations: Migrations) -> Self {
        Self { migrations, ..self }
    }

    /// Sets whether a run is rehearsed on a copy before.
    #[must_use]
    pub fn rehearsal(self, rehearses: bool) -> Self {
        Self { rehearses, ..self }
    }

    /// Sets the folder in which the copy is made. The default is the folder of the database.
    #[must_use]
    pub fn scratch(self, folder: impl Into<PathBuf>) -> Self {
        Self { scratch: Some(folder.into()), ..self }
    }

    /// Sets the folder of the backups; with `None`, no backup is made.
    #[must_use]
    pub fn backups(self, folder: Option<PathBuf>) -> Self {
        Self { backups: folder, ..self }
    }

    /// Sets the longest wait for another process, by default [`LOCK_WAIT`]: one that migrates or rehearses in the folder
    /// of the database or of the copy, one that backs up into the folder of the backups, and one that has the lock on the
    /// database.
    #[must_use]
    pub fn lock_wait(self, lock_wait: Duration) -> Self {
        Self { lock_wait, ..self }
    }

    /// Sets the settings for the adoption of a database of another program.
    #[must_use]
    pub fn adoption(self, adoption: Adoption) -> Self {
        Self { adoption, ..self }
    }

    /// Sets the name and version of the program for the ledger.
    #[must_use]
    pub fn tool(self, tool: impl Into<String>) -> Self {
        Self { tool: tool.into(), ..self }
    }

    /// Sets an observer of the progress.
    #[must_use]
    pub fn observer(self, observer: impl Fn(&MigrateEvent<'_>) + Send + Sync + 'static) -> Self {
        Self { observer: Some(Arc::new(observer)), ..self }
    }

    /// The migrations of the database, and the differences of its schema from theirs. The database must exist. No file
    /// beside it is created or changed.
    ///
    /// # Errors
    /// [`MigrateError::Migration`] if the database does not exist or cannot be read.
    pub fn status(&self) -> Result<SchemaReport, MigrateError> {
        let state = read_database(&self.url, |conn| self.migrations.inspect(conn))?;
        let alembic = if state.is_specification { read_database(&self.url, alembic_revisions)? } else { None };
        Ok(SchemaReport::new(self.url.to_string(), state, alembic))
    }

    /// The steps to the target, the data that would be lost, and the prediction of the last [`Migrator::rehearse`].
    /// Changes nothing, and needs read permission alone.
    ///
    /// # Errors
    /// [`MigrateError::Migration`] if the database does not exist, cannot be read, or is in a state that a run refuses.
    pub fn plan(&self, target: &Target) -> Result<MigrationPlan, MigrateError> {
        read_database(&self.url, |conn| {
            conn.batch_execute("BEGIN").map_err(store_error)?;
            let planned = (|| {
                let steps = self.migrations.plan(conn, target)?;
                let losses = self.migrations.losses(conn, target)?;
                let key = schema::key(conn, &steps)?;
                let prediction = real_path(&self.path).ok().and_then(|path| rehearsal_file::read(&path, &key));
                Ok(MigrationPlan { steps, losses, prediction })
            })();
            conn.batch_execute("ROLLBACK").map_err(store_error)?;
            planned
        })
    }

    /// As [`Migrator::plan`], for a target that must only revert migrations.
    ///
    /// # Errors
    /// As [`Migrator::plan`], and [`MigrateError::NotApplied`] if the target has a migration that the database lacks.
    pub fn plan_down(&self, target: &Target) -> Result<MigrationPlan, MigrateError> {
        let plan = self.plan(target)?;
        match (plan.applied().is_empty(), target) {
            (false, Target::Version(version)) => {
                let applied = self.status()?.migrations.into_iter().filter(|line| line.applied);
                let applied: Vec<_> = applied.map(|line| format!("{}_{}", line.version, line.name)).collect();
                let applied = if applied.is_empty() { "none".to_owned() } else { applied.join(", ") };
                Err(MigrateError::NotApplied { version: version.clone(), applied })
            }
            _ => Ok(plan),
        }
    }

    /// Runs the migrations to the target on a copy: there, back and there again. `None` if there is nothing to do. The
    /// result is kept in a file beside the database, named after it with `-rehearsal.json`.
    ///
    /// # Errors
    /// [`MigrateError`]. The database is only read.
    pub fn rehearse(&self, target: &Target) -> Result<Option<RehearsalReport>, MigrateError> {
        let database = {
            let steps = read_database(&self.url, |conn| self.migrations.plan(conn, target))?;
            if steps.is_empty() {
                return Ok(None);
            }
            real_path(&self.path)?
        };
        let _locks = self.lock(&database)?;
        let report = self.rehearse_locked(&database, target)?;
        rehearsal_file::write(&database, &report)?;
        Ok(Some(report))
    }

    /// Applies all missing migrations or none, as [`Migrator::run`] does. Creates the database and its folder if they
    /// are missing.
    ///
    /// A database that another program has created by the specification is adopted, as [`Migrator::adopt`] does.
    ///
    /// # Errors
    /// [`MigrateError`]. The file is then unchanged, and neither a new file nor a new folder remains.
    pub fn up(&self) -> Result<MigrateOutcome, MigrateError> {
        self.up_to(&Target::Newest)
    }

    /// As [`Migrator::up`], to another target.
    ///
    /// # Errors
    /// As [`Migrator::up`], and [`AdoptError::OnlyToNewest`] for a database that must be adopted.
    pub fn up_to(&self, target: &Target) -> Result<MigrateOutcome, MigrateError> {
        let created = create_database(&self.url, |conn| self.run_on(conn, target, &[], DataLoss::Refuse, None))?;
        match created {
            Some(outcome) => Ok(outcome),
            None => self.run(target, DataLoss::Refuse),
        }
    }

    /// Applies or reverts the migrations that lead to the target: after a rehearsal and a backup, in one transaction,
    /// under the guard. The database must exist. Other programs may use it meanwhile; they cannot write during the last
    /// step. If another migrator was faster, nothing is left to do.
    ///
    /// # Errors
    /// [`MigrateError`]. The database is then as it was; a backup that was made remains.
    pub fn run(&self, target: &Target, data_loss: DataLoss) -> Result<MigrateOutcome, MigrateError> {
        if self.planned(target)?.steps.is_empty() {
            let mut conn = connect(&self.url, OpenMode::ExistingOnly)?;
            return self.run_on(&mut conn, target, &[], data_loss, None);
        }
        let database = real_path(&self.path)?;
        let _locks = self.lock(&database)?;
        let Planned { steps, has_tables, must_be_adopted } = self.planned(target)?;
        if must_be_adopted {
            return self.adopt_to(&database, target);
        }
        let is_worth_it = has_tables && !steps.is_empty();
        let rehearsal = match self.rehearses && is_worth_it {
            true => Some(self.rehearse_locked(&database, target)?),
            false => None,
        };
        let backup = match &self.backups {
            Some(folder) if is_worth_it => Some(self.back_up(folder)?),
            _ => None,
        };
        let mut conn = connect(&self.url, OpenMode::ExistingOnly)?;
        conn.batch_execute(CACHE).map_err(store_error)?;
        let outcome = self.run_on(&mut conn, target, &steps, data_loss, backup.as_deref())?;
        rehearsal_file::remove(&database);
        Ok(MigrateOutcome { rehearsal, backup, ..outcome })
    }

    /// Accepts the files of an edited migration as they are now; `by` names the person. Returns whether the migration
    /// was edited.
    ///
    /// # Errors
    /// [`MigrationError::NoSuchMigration`](fieldfen_persistence::migrations::MigrationError::NoSuchMigration) if no set
    /// has this version, and others.
    pub fn repair(&self, version: &str, by: &str) -> Result<bool, MigrateError> {
        let mut conn = connect(&self.url, OpenMode::ExistingOnly)?;
        Ok(self.migrations.repair(&mut conn, version, by)?)
    }

    fn adopt_to(&self, database: &Path, target: &Target) -> Result<MigrateOutcome, MigrateError> {
        if *target != Target::Newest {
            return Err(AdoptError::OnlyToNewest.into());
        }
        let (report, run) = self.adopt_locked(database, false)?;
        rehearsal_file::remove(database);
        Ok(MigrateOutcome {
            recognised: run.recognised.clone(),
            applied: run.applied,
            backup: report.backup.clone(),
            // A program that does not know the lock may have been faster.
            adoption: run.recognised.map(|_| Box::new(report)),
            ..MigrateOutcome::default()
        })
    }

    /// Plans a run. A database that this user cannot write is refused here, before anything else is done. The connection
    /// is closed at once: the rehearsal and the backup read the file in ways that would drop its locks.
    fn planned(&self, target: &Target) -> Result<Planned, MigrateError> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = BigInt)]
            n: i64,
        }
        let mut conn = connect(&self.url, OpenMode::ExistingOnly)?;
        let steps = self.migrations.plan(&mut conn, target)?;
        let tables = diesel::sql_query("SELECT count(*) AS n FROM sqlite_schema WHERE type = 'table'");
        let tables: Row = tables.get_result(&mut conn).map_err(store_error)?;
        let has_tables = tables.n > 0;
        let goes_up = steps.iter().any(|step| step.direction == Direction::Up);
        let must_be_adopted =
            has_tables && goes_up && Origin::read(&mut conn, &self.migrations)? == Origin::Specification;
        Ok(Planned { steps, has_tables, must_be_adopted })
    }

    /// The folder in which the copy of a database is made.
    pub(crate) fn scratch_folder<'f>(&'f self, database: &'f Path) -> &'f Path {
        self.scratch.as_deref().unwrap_or(folder_of(database))
    }

    pub(crate) fn lock(&self, database: &Path) -> Result<FolderLocks, MigrateError> {
        FolderLocks::hold(&[folder_of(database), self.scratch_folder(database)], self.lock_wait, |folder| {
            self.send(&MigrateEvent::WaitingForFolder(folder));
        })
    }

    fn rehearse_locked(&self, database: &Path, target: &Target) -> Result<RehearsalReport, MigrateError> {
        let rehearsal = Rehearsal {
            url: &self.url,
            database,
            within: self.scratch_folder(database),
            migrations: &self.migrations,
            target,
            now: Environment::system().now(),
            observer: &|event| self.send(event),
        };
        rehearsal.run()
    }

    /// The folder of the backups; `None` if no backup is made.
    pub(crate) fn backup_folder(&self) -> Option<&Path> {
        self.backups.as_deref()
    }

    pub(crate) fn back_up(&self, folder: &Path) -> Result<PathBuf, MigrateError> {
        self.send(&MigrateEvent::BackingUp(folder));
        back_up_when_free(&self.url, folder, self.lock_wait, || self.send(&MigrateEvent::WaitingForFolder(folder)))
            .map_err(MigrateError::Backup)
    }

    fn run_on(
        &self,
        conn: &mut SqliteConnection,
        target: &Target,
        steps: &[Step],
        data_loss: DataLoss,
        backup: Option<&Path>,
    ) -> Result<MigrateOutcome, MigrateError> {
        let observer = |event: &MigrationEvent<'_>| self.send(&MigrateEvent::Running(event));
        let run = MigrationRun::new(&self.migrations).data_loss(data_loss).lock_wait(self.lock_wait);
        let mut run = run.tool(&self.tool).observer(observer);
        let reverts = !steps.is_empty() && steps.iter().all(|step| step.direction == Direction::Down);
        // Exactly the migrations that were planned and rehearsed are reverted.
        run = match reverts {
            true => run.revert(steps.iter().map(Step::migration).collect()),
            false => run.target(target.clone()),
        };
        if let Some(backup) = backup {
            run = run.backup(absolute(backup));
        }
        let report = run.run(conn)?;
        Ok(MigrateOutcome {
            recognised: report.recognised,
            applied: report.applied,
            reverted: report.reverted,
            ..MigrateOutcome::default()
        })
    }

    pub(crate) fn send(&self, event: &MigrateEvent<'_>) {
        if let Some(observer) = &self.observer {
            observer(event);
        }
    }
}
