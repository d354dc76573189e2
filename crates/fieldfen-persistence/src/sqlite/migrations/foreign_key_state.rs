//! The rows that refer to rows that do not exist, before and after a run. Rows of other programs that referred to
//! nothing before are no reason to stop; a run must not add any.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;

use super::guard_finding::GuardFinding;
use super::table_digest::quoted;
use crate::sqlite::columns::StoredText;
use crate::sqlite::error::Classify as _;

/// The number of rows that an error names.
const MOST_NAMED: usize = 10;

/// A foreign key: the child table, its columns and the parent table.
type ForeignKey = (String, String, String);

/// For each foreign key, the values that lead to no row and the number of their rows. A rebuilt table may number its
/// rows anew, so that a value identifies a row better than its number.
#[derive(Debug, Default)]
pub(super) struct ForeignKeyState(BTreeMap<ForeignKey, BTreeMap<String, i64>>);

#[derive(QueryableByName)]
struct Group {
    #[diesel(sql_type = Text)]
    child: StoredText,
    #[diesel(sql_type = Text)]
    parent: StoredText,
    #[diesel(sql_type = BigInt)]
    foreign_key: i64,
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[derive(QueryableByName)]
struct Value {
    #[diesel(sql_type = Text)]
    text: StoredText,
    #[diesel(sql_type = BigInt)]
    n: i64,
}

impl ForeignKeyState {
    pub(super) fn read(conn: &mut SqliteConnection) -> Result<Self, StoreError> {
        let groups = "SELECT \"table\" AS child, parent, fkid AS foreign_key, count(*) AS n \
                      FROM pragma_foreign_key_check GROUP BY 1, 2, 3";
        let groups: Vec<Group> = diesel::sql_query(groups).load(conn).store()?;
        let mut state = Self::default();
        for Group { child, parent, foreign_key, n } in groups {
            let (child, parent) = (child.into_prose(), parent.into_prose());
            let columns = columns(conn, &child, foreign_key)?;
            // A table without rowids, or with a column of that name, cannot be read by them.
            let values = values(conn, &child, foreign_key, &columns).unwrap_or_default();
            let counted: i64 = values.values().sum();
            let of_key = state.0.entry((child, columns.join(", "), parent)).or_default();
            of_key.extend(values);
            if n > counted {
                *of_key.entry("some value".to_owned()).or_default() += n - counted;
            }
        }
        Ok(state)
    }

    /// The foreign keys that are worse in `after`.
    pub(super) fn worse(&self, after: &Self) -> Vec<GuardFinding> {
        let mut worse = Vec::new();
        for (foreign_key, values) in &after.0 {
            let before = self.0.get(foreign_key);
            let had = |value: &String| before.and_then(|before| before.get(value)).copied().unwrap_or(0);
            let more = |(value, n): (&String, &i64)| (n - had(value) > 0).then(|| (value.clone(), n - had(value)));
            let new: Vec<_> = values.iter().filter_map(more).collect();
            let rows: i64 = new.iter().map(|(_, rows)| rows).sum();
            if rows > 0 {
                let (child, columns, parent) = foreign_key.clone();
                let values = new.into_iter().map(|(value, _)| value).take(MOST_NAMED).collect();
                worse.push(GuardFinding::ForeignKey { child, columns, parent, rows: rows.unsigned_abs(), values });
            }
        }
        worse
    }
}

fn columns(conn: &mut SqliteConnection, child: &str, foreign_key: i64) -> Result<Vec<String>, StoreError> {
    let query = r#"SELECT "from" AS text, 1 AS n FROM pragma_foreign_key_list(?) WHERE id = ? ORDER BY seq"#;
    let query = diesel::sql_query(query).bind::<Text, _>(child).bind::<BigInt, _>(foreign_key);
    Ok(query.load::<Value>(conn).store()?.into_iter().map(|row| row.text.into_prose()).collect())
}

fn values(
    conn: &mut SqliteConnection,
    child: &str,
    foreign_key: i64,
    columns: &[String],
) -> Result<BTreeMap<String, i64>, StoreError> {
    let value: Vec<_> = columns.iter().map(|column| format!("quote(child.{})", quoted(column))).collect();
    let query = format!(
        "SELECT {} AS text, count(*) AS n FROM pragma_foreign_key_check(?) AS found \
         JOIN {} AS child ON child.rowid = found.rowid WHERE found.fkid = ? GROUP BY 1",
        if value.is_empty() { "''".to_owned() } else { value.join(" || ', ' || ") },
        quoted(child)
    );
    let query = diesel::sql_query(query).bind::<Text, _>(child).bind::<BigInt, _>(foreign_key);
    Ok(query.load::<Value>(conn).store()?.into_iter().map(|row| (row.text.into_prose(), row.n)).collect())
}
