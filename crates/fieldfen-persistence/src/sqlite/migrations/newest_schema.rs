//! The text of the schema that all migrations together create.
//!
//! Running the migrations in memory to obtain this text took most of the time in which a store is opened. A test
//! compares the file with the schema that the migrations create.

#[cfg(test)]
use super::schema_objects::Object;

/// One statement for each object, in the order of their creation, each after a line that begins with [`MARK`].
const TEXT: &str = include_str!("newest_schema.sql");

/// The beginning of the line that names the kind and the name of the following object.
const MARK: &str = "-- fieldfen object: ";

/// A table, an index or a trigger of the newest schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NewestObject<'t> {
    pub(super) kind: &'t str,
    pub(super) name: &'t str,
    pub(super) sql: &'t str,
}

/// The objects of the newest schema, without the table in which diesel records the migrations.
pub(super) fn objects() -> impl Iterator<Item = NewestObject<'static>> {
    TEXT.split(MARK).filter_map(|part| {
        let (title, sql) = part.split_once('\n')?;
        let (kind, name) = title.split_once(' ')?;
        Some(NewestObject { kind, name, sql: sql.trim_end().strip_suffix(';')? })
    })
}

/// The part of the file for one object.
#[cfg(test)]
pub(super) fn written(object: &Object) -> String {
    format!("{MARK}{} {}\n{};\n", object.kind, object.name, object.sql)
}
