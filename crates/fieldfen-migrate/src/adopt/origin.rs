//! The kinds of databases that an adoption meets.

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;
use fieldfen_persistence::migrations::{Difference, FIELDFEN, MigrationError, MigrationStatus, Migrations};
use fieldfen_persistence::store_error;

/// The kind of a database before an adoption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It has no table of the specification.
    Empty,
    /// It has tables with the specification's names that differ from the specification.
    Different(Vec<Difference>),
    /// It has the specification's tables and no migration.
    Specification,
    /// It has fieldfen's first migration.
    Migrated {
        /// The way in which the first migration came into the database, as the ledger has it.
        how: Option<String>,
        /// The time of that run.
        at: Option<String>,
    },
}

impl Origin {
    /// Reads what a database is. Writes nothing.
    pub(crate) fn read(conn: &mut SqliteConnection, migrations: &Migrations) -> Result<Self, MigrationError> {
        let state = migrations.inspect(conn)?;
        let is_own = |status: &&MigrationStatus| status.applied && status.program == FIELDFEN;
        if let Some(first) = state.migrations.iter().find(is_own) {
            let ledger = first.ledger.as_ref();
            let how = ledger.map(|entry| entry.how.clone());
            return Ok(Self::Migrated { how, at: ledger.and_then(|entry| entry.applied_at.clone()) });
        }
        Ok(match (state.is_specification, state.differences) {
            (_, differences) if !differences.is_empty() => Self::Different(differences),
            (true, _) => Self::Specification,
            (false, _) => Self::Empty,
        })
    }
}

/// The revisions of Alembic that a database is at; `None` if Alembic has not made it.
pub(crate) fn alembic_revisions(conn: &mut SqliteConnection) -> Result<Option<Vec<String>>, MigrationError> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        line: String,
    }
    let lines = |conn: &mut SqliteConnection, query: &str| {
        let lines: Vec<Line> = diesel::sql_query(query).load(conn).map_err(store_error)?;
        Ok::<_, MigrationError>(lines.into_iter().map(|line| line.line).collect::<Vec<_>>())
    };
    let table = "SELECT name AS line FROM pragma_table_info('alembic_version') WHERE lower(name) = 'version_num'";
    if lines(conn, table)?.is_empty() {
        return Ok(None);
    }
    let revisions = "SELECT CAST(version_num AS TEXT) AS line FROM alembic_version
                     WHERE version_num IS NOT NULL ORDER BY 1 LIMIT 20";
    lines(conn, revisions).map(Some)
}

/// The lines of `PRAGMA integrity_check`, without `ok`.
pub(super) fn integrity(conn: &mut SqliteConnection) -> Result<Vec<String>, MigrationError> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        integrity_check: String,
    }
    let lines: Vec<Line> = diesel::sql_query("PRAGMA integrity_check").load(conn).map_err(store_error)?;
    Ok(lines.into_iter().map(|line| line.integrity_check).filter(|line| line != "ok").collect())
}
