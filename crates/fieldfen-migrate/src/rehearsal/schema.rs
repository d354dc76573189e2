//! The schema of a database as text, for comparisons, and the key of a rehearsal.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;
use fieldfen_persistence::migrations::{SqlDigest, Step};
use fieldfen_persistence::store_error;

use super::report::word;

/// The digest of each table, index, trigger and view by its kind and name. White space does not count.
pub(crate) type Schema = BTreeMap<String, SqlDigest>;

#[derive(QueryableByName)]
struct Object {
    #[diesel(sql_type = Text)]
    what: String,
    #[diesel(sql_type = Text)]
    sql: String,
}

/// Reads the schema, without SQLite's own tables.
pub(crate) fn read(conn: &mut SqliteConnection) -> Result<Schema, StoreError> {
    let objects: Vec<Object> = diesel::sql_query(
        r"SELECT type || ' ' || name AS what, coalesce(sql, '') AS sql FROM sqlite_schema
          WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\'",
    )
    .load(conn)
    .map_err(store_error)?;
    Ok(objects.into_iter().map(|object| (object.what, SqlDigest::of(&object.sql))).collect())
}

/// The objects that are in one of the schemas only, or differ, as text; `None` if the schemas are equal.
pub(super) fn difference(first: &Schema, second: &Schema) -> Option<String> {
    let mut differing: Vec<_> = first.iter().filter(|(what, digest)| second.get(*what) != Some(digest)).collect();
    differing.extend(second.iter().filter(|(what, _)| !first.contains_key(*what)));
    let differing: Vec<_> = differing.into_iter().map(|(what, _)| what.as_str()).collect();
    (!differing.is_empty()).then(|| differing.join(", "))
}

/// The digest of the steps and of the schema before them.
pub(crate) fn key(conn: &mut SqliteConnection, steps: &[Step]) -> Result<String, StoreError> {
    let mut text = String::new();
    for step in steps {
        let (migration, direction, file) = (step.migration(), word(step.direction), &step.file);
        text.push_str(&format!("{migration} {direction} {} {}\n", file.up_digest(), file.down_digest()));
    }
    for (what, digest) in read(conn)? {
        text.push_str(&format!("{what:?} {digest}\n"));
    }
    Ok(SqlDigest::of(&text).to_string())
}
