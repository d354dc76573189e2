//! Filters of files: by status, species and time of arrival.

use super::FileStatus;
use crate::OptionalText;
use crate::time::Timestamp;

/// A filter of files. A file passes it if it meets every condition that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileFilter {
    /// Only files of this status.
    pub status: Option<FileStatus>,
    /// Only files of this species.
    pub species: Option<String>,
    /// Only files that arrived in this window of time. A window also decides the order of the files, see
    /// [`FileReads::page`](crate::store::FileReads::page).
    pub arrival: Option<Arrival>,
}

impl FileFilter {
    /// A filter that every file passes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only files of this status; `None` for any.
    #[must_use]
    pub fn status(mut self, status: impl Into<Option<FileStatus>>) -> Self {
        self.status = status.into();
        self
    }

    /// Only files of this species; `None` for any.
    #[must_use]
    pub fn species(mut self, species: impl Into<OptionalText>) -> Self {
        self.species = species.into().0;
        self
    }

    /// Only files that arrived in this window of time, in the order of their arrival; `None` for any.
    #[must_use]
    pub fn arrival(mut self, arrival: impl Into<Option<Arrival>>) -> Self {
        self.arrival = arrival.into();
        self
    }
}

/// A condition on the time of arrival, [`File::created_at`](super::File::created_at).
///
/// Each file passes exactly one of [`Arrival::ANY_TIME`] and [`Arrival::OtherForms`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arrival {
    /// Files that arrived at `since` or later, and before `before`. `None` means no limit.
    Window {
        /// The first time in the window.
        since: Option<Timestamp>,
        /// The first time after the window.
        before: Option<Timestamp>,
    },
    /// Files that pass no window, because another program has left their time of arrival out, or has written it in a
    /// form that the store cannot compare. The documentation of the store names the forms that it compares.
    OtherForms,
}

impl Arrival {
    /// A window that contains every comparable time.
    pub const ANY_TIME: Self = Self::Window { since: None, before: None };

    /// Files that arrived at this time or later.
    #[must_use]
    pub const fn since(time: Timestamp) -> Self {
        Self::Window { since: Some(time), before: None }
    }

    /// Files that arrived before this time.
    #[must_use]
    pub const fn before(time: Timestamp) -> Self {
        Self::Window { since: None, before: Some(time) }
    }

    /// Files that arrived at `since` or later, and before `before`. If `before` is not after `since`, no file passes.
    #[must_use]
    pub const fn between(since: Timestamp, before: Timestamp) -> Self {
        Self::Window { since: Some(since), before: Some(before) }
    }
}
