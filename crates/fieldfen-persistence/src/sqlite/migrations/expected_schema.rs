//! The schema that the migrations create, and the differences of a database from it.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use diesel::connection::SimpleConnection as _;
use diesel::migration::MigrationConnection as _;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::{Source, StoreError};

use super::difference::{Additions, Difference, compare};
use super::embedded::{COUNT, EMBEDDED};
use super::migration_file::MigrationFile;
use super::newest_schema::{self, NewestObject};
use super::schema_objects::{Column, Object, Table, objects};
use super::sql_tokens::tokens;
use super::{MigrationError, has, ledger};
use crate::sqlite::error::Classify as _;

/// The schema after the newest migration. It is computed once, for the first database whose text differs from it.
static NEWEST: OnceLock<ExpectedSchema> = OnceLock::new();

/// The schema after each number of migrations. A run compares a database with it several times.
static AFTER: [OnceLock<ExpectedSchema>; COUNT + 1] = [const { OnceLock::new() }; COUNT + 1];

/// The schema that a sequence of migrations creates.
#[derive(Debug)]
pub(super) struct ExpectedSchema {
    objects: Vec<Object>,
    tables: BTreeMap<String, Table>,
}

impl ExpectedSchema {
    /// Computes the schema after these migrations, which must be the oldest ones without a gap.
    pub(super) fn after(migrations: &[MigrationFile]) -> Result<Self, MigrationError> {
        let mut conn = memory()?;
        conn.setup().store()?;
        for migration in migrations {
            migration.apply(&mut conn)?;
        }
        Ok(Self::read(&mut conn)?)
    }

    /// The schema after this number of fieldfen's migrations. It is computed once.
    fn after_first(migrations: usize) -> Result<&'static Self, MigrationError> {
        let migrations = migrations.min(COUNT);
        if let Some(schema) = AFTER[migrations].get() {
            return Ok(schema);
        }
        let schema = Self::after(&EMBEDDED[..migrations])?;
        Ok(AFTER[migrations].get_or_init(|| schema))
    }

    /// Reads the schema of a database without objects of other programs.
    fn read(conn: &mut SqliteConnection) -> Result<Self, StoreError> {
        let mut objects = objects(conn)?;
        objects.retain(|object| !object.table.starts_with("__diesel"));
        let mut tables = BTreeMap::new();
        for table in objects.iter().filter(|object| object.kind == "table") {
            tables.insert(table.name.clone(), Table::read(conn, table)?);
        }
        Ok(Self { objects, tables })
    }

    /// Computes the schema that these statements create.
    fn of_statements<'s>(statements: impl Iterator<Item = &'s str>) -> Result<Self, MigrationError> {
        let mut conn = memory()?;
        for statement in statements {
            conn.batch_execute(statement).store()?;
        }
        Ok(Self::read(&mut conn)?)
    }

    /// All tables with their columns.
    pub(super) fn tables(&self) -> impl Iterator<Item = (&str, &BTreeMap<String, Column>)> {
        self.tables.iter().map(|(name, table)| (name.as_str(), &table.columns))
    }

    /// The columns of one table.
    pub(super) fn table(&self, name: &str) -> Option<&BTreeMap<String, Column>> {
        self.tables.get(name).map(|table| &table.columns)
    }

    fn newest() -> Result<&'static Self, MigrationError> {
        if let Some(newest) = NEWEST.get() {
            return Ok(newest);
        }
        let newest = Self::of_statements(newest_schema::objects().map(|object| object.sql))?;
        Ok(NEWEST.get_or_init(|| newest))
    }

    /// The differences of the database from this schema. Additions of other programs are ignored unless they block a
    /// write.
    fn differences(&self, conn: &mut SqliteConnection, found: &Found) -> Result<Vec<Difference>, StoreError> {
        let mut differences = Vec::new();
        let mut missing_tables = Vec::new();
        for expected in &self.objects {
            let what = format!("{} {}", expected.kind, expected.name);
            match found.get(expected) {
                // A missing table is reported once, without its indexes, columns and triggers.
                None if missing_tables.contains(&&expected.table) => {}
                None => {
                    if expected.kind == "table" {
                        missing_tables.push(&expected.table);
                    }
                    differences.push(Difference::missing(what, one_line(&expected.sql)));
                }
                Some(found) if found.sql == expected.sql => {}
                Some(found) if found.kind == "table" && expected.kind == "table" => {
                    let table = Table::read(conn, found)?;
                    let expected = self.tables.get(&expected.name);
                    differences.extend(
                        expected
                            .map(|expected| compare(&found.name, &table, expected, Additions::Ignored))
                            .unwrap_or_default(),
                    );
                }
                Some(found) if tokens(&found.sql) == tokens(&expected.sql) => {}
                Some(found) => {
                    let (found, expected) = (one_line(&found.sql), one_line(&expected.sql));
                    differences.push(Difference { what, found, expected });
                }
            }
        }
        Ok(differences)
    }
}

