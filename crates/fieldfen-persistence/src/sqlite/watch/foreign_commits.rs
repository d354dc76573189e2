//! Asking SQLite for commits of other connections.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fieldfen_domain::store::StoreError;

use crate::sqlite::file::open_files::DatabaseFile;
use crate::sqlite::group_commit::Writer;

/// A file whose time is older than this gets another one with the next write. Clocks of file systems tick in 1 to 10 ms.
const SETTLED: Duration = Duration::from_millis(50);

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
    log: PathBuf,
    /// SQLite's count; `None` before it was asked.
    version: Option<i64>,
    /// The log at the last look, if the next write is certain to change that.
    unchanged: Option<LogStamp>,
}

/// When the log was last written, and how long it is.
#[derive(Clone, Copy, PartialEq, Eq)]
struct LogStamp {
    modified: SystemTime,
    bytes: u64,
}

impl LogStamp {
    fn of(log: &Path) -> Option<Self> {
        let found = log.metadata().ok()?;
        Some(Self { modified: found.modified().ok()?, bytes: found.len() })
    }

    fn has_settled(&self) -> bool {
        self.modified.elapsed().is_ok_and(|age| age > SETTLED)
    }
}

impl ForeignCommits {
    /// Commits from now on count.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub(super) fn new(writer: Arc<Writer>, file: &DatabaseFile) -> Result<Self, StoreError> {
        let version = writer.data_version()?;
        Ok(Self { writer, log: file.beside("-wal"), version, unchanged: None })
    }

    /// Looks for commits since the last look.
    ///
    /// # Errors
    /// As [`ForeignCommits::new`].
    pub(super) fn look(&mut self) -> Result<Look, StoreError> {
        // SQLite locks and unlocks to answer, and its answer is the same as long as nobody writes the log.
        let stamp = LogStamp::of(&self.log);
        if stamp.is_some() && stamp == self.unchanged {
            return Ok(Look::Nothing);
        }
        let Some(version) = self.writer.data_version()? else {
            self.unchanged = None;
            return Ok(Look::Unknown);
        };
        self.unchanged = stamp.filter(LogStamp::has_settled);
        let is_new = self.version.replace(version) != Some(version);
        Ok(if is_new { Look::Committed } else { Look::Nothing })
    }
}
