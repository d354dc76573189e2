//! Reads every value of the specification's tables and counts the forms, in one pass and with the memory of one row and
//! of the examples.

use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;
use fieldfen_persistence::store_error;

use super::form::Form;
use super::forms::{Example, Forms, Orphans};
use super::progress::Progress;
use super::tables::{Kind, TABLES, Table};
use super::value::{Value, ValueRow};
use crate::event::AdoptionStep;

/// The values of the database by their forms, and the rows that refer to missing rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Scan {
    pub(super) forms: Forms,
    pub(super) orphans: Orphans,
}

/// Reads all tables.
pub(super) fn scan(conn: &mut SqliteConnection, progress: Progress<'_>) -> Result<Scan, StoreError> {
    let mut forms = Forms::default();
    for table in &TABLES {
        scan_table(conn, table, &mut forms, progress)?;
        if table.columns.first().is_some_and(|(_, kind)| *kind == Kind::Id) {
            find_equal_ids(conn, table, &mut forms)?;
        }
    }
    find_equal_platform_ids(conn, &mut forms)?;
    Ok(Scan { forms, orphans: orphans(conn)? })
}

fn scan_table(
    conn: &mut SqliteConnection,
    table: &Table,
    forms: &mut Forms,
    progress: Progress<'_>,
) -> Result<(), StoreError> {
    let query = diesel::sql_query(format!("SELECT rowid, {} FROM {} NOT INDEXED", table.column_list(), table.name));
    for (number, row) in (0..).zip(query.load_iter::<ValueRow, DefaultLoadingMode>(conn).map_err(store_error)?) {
        progress.rows(AdoptionStep::Reading, table.name, number);
        let row = row.map_err(store_error)?;
        let (rowid, values) = row.split();
        for ((column, kind), value) in table.columns.iter().zip(values) {
            let form = kind.form(value);
            forms.add(table.name, column, form, || Example::new(rowid, values.first(), value));
        }
    }
    Ok(())
}

/// Refuses rows whose ids are one id in different spellings: a program that reads both forms would find either row.
fn find_equal_ids(conn: &mut SqliteConnection, table: &Table, forms: &mut Forms) -> Result<(), StoreError> {
    if !forms.has_convertible(table.name, "id") {
        return Ok(());
    }
    let folded = "lower(replace(replace(replace(id, '-', ''), '{', ''), '}', ''))";
    let name = table.name;
    // The index of the primary key cannot answer this; SQLite sorts in a file if the ids do not fit into its cache.
    let query = format!(
        "SELECT rowid, id FROM {name} WHERE {folded} IN
             (SELECT {folded} FROM {name} WHERE typeof(id) = 'text' GROUP BY 1 HAVING count(*) > 1)"
    );
    add_refused(conn, &query, name, "id", "the id of another row in another spelling", forms)
}

/// Refuses listings whose platforms are one platform in different spellings, and whose ids there are equal.
fn find_equal_platform_ids(conn: &mut SqliteConnection, forms: &mut Forms) -> Result<(), StoreError> {
    if !forms.has_convertible("listings", "platform") {
        return Ok(());
    }
    let query = "SELECT rowid, platform_listing_id FROM listings WHERE (lower(platform), platform_listing_id) IN
                     (SELECT lower(platform), platform_listing_id FROM listings GROUP BY 1, 2 HAVING count(*) > 1)";
    let form = "the id of another listing, whose platform has another spelling";
    add_refused(conn, query, "listings", "platform_listing_id", form, forms)
}

fn add_refused(
    conn: &mut SqliteConnection,
    query: &str,
    table: &'static str,
    column: &'static str,
    form: &'static str,
    forms: &mut Forms,
) -> Result<(), StoreError> {
    for row in diesel::sql_query(query).load_iter::<ValueRow, DefaultLoadingMode>(conn).map_err(store_error)? {
        let row = row.map_err(store_error)?;
        let (rowid, values) = row.split();
        let value = values.first().unwrap_or(&Value::Null);
        forms.add(table, column, Form::refused(form), || Example::new(rowid, None, value));
    }
    Ok(())
}

/// The rows that refer to rows that do not exist, of all tables.
pub(super) fn orphans(conn: &mut SqliteConnection) -> Result<Orphans, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        child: String,
        #[diesel(sql_type = Nullable<BigInt>)]
        child_rowid: Option<i64>,
        #[diesel(sql_type = Text)]
        parent: String,
    }
    let query = "SELECT \"table\" AS child, rowid AS child_rowid, parent FROM pragma_foreign_key_check";
    let mut orphans = Orphans::default();
    for row in diesel::sql_query(query).load_iter::<Row, DefaultLoadingMode>(conn).map_err(store_error)? {
        let Row { child, child_rowid, parent } = row.map_err(store_error)?;
        orphans.add(child, parent, child_rowid);
    }
    Ok(orphans)
}
