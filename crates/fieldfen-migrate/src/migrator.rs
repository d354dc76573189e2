//! Moving one database from schema to schema.

use fieldfen_persistence::migrations::{self, Applied, Migration, MigrationError, SchemaState};
use fieldfen_persistence::{Missing, SqliteUrl, connect, create_database, read_database};

use crate::report::SchemaReport;

/// How far back [`Migrator::down`] goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Down {
    /// Takes back the newest migration.
    Last,
    /// Takes back everything newer than this version, which stays: its number, or number and name.
    To(String),
    /// Takes back everything.
    Everything,
}

/// What can go wrong while moving a database from schema to schema.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// A database in memory ends with the program.
    #[error("{url} is a database in memory, which ends with this program: name a file")]
    InMemory {
        /// The address that was given.
        url: SqliteUrl,
    },
    /// The database does not have the version that should remain.
    #[error("migration {version:?} is not one that the database has: it has {applied}")]
    NotApplied {
        /// The version that was given.
        version: String,
        /// Those there are, for people.
        applied: String,
    },
    /// Somebody else moved the schema in the meantime.
    #[error("the schema has changed in the meantime: {expected} was to be taken back, but the newest is {found} now")]
    Changed {
        /// The migration that should have been the newest.
        expected: Migration,
        /// The newest one, or `none`.
        found: String,
    },
    /// The schema could not be read or moved.
    #[error(transparent)]
    Migration(#[from] MigrationError),
}

/// Moves one database from schema to schema.
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
    pub fn up(&self) -> Result<Applied, MigrateError> {
        if let Some(applied) = create_database(&self.url, migrations::run_pending)? {
            return Ok(applied);
        }
        let mut conn = connect(&self.url, Missing::Refuse).map_err(MigrationError::Store)?;
        Ok(migrations::run_pending(&mut conn)?)
    }

    /// Which migrations [`Migrator::down`] would take back, the newest first. Changes nothing.
    ///
    /// # Errors
    /// [`MigrateError::NotApplied`] for a version that the database does not have, and [`MigrateError::Migration`].
    pub fn plan_down(&self, down: &Down) -> Result<Vec<Migration>, MigrateError> {
        let all = self.inspect()?.migrations;
        if let Some(unknown) = all.iter().find(|status| !status.known) {
            return Err(MigrationError::Newer { version: unknown.migration.version.clone() }.into());
        }
        let applied = all.into_iter().filter(|status| status.applied).map(|status| status.migration).rev();
        match down {
            Down::Last => Ok(applied.take(1).collect()),
            Down::Everything => Ok(applied.collect()),
            Down::To(version) => {
                let mut applied: Vec<_> = applied.collect();
                let is_meant = |one: &Migration| one.version == *version || one.to_string() == *version;
                if let Some(newer) = applied.iter().position(is_meant) {
                    applied.truncate(newer);
                    return Ok(applied);
                }
                let applied: Vec<_> = applied.iter().rev().map(ToString::to_string).collect();
                let applied = if applied.is_empty() { "none".to_owned() } else { applied.join(", ") };
                Err(MigrateError::NotApplied { version: version.clone(), applied })
            }
        }
    }

    /// Takes back these migrations, as [`Migrator::plan_down`] gave them, with all that their tables and columns hold.
    ///
    /// Each is taken back on its own: after a failure those before it stay taken back, and may be applied again.
    ///
    /// # Errors
    /// [`MigrateError::Changed`] when another program moves the schema at the same time, and
    /// [`MigrateError::Migration`].
    pub fn down(&self, plan: &[Migration]) -> Result<(), MigrateError> {
        let mut conn = connect(&self.url, Missing::Refuse).map_err(MigrationError::Store)?;
        for expected in plan {
            let newest = migrations::status(&mut conn)?.into_iter().rfind(|status| status.applied);
            let newest = newest.map(|status| status.migration);
            if newest.as_ref() != Some(expected) {
                let found = newest.map_or("none".to_owned(), |migration| migration.to_string());
                return Err(MigrateError::Changed { expected: expected.clone(), found });
            }
            migrations::revert_last(&mut conn)?;
        }
        Ok(())
    }

    fn inspect(&self) -> Result<SchemaState, MigrateError> {
        Ok(read_database(&self.url, migrations::inspect)?)
    }
}
