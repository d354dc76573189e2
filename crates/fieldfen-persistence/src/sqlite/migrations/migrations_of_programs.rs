//! All sets of migrations of one database: fieldfen's own, then those of importing programs.

use std::path::PathBuf;

use diesel::connection::SimpleConnection as _;
use diesel::sqlite::SqliteConnection;

use super::data_loss::{self, Loss};
use super::migration_event::EventSink;
use super::migration_lock::exclusively;
use super::migration_run::LOCK_WAIT;
use super::migration_set::{InvalidMigrations, MigrationSet};
use super::migration_state::{self, MigrationState, MigrationStatus};
use super::step::Step;
use super::target::{self, Target};
use super::{Difference, MigrationError, SchemaState, expected_schema, inspect_sets, ledger};
use crate::sqlite::error::Classify as _;

/// The sets of migrations of one database.
///
/// ```
/// use fieldfen_persistence::migrations::{MigrationFile, MigrationRun, MigrationSet, Migrations};
/// use fieldfen_persistence::{OpenMode, SqliteUrl, connect};
///
/// const BIRDS: MigrationFile =
///     MigrationFile::new("20260102030405_birds", "CREATE TABLE birds (name TEXT)", "DROP TABLE birds");
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("shop.db");
/// let migrations = Migrations::fieldfen().with(MigrationSet::new("aviary", vec![BIRDS])?)?;
/// let mut conn = connect(&SqliteUrl::from(path.as_path()), OpenMode::CreateIfMissing)?;
/// let done = MigrationRun::new(&migrations).run(&mut conn)?;
/// assert_eq!(done.applied.last().map(|done| done.migration.to_string()).as_deref(), Some("20260102030405_birds"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrations {
    sets: Vec<MigrationSet>,
}

impl Migrations {
    /// fieldfen's own migrations alone.
    #[must_use]
    pub fn fieldfen() -> Self {
        Self { sets: vec![MigrationSet::fieldfen()] }
    }

    /// fieldfen's own migrations as a folder has them, for tools of the repository: a migration can be run before it is
    /// embedded in the program.
    ///
    /// # Errors
    /// As [`MigrationSet::read_own_folder`].
    pub fn read_own_folder(folder: impl Into<PathBuf>) -> Result<Self, InvalidMigrations> {
        Ok(Self { sets: vec![MigrationSet::read_own_folder(folder)?] })
    }

    /// Adds the set of an importing program. The sets run in the order in which they were added, fieldfen's first.
    ///
    /// # Errors
    /// [`InvalidMigrations`] if a set of this program, or a version of this set, was added before.
    pub fn with(mut self, set: MigrationSet) -> Result<Self, InvalidMigrations> {
        for other in &self.sets {
            if other.program() == set.program() {
                let rule = "the name of the program was given to another set";
                return Err(InvalidMigrations::Name { name: set.program().to_owned(), rule });
            }
            let same = set.migrations().iter().find_map(|file| Some((file, other.get(&file.version)?)));
            if let Some((file, other_file)) = same {
                let first = format!("{} of {}", other_file.migration(), other.program());
                let second = format!("{} of {}", file.migration(), set.program());
                return Err(InvalidMigrations::Duplicate { first, second });
            }
        }
        self.sets.push(set);
        Ok(self)
    }

    /// The sets, fieldfen's first.
    #[must_use]
    pub fn sets(&self) -> &[MigrationSet] {
        &self.sets
    }

    /// The states of all migrations that a set or the database has: those of the sets in their order, then those of
    /// other programs. Writes nothing.
    ///
    /// # Errors
    /// [`MigrationError::Store`] if the database cannot be read.
    pub fn status(&self, conn: &mut SqliteConnection) -> Result<Vec<MigrationStatus>, MigrationError> {
        migration_state::status(conn, &self.sets)
    }

    /// As [`Migrations::status`], with the differences of fieldfen's schema from that of its applied migrations.
    ///
    /// # Errors
    /// As [`Migrations::status`], and [`MigrationError::Encoding`].
    pub fn inspect(&self, conn: &mut SqliteConnection) -> Result<SchemaState, MigrationError> {
        inspect_sets(conn, &self.sets)
    }

    /// The tables, views, columns, indexes and triggers that fieldfen's applied migrations do not create. Other
    /// programs may add them. The indexes and triggers of an added table are not named. Writes nothing.
    ///
    /// # Errors
    /// As [`Migrations::status`].
    pub fn additions(&self, conn: &mut SqliteConnection) -> Result<Vec<Difference>, MigrationError> {
        in_snapshot(conn, |conn| {
            let applied = super::applied(conn)?;
            expected_schema::additions(conn, &applied)
        })
    }

    /// The steps of a run to this target, in their order. Writes nothing. A run computes its steps again, with the lock
    /// held.
    ///
    /// # Errors
    /// The errors by which a run refuses the state of the migrations, and [`MigrationError::NoSuchMigration`].
    pub fn plan(&self, conn: &mut SqliteConnection, target: &Target) -> Result<Vec<Step>, MigrationError> {
        let status = self.status(conn)?;
        target::steps(&self.sets, &status, target)
    }

    /// The data that the database would lose on the way to this target. Writes nothing.
    ///
    /// # Errors
    /// As [`Migrations::plan`].
    pub fn losses(&self, conn: &mut SqliteConnection, target: &Target) -> Result<Vec<Loss>, MigrationError> {
        let status = self.status(conn)?;
        let steps = target::steps(&self.sets, &status, target)?;
        data_loss::of_steps(conn, &status, &steps)
    }

    /// Accepts the files of an edited migration: writes their digests into the ledger. `by` names the person or program
    /// that accepts. Returns whether the migration was edited; if not, nothing is written.
    ///
    /// # Errors
    /// [`MigrationError::NoSuchMigration`] if no set has this version, and [`MigrationError::Store`].
    pub fn repair(&self, conn: &mut SqliteConnection, version: &str, by: &str) -> Result<bool, MigrationError> {
        let Some(file) = self.sets.iter().find_map(|set| set.get(version)) else {
            return Err(MigrationError::NoSuchMigration {
                version: version.to_owned(),
                known: target::known(&self.sets),
            });
        };
        exclusively(conn, LOCK_WAIT, &mut EventSink(None), |conn, _| {
            let is_edited = |status: &MigrationStatus| {
                status.migration.version == version && status.state == MigrationState::Edited
            };
            let is_edited = self.status(conn)?.iter().any(is_edited);
            if is_edited {
                ledger::accept(conn, file, by)?;
            }
            Ok(is_edited)
        })
    }
}

/// Runs `f` on one snapshot of the database, also inside a transaction of the caller.
pub(super) fn in_snapshot<T>(
    conn: &mut SqliteConnection,
    f: impl FnOnce(&mut SqliteConnection) -> Result<T, MigrationError>,
) -> Result<T, MigrationError> {
    conn.batch_execute("SAVEPOINT fieldfen_inspect").store()?;
    let result = f(conn);
    conn.batch_execute("RELEASE fieldfen_inspect").store()?;
    result
}
