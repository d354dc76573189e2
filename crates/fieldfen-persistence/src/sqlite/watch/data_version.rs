//! Asks SQLite for commits of other connections.

use std::sync::Arc;

use fieldfen_domain::store::StoreError;

use crate::sqlite::group_commit::Writer;

/// The result of a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PollOutcome {
    /// Another process has committed since the last poll.
    Committed,
    /// There was no such commit.
    Nothing,
    /// Another process is writing, and SQLite cannot be asked.
    Unknown,
}

/// Finds the commits of other processes.
///
/// The question goes through the writer's own connection: SQLite counts for each connection the commits of all other
/// connections, so any other connection of this process would count the writer's commits too.
pub(super) struct ForeignCommits {
    writer: Arc<Writer>,
    /// SQLite's count at the last poll; `None` before the first.
    version: Option<i64>,
}

impl ForeignCommits {
    /// Counts commits from now on.
    ///
    /// # Errors
    /// Any [`StoreError`] of the query.
    pub(super) fn new(writer: Arc<Writer>) -> Result<Self, StoreError> {
        let version = writer.data_version()?;
        Ok(Self { writer, version })
    }

    /// Polls for commits since the last poll.
    ///
    /// The time and the size of the log cannot replace the question: a commit becomes visible only after a flush of the
    /// disk, which changes neither and may take long.
    ///
    /// # Errors
    /// As [`ForeignCommits::new`].
    pub(super) fn poll(&mut self) -> Result<PollOutcome, StoreError> {
        let Some(version) = self.writer.data_version()? else { return Ok(PollOutcome::Unknown) };
        let is_new = self.version.replace(version) != Some(version);
        Ok(if is_new { PollOutcome::Committed } else { PollOutcome::Nothing })
    }
}
