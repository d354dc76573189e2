//! The errors of adoptions.

use super::form::Treatment;
use super::report::AdoptionReport;

/// The number of refused rows of a column and form that a message names.
const IN_MESSAGE: usize = 10;

/// The reason why a database was not adopted. The database is as it was before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdoptError {
    /// The database has no table of the specification.
    #[error("the database has no tables of the specification: create a new one with `fieldfen-migrate up`")]
    NothingToAdopt,
    /// The database has migrations.
    #[error(
        "the database has fieldfen's migrations already ({how}): nothing is left to adopt; `--convert` rewrites ids \
         and words of Python programs"
    )]
    AlreadyAdopted {
        /// The words of the ledger, with the time.
        how: String,
    },
    /// Values have no certain meaning. The report names their rows.
    #[error("{}", refused(.0))]
    Refused(Box<AdoptionReport>),
    /// SQLite finds damage in the database.
    #[error("the database is damaged: {}: put a backup in its place", .0.join("; "))]
    Damaged(Vec<String>),
    /// The database is not migrated, and should get some of the migrations only.
    #[error(
        "another program has made the database, and an adoption needs all migrations: run `up` without --to, then \
         `down --to`"
    )]
    OnlyToNewest,
}

/// The refused rows by table, column and form.
fn refused(report: &AdoptionReport) -> String {
    let refused = report.forms.iter().filter(|count| count.treatment == Treatment::Refused);
    let said = refused.map(|count| {
        let rows = count.examples.iter().take(IN_MESSAGE).map(|example| {
            let row = example.key.clone().unwrap_or_else(|| format!("rowid {}", example.rowid));
            format!("{row} holds {}", example.value)
        });
        let more = match count.rows.saturating_sub(IN_MESSAGE as u64) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let rows = rows.collect::<Vec<_>>().join(", ");
        format!("{}.{} is {} in {} rows: {rows}{more}", count.table, count.column, count.form, count.rows)
    });
    let said: Vec<_> = said.collect();
    format!("values without a certain meaning, so that nothing was changed: {}", said.join("; "))
}
