//! Where a schema is not as it should be.

use std::collections::BTreeSet;
use std::fmt;

use super::shape::Table;

/// One thing in a schema that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which thing, for example `column files.width` or `index idx_jobs_claim`.
    pub what: String,
    /// How it is there; `nothing` when it is missing.
    pub found: String,
    /// How it should be; `nothing` when it should not be there.
    pub expected: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: found {}, expected {}", self.what, self.found, self.expected)
    }
}

/// All differences in one text.
pub(crate) fn listed(differences: &[Difference]) -> String {
    differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// What stands for something that is not there.
const NOTHING: &str = "nothing";

/// How much of a table another program may have added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Additions {
    /// Columns that need no value, constraints and indexes.
    Ignored,
    /// Indexes that bind no row.
    Refused,
}

impl Difference {
    pub(super) fn missing(what: String, expected: String) -> Self {
        Self { what, found: NOTHING.to_owned(), expected }
    }

    pub(super) fn surplus(what: String, found: String) -> Self {
        Self { what, found, expected: NOTHING.to_owned() }
    }
}

/// Where a table is not as it should be.
pub(super) fn compare(name: &str, found: &Table, expected: &Table, additions: Additions) -> Vec<Difference> {
    let mut differences = Vec::new();
    for (column, expected) in &expected.columns {
        let what = format!("column {name}.{column}");
        match found.columns.get(column) {
            Some(found) if found.is_like(expected) => {}
            Some(found) => {
                differences.push(Difference { what, found: found.to_string(), expected: expected.to_string() });
            }
            None => differences.push(Difference::missing(what, expected.to_string())),
        }
    }
    for (column, found) in found.columns.iter().filter(|(column, _)| !expected.columns.contains_key(*column)) {
        if additions == Additions::Refused || !found.may_be_left_out() {
            differences.push(Difference::surplus(format!("column {name}.{column}"), found.to_string()));
        }
    }
    if found.primary_key != expected.primary_key {
        let key = |table: &Table| format!("({})", table.primary_key.join(", "));
        let what = format!("primary key of {name}");
        differences.push(Difference { what, found: key(found), expected: key(expected) });
    }
    let mut sets = |what: &str, found: &BTreeSet<String>, expected: &BTreeSet<String>, additions| {
        let what = format!("{what} of {name}");
        let missing = expected.difference(found);
        differences.extend(missing.map(|missing| Difference::missing(what.clone(), missing.clone())));
        if additions == Additions::Refused {
            let surplus = found.difference(expected);
            differences.extend(surplus.map(|surplus| Difference::surplus(what.clone(), surplus.clone())));
        }
    };
    sets("foreign key", &found.foreign_keys, &expected.foreign_keys, additions);
    sets("unique constraint", &found.unique, &expected.unique, additions);
    if additions == Additions::Refused {
        sets("unique index on some rows", &found.partly_unique, &expected.partly_unique, additions);
    }
    let rules = |table: &Table| {
        let kept = table.rules.iter().filter(|rule| additions == Additions::Refused || **rule != "CHECK");
        kept.copied().collect::<Vec<_>>()
    };
    if rules(found) != rules(expected) {
        let said = |rules: Vec<&str>| if rules.is_empty() { NOTHING.to_owned() } else { rules.join(", ") };
        let what = format!("rules of table {name}");
        differences.push(Difference { what, found: said(rules(found)), expected: said(rules(expected)) });
    }
    differences
}
