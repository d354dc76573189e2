//! The errors of stores.

use crate::file::IllegalFileTransition;
use crate::page::UnreadableRow;
use crate::publication::IllegalPublicationTransition;

/// The database's own error.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// The error of a store's operation. [`disposition`](StoreError::disposition) tells what a program should do.
///
/// A failed operation has changed nothing, except with [`OutcomeUnknown`](StoreError::OutcomeUnknown).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Other transactions blocked the database for longer than the configured time.
    #[error("the database was busy for longer than {waited_ms} ms: others are writing; try again")]
    Busy {
        /// The length of the wait, in milliseconds.
        waited_ms: u64,
        /// The database's own error.
        source: Source,
    },
    /// The database cannot be reached, or had no free connection within the configured time.
    #[error(
        "the database could not be reached, or had no connection free, within {waited_ms} ms: check that it runs, and try \
         again"
    )]
    Unavailable {
        /// The length of the wait, in milliseconds.
        waited_ms: u64,
        /// The database's own error.
        source: Source,
    },
    /// Other transactions wrote the same rows during each attempt at this one.
    #[error("other transactions wrote the same rows during each of {attempts} attempts: try again")]
    Conflict {
        /// The number of attempts.
        attempts: u32,
        /// The database's own error.
        source: Source,
    },
    /// The connection was lost during the commit. The transaction has taken effect as a whole, or not at all.
    #[error(
        "the connection was lost during the commit, and the transaction may have taken effect: look before you repeat it"
    )]
    OutcomeUnknown(#[source] Source),
    /// The disk is full, or the database has reached its largest allowed size.
    #[error("the disk, or the size that the database may have, is full: make room and try again")]
    Full(#[source] Source),
    /// The database cannot be written.
    #[error("the database is read-only: check the permissions that this user and program have")]
    ReadOnly(#[source] Source),
    /// Reading or writing failed below the database.
    #[error("reading or writing the database failed: check what it is stored on")]
    Io(#[source] Source),
    /// The database is damaged, or the file is not a database.
    #[error("the database is damaged, or is not a database: restore a backup")]
    Corrupt(#[source] Source),
    /// A row has a value that its column does not allow.
    #[error("{table} {row}: column {column} holds {value}; {rule}")]
    BadRow {
        /// The name of the table.
        table: &'static str,
        /// The primary key of the row, or its position if the key cannot be read.
        row: String,
        /// The name of the column.
        column: &'static str,
        /// The value of the column, as text.
        value: String,
        /// The rule for values of the column.
        rule: String,
    },
    /// A value of the caller breaks a rule.
    #[error("{what} {value:?}: {rule}")]
    Invalid {
        /// The name of the value, for example `status to prune`.
        what: &'static str,
        /// The given value.
        value: String,
        /// The rule that the value breaks.
        rule: &'static str,
    },
    /// A value refers to a row that does not exist.
    #[error("{what} refers to a row that does not exist: create that first, or correct the id")]
    MissingReference {
        /// The row that was to be written, with the id that it refers to.
        what: String,
        /// The database's own error.
        source: Source,
    },
    /// A row with this key exists already.
    #[error("{what} exists already")]
    AlreadyExists {
        /// The row that was to be written.
        what: String,
        /// The database's own error.
        source: Source,
    },
    /// The event is not possible in the state of the file.
    #[error(transparent)]
    FileTransition(#[from] IllegalFileTransition),
    /// The event is not possible in the state of the publication.
    #[error(transparent)]
    PublicationTransition(#[from] IllegalPublicationTransition),
    /// A session was opened inside another session of the same thread.
    #[error("a session of this store is open in this thread already: use the session that the closure got")]
    Nested,
    /// The schema is older or newer than the one that this program knows.
    #[error("the database is at migration {found}, this program needs {needed}: {remedy}")]
    Schema {
        /// The newest applied migration; `none` for an empty database.
        found: String,
        /// The newest migration that this program knows.
        needed: String,
        /// The remedy.
        remedy: &'static str,
    },
    /// All migrations are applied, but another program has changed the schema since.
    #[error("another program has changed the schema of the database: {differences}: undo that, or restore a backup")]
    SchemaChanged {
        /// Each difference, with what was found and what was expected.
        differences: String,
    },
    /// A setting of the database does not have the value that the store needs.
    #[error("{what} is {found}; {rule}")]
    Setting {
        /// The name of the setting.
        what: &'static str,
        /// The value that the setting has.
        found: String,
        /// The value that the setting must have.
        rule: &'static str,
    },
    /// The database cannot be opened.
    #[error("cannot open the database {url:?}: {reason}")]
    Open {
        /// The address, without passwords.
        url: String,
        /// The reason, with a remedy.
        reason: String,
        /// The cause; `None` if the reason already names it.
        source: Option<Source>,
    },
    /// Any other error of the database.
    #[error("the database refused the operation")]
    Database(#[source] Source),
}

/// The reaction of a program to a [`StoreError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Try again: the same operation may succeed later.
    TryAgain,
    /// The operation may have taken effect. Check that, and repeat the operation only if it has not.
    LookFirst,
    /// The same operation will fail again.
    GiveUp,
}

impl StoreError {
    /// The reaction of a program to this error. It does not depend on the database that is used.
    #[must_use]
    pub const fn disposition(&self) -> Disposition {
        match self {
            Self::Busy { .. }
            | Self::Unavailable { .. }
            | Self::Conflict { .. }
            | Self::Full(_)
            | Self::ReadOnly(_)
            | Self::Io(_) => Disposition::TryAgain,
            Self::OutcomeUnknown(_) => Disposition::LookFirst,
            Self::Corrupt(_)
            | Self::BadRow { .. }
            | Self::Invalid { .. }
            | Self::MissingReference { .. }
            | Self::AlreadyExists { .. }
            | Self::FileTransition(_)
            | Self::PublicationTransition(_)
            | Self::Nested
            | Self::Schema { .. }
            | Self::SchemaChanged { .. }
            | Self::Setting { .. }
            | Self::Open { .. }
            | Self::Database(_) => Disposition::GiveUp,
        }
    }
}

impl From<UnreadableRow> for StoreError {
    fn from(UnreadableRow { table, row, column, value, rule }: UnreadableRow) -> Self {
        Self::BadRow { table, row, column, value, rule }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_tried_again_and_what_may_have_been_done_is_looked_for() {
        let source = || Source::from("no words");
        for (error, disposition) in [
            (StoreError::Busy { waited_ms: 1, source: source() }, Disposition::TryAgain),
            (StoreError::Unavailable { waited_ms: 1, source: source() }, Disposition::TryAgain),
            (StoreError::Conflict { attempts: 9, source: source() }, Disposition::TryAgain),
            (StoreError::Full(source()), Disposition::TryAgain),
            (StoreError::OutcomeUnknown(source()), Disposition::LookFirst),
            (StoreError::Corrupt(source()), Disposition::GiveUp),
            (StoreError::Nested, Disposition::GiveUp),
        ] {
            assert_eq!(error.disposition(), disposition, "{error}");
        }
    }
}
