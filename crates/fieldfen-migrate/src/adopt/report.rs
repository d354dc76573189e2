//! The report of an adoption, for people and as JSON.

use std::path::PathBuf;

use serde::Serialize;

use super::form::Treatment;
use super::forms::{FormCount, OrphanCount};
use super::publications::ConfirmedRows;
use super::rewrite::Rewritten;
use super::scan::Scan;

/// The outcome of an adoption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AdoptionOutcome {
    /// Nothing: rows have values without a certain meaning.
    Refused,
    /// The adoption was carried out on a copy alone.
    Rehearsed,
    /// The database is adopted.
    Adopted,
    /// The ids and words of an adopted database were rewritten.
    Converted,
}

/// The report of an adoption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AdoptionReport {
    /// The address of the database.
    pub database: String,
    /// The outcome.
    pub outcome: AdoptionOutcome,
    /// The revisions of Alembic; `None` if Alembic has not made the database.
    pub alembic: Option<Vec<String>>,
    /// The values of the specification's tables by column and form, as they were before.
    pub forms: Vec<FormCount>,
    /// The rows that refer to missing rows. They are kept.
    pub orphans: Vec<OrphanCount>,
    /// The rewritten values.
    pub rewritten: Rewritten,
    /// The publications of live products and posts.
    pub publications: ConfirmedRows,
    /// The applied migrations, the oldest first.
    pub applied: Vec<String>,
    /// The backup that was made before.
    pub backup: Option<PathBuf>,
}

impl AdoptionReport {
    pub(super) fn new(database: String, outcome: AdoptionOutcome, alembic: Option<Vec<String>>, scan: Scan) -> Self {
        Self {
            database,
            outcome,
            alembic,
            forms: scan.forms.into_counts(),
            orphans: scan.orphans.into_counts(),
            rewritten: Rewritten::default(),
            publications: ConfirmedRows::default(),
            applied: Vec::new(),
            backup: None,
        }
    }

    /// The number of values with this treatment.
    #[must_use]
    pub fn values(&self, treatment: Treatment) -> u64 {
        self.forms.iter().filter(|count| count.treatment == treatment).map(|count| count.rows).sum()
    }
}

/// Who made the specification's tables of a database without migrations, for people.
pub(crate) fn origin_in_words(alembic: Option<&[String]>) -> String {
    match alembic {
        None => "tables of the specification, made by another program, not adopted".to_owned(),
        Some([]) => "tables of the specification, made by SQLAlchemy/Alembic, not adopted".to_owned(),
        Some(revisions) => {
            let revisions = revisions.join(", ");
            format!("tables of the specification, made by SQLAlchemy/Alembic at revision {revisions}, not adopted")
        }
    }
}
