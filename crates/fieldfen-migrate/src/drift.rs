//! Compares the schema of a database with its migrations and with the schema file of diesel.

use std::collections::BTreeMap;

use diesel::sqlite::SqliteConnection;
use fieldfen_persistence::migrations::{
    DIESEL_SCHEMA, Difference, FIELDFEN, MigrationSet, MigrationStatus, Migrations, SchemaState,
};
use fieldfen_persistence::{SqliteUrl, read_database};
use serde::Serialize;

use crate::diesel_schema::{self, DieselTable, FileDifference};
use crate::scratch_schema::{ScratchSchema, TableShape, columns};
use crate::{DifferenceLine, MigrateError};

/// The differences of a database's schema from its migrations and from the schema file of diesel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SchemaDrift {
    /// The address of the database.
    pub database: String,
    /// The newest migration of the database; `None` if it has none.
    pub at: Option<String>,
    /// The number of migrations that the database lacks. Their objects are no differences.
    pub pending: usize,
    /// The number of applied migrations that this program does not know.
    pub unknown: usize,
    /// The differences from a new database with the same migrations.
    pub migrations: Vec<DifferenceLine>,
    /// The differences from the types by which this program reads and writes the columns (`schema.rs`).
    pub schema_file: Vec<DifferenceLine>,
    /// The tables, columns and other objects that other programs have added. They are no differences.
    pub additions: Vec<DifferenceLine>,
}

impl SchemaDrift {
    /// Reads the schema of a database. The database must exist. No file beside it is created or changed.
    ///
    /// # Errors
    /// [`MigrateError::Migration`] if the database does not exist or cannot be read.
    pub fn read(url: &SqliteUrl) -> Result<Self, MigrateError> {
        read_database(url, |conn| Self::of(conn, url.to_string()))
    }

    fn of(conn: &mut SqliteConnection, database: String) -> Result<Self, MigrateError> {
        let sets = Migrations::fieldfen();
        let SchemaState { mut migrations, differences, .. } = sets.inspect(conn)?;
        migrations.retain(|status| status.program == FIELDFEN);
        let count = |wanted: fn(&MigrationStatus) -> bool| migrations.iter().filter(|status| wanted(status)).count();
        let (pending, unknown) = (count(|status| !status.applied), count(|status| !status.known));
        let at = migrations.iter().rfind(|status| status.applied).map(|status| status.migration.to_string());
        let schema_file = if at.is_some() && unknown == 0 { schema_file(conn, &migrations)? } else { Vec::new() };
        let lines = |differences: Vec<Difference>| differences.into_iter().map(line).collect();
        let additions = lines(sets.additions(conn)?);
        Ok(Self { database, at, pending, unknown, migrations: lines(differences), schema_file, additions })
    }

    /// Whether the database has migrations of this program alone and no difference.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.at.is_some() && self.unknown == 0 && self.migrations.is_empty() && self.schema_file.is_empty()
    }
}

fn line(Difference { what, found, expected }: Difference) -> DifferenceLine {
    DifferenceLine { what, found, expected }
}

/// The differences of the database from the schema file that its pending migrations do not explain.
fn schema_file(
    conn: &mut SqliteConnection,
    migrations: &[MigrationStatus],
) -> Result<Vec<DifferenceLine>, MigrateError> {
    let mut scratch = ScratchSchema::new()?;
    let is_applied = |version: &str| migrations.iter().any(|one| one.applied && one.migration.version == version);
    for file in MigrationSet::fieldfen().migrations().iter().filter(|file| is_applied(&file.version)) {
        // A migration that fails leaves its objects out, so that they are reported.
        let _ = scratch.run(&file.up);
    }
    let built = scratch.shape()?.tables;
    let has_pending = migrations.iter().any(|one| !one.applied);
    let tables = diesel_schema::tables(DIESEL_SCHEMA);
    let mut differences = Vec::new();
    for table in &tables {
        let found = TableShape { columns: columns(conn, &table.name)?, ..TableShape::default() };
        let of_built = built.get(&table.name).map(|built| table.differences(built));
        let is_pending = |difference: &FileDifference| {
            has_pending && of_built.as_ref().is_none_or(|of_built| of_built.contains(difference))
        };
        differences.extend(table.differences(&found).into_iter().filter(|one| !is_pending(one)));
    }
    differences.extend(absent_from_file(&tables, &built));
    let line = |(what, found, expected)| DifferenceLine { what, found, expected };
    Ok(differences.into_iter().map(line).collect())
}

/// The tables and columns of the migrations that the schema file does not have.
fn absent_from_file(tables: &[DieselTable], built: &BTreeMap<String, TableShape>) -> Vec<FileDifference> {
    let mut absent = Vec::new();
    for (name, shape) in built {
        let nothing = || "nothing".to_owned();
        match tables.iter().find(|table| table.name == *name) {
            None => absent.push((format!("table {name}"), "a table".to_owned(), nothing())),
            Some(table) => {
                let lacks = table.lacks(shape);
                absent.extend(
                    lacks.map(|(column, shape)| (format!("column {name}.{column}"), shape.declared.clone(), nothing())),
                );
            }
        }
    }
    absent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_file_has_the_tables_that_the_migrations_create() {
        let mut scratch = ScratchSchema::new().unwrap();
        for file in MigrationSet::fieldfen().migrations() {
            scratch.run(&file.up).unwrap();
        }
        let built = scratch.shape().unwrap().tables;
        let tables = diesel_schema::tables(DIESEL_SCHEMA);
        assert_eq!(tables.len(), built.len(), "{:?}", built.keys());
        for table in &tables {
            assert_eq!(table.differences(&built[&table.name]), [], "{}", table.name);
        }
        assert_eq!(absent_from_file(&tables, &built), []);

        let mut fewer = tables.clone();
        fewer[0].columns.pop();
        fewer.pop();
        assert_eq!(absent_from_file(&fewer, &built).len(), 2);
    }
}
