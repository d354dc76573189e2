//! Adopts a database: reads it, adopts a copy, makes a backup, and adopts the database in one transaction.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;
use fieldfen_backup::back_up_before_migration;
use fieldfen_domain::Timestamp;
use fieldfen_persistence::migrations::{AdoptionPhase, MigrationError, MigrationRun, Migrations, change_exclusively};
use fieldfen_persistence::{OpenMode, SqliteUrl, connect, read_database, store_error};

use super::copy::Copy;
use super::error::AdoptError;
use super::form::Treatment;
use super::origin::{Origin, alembic_revisions, integrity};
use super::publications::{ConfirmedRows, confirm_rows};
use super::report::{AdoptionOutcome, AdoptionReport};
use super::rewrite::{Rewritten, rewrite};
use super::scan::{Scan, scan};
use super::time_form;
use super::value::Value;

/// The name and version of this tool in the ledger.
const TOOL: &str = concat!("fieldfen-migrate ", env!("CARGO_PKG_VERSION"));

/// An adoption of a database that another program has created by the specification.
///
/// [`Adoption::run`] adopts a copy first, then makes a verified backup, then adopts the database. All of the last step
/// is one transaction.
#[derive(Debug, Clone)]
pub struct Adoption {
    url: SqliteUrl,
    converts: bool,
    accounts: BTreeMap<String, String>,
    backups: Option<PathBuf>,
}

/// The findings and changes of a run in one transaction.
#[derive(Debug, Default)]
struct Done {
    scan: Scan,
    rewritten: Rewritten,
    publications: ConfirmedRows,
    applied: Vec<String>,
    /// Whether another run had adopted the database before.
    was_too_late: bool,
}

impl Adoption {
    /// An adoption of the database at this address, with backups in the folder `backups`.
    ///
    /// # Errors
    /// [`AdoptError::InMemory`].
    pub fn new(url: SqliteUrl) -> Result<Self, AdoptError> {
        if url.path().is_none() {
            return Err(AdoptError::InMemory { url });
        }
        Ok(Self { url, converts: false, accounts: BTreeMap::new(), backups: Some(PathBuf::from("backups")) })
    }

    /// Sets whether ids and words are rewritten too, as fieldfen writes them. Python programs that look rows up by the
    /// old spelling then find nothing.
    #[must_use]
    pub const fn convert(mut self, converts: bool) -> Self {
        self.converts = converts;
        self
    }

    /// Sets the account at which the products or posts of a platform are. By default, a platform has one account
    /// without a name.
    #[must_use]
    pub fn account(mut self, platform: impl Into<String>, account: impl Into<String>) -> Self {
        self.accounts.insert(platform.into(), account.into());
        self
    }

    /// Sets the folder of the backup; `None` makes no backup.
    #[must_use]
    pub fn backups(self, folder: impl Into<Option<PathBuf>>) -> Self {
        Self { backups: folder.into(), ..self }
    }

    /// Whether the database has the specification's tables and no migration. A missing file has not.
    ///
    /// # Errors
    /// [`AdoptError::Migration`] if the database cannot be read.
    pub fn is_due(&self) -> Result<bool, AdoptError> {
        if self.url.path().is_some_and(|path| !path.exists()) {
            return Ok(false);
        }
        let origin = read_database(&self.url, Origin::read).or_else(|_| {
            // A connection that writes rolls the journal of a stopped program back.
            Origin::read(&mut connect(&self.url, OpenMode::ExistingOnly)?)
        })?;
        Ok(origin == Origin::Specification)
    }

    /// Adopts a copy, which is removed afterwards. The database stays as it is.
    ///
    /// # Errors
    /// [`AdoptError`].
    pub fn rehearse(&self) -> Result<AdoptionReport, AdoptError> {
        let is_migrated = self.check_origin()?;
        self.rehearse_as(is_migrated)
    }

    /// Adopts the database. `--convert` on a database that has migrations rewrites its ids and words.
    ///
    /// # Errors
    /// [`AdoptError`]. The database is then as it was before.
    pub fn run(&self) -> Result<AdoptionReport, AdoptError> {
        let is_migrated = self.check_origin()?;
        let rehearsed = self.rehearse_as(is_migrated)?;
        let backup = match &self.backups {
            Some(folder) => Some(back_up_before_migration(&self.url, folder, read_database(&self.url, now)?)?.backup),
            None => None,
        };
        let done = self.change(&self.url, is_migrated, backup.as_deref(), &rehearsed)?;
        if done.was_too_late {
            self.check_origin()?;
        }
        let outcome = if is_migrated { AdoptionOutcome::Converted } else { AdoptionOutcome::Adopted };
        Ok(AdoptionReport { backup, ..self.report(outcome, rehearsed.alembic, done) })
    }

