//! The state of each migration in a database.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;

use super::ledger::{self, LedgerEntry};
use super::migration_set::{FIELDFEN, MigrationSet, is_own_version};
use super::{Migration, MigrationError};
use crate::sqlite::columns::StoredText;
use crate::sqlite::error::Classify as _;

/// The state of a migration in a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MigrationState {
    /// The database does not have the migration.
    Pending,
    /// The database does not have the migration, but has a newer one of the same set.
    OutOfOrder,
    /// The database has the migration.
    Applied,
    /// The database has the migration, but a file of the migration has been changed since.
    Edited,
    /// The database has the migration, and its set no longer has it.
    Missing,
    /// The database has a migration of fieldfen that is newer than this program.
    Newer,
    /// The database has a migration whose set this program was not given.
    OfAnotherProgram,
}

impl MigrationState {
    /// The state as a word for people and for JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::OutOfOrder => "out of order",
            Self::Applied => "applied",
            Self::Edited => "edited",
            Self::Missing => "missing",
            Self::Newer => "newer",
            Self::OfAnotherProgram => "of another program",
        }
    }
}

/// A migration and its state in a database.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MigrationStatus {
    /// The name is empty if neither this program nor the ledger knows it.
    pub migration: Migration,
    /// The name of the set to which the migration belongs; empty if it is not known.
    pub program: String,
    /// The state of the migration.
    pub state: MigrationState,
    /// Whether the database has the migration.
    pub applied: bool,
    /// Whether a set of this program has the migration.
    pub known: bool,
    /// The row of the ledger. `None` if the migration was applied before the ledger existed.
    pub ledger: Option<LedgerEntry>,
}

/// The states of all migrations that a set or the database has: those of the sets in their order, each set sorted by
/// version, then those of other programs.
pub(super) fn status(
    conn: &mut SqliteConnection,
    sets: &[MigrationSet],
) -> Result<Vec<MigrationStatus>, MigrationError> {
    let applied = applied(conn)?;
    let mut ledger = ledger::read(conn)?;
    let mut all = Vec::new();
    let mut others: Vec<_> = applied.iter().filter(|one| !sets.iter().any(|set| set.get(one).is_some())).collect();
    for set in sets {
        let is_applied = |version: &str| applied.iter().any(|one| one == version);
        let newest_applied =
            set.migrations().iter().rev().map(|file| file.version()).find(|version| is_applied(version));
        for file in set.migrations() {
            let entry = ledger.remove(file.version());
            let state = match (is_applied(file.version()), newest_applied) {
                (false, Some(newest)) if file.version() < newest => MigrationState::OutOfOrder,
                (false, _) => MigrationState::Pending,
                (true, _) if entry.as_ref().is_some_and(|entry| is_edited(entry, file)) => MigrationState::Edited,
                (true, _) => MigrationState::Applied,
            };
            all.push(MigrationStatus {
                migration: file.migration(),
                program: set.program().to_owned(),
                state,
                applied: is_applied(file.version()),
                known: true,
                ledger: entry,
            });
        }
        others.retain(|version| match unknown_in(set, version, &ledger) {
            Some(state) => {
                all.push(unknown((*version).clone(), state, set.program(), &mut ledger));
                false
            }
            None => true,
        });
    }
    for version in others {
        all.push(unknown(version.clone(), MigrationState::OfAnotherProgram, "", &mut ledger));
    }
    let order = |status: &MigrationStatus| sets.iter().position(|set| set.program() == status.program);
    let order = |status: &MigrationStatus| order(status).unwrap_or(sets.len());
    all.sort_by(|a, b| (order(a), &a.migration).cmp(&(order(b), &b.migration)));
    Ok(all)
}

fn is_edited(entry: &LedgerEntry, file: &super::MigrationFile) -> bool {
    let is_equal = entry.up_digest == file.up_digest().as_str() && entry.down_digest == file.down_digest().as_str();
    !entry.is_stale && !is_equal
}

/// The state of a version that no set has, if it belongs to this set.
fn unknown_in(set: &MigrationSet, version: &str, ledger: &BTreeMap<String, LedgerEntry>) -> Option<MigrationState> {
    if set.program() == FIELDFEN {
        let newest = set.migrations().last().map_or("", |file| file.version());
        return is_own_version(version).then_some(if version > newest {
            MigrationState::Newer
        } else {
            MigrationState::Missing
        });
    }
    // Only the ledger tells the versions of two importing programs apart.
    let is_own = ledger.get(version).is_some_and(|entry| !entry.is_stale && entry.program == set.program());
    is_own.then_some(MigrationState::Missing)
}

fn unknown(
    version: String,
    state: MigrationState,
    program: &str,
    ledger: &mut BTreeMap<String, LedgerEntry>,
) -> MigrationStatus {
    let ledger = ledger.remove(&version);
    let name = ledger.as_ref().map(|entry| entry.name.clone()).unwrap_or_default();
    let program = match (program, &ledger) {
        ("", Some(entry)) => entry.program.clone(),
        _ => program.to_owned(),
    };
    MigrationStatus { migration: Migration { version, name }, program, state, applied: true, known: false, ledger }
}

/// The versions in diesel's table. If the table is missing, the result is empty. Writes nothing.
pub(super) fn applied(conn: &mut SqliteConnection) -> Result<Vec<String>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        version: StoredText,
    }
    let table = "SELECT count(*) AS n FROM sqlite_schema WHERE name = '__diesel_schema_migrations'";
    if ledger::number(conn, table)? == 0 {
        return Ok(Vec::new());
    }
    let rows = diesel::sql_query("SELECT version FROM __diesel_schema_migrations ORDER BY version");
    let rows: Vec<Row> = rows.load(conn).store()?;
    Ok(rows.into_iter().map(|row| row.version.into_prose()).collect())
}
