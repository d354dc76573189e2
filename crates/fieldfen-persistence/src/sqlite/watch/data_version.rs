//! Asking SQLite for commits of other connections.

use std::sync::Arc;

use fieldfen_domain::store::StoreError;

use crate::sqlite::group_commit::Writer;

/// What a look has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Another process has committed since the last look.
    Committed,
    /// None has.
    Nothing,
    /// Somebody writes at the moment, and SQLite cannot be asked.
    Unknown,
}

/// The commits of other processes.
///
/// They are asked for on the writer's own connection, since SQLite counts for each connection the commits of all others: any
/// other connection of this process would count the writer's commits too.
pub(super) struct ForeignCommits {
    writer: Arc<Writer>,
    /// SQLite's count; `None` before it was asked.
    version: Option<i64>,
}

impl ForeignCommits {
    /// Commits from now on count.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub(super) fn new(writer: Arc<Writer>) -> Result<Self, StoreError> {
        let version = writer.data_version()?;
        Ok(Self { writer, version })
    }

    /// Looks for commits since the last look.
    ///
    /// Neither the time nor the size of the log can save this question: a commit can be seen only after a flush of the disk,
    /// which changes neither and may take long.
    ///
    /// # Errors
    /// As [`ForeignCommits::new`].
    pub(super) fn look(&mut self) -> Result<Look, StoreError> {
        let Some(version) = self.writer.data_version()? else { return Ok(Look::Unknown) };
        let is_new = self.version.replace(version) != Some(version);
        Ok(if is_new { Look::Committed } else { Look::Nothing })
    }
}