    /// Whether the database has migrations, which only a conversion accepts.
    fn check_origin(&self) -> Result<bool, AdoptError> {
        match read_database(&self.url, Origin::read)? {
            Origin::Empty => Err(AdoptError::NothingToAdopt),
            Origin::Different(differences) => Err(MigrationError::NotTheSpecification(differences).into()),
            Origin::Specification => Ok(false),
            Origin::Migrated { .. } if self.converts => Ok(true),
            Origin::Migrated { how, at } => {
                let how = how.as_deref().unwrap_or("before the ledger");
                let how = at.map_or_else(|| how.to_owned(), |at| format!("{how} at {at}"));
                Err(AdoptError::AlreadyAdopted { how })
            }
        }
    }

    fn rehearse_as(&self, is_migrated: bool) -> Result<AdoptionReport, AdoptError> {
        let found = read_database(&self.url, |conn| {
            let damage = integrity(conn)?;
            Ok::<_, MigrationError>(if damage.is_empty() {
                Ok((alembic_revisions(conn)?, scan(conn)?))
            } else {
                Err(damage)
            })
        })?;
        let (alembic, found) = found.map_err(AdoptError::Damaged)?;
        let database = self.url.to_string();
        let report = AdoptionReport::new(database, AdoptionOutcome::Refused, alembic.clone(), found);
        if report.values(Treatment::Refused) > 0 {
            return Err(AdoptError::Refused(Box::new(report)));
        }
        let copy = Copy::make(&self.url)?;
        let done = self.change(copy.url(), is_migrated, None, &report)?;
        let damage = read_database(copy.url(), integrity)?;
        if !damage.is_empty() {
            return Err(AdoptError::Damaged(damage));
        }
        copy.remove()?;
        Ok(self.report(AdoptionOutcome::Rehearsed, alembic, done))
    }

    /// Adopts or converts the database at an address, in one transaction.
    fn change(
        &self,
        url: &SqliteUrl,
        is_migrated: bool,
        backup: Option<&Path>,
        before: &AdoptionReport,
    ) -> Result<Done, AdoptError> {
        let mut conn = connect(url, OpenMode::ExistingOnly)?;
        let mut done = Done::default();
        let ran = if is_migrated {
            change_exclusively(&mut conn, |conn| self.rewrite(conn, &mut done))
        } else {
            let migrations = Migrations::fieldfen();
            let mut run = MigrationRun::new(&migrations).tool(TOOL);
            if let Some(backup) = backup {
                run = run.backup(backup.display().to_string());
            }
            let run = run.adopt(|conn, phase| match phase {
                AdoptionPhase::BeforeMigrations => self.rewrite(conn, &mut done),
                AdoptionPhase::AfterMigrations => {
                    let at = now(conn)?;
                    done.publications = confirm_rows(conn, &self.accounts, at)?;
                    Ok(())
                }
            });
            run.run(&mut conn).map(|report| {
                done.was_too_late = report.recognised.is_none();
                done.applied = report.recognised.iter().map(ToString::to_string).collect();
                done.applied.extend(report.applied.iter().map(|step| step.migration.to_string()));
            })
        };
        match ran {
            // Other programs have written since the first look.
            Err(MigrationError::NotAdopted(_)) if done.scan.forms.rows(Treatment::Refused) > 0 => {
                let report = self.report(AdoptionOutcome::Refused, before.alembic.clone(), done);
                Err(AdoptError::Refused(Box::new(report)))
            }
            ran => ran.map(|()| done).map_err(AdoptError::from),
        }
    }

    fn rewrite(&self, conn: &mut SqliteConnection, done: &mut Done) -> Result<(), MigrationError> {
        done.scan = scan(conn)?;
        if done.scan.forms.rows(Treatment::Refused) > 0 {
            return Err(MigrationError::NotAdopted("values without a certain meaning".into()));
        }
        done.rewritten = rewrite(conn, self.converts)?;
        Ok(())
    }

    fn report(&self, outcome: AdoptionOutcome, alembic: Option<Vec<String>>, done: Done) -> AdoptionReport {
        let Done { scan, rewritten, publications, applied, .. } = done;
        let report = AdoptionReport::new(self.url.to_string(), outcome, alembic, scan);
        AdoptionReport { rewritten, publications, applied, ..report }
    }
}

/// Now, by SQLite's clock.
fn now(conn: &mut SqliteConnection) -> Result<Timestamp, MigrationError> {
    let query = diesel::dsl::sql::<Text>("strftime('%Y-%m-%d %H:%M:%f000', 'now')");
    let text: String = diesel::select(query).get_result(conn).map_err(store_error)?;
    let time = time_form::read(&Value::Text(text)).1;
    time.ok_or_else(|| MigrationError::NotAdopted("SQLite's clock returns no time".into()))
}
