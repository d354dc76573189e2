//! Rewrites the times of the specification's tables; in a conversion also ids and words, with the references to the ids
//! in all other tables.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::{Sqlite, SqliteConnection};
use fieldfen_persistence::migrations::MigrationError;
use fieldfen_persistence::store_error;
use serde::Serialize;

use super::contents::Contents;
use super::progress::Progress;
use super::scan::orphans;
use super::tables::{Kind, TABLES, Table};
use super::triggers::{quoted, without_triggers};
use super::value::ValueRow;
use crate::event::AdoptionStep;

/// The number of rows that are read at once.
const ROWS: i64 = 500;

/// The numbers of rewritten values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Rewritten {
    /// Times.
    pub times: u64,
    /// Ids, and references to them.
    pub ids: u64,
    /// Statuses, platforms, types of posts and kinds of jobs.
    pub words: u64,
}

/// Rewrites all values, and compares the contents of all tables and the orphans before and after.
pub(super) fn rewrite(
    conn: &mut SqliteConnection,
    converts: bool,
    progress: Progress<'_>,
) -> Result<Rewritten, MigrationError> {
    let references = if converts { references(conn)? } else { Vec::new() };
    let tables: Vec<_> = references.iter().map(|reference| reference.child.as_str()).collect();
    let before = (Contents::read(conn, converts, &tables, progress)?, orphans(conn)?);
    let mut rewritten = Rewritten::default();
    without_triggers(conn, |conn| {
        TABLES.iter().try_for_each(|table| rewrite_table(conn, table, converts, &mut rewritten, progress))?;
        references.iter().try_for_each(|reference| rewrite_reference(conn, reference, &mut rewritten))
    })?;
    let after = (Contents::read(conn, converts, &tables, progress)?, orphans(conn)?);
    if let Some(table) = before.0.differing(&after.0) {
        let problem =
            format!("the rows of table {table} mean something else after the rewriting, so nothing was changed");
        return Err(MigrationError::NotAdopted(problem.into()));
    }
    if let Some(worse) = after.1.worse_than(&before.1) {
        let (table, parent) = (&worse.table, &worse.parent);
        let problem = format!("rows of table {table} would refer to missing rows of {parent}, so nothing was changed");
        return Err(MigrationError::NotAdopted(problem.into()));
    }
    Ok(rewritten)
}

fn rewrite_table(
    conn: &mut SqliteConnection,
    table: &Table,
    converts: bool,
    rewritten: &mut Rewritten,
    progress: Progress<'_>,
) -> Result<(), MigrationError> {
    let is_rewritten = |kind: Kind| match kind {
        Kind::Time => true,
        Kind::Id | Kind::Reference | Kind::Word(_) => converts,
        Kind::Json | Kind::Text | Kind::Number => false,
    };
    let columns: Vec<_> = table.columns.iter().filter(|(_, kind)| is_rewritten(*kind)).collect();
    let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
    let page = format!(
        "SELECT rowid, {} FROM {} NOT INDEXED WHERE rowid >= ? ORDER BY rowid LIMIT {ROWS}",
        names.join(", "),
        table.name
    );
    let (mut from, mut number) = (Some(i64::MIN), 0);
    while let Some(first) = from {
        progress.rows(AdoptionStep::Rewriting, table.name, number);
        let rows: Vec<ValueRow> = diesel::sql_query(&page).bind::<BigInt, _>(first).load(conn).map_err(store_error)?;
        from = rows.last().and_then(|row| row.split().0.checked_add(1));
        number += rows.len() as u64;
        for row in &rows {
            let (rowid, values) = row.split();
            let mut changes = Vec::new();
            for ((column, kind), value) in columns.iter().zip(values) {
                let Some(new) = kind.rewritten(value, converts) else { continue };
                match kind {
                    Kind::Time => rewritten.times += 1,
                    Kind::Word(_) => rewritten.words += 1,
                    _ => rewritten.ids += 1,
                }
                changes.push((*column, new));
            }
            update(conn, table.name, rowid, changes)?;
        }
    }
    Ok(())
}

fn update(
    conn: &mut SqliteConnection,
    table: &str,
    rowid: i64,
    changes: Vec<(&str, String)>,
) -> Result<(), MigrationError> {
    if changes.is_empty() {
        return Ok(());
    }
    let assignments: Vec<_> = changes.iter().map(|(column, _)| format!("{column} = ?")).collect();
    let update = format!("UPDATE {table} SET {} WHERE rowid = ?", assignments.join(", "));
    let mut update = diesel::sql_query(update).into_boxed::<Sqlite>();
    for (_, new) in changes {
        update = update.bind::<Text, _>(new);
    }
    update.bind::<BigInt, _>(rowid).execute(conn).map_err(store_error)?;
    Ok(())
}

/// A column of another table that refers to the id of a row of the specification's tables.
#[derive(Debug, QueryableByName)]
struct Reference {
    #[diesel(sql_type = Text)]
    child: String,
    #[diesel(sql_type = Text)]
    column: String,
}

/// The references by foreign keys of tables that the specification does not have.
fn references(conn: &mut SqliteConnection) -> Result<Vec<Reference>, MigrationError> {
    let query = r#"SELECT DISTINCT child.name AS child, key."from" AS "column"
        FROM sqlite_schema AS child, pragma_foreign_key_list(child.name) AS key
        WHERE child.type = 'table' AND lower(key."table") IN ('files', 'jobs', 'listings', 'social_posts')
          AND lower(coalesce(key."to", 'id')) = 'id'
          AND lower(child.name) NOT IN ('files', 'jobs', 'processed_hashes', 'api_usage', 'listings', 'social_posts')"#;
    Ok(diesel::sql_query(query).load(conn).map_err(store_error)?)
}

fn rewrite_reference(
    conn: &mut SqliteConnection,
    reference: &Reference,
    rewritten: &mut Rewritten,
) -> Result<(), MigrationError> {
    let (table, column) = (quoted(&reference.child), quoted(&reference.column));
    let digits = format!("lower(replace(replace(replace({column}, '-', ''), '{{', ''), '}}', ''))");
    let part = |from: u8, length: u8| format!("substr({digits}, {from}, {length})");
    let parts = [part(1, 8), part(9, 4), part(13, 4), part(17, 4), part(21, 12)].join(" || '-' || ");
    let update = format!(
        "UPDATE {table} SET {column} = {parts} WHERE typeof({column}) = 'text' AND length({digits}) = 32
         AND {digits} NOT GLOB '*[^0-9a-f]*' AND {column} <> {parts}"
    );
    let rows = diesel::sql_query(update).execute(conn).map_err(store_error)?;
    rewritten.ids += u64::try_from(rows).unwrap_or(u64::MAX);
    Ok(())
}
