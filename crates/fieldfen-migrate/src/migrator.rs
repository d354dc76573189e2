//! Applies and reverts the migrations of one database.

use fieldfen_domain::store::StoreError;
use fieldfen_persistence::migrations::{
    self, AppliedMigrations, DataLoss, Loss, Migration, MigrationError, SchemaState,
};
use fieldfen_persistence::{OpenMode, SqliteUrl, connect, create_database, read_database};

use crate::adopt::alembic_revisions;
use crate::report::SchemaReport;

/// The migrations that [`Migrator::down`] reverts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Down {
    /// Reverts the newest migration.
    Last,
    /// Reverts all migrations newer than this version, which stays. The version is a number, or a number and a name.
    To(String),
    /// Reverts all migrations.
    Everything,
}

/// The migrations that [`Migrator::down`] would revert, and the data that would be lost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DownPlan {
    /// The migrations that would be reverted, the newest first.
    pub migrations: Vec<Migration>,
    /// The data that would be lost with them.
    pub losses: Vec<Loss>,
}

/// The reason why the schema of a database was not read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// The database is in memory, so it would be lost at the end of the program.
    #[error("{url} is a database in memory, which ends with this program: name a file")]
    InMemory {
        /// The address of the database.
        url: SqliteUrl,
    },
    /// The database does not have the version that should remain.
    #[error("migration {version:?} is not one that the database has: it has {applied}")]
    NotApplied {
        /// The requested version.
        version: String,
        /// The applied migrations, as text.
        applied: String,
    },
    /// The schema could not be read or changed.
    #[error(transparent)]
    Migration(#[from] MigrationError),
}

/// Applies and reverts the migrations of one database.
#[derive(Debug, Clone)]
pub struct Migrator {
    url: SqliteUrl,
}

impl Migrator {
    /// A migrator for the database at this address, which need not exist yet.
    ///
    /// # Errors
    /// [`MigrateError::InMemory`].
    pub fn new(url: SqliteUrl) -> Result<Self, MigrateError> {
        match url.path() {
            None => Err(MigrateError::InMemory { url }),
            Some(_) => Ok(Self { url }),
        }
    }

    /// The migrations of the database, and the differences of its schema from theirs. The database must exist. No file
    /// beside it is created or changed.
    ///
    /// # Errors
    /// [`MigrateError::Migration`] if the database does not exist or cannot be read.
    pub fn status(&self) -> Result<SchemaReport, MigrateError> {
        let state = self.inspect()?;
        let alembic = if state.is_specification { read_database(&self.url, alembic_revisions)? } else { None };
        Ok(SchemaReport::new(self.url.to_string(), state, alembic))
    }

    /// Applies all missing migrations or none, and returns the applied ones. Creates the database and its folder if
    /// they are missing. Several programs may call this at once.
    ///
    /// If another program has created the database by the specification, its tables count as those of the first
    /// migration.
    ///
    /// # Errors
    /// [`MigrateError::Migration`]. The file is then unchanged, and neither a new file nor a new folder remains.
    pub fn up(&self) -> Result<AppliedMigrations, MigrateError> {
        if let Some(applied) = create_database(&self.url, migrations::run_pending)? {
            return Ok(applied);
        }
        let mut conn = connect(&self.url, OpenMode::ExistingOnly).map_err(MigrationError::Store)?;
        Ok(migrations::run_pending(&mut conn)?)
    }

    /// The migrations that [`Migrator::down`] would revert, and the data that would be lost. Changes nothing.
    ///
    /// # Errors
    /// [`MigrateError::NotApplied`] for a version that the database does not have, and [`MigrateError::Migration`].
    pub fn plan_down(&self, down: &Down) -> Result<DownPlan, MigrateError> {
        read_database(&self.url, |conn| {
            let all = migrations::status(conn)?;
            if let Some(unknown) = all.iter().find(|status| !status.known) {
                let newest = migrations::newest().to_string();
                return Err(MigrationError::Newer { version: unknown.migration.to_string(), newest }.into());
            }
            let applied = all.into_iter().filter(|status| status.applied).map(|status| status.migration).rev();
            let migrations = select(applied.collect(), down)?;
            let losses = migrations::losses(conn, migrations.len())?;
            Ok(DownPlan { migrations, losses })
        })
    }

    /// Reverts these migrations of [`Migrator::plan_down`] with all data in their tables and columns; all or none. The
    /// losses are counted again, since other programs may have written meanwhile.
    ///
    /// # Errors
    /// [`MigrationError::StillNeeded`] if jobs are running or publications are live, unless `data_loss` allows it;
    /// [`MigrationError::NotNewest`] if another program has migrated meanwhile; and others.
    pub fn down(&self, migrations: &[Migration], data_loss: DataLoss) -> Result<(), MigrateError> {
        if migrations.is_empty() {
            return Ok(());
        }
        let mut conn = connect(&self.url, OpenMode::ExistingOnly).map_err(MigrationError::Store)?;
        Ok(migrations::revert(&mut conn, migrations, data_loss)?)
    }

    fn inspect(&self) -> Result<SchemaState, MigrateError> {
        Ok(read_database(&self.url, migrations::inspect)?)
    }
}

/// Selects the migrations to revert from the applied ones, which are sorted, the newest first.
fn select(mut applied: Vec<Migration>, down: &Down) -> Result<Vec<Migration>, MigrateError> {
    match down {
        Down::Last => applied.truncate(1),
        Down::Everything => {}
        Down::To(version) => {
            let is_meant = |one: &Migration| one.version == *version || one.to_string() == *version;
            let Some(newer) = applied.iter().position(is_meant) else {
                let applied: Vec<_> = applied.iter().rev().map(ToString::to_string).collect();
                let applied = if applied.is_empty() { "none".to_owned() } else { applied.join(", ") };
                return Err(MigrateError::NotApplied { version: version.clone(), applied });
            };
            applied.truncate(newer);
        }
    }
    Ok(applied)
}

impl From<StoreError> for MigrateError {
    fn from(error: StoreError) -> Self {
        Self::Migration(error.into())
    }
}