/// The names of the tables of the newest schema.
pub(in crate::sqlite) fn tables() -> Result<Vec<&'static str>, MigrationError> {
    Ok(ExpectedSchema::newest()?.tables().map(|(name, _)| name).collect())
}

/// The triggers and unique indexes of other programs on the tables of the newest schema. They can change and refuse
/// writes of this program.
pub(crate) fn foreign_rules(conn: &mut SqliteConnection) -> Result<Vec<String>, MigrationError> {
    let expected = ExpectedSchema::newest()?;
    let is_unique = |object: &Object| tokens(&object.sql).iter().take(2).eq(["create", "unique"]);
    let is_rule = |object: &Object| object.kind == "trigger" || (object.kind == "index" && is_unique(object));
    let is_foreign = |object: &Object| {
        let is_same = |own: &Object| own.kind == object.kind && own.name == object.name.to_lowercase();
        expected.tables.contains_key(&object.table) && !expected.objects.iter().any(is_same)
    };
    let objects = objects(conn)?.into_iter().filter(|object| is_rule(object) && is_foreign(object));
    Ok(objects
        .map(|Object { kind, name, table, sql }| format!("{kind} {name} of {table}: {}", one_line(&sql)))
        .collect())
}

/// The number of migrations that the database has, counted from the oldest; `None` if one in between is missing.
fn reached(applied: &[String]) -> Option<usize> {
    let reached = EMBEDDED.iter().take_while(|migration| has(applied, migration.version())).count();
    (reached >= applied.len()).then_some(reached)
}

/// The differences of a database from the schema of its migrations. The list is empty if a migration in between is
/// missing.
pub(super) fn differences(conn: &mut SqliteConnection, applied: &[String]) -> Result<Vec<Difference>, MigrationError> {
    let Some(reached) = reached(applied).filter(|reached| *reached > 0) else { return Ok(Vec::new()) };
    let found = Found::read(conn)?;
    if reached < EMBEDDED.len() {
        return Ok(ExpectedSchema::after_first(reached)?.differences(conn, &found)?);
    }
    // Every program compares the schema when it opens a database. Equal texts mean equal objects.
    let is_equal = |expected: NewestObject<'_>| {
        found.of(expected.kind, expected.name).is_some_and(|found| found.sql == expected.sql)
    };
    if newest_schema::objects().all(is_equal) {
        return Ok(Vec::new());
    }
    Ok(ExpectedSchema::newest()?.differences(conn, &found)?)
}

/// The objects and columns that the applied migrations do not create. The list is empty if no migration is applied, or
/// if one in between is missing.
pub(super) fn additions(conn: &mut SqliteConnection, applied: &[String]) -> Result<Vec<Difference>, MigrationError> {
    let Some(reached) = reached(applied).filter(|reached| *reached > 0) else { return Ok(Vec::new()) };
    let expected = ExpectedSchema::after_first(reached)?;
    let mut additions = Vec::new();
    for object in objects(conn)? {
        let table = object.table.as_str();
        if table.starts_with("__diesel") || table == ledger::TABLE {
            continue;
        }
        let name = object.name.to_lowercase();
        let is_expected = expected.objects.iter().any(|one| one.kind == object.kind && one.name == name);
        let is_of_added_table = expected.table(table).is_none() && matches!(object.kind.as_str(), "index" | "trigger");
        if !is_expected && !is_of_added_table {
            additions.push(Difference::surplus(format!("{} {name}", object.kind), one_line(&object.sql)));
        }
        let Some(columns) = expected.table(&name).filter(|_| is_expected && object.kind == "table") else { continue };
        let found = Table::read(conn, &object)?.columns;
        let added = found.iter().filter(|(column, _)| !columns.contains_key(*column));
        additions.extend(
            added.map(|(column, found)| Difference::surplus(format!("column {name}.{column}"), found.to_string())),
        );
    }
    additions.sort_by(|a, b| a.what.cmp(&b.what));
    Ok(additions)
}

fn memory() -> Result<SqliteConnection, StoreError> {
    SqliteConnection::establish(":memory:").map_err(|error| StoreError::Database(Box::new(error) as Source))
}

