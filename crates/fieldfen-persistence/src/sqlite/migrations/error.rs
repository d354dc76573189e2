//! The errors of migrations.

use fieldfen_domain::store::{Source, StoreError};

use super::Migration;
use super::data_loss::{self, Loss};
use super::difference::{Difference, listed};

/// An error of a migration. The database is as it was before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// The database has a migration that this program does not know.
    #[error("the database has migration {version}, which this program does not know: use the newer program")]
    Newer {
        /// The version of that migration.
        version: String,
    },
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
    /// Data that is still needed would be lost by reverting the migrations.
    #[error("reverting the migrations would lose data that is still needed: {}", data_loss::listed(.0))]
    StillNeeded(Vec<Loss>),
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
    /// The database cannot be read or written.
    #[error("{0}")]
    Store(#[from] StoreError),
}
