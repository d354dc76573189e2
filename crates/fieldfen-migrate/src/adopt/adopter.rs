//! Adopts a database: adopts a copy, makes a backup, and adopts the database in one transaction.

use std::path::Path;

use diesel::sqlite::SqliteConnection;
use fieldfen_domain::Timestamp;
use fieldfen_persistence::migrations::{
    AdoptionPhase, MigrationError, MigrationEvent, MigrationRun, RunReport, change_exclusively,
};
use fieldfen_persistence::{OpenMode, SqliteUrl, connect, copy_database, read_database};
use fieldfen_services::Environment;

use super::error::AdoptError;
use super::form::Treatment;
use super::origin::{Origin, alembic_revisions, integrity};
use super::progress::Progress;
use super::publications::{ConfirmedRows, confirm_rows};
use super::report::{AdoptionOutcome, AdoptionReport};
use super::rewrite::{Rewritten, rewrite};
use super::scan::{Scan, scan};
use crate::error::MigrateError;
use crate::event::MigrateEvent;
use crate::migrator::Migrator;
use crate::rehearsal::{disk_space, real_path};
use crate::scratch::Scratch;

/// The findings and changes of a run in one transaction.
#[derive(Debug, Default)]
pub(crate) struct Done {
    alembic: Option<Vec<String>>,
    scan: Scan,
    rewritten: Rewritten,
    publications: ConfirmedRows,
    run: RunReport,
}

/// The file that is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Copy,
    Database,
}

impl Migrator {
    /// Adopts a database that another program has created by the specification: a copy first, then, after a backup,
    /// the database itself, in one transaction. [`Migrator::up`] does the same when it meets such a database. With
    /// [`Adoption::convert`](crate::Adoption::convert), a database that has migrations gets its ids and words
    /// rewritten.
    ///
    /// # Errors
    /// [`MigrateError::Adopt`] if there is nothing to adopt or the database is refused, and others. The database is
    /// then as it was.
    pub fn adopt(&self) -> Result<AdoptionReport, MigrateError> {
        self.check_origin()?;
        let database = real_path(&self.path)?;
        let _locks = self.lock(&database)?;
        let is_migrated = self.check_origin()?;
        let (report, run) = self.adopt_locked(&database, is_migrated)?;
        if !is_migrated && run.recognised.is_none() {
            // A program that does not know the lock was faster.
            self.check_origin()?;
        }
        Ok(report)
    }

    /// Adopts a copy, which is removed afterwards. The database itself is only read.
    ///
    /// # Errors
    /// As [`Migrator::adopt`].
    pub fn rehearse_adoption(&self) -> Result<AdoptionReport, MigrateError> {
        self.check_origin()?;
        let database = real_path(&self.path)?;
        let _locks = self.lock(&database)?;
        let is_migrated = self.check_origin()?;
        let done = self.adopt_copy(&database, is_migrated)?;
        Ok(self.adoption_report(AdoptionOutcome::Rehearsed, done).0)
    }

    /// Adopts the database, whose folder is locked.
    pub(crate) fn adopt_locked(
        &self,
        database: &Path,
        is_migrated: bool,
    ) -> Result<(AdoptionReport, RunReport), MigrateError> {
        if self.rehearses {
            self.adopt_copy(database, is_migrated)?;
        } else {
            require_no_damage(read_database(&self.url, integrity)?)?;
        }
        let backup = self.backups.as_deref().map(|folder| self.back_up(folder)).transpose()?;
        let done = self.change(&self.url, is_migrated, backup.as_deref(), Place::Database)?;
        let outcome = if is_migrated { AdoptionOutcome::Converted } else { AdoptionOutcome::Adopted };
        let (report, run) = self.adoption_report(outcome, done);
        Ok((AdoptionReport { backup, ..report }, run))
    }

    /// Whether the database has migrations, which only a conversion accepts.
    fn check_origin(&self) -> Result<bool, MigrateError> {
        let origin = read_database(&self.url, |conn| Origin::read(conn, &self.migrations)).or_else(|_| {
            // A connection that writes rolls the journal of a stopped program back.
            Origin::read(&mut connect(&self.url, OpenMode::ExistingOnly)?, &self.migrations)
        })?;
        match origin {
            Origin::Empty => Err(AdoptError::NothingToAdopt.into()),
            Origin::Different(differences) => Err(MigrationError::NotTheSpecification(differences).into()),
            Origin::Specification => Ok(false),
            Origin::Migrated { .. } if self.adoption.converts => Ok(true),
            Origin::Migrated { how, at } => {
                let how = how.as_deref().unwrap_or("before the ledger");
                let how = at.map_or_else(|| how.to_owned(), |at| format!("{how} at {at}"));
                Err(AdoptError::AlreadyAdopted { how }.into())
            }
        }
    }

