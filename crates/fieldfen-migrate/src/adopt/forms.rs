//! The counts of the forms of values, with examples, and of orphans.

use std::collections::BTreeMap;

use serde::Serialize;

use super::form::{Form, Treatment};
use super::value::Value;

/// The number of examples of a form that is not refused.
const EXAMPLES: usize = 3;

/// The number of refused rows of a column and form, and of orphans of a foreign key, that a report names. The number of
/// all is counted beyond it.
pub const MOST_NAMED: usize = 10_000;

/// A value with its row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Example {
    /// The rowid.
    pub rowid: i64,
    /// The primary key, as SQL-like text.
    pub key: Option<String>,
    /// The value, shortened.
    pub value: String,
}

impl Example {
    pub(super) fn new(rowid: i64, key: Option<&Value>, value: &Value) -> Self {
        Self { rowid, key: key.map(ToString::to_string), value: value.to_string() }
    }
}

/// The values of a column that have one form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FormCount {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The name of the form.
    pub form: &'static str,
    /// The treatment of the values by an adoption.
    pub treatment: Treatment,
    /// The number of rows.
    pub rows: u64,
    /// The first rows: three, or [`MOST_NAMED`] of a refused form.
    pub examples: Vec<Example>,
}

/// All counts by table, column and form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Forms(BTreeMap<(&'static str, &'static str, Form), FormCount>);

impl Forms {
    pub(super) fn add(
        &mut self,
        table: &'static str,
        column: &'static str,
        form: Form,
        example: impl FnOnce() -> Example,
    ) {
        let count = self.0.entry((table, column, form)).or_insert_with(|| FormCount {
            table,
            column,
            form: form.name,
            treatment: form.treatment,
            rows: 0,
            examples: Vec::new(),
        });
        count.rows += 1;
        let most = if form.treatment == Treatment::Refused { MOST_NAMED } else { EXAMPLES };
        if count.examples.len() < most {
            count.examples.push(example());
        }
    }

    /// Whether a column has values that a conversion rewrites.
    pub(super) fn has_convertible(&self, table: &str, column: &str) -> bool {
        self.0.keys().any(|(its_table, its_column, form)| {
            (*its_table, *its_column, form.treatment) == (table, column, Treatment::Convertible)
        })
    }

    pub(super) fn into_counts(self) -> Vec<FormCount> {
        self.0.into_values().collect()
    }

    /// The number of values with this treatment.
    pub(super) fn rows(&self, treatment: Treatment) -> u64 {
        self.0.values().filter(|count| count.treatment == treatment).map(|count| count.rows).sum()
    }
}

/// The rows of a table that refer to missing rows of another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct OrphanCount {
    /// The table of the rows.
    pub table: String,
    /// The table that lacks the rows to which they refer.
    pub parent: String,
    /// The number of rows.
    pub rows: u64,
    /// The first [`MOST_NAMED`] rowids; fewer for a table without rowids.
    pub rowids: Vec<i64>,
}

/// All orphans by table and parent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Orphans(BTreeMap<(String, String), OrphanCount>);

impl Orphans {
    pub(super) fn add(&mut self, table: String, parent: String, rowid: Option<i64>) {
        let new = OrphanCount { table: table.clone(), parent: parent.clone(), rows: 0, rowids: Vec::new() };
        let count = self.0.entry((table, parent)).or_insert(new);
        count.rows += 1;
        if count.rowids.len() < MOST_NAMED {
            count.rowids.extend(rowid);
        }
    }

    /// The first foreign key with more orphans than before.
    pub(super) fn worse_than(&self, before: &Self) -> Option<&OrphanCount> {
        self.0
            .iter()
            .find(|(key, now)| before.0.get(*key).map_or(0, |before| before.rows) < now.rows)
            .map(|(_, now)| now)
    }

    pub(super) fn into_counts(self) -> Vec<OrphanCount> {
        self.0.into_values().collect()
    }
}
