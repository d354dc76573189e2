//! The guard of an adoption: the contents of all tables before and after values were rewritten.
//!
//! A time counts as its instant, so that two spellings of one instant are equal. In a conversion, an id counts as its
//! UUID and a word as the word that it means. Every other value counts as it is.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher as _};

use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;
use fieldfen_persistence::migrations::{self, MigrationError};
use fieldfen_persistence::store_error;

use super::progress::Progress;
use super::tables::{Kind, TABLES, Table};
use super::value::{Value, ValueRow};
use super::{id_form, time_form};
use crate::event::AdoptionStep;

/// The number of rows and the sum of their digests, by table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Contents(BTreeMap<String, (u64, u128)>);

impl Contents {
    /// Reads all tables. `but_values` are tables whose rows are only counted.
    pub(super) fn read(
        conn: &mut SqliteConnection,
        converts: bool,
        but_values: &[&str],
        progress: Progress<'_>,
    ) -> Result<Self, MigrationError> {
        let is_other = |name: &str| !TABLES.iter().any(|table| table.name.eq_ignore_ascii_case(name));
        let others = migrations::table_digests(conn, is_other, |_| {})?.into_iter();
        let mut contents: BTreeMap<_, _> = others
            .map(|(name, found)| {
                let is_counted = but_values.iter().any(|table| table.eq_ignore_ascii_case(&name));
                let digest = if is_counted { 0 } else { found.digest };
                (name, (found.rows, digest))
            })
            .collect();
        for table in &TABLES {
            contents.insert(table.name.to_owned(), of_table(conn, table, converts, progress)?);
        }
        Ok(Self(contents))
    }

    /// A table whose contents differ.
    pub(super) fn differing<'c>(&'c self, other: &'c Self) -> Option<&'c str> {
        let names = self.0.keys().chain(other.0.keys());
        names.map(String::as_str).find(|name| self.0.get(*name) != other.0.get(*name))
    }
}

fn of_table(
    conn: &mut SqliteConnection,
    table: &Table,
    converts: bool,
    progress: Progress<'_>,
) -> Result<(u64, u128), MigrationError> {
    let query = diesel::sql_query(format!("SELECT rowid, {} FROM {} NOT INDEXED", table.column_list(), table.name));
    let (mut rows, mut sum) = (0_u64, 0_u128);
    for row in query.load_iter::<ValueRow, DefaultLoadingMode>(conn).map_err(store_error)? {
        progress.rows(AdoptionStep::Reading, table.name, rows);
        let row = row.map_err(store_error)?;
        let (rowid, values) = row.split();
        let mut hashers = [DefaultHasher::new(), DefaultHasher::new()];
        for (seed, hasher) in hashers.iter_mut().enumerate() {
            hasher.write_usize(seed);
            hasher.write_i64(rowid);
            for ((_, kind), value) in table.columns.iter().zip(values) {
                add(hasher, *kind, value, converts);
            }
        }
        let [high, low] = hashers.map(|hasher| u128::from(hasher.finish()));
        sum = sum.wrapping_add(high << 64 | low);
        rows += 1;
    }
    Ok((rows, sum))
}

fn add(hasher: &mut DefaultHasher, kind: Kind, value: &Value, converts: bool) {
    let meaning = match kind {
        Kind::Time => time_form::read(value).1.map(time_form::written),
        Kind::Id | Kind::Reference if converts => id_form::read_reference(value).1.map(id_form::written),
        Kind::Word(vocabulary) if converts => vocabulary.read(value).1,
        _ => None,
    };
    let (tag, bytes): (u8, &[u8]) = match (&meaning, value) {
        (Some(meaning), _) => (6, meaning.as_bytes()),
        (None, Value::Null) => (0, &[]),
        (None, Value::Integer(number)) => (1, &number.to_le_bytes()),
        (None, Value::Real(number)) => (2, &number.to_bits().to_le_bytes()),
        (None, Value::Text(text)) => (3, text.as_bytes()),
        (None, Value::NotUtf8(bytes)) => (4, bytes),
        (None, Value::Blob(bytes)) => (5, bytes),
    };
    hasher.write_u8(tag);
    hasher.write_usize(bytes.len());
    hasher.write(bytes);
}
