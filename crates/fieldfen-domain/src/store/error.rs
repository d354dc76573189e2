//! What can go wrong in a store.

use crate::file::IllegalFileTransition;
use crate::json::InvalidJson;
use crate::publication::IllegalPublicationTransition;

/// The database's own account of what went wrong.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// What can go wrong in a store. A failed operation has changed nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process or thread kept the database for longer than the configured time.
    #[error("the database was busy for longer than {waited_ms} ms: another process or thread is writing; try again")]
    Busy {
        /// How long was waited, in milliseconds.
        waited_ms: u64,
        /// The database's own words.
        source: Source,
    },
    /// No space is left.
    #[error("the disk, or the size that the database may have, is full: make room and try again")]
    Full(#[source] Source),
    /// The database cannot be written.
    #[error(
        "the database is read-only: check the permissions of the file, of its -wal and -shm, of its folder and the file \
         system"
    )]
    ReadOnly(#[source] Source),
    /// Reading or writing failed below the database.
    #[error("reading or writing the database failed: check the disk and that the file is still there")]
    Io(#[source] Source),
    /// The file is damaged or not a database.
    #[error("the database is damaged, or is not a database: restore a backup")]
    Corrupt(#[source] Source),
    /// A row holds something that its column does not allow.
    #[error("{table} {row}: column {column} holds {value}; {rule}")]
    BadRow {
        /// The table.
        table: &'static str,
        /// The row's key.
        row: String,
        /// The column.
        column: &'static str,
        /// What it holds.
        value: String,
        /// What it must hold.
        rule: String,
    },
    /// A value given by the caller breaks a rule.
    #[error("{what} {value:?}: {rule}")]
    Invalid {
        /// What the value is.
        what: &'static str,
        /// The value.
        value: String,
        /// The rule.
        rule: &'static str,
    },
    /// A value refers to a row that is not there.
    #[error("{what} refers to a row that does not exist: create that first, or correct the id")]
    MissingReference {
        /// What was to be written, with the id it refers to.
        what: String,
        /// The database's own words.
        source: Source,
    },
    /// A row with this key is there already.
    #[error("{what} is there already")]
    AlreadyExists {
        /// What was to be written.
        what: String,
        /// The database's own words.
        source: Source,
    },
    /// A file cannot take the event.
    #[error(transparent)]
    FileTransition(#[from] IllegalFileTransition),
    /// A publication cannot take the event.
    #[error(transparent)]
    PublicationTransition(#[from] IllegalPublicationTransition),
    /// A session was opened inside another one of the same thread.
    #[error("a session of this store is open in this thread already: use the one that the closure was given")]
    Nested,
    /// The schema is not the one that this program knows.
    #[error("the database is at migration {found}, this program needs {needed}: {remedy}")]
    Schema {
        /// The newest migration that has been applied; `none` for an empty database.
        found: String,
        /// The newest migration this program knows.
        needed: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// The schema has its migrations, but is not as they left it.
    #[error("another program has changed the schema of the database: {differences}: undo that, or restore a backup")]
    SchemaChanged {
        /// Each thing that is not as it should be, with what was found and expected.
        differences: String,
    },
    /// The store's settings are not as they must be.
    #[error("{what} is {found}; {rule}")]
    Setting {
        /// Which setting.
        what: &'static str,
        /// What it is.
        found: String,
        /// What it must be.
        rule: &'static str,
    },
    /// The database cannot be opened.
    #[error("cannot open the database {url}: {reason}")]
    Open {
        /// Its address, without passwords.
        url: String,
        /// What stands in the way, and what to do about it.
        reason: String,
        /// The cause, where there is one.
        source: Option<Source>,
    },
    /// Anything else that the database says.
    #[error("the database refused the operation")]
    Database(#[source] Source),
}

impl StoreError {
    /// The error of a value, named by `what`, that cannot be stored as JSON.
    #[must_use]
    pub fn unfit_json(what: &'static str, error: &InvalidJson) -> Self {
        Self::Invalid { what, value: error.to_string(), rule: "it must be a value that can be stored as JSON" }
    }
}
