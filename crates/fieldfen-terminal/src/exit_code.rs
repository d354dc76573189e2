//! Exit codes, the same for all programs.

use std::error::Error;
use std::fmt;
use std::io;

use fieldfen_domain::store::StoreError;

use crate::address_error::DatabaseAddressError;

/// The way a program ends. The numbers are part of its interface and never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Success.
    Ok = 0,
    /// A failure without a number of its own.
    Failure = 1,
    /// The arguments, the environment, `.env` or `fieldfen.toml` are wrong. Nothing was done.
    Usage = 2,
    /// The database does not exist or cannot be opened.
    NotOpened = 3,
    /// Another process kept the database locked, or the database could not be reached. Trying again may help.
    Busy = 4,
    /// The schema of the database is not the one that this program needs.
    Schema = 5,
    /// The database, or a row of it, is damaged.
    Corrupt = 6,
    /// The database, a file or a folder cannot be written.
    ReadOnly = 7,
    /// No space is left.
    Full = 8,
    /// Reading or writing failed below the database.
    Io = 9,
    /// The connection was lost during the commit: everything was done, or nothing.
    OutcomeUnknown = 10,
    /// The subject of the command does not exist.
    NotFound = 11,
    /// A rule, or the state of the subject, does not allow the action. Nothing was changed.
    Refused = 12,
    /// The action waits for a worker and was not carried out in the given time, or a person has stopped it.
    NotDoneYet = 13,
    /// The checks were carried out, and at least one has found a problem.
    ProblemsFound = 14,
}

impl Exit {
    /// The exit code of the process.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The name in JSON documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failure => "failure",
            Self::Usage => "usage",
            Self::NotOpened => "not_opened",
            Self::Busy => "busy",
            Self::Schema => "schema",
            Self::Corrupt => "corrupt",
            Self::ReadOnly => "read_only",
            Self::Full => "full",
            Self::Io => "io",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::NotFound => "not_found",
            Self::Refused => "refused",
            Self::NotDoneYet => "not_done_yet",
            Self::ProblemsFound => "problems_found",
        }
    }

    /// This error, which ends the program with this code whatever its causes are.
    pub fn with(self, error: impl Into<Box<dyn Error + Send + Sync>>) -> ExitError {
        ExitError { exit: self, error: error.into() }
    }

    /// The code of an error: the code of its first cause that has one.
    #[must_use]
    pub fn of(error: &anyhow::Error) -> Self {
        error.chain().find_map(Self::of_one).unwrap_or(Self::Failure)
    }

    fn of_one(error: &(dyn Error + 'static)) -> Option<Self> {
        if let Some(error) = error.downcast_ref::<ExitError>() {
            return Some(error.exit);
        }
        if error.is::<DatabaseAddressError>() {
            return Some(Self::Usage);
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                    Some(Self::Full)
                }
                io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Some(Self::ReadOnly),
                io::ErrorKind::StaleNetworkFileHandle => Some(Self::Io),
                // The standard library has no kind for EIO.
                #[cfg(unix)]
                _ if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => Some(Self::Io),
                _ => None,
            };
        }
        match error.downcast_ref::<StoreError>()? {
            StoreError::Busy { .. } | StoreError::Unavailable { .. } | StoreError::Conflict { .. } => Some(Self::Busy),
            StoreError::OutcomeUnknown(_) => Some(Self::OutcomeUnknown),
            StoreError::Full(_) => Some(Self::Full),
            StoreError::ReadOnly(_) => Some(Self::ReadOnly),
            StoreError::Io(_) => Some(Self::Io),
            StoreError::Corrupt(_) | StoreError::BadRow { .. } => Some(Self::Corrupt),
            StoreError::Schema { .. } | StoreError::SchemaChanged { .. } => Some(Self::Schema),
            StoreError::Open { .. } => Some(Self::NotOpened),
            _ => None,
        }
    }
}

/// An error with the exit code of the program. [`Exit::with`] makes it.
#[derive(Debug)]
pub struct ExitError {
    exit: Exit,
    error: Box<dyn Error + Send + Sync>,
}

impl ExitError {
    pub(crate) fn inner(&self) -> &(dyn Error + 'static) {
        self.error.as_ref()
    }
}

impl fmt::Display for ExitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for ExitError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn every_kind_of_store_error_has_its_code() {
        let source = || "sqlite says so".into();
        let schema =
            StoreError::Schema { found: "0001".into(), needed: "0002".into(), remedy: "run `fieldfen-migrate up`" };
        let open = StoreError::Open { url: "x.db".into(), reason: "it is not there".into(), source: None };
        for (error, exit) in [
            (StoreError::Busy { waited_ms: 5, source: source() }, Exit::Busy),
            (StoreError::Full(source()), Exit::Full),
            (StoreError::ReadOnly(source()), Exit::ReadOnly),
            (StoreError::Io(source()), Exit::Io),
            (StoreError::Unavailable { waited_ms: 1, source: source() }, Exit::Busy),
            (StoreError::Conflict { attempts: 3, source: source() }, Exit::Busy),
            (StoreError::OutcomeUnknown(source()), Exit::OutcomeUnknown),
            (StoreError::Corrupt(source()), Exit::Corrupt),
            (schema, Exit::Schema),
            (open, Exit::NotOpened),
            (StoreError::Nested, Exit::Failure),
        ] {
            let error = anyhow::Error::new(error);
            assert_eq!(Exit::of(&error), exit, "{error}");
            let error = error.context("cannot list the files");
            assert_eq!(Exit::of(&error), exit, "{error:#}");
        }
    }

    #[test]
    fn an_error_may_bring_its_own_code_and_keeps_its_text_and_causes() {
        let inner = StoreError::Full("no space".into());
        let result: Result<(), _> = Err(Exit::Schema.with(inner));
        let error = result.context("outer").unwrap_err();
        assert_eq!(Exit::of(&error), Exit::Schema);
        let texts: Vec<_> = error.chain().map(ToString::to_string).collect();
        assert_eq!(texts[0], "outer");
        assert!(texts[1].contains("full"), "{texts:?}");
        assert_eq!(texts[2], "no space");
    }

    #[test]
    fn a_full_disk_and_missing_rights_are_recognised_below_other_errors() {
        for (kind, exit) in [
            (io::ErrorKind::StorageFull, Exit::Full),
            (io::ErrorKind::PermissionDenied, Exit::ReadOnly),
            (io::ErrorKind::Other, Exit::Failure),
        ] {
            let error = anyhow::Error::new(io::Error::from(kind)).context("cannot write the copy");
            assert_eq!(Exit::of(&error), exit);
        }
        assert_eq!(Exit::of(&DatabaseAddressError::Empty.into()), Exit::Usage);
        #[cfg(unix)]
        assert_eq!(Exit::of(&io::Error::from(rustix::io::Errno::IO).into()), Exit::Io);
    }
}
