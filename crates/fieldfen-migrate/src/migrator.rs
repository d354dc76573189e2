//! Applying and taking back migrations of one database.

use fieldfen_domain::store::StoreError;
use fieldfen_persistence::migrations::{
    self, AppliedMigrations, DataLoss, Loss, Migration, MigrationError, SchemaState,
};
use fieldfen_persistence::{OpenMode, SqliteUrl, connect, create_database, read_database};

use crate::report::SchemaReport;

/// The migrations that [`Migrator::down`] takes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Down {
    /// Takes back the newest migration.
    Last,
    /// Takes back everything newer than this version, which stays: its number, or number and name.
    To(String),
    /// Takes back everything.
    Everything,
}

/// The migrations that [`Migrator::down`] would take back, and the data that would be lost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DownPlan {
    /// The migrations that it would take back, the newest first.
    pub migrations: Vec<Migration>,
    /// The data that would be lost with them.
    pub losses: Vec<Loss>,
}

/// Why the schema of a database was not read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// A database in memory ends with the program.
    #[error("{url} is a database in memory, which ends with this program: name a file")]
    InMemory {
        /// The address of the database.
        url: SqliteUrl,
    },
    /// The database does not have the version that should remain.
    #[error("migration {version:?} is not one that the database has: it has {applied}")]
    NotApplied {
        /// The version that was asked for.
        version: String,
        /// The applied migrations, as text.
        applied: String,
    },
    /// The schema could not be read or moved.
    #[error(transparent)]
    Migration(#[from] MigrationError),
}

/// Applies and takes back the migrations of one database.
#[derive(Debug, Clone)]
pub struct Migrator {
    url: SqliteUrl,
}

impl Migrator {
    /// For the database at this address, which need not be there yet.
    ///
    /// # Errors
    /// [`MigrateError::InMemory`].
    pub fn new(url: SqliteUrl) -> Result<Self, MigrateError> {
        match url.path() {
            None => Err(MigrateError::InMemory { url }),
            Some(_) => Ok(Self { url }),
        }
    }

    /// Which migrations the database has, and whether its schema is as they left it. It must be there; nothing beside it
    /// is made or changed.
    ///
    /// # Errors
    /// [`MigrateError::Migration`] when the database is not there or cannot be read.
    pub fn status(&self) -> Result<SchemaReport, MigrateError> {
        Ok(SchemaReport::new(self.url.to_string(), self.inspect()?))
    }

    /// Applies every migration that the database lacks, all or none, and says which. Creates the database and its
    /// folder where they are missing. Several programs may do this at once.
    ///
    /// A database that another program has made after the specification is recognised: its tables count as the first
    /// migration's.
    ///
    /// # Errors
    /// [`MigrateError::Migration`]; the file is then as it was, and neither a new file nor a new folder remains.
    pub fn up(&self) -> Result<AppliedMigrations, MigrateError> {
        if let Some(applied) = create_database(&self.url, migrations::run_pending)? {
            return Ok(applied);
        }
        let mut conn = connect(&self.url, OpenMode::ExistingOnly).map_err(MigrationError::Store)?;
        Ok(migrations::run_pending(&mut conn)?)
    }

    /// Which migrations [`Migrator::down`] would take back, and what would be lost with them. Changes nothing.
    ///
    /// # Errors
    /// [`MigrateError::NotApplied`] for a version that the database does not have, and [`MigrateError::Migration`].
    pub fn plan_down(&self, down: &Down) -> Result<DownPlan, MigrateError> {
        read_database(&self.url, |conn| {
            let all = migrations::status(conn)?;
            if let Some(unknown) = all.iter().find(|status| !status.known) {
                return Err(MigrationError::Newer { version: unknown.migration.version.clone() }.into());
            }
            let applied = all.into_iter().filter(|status| status.applied).map(|status| status.migration).rev();
            let migrations = select(applied.collect(), down)?;
            let losses = migrations::losses(conn, migrations.len())?;
            Ok(DownPlan { migrations, losses })
        })
    }

    /// Takes back these migrations, as [`Migrator::plan_down`] gave them, with all that their tables and columns hold; all
    /// or none. The losses are counted once more: other programs may have written since.
    ///
    /// # Errors
    /// [`MigrationError::StillNeeded`] while jobs run or publications are live, unless `data_loss` allows it;
    /// [`MigrationError::NotNewest`] when another program has moved the schema since, and others.
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

/// Selects the migrations to take back from the applied ones, which are sorted, the newest first.
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
