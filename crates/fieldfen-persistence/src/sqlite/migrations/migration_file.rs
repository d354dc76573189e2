//! The SQL files of one migration.

use std::borrow::Cow;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;

use super::sql_digest::SqlDigest;
use super::{Migration, MigrationError};
use crate::sqlite::error::classify;

/// The SQL files of one migration, embedded in the program or read from a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MigrationFile {
    /// The version: four digits for fieldfen's own migrations, fourteen digits for those of an importing program.
    pub version: Cow<'static, str>,
    /// The name, for example `job_queue`.
    pub name: Cow<'static, str>,
    /// The statements that apply the migration (`up.sql`).
    pub up: Cow<'static, str>,
    /// The statements that revert the migration (`down.sql`).
    pub down: Cow<'static, str>,
    /// The checks that run before the migration is applied (`checks.sql`). Each is a SELECT, and each row that it
    /// returns is a violation.
    pub checks: Option<Cow<'static, str>>,
}

impl MigrationFile {
    /// A migration of the folder `VERSION_NAME`, for example
    /// `MigrationFile::new("20260102030405_birds", include_str!("…/up.sql"), include_str!("…/down.sql"))`.
    ///
    /// [`MigrationSet::new`](super::MigrationSet::new) checks the version, the name and the texts.
    #[must_use]
    pub const fn new(folder: &'static str, up: &'static str, down: &'static str) -> Self {
        let bytes = folder.as_bytes();
        let mut at = 0;
        while at < bytes.len() && bytes[at] != b'_' {
            at += 1;
        }
        let (version, rest) = folder.split_at(at);
        let name = if rest.is_empty() { rest } else { rest.split_at(1).1 };
        Self {
            version: Cow::Borrowed(version),
            name: Cow::Borrowed(name),
            up: Cow::Borrowed(up),
            down: Cow::Borrowed(down),
            checks: None,
        }
    }

    /// Adds the text of `checks.sql`.
    #[must_use]
    pub const fn with_checks(self, checks: &'static str) -> Self {
        // `self` cannot be taken apart here, since a constant function drops no `Cow`.
        let mut with = self;
        std::mem::forget(with.checks.replace(Cow::Borrowed(checks)));
        with
    }

    /// The version and the name.
    #[must_use]
    pub fn migration(&self) -> Migration {
        Migration { version: self.version.clone().into_owned(), name: self.name.clone().into_owned() }
    }

    /// The digest of `up.sql`.
    #[must_use]
    pub fn up_digest(&self) -> SqlDigest {
        SqlDigest::of(&self.up)
    }

    /// The digest of `down.sql`.
    #[must_use]
    pub fn down_digest(&self) -> SqlDigest {
        SqlDigest::of(&self.down)
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Runs the statements that apply the migration and writes diesel's record, within the open transaction.
    pub(super) fn apply(&self, conn: &mut SqliteConnection) -> Result<(), MigrationError> {
        self.attempt(conn.batch_execute(&self.up))?;
        self.record(conn)
    }

    /// Writes diesel's record of the applied migration.
    pub(super) fn record(&self, conn: &mut SqliteConnection) -> Result<(), MigrationError> {
        let insert = diesel::sql_query("INSERT INTO __diesel_schema_migrations (version) VALUES (?)");
        self.attempt(insert.bind::<Text, _>(self.version()).execute(conn))
    }

    /// Runs the statements that revert the migration and deletes diesel's record, within the open transaction.
    pub(super) fn revert(&self, conn: &mut SqliteConnection) -> Result<(), MigrationError> {
        self.attempt(conn.batch_execute(&self.down))?;
        let delete = diesel::sql_query("DELETE FROM __diesel_schema_migrations WHERE version = ?");
        self.attempt(delete.bind::<Text, _>(self.version()).execute(conn))
    }

    fn attempt<T>(&self, result: QueryResult<T>) -> Result<(), MigrationError> {
        match result {
            Ok(_) => Ok(()),
            Err(error) => Err(MigrationError::Failed { migration: self.migration(), source: classify(error).into() }),
        }
    }
}
