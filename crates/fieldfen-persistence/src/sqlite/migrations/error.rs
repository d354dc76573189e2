//! What can go wrong while migrating.

use fieldfen_domain::store::{Source, StoreError};

use super::Migration;
use super::difference::{Difference, listed};
use super::losses::{self, Loss};

/// What can go wrong while migrating. The database is as it was before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// The database has a migration that this program does not know.
    #[error("the database has migration {version}, which this program does not know: use the newer program")]
    Newer {
        /// The unknown version.
        version: String,
    },
    /// The migration itself failed.
    #[error("migration {migration} failed")]
    Failed {
        /// The migration that failed.
        migration: Migration,
        /// The [`StoreError`] that says why.
        source: Source,
    },
    /// The database has tables with the specification's names, made by another program and not as the specification says.
    #[error("another program has made tables with the specification's names, and they are not the specification's: {}", listed(.0))]
    NotTheSpecification(Vec<Difference>),
    /// The database's texts are not UTF-8.
    #[error(
        "the encoding of the database is {found}, and must be UTF-8: load its dump (`.dump` of sqlite3) into a new database"
    )]
    Encoding {
        /// SQLite's name of the encoding.
        found: String,
    },
    /// Another program has made something with a name that a migration gives to something of its own.
    #[error("another program has made things with names that the migrations need: rename or drop them: {}", listed(.0))]
    NamesTaken(Vec<Difference>),
    /// Migrations are to be taken back that somebody still needs.
    #[error("the migrations to be taken back hold data that is still needed: {}", losses::listed(.0))]
    StillNeeded(Vec<Loss>),
    /// The migrations to be taken back are not the newest of the database.
    #[error("the schema has changed in the meantime: {expected} was to be taken back, but the newest is {found} now")]
    NotNewest {
        /// The migration that should have been the newest.
        expected: String,
        /// The newest one, or `none`.
        found: String,
    },
    /// Another program has changed what the migrations made.
    #[error("another program has changed what the migrations made: {}", listed(.0))]
    Changed(Vec<Difference>),
    /// The database cannot be read or written.
    #[error("{0}")]
    Store(#[from] StoreError),
}
