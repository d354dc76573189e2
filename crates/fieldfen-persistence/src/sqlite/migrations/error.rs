//! The errors of migrations.

use fieldfen_domain::store::{Source, StoreError};

use super::checks::{self, FailedCheck};
use super::data_loss::{self, Loss};
use super::difference::{Difference, listed};
use super::guard_finding::GuardReport;
use super::{Migration, command};

/// An error of a migration. The database is as it was before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// The database has a migration that this program does not know.
    #[error(
        "the database has migration {version}, which this program does not know; its newest migration is {newest}: use the \
         newer program"
    )]
    Newer {
        /// The version of that migration, with its name if the ledger has it.
        version: String,
        /// The newest migration of this program.
        newest: String,
    },
    /// The database has migrations in the range of a set that no longer has them.
    #[error(
        "the database has migrations whose files are gone: {}; put the files back, or use the program that has them",
        names(.0)
    )]
    Missing(Vec<Migration>),
    /// The files of applied migrations have been changed since.
    #[error(
        "files of applied migrations have been changed since: {}; undo the change and put it into a new migration, or accept \
         the files as they are now with `{} VERSION`", names(.0), command::repair_command()
    )]
    Edited(Vec<Migration>),
    /// Migrations are older than an applied one of the same set, and are not applied themselves.
    #[error(
        "the database lacks {} although it has the newer {newest}: give them a newer version, or revert the newer ones first",
        names(.pending)
    )]
    OutOfOrder {
        /// The migrations that are not applied.
        pending: Vec<Migration>,
        /// The newest applied migration of the set.
        newest: Migration,
    },
    /// No set has a migration with this version.
    #[error("there is no migration {version:?}; the migrations are {known}")]
    NoSuchMigration {
        /// The requested version.
        version: String,
        /// The migrations of all sets, as text.
        known: String,
    },
    /// Checks of a migration returned rows, so that the migration was not applied.
    #[error("the data does not meet the checks of migration {migration}: {}", checks::listed(failed))]
    ChecksFailed {
        /// The migration.
        migration: Migration,
        /// The checks with their rows.
        failed: Vec<FailedCheck>,
    },
    /// A check of a migration is not a statement that reads.
    #[error("the check {check:?} of migration {migration} failed")]
    CheckError {
        /// The migration.
        migration: Migration,
        /// The comment above the check, or its number.
        check: String,
        /// The [`StoreError`] that caused the failure.
        source: Source,
    },
    /// The run changed what was there before.
    #[error("{0}")]
    Guard(Box<GuardReport>),
    /// A statement of the migration failed.
    #[error("migration {migration} failed")]
    Failed {
        /// The migration whose statement failed.
        migration: Migration,
        /// The [`StoreError`] that caused the failure.
        source: Source,
    },
    /// Another program created tables with the specification's names, but not as the specification defines them.
    #[error("another program has created tables with the specification's names that differ from the specification: {}", listed(.0))]
    NotTheSpecification(Vec<Difference>),
    /// The text encoding of the database is not UTF-8.
    #[error(
        "the encoding of the database is {found}, and must be UTF-8: load its dump (`.dump` of sqlite3) into a new database"
    )]
    Encoding {
        /// SQLite's name of the encoding.
        found: String,
    },
    /// Another program has created objects with names that the migrations need.
    #[error("another program has created objects with names that the migrations need: rename or drop them: {}", listed(.0))]
    NamesTaken(Vec<Difference>),
    /// Data would be lost by reverting the migrations.
    #[error("reverting the migrations would lose data: {}", data_loss::listed(.0))]
    DataLoss(Vec<Loss>),
    /// The migrations to be reverted are not the newest ones of the database.
    #[error("the schema has changed meanwhile: {expected} was to be reverted, but the newest migration is now {found}")]
    NotNewest {
        /// The migration that the caller expected to be the newest.
        expected: String,
        /// The newest migration, or `none`.
        found: String,
    },
    /// Another program has changed objects that the migrations created.
    #[error("another program has changed objects of the migrations: {}", listed(.0))]
    Changed(Vec<Difference>),
    /// The function of [`MigrationRun::adopt`](super::MigrationRun::adopt) refused the database.
    #[error("{0}")]
    NotAdopted(Source),
    /// The database cannot be read or written.
    #[error("{0}")]
    Store(#[from] StoreError),
}

fn names(migrations: &[Migration]) -> String {
    migrations.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