/// The objects whose names the following migrations need for their own objects.
pub(super) fn taken_names(conn: &mut SqliteConnection, applied: &[String]) -> Result<Vec<Difference>, MigrationError> {
    let Some(reached) = reached(applied).filter(|reached| *reached < EMBEDDED.len()) else { return Ok(Vec::new()) };
    let (before, after) = (ExpectedSchema::after_first(reached)?, ExpectedSchema::newest()?);
    let found = Found::read(conn)?;
    let is_there = |new: &Object| before.objects.iter().any(|old| (&old.kind, &old.name) == (&new.kind, &new.name));
    let new = after.objects.iter().filter(|object| !is_there(object));
    let named = |found: &Object| Difference::surplus(format!("{} {}", found.kind, found.name), one_line(&found.sql));
    let mut taken: Vec<_> = new.filter_map(|object| found.get(object)).map(named).collect();
    for table in before.objects.iter().filter(|object| object.kind == "table") {
        let Some(object) = found.get(table).filter(|found| found.kind == "table") else { continue };
        let is_new = |column: &String| {
            let has = |expected: &ExpectedSchema| {
                expected.table(&table.name).is_some_and(|columns| columns.contains_key(column))
            };
            has(after) && !has(before)
        };
        let columns = Table::read(conn, object)?.columns;
        let columns = columns.iter().filter(|(column, _)| is_new(column));
        taken
            .extend(columns.map(|(name, column)| {
                Difference::surplus(format!("column {}.{name}", table.name), column.to_string())
            }));
    }
    Ok(taken)
}

/// The state of the first migration's tables in a database without migrations.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SpecificationTables {
    /// No table of the first migration exists.
    Absent,
    /// All tables exist as the first migration creates them. The statements create the missing indexes.
    Equal { indexes: Vec<String> },
    /// Some tables exist, or some differ.
    Different(Vec<Difference>),
}

impl SpecificationTables {
    /// Reads the state of a database; `None` if the database has the first migration.
    pub(super) fn of_unmigrated(
        conn: &mut SqliteConnection,
        applied: &[String],
    ) -> Result<Option<Self>, MigrationError> {
        if has(applied, EMBEDDED[0].version()) { Ok(None) } else { Self::of(conn).map(Some) }
    }

    fn of(conn: &mut SqliteConnection) -> Result<Self, MigrationError> {
        let ExpectedSchema { objects, tables } = ExpectedSchema::after_first(1)?;
        let found = Found::read(conn)?;
        if objects.iter().filter(|object| object.kind == "table").all(|table| found.get(table).is_none()) {
            return Ok(Self::Absent);
        }
        let (mut differences, mut indexes) = (Vec::new(), Vec::new());
        for expected in objects {
            let what = format!("{} {}", expected.kind, expected.name);
            match (found.get(expected), tables.get(&expected.name)) {
                (Some(table), Some(expected)) if table.kind == "table" => {
                    let found = Table::read(conn, table)?;
                    differences.extend(compare(&table.name, &found, expected, Additions::Refused));
                }
                (None, None) => indexes.push(expected.sql.clone()),
                (None, Some(_)) => differences.push(Difference::missing(what, "a table".to_owned())),
                (Some(found), None) if tokens(&found.sql) == tokens(&expected.sql) => {}
                (Some(found), _) => {
                    let (found, expected) = (one_line(&found.sql), one_line(&expected.sql));
                    differences.push(Difference { what, found, expected });
                }
            }
        }
        Ok(if differences.is_empty() { Self::Equal { indexes } } else { Self::Different(differences) })
    }
}

/// The objects of a database. The key is whether the object is a trigger, and its name in lower case: all other kinds
/// share one namespace.
struct Found(HashMap<(bool, String), Object>);

impl Found {
    fn read(conn: &mut SqliteConnection) -> Result<Self, StoreError> {
        let by_name = |object: Object| ((object.kind == "trigger", object.name.to_lowercase()), object);
        Ok(Self(objects(conn)?.into_iter().map(by_name).collect()))
    }

    fn get(&self, like: &Object) -> Option<&Object> {
        self.of(&like.kind, &like.name)
    }

    fn of(&self, kind: &str, name: &str) -> Option<&Object> {
        self.0.get(&(kind == "trigger", name.to_owned()))
    }
}

/// The statement on one line, without comments.
pub(super) fn one_line(sql: &str) -> String {
    let lines = sql.lines().map(|line| line.split("--").next().unwrap_or_default());
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_text_of_the_newest_schema_is_the_one_that_the_migrations_create() {
        let created = ExpectedSchema::after(&EMBEDDED).unwrap();
        let text: String = created.objects.iter().map(newest_schema::written).collect();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sqlite/migrations/newest_schema.sql");
        if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
            std::fs::write(&path, &text).unwrap();
        }
        let is_current = std::fs::read_to_string(&path).unwrap() == text;
        assert!(is_current, "newest_schema.sql is out of date: run this test with INSTA_UPDATE=always");
        let debug = |object: &NewestObject<'_>| (object.kind.to_owned(), object.name.to_owned(), object.sql.to_owned());
        let embedded: Vec<_> = newest_schema::objects().map(|object| debug(&object)).collect();
        let objects = created.objects.iter();
        let objects: Vec<_> = objects.map(|it| (it.kind.clone(), it.name.clone(), it.sql.clone())).collect();
        assert_eq!(embedded, objects);
        let from_text = ExpectedSchema::newest().unwrap();
        assert_eq!(format!("{from_text:?}"), format!("{created:?}"));
    }
}
