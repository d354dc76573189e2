//! Differences between a schema and the expected schema.

use std::collections::BTreeSet;
use std::fmt;

use super::schema_objects::Table;

/// One object of a schema that differs from the expected one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The object, for example `column files.width` or `index idx_jobs_claim`.
    pub what: String,
    /// The definition in the database; `nothing` if the object is missing.
    pub found: String,
    /// The expected definition; `nothing` if the object must not exist.
    pub expected: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: found {}, expected {}", self.what, self.found, self.expected)
    }
}

/// All differences as one text.
pub(crate) fn listed(differences: &[Difference]) -> String {
    differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The text for a missing object.
const NOTHING: &str = "nothing";

/// The additions of another program that a comparison ignores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Additions {
    /// Ignores nullable or defaulted columns, constraints and indexes.
    Ignored,
    /// Ignores only indexes that are not unique.
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

/// The differences of a table from the expected one.
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
