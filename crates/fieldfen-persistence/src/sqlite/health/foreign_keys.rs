//! Rows that refer to rows that do not exist. A program that does not switch foreign keys on leaves such rows behind.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::health::{Check, Finding, MOST_ROWS_NAMED};
use fieldfen_domain::store::StoreError;

use super::not_done;
use super::query::{quoted, texts};
use super::time_budget::{Ended, TimeBudget};
use crate::sqlite::connection::hooks::OpenConnection;
use crate::sqlite::error::Classify as _;

const LOOKED_AT: &str = "foreign_key_check";

/// The rows of a table that refer by one foreign key to rows that do not exist.
#[derive(QueryableByName)]
struct Dangling {
    #[diesel(sql_type = Text)]
    child: String,
    #[diesel(sql_type = Text)]
    parent: String,
    #[diesel(sql_type = BigInt)]
    foreign_key: i64,
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

pub(super) fn check(opened: &mut OpenConnection, budget: &mut TimeBudget) -> Finding {
    budget.begin();
    match budget.run(opened, dangling) {
        Ok(Ended::Done((0, _))) => Finding::ok(Check::ForeignKeys, LOOKED_AT, "every row refers to a row that exists"),
        Ok(Ended::Done((rows, details))) => {
            let found = match rows {
                1 => "1 row refers to a row that does not exist".to_owned(),
                _ => format!("{rows} rows refer to rows that do not exist"),
            };
            let advice = "delete these rows (a job: `fieldfen jobs delete ID`), or put the rows back to which they refer; \
                          let the program that has written them run PRAGMA foreign_keys = ON";
            Finding::problem(Check::ForeignKeys, LOOKED_AT, found, advice).details(details)
        }
        Ok(Ended::TimeOver) => {
            let found = format!("not checked to the end: it took longer than {}", budget.name());
            Finding::warning(Check::ForeignKeys, LOOKED_AT, found, "run `fieldfen doctor --full`")
        }
        Err(error) => not_done(Check::ForeignKeys, LOOKED_AT, &error),
    }
}

/// The number of dangling rows, and a line for each of the first ones of each table.
fn dangling(conn: &mut SqliteConnection) -> Result<(i64, Vec<String>), StoreError> {
    let groups = "SELECT \"table\" AS child, parent, fkid AS foreign_key, count(*) AS \"rows\" \
                  FROM pragma_foreign_key_check GROUP BY 1, 2, 3 ORDER BY 1, 3";
    let groups: Vec<Dangling> = diesel::sql_query(groups).load(conn).store()?;
    let mut details = Vec::new();
    for group in &groups {
        // A foreign key may lead to a table that does not exist, and then its rows cannot be compared.
        let named = named(conn, group).or_else(|_| numbered(conn, group))?;
        let unnamed = usize::try_from(group.rows).unwrap_or(usize::MAX).saturating_sub(named.len());
        details.extend(named);
        if unnamed > 0 {
            details.push(format!("{}: {unnamed} more rows", group.child));
        }
    }
    Ok((groups.iter().map(|group| group.rows).sum(), details))
}

/// The rows by their primary key, with the value that leads to no row.
fn named(conn: &mut SqliteConnection, group: &Dangling) -> Result<Vec<String>, StoreError> {
    let Dangling { child, parent, foreign_key, .. } = group;
    let of_child = |column: &str| format!("child.{}", quoted(column));
    let list =
        |what: &str, table: &str| format!("SELECT {what} AS text FROM pragma_{table}('{}')", child.replace('\'', "''"));
    let key = texts(conn, &format!("{} WHERE pk > 0 ORDER BY pk", list("name", "table_info")))?;
    let of_key = |end: &str| format!("{} WHERE id = {foreign_key} ORDER BY seq", list(end, "foreign_key_list"));
    let from = texts(conn, &of_key("\"from\""))?;
    let to = texts(conn, &of_key("\"to\""))?;
    let shown = |columns: &[String]| {
        columns.iter().map(|name| format!("quote({})", of_child(name))).collect::<Vec<_>>().join(" || ', ' || ")
    };
    let is_set = from.iter().map(|name| format!("{} IS NOT NULL", of_child(name))).collect::<Vec<_>>().join(" AND ");
    let is_equal = from.iter().zip(&to).map(|(from, to)| format!("parent.{} = {}", quoted(to), of_child(from)));
    let is_equal = is_equal.collect::<Vec<_>>().join(" AND ");
    let sql = format!(
        "SELECT {} || ': {} ' || {} AS text FROM {} AS child \
         WHERE {is_set} AND NOT EXISTS (SELECT 1 FROM {} AS parent WHERE {is_equal}) LIMIT {MOST_ROWS_NAMED}",
        shown(&key),
        from.join(", ").replace('\'', "''"),
        shown(&from),
        quoted(child),
        quoted(parent),
    );
    Ok(texts(conn, &sql)?.into_iter().map(|row| format!("{child} {row} is not in {parent}")).collect())
}

/// The rows by their numbers.
fn numbered(conn: &mut SqliteConnection, group: &Dangling) -> Result<Vec<String>, StoreError> {
    let Dangling { child, parent, foreign_key, .. } = group;
    let sql = format!(
        "SELECT CAST(rowid AS TEXT) AS text FROM pragma_foreign_key_check('{}') \
         WHERE fkid = {foreign_key} AND rowid IS NOT NULL LIMIT {MOST_ROWS_NAMED}",
        child.replace('\'', "''")
    );
    Ok(texts(conn, &sql)?.into_iter().map(|rowid| format!("{child} rowid {rowid}: no row of {parent}")).collect())
}