    fn adopt_copy(&self, database: &Path, is_migrated: bool) -> Result<Done, MigrateError> {
        let within = self.scratch_folder(database);
        disk_space::require(database, within)?;
        let scratch = Scratch::make(within)?;
        let copy = scratch.copy();
        copy_database(&self.url, &copy, |pages, of| self.send(&MigrateEvent::Copying { pages, of }))?;
        let url = SqliteUrl::from(copy.as_path());
        self.send(&MigrateEvent::CheckingCopy);
        require_no_damage(integrity(&mut connect(&url, OpenMode::ExistingOnly)?)?)?;
        let done = self.change(&url, is_migrated, None, Place::Copy)?;
        self.send(&MigrateEvent::CheckingCopy);
        let damage = integrity(&mut connect(&url, OpenMode::ExistingOnly)?)?;
        if damage.is_empty() { Ok(done) } else { Err(MigrateError::Damaged { problem: damage.join("; ") }) }
    }

    /// Adopts or converts the database at an address, in one transaction.
    fn change(
        &self,
        url: &SqliteUrl,
        is_migrated: bool,
        backup: Option<&Path>,
        place: Place,
    ) -> Result<Done, MigrateError> {
        let mut conn = connect(url, OpenMode::ExistingOnly)?;
        let mut done = Done { alembic: alembic_revisions(&mut conn)?, ..Done::default() };
        let send = |event: &MigrateEvent<'_>| self.send(event);
        let progress = Progress(&send);
        let observer = |event: &MigrationEvent<'_>| match place {
            Place::Copy => self.send(&MigrateEvent::Rehearsing(event)),
            Place::Database => self.send(&MigrateEvent::Running(event)),
        };
        let ran = if is_migrated {
            change_exclusively(&mut conn, observer, |conn| self.rewrite(conn, &mut done, progress))
        } else {
            let mut run = MigrationRun::new(&self.migrations).lock_wait(self.lock_wait);
            run = run.tool(&self.tool).observer(observer);
            if let Some(backup) = backup {
                run = run.backup(absolute(backup));
            }
            let run = run.adopt(|conn, phase| match phase {
                AdoptionPhase::BeforeMigrations => self.rewrite(conn, &mut done, progress),
                AdoptionPhase::AfterMigrations => {
                    done.publications = confirm_rows(conn, &self.adoption.accounts, now(), progress)?;
                    Ok(())
                }
            });
            run.run(&mut conn).map(|report| done.run = report)
        };
        match (ran, place) {
            (Ok(()), _) => Ok(done),
            (Err(MigrationError::NotAdopted(_)), _) if done.scan.forms.rows(Treatment::Refused) > 0 => {
                let report = self.adoption_report(AdoptionOutcome::Refused, done).0;
                Err(AdoptError::Refused(Box::new(report)).into())
            }
            (Err(source), Place::Copy) => {
                Err(MigrateError::Rehearsal { phase: "while it adopted the database", source })
            }
            (Err(error), Place::Database) => Err(error.into()),
        }
    }

    fn rewrite(
        &self,
        conn: &mut SqliteConnection,
        done: &mut Done,
        progress: Progress<'_>,
    ) -> Result<(), MigrationError> {
        done.scan = scan(conn, progress)?;
        if done.scan.forms.rows(Treatment::Refused) > 0 {
            return Err(MigrationError::NotAdopted("values without a certain meaning".into()));
        }
        done.rewritten = rewrite(conn, self.adoption.converts, progress)?;
        Ok(())
    }

    fn adoption_report(&self, outcome: AdoptionOutcome, done: Done) -> (AdoptionReport, RunReport) {
        let Done { alembic, scan, rewritten, publications, run } = done;
        let applied = run.recognised.iter().map(ToString::to_string);
        let applied = applied.chain(run.applied.iter().map(|step| step.migration.to_string())).collect();
        let report = AdoptionReport::new(self.url.to_string(), outcome, alembic, scan);
        (AdoptionReport { rewritten, publications, applied, ..report }, run)
    }
}

fn require_no_damage(damage: Vec<String>) -> Result<(), AdoptError> {
    if damage.is_empty() { Ok(()) } else { Err(AdoptError::Damaged(damage)) }
}

/// The place of a backup for the ledger.
pub(crate) fn absolute(backup: &Path) -> String {
    std::path::absolute(backup).unwrap_or_else(|_| backup.to_owned()).display().to_string()
}

fn now() -> Timestamp {
    Environment::system().now()
}
