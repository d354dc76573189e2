//! Waiting for commits, of this process and of others.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

use fieldfen_domain::store::{StoreError, Watch};

use super::group_commit::Writer;

/// How often a waiting watch looks for commits of other processes.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A file whose time is older than this gets another one with the next write. Clocks of file systems tick in 1 to 10 ms.
const SETTLED: Duration = Duration::from_millis(50);

/// Counts the commits of this process that may have made a job due.
#[derive(Default)]
pub(super) struct Commits {
    state: Mutex<CommitsState>,
    more: Condvar,
    /// Whether the store is gone. A thread outside of the store holds this lock while it looks at the writer.
    closed: Mutex<bool>,
}

#[derive(Default)]
struct CommitsState {
    count: u64,
    /// How many wait: waking nobody is a system call too.
    waiting: u32,
}

impl Commits {
    /// One more.
    pub(super) fn announce(&self) {
        let mut state = self.lock();
        state.count += 1;
        if state.waiting > 0 {
            self.more.notify_all();
        }
    }

    /// How many there were.
    pub(super) fn count(&self) -> u64 {
        self.lock().count
    }

    /// From now on no watch looks at the writer, nor keeps it alive.
    pub(super) fn close(&self) {
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }

    /// Waits until there are more than `seen`, and says how many there are.
    fn wait(&self, seen: u64, timeout: Duration) -> u64 {
        let mut state = self.lock();
        state.waiting += 1;
        let (mut state, _) = self
            .more
            .wait_timeout_while(state, timeout, |state| state.count == seen)
            .unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state.count
    }

    fn lock(&self) -> MutexGuard<'_, CommitsState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A watch over a store. It does not keep the store open.
pub(super) struct SqliteWatch {
    commits: Arc<Commits>,
    seen: u64,
    /// The writer, whose connection SQLite tells of other connections' commits; `None` for a database in memory.
    writer: Option<Weak<Writer>>,
    version: Option<i64>,
    /// The file of the log.
    log: Option<PathBuf>,
}

/// When the log was last written, and how long it is.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    bytes: u64,
}

impl Stamp {
    fn of(log: &Path) -> Option<Self> {
        let found = log.metadata().ok()?;
        Some(Self { modified: found.modified().ok()?, bytes: found.len() })
    }

    fn has_settled(&self) -> bool {
        self.modified.elapsed().is_ok_and(|age| age > SETTLED)
    }
}

impl SqliteWatch {
    pub(super) fn new(commits: Arc<Commits>, foreign: Option<&Arc<Writer>>) -> Result<Self, StoreError> {
        let seen = commits.count();
        let version = foreign.map(|writer| writer.data_version()).transpose()?.flatten();
        let log = foreign.and_then(|writer| writer.file()).map(|file| file.beside("-wal"));
        Ok(Self { commits, seen, writer: foreign.map(Arc::downgrade), version, log })
    }

    /// Whether another process has committed since the last look; `None` while this process writes.
    fn foreign_commit(&mut self) -> Result<Option<bool>, StoreError> {
        let closed = self.commits.closed.lock().unwrap_or_else(PoisonError::into_inner);
        let writer = self.writer.as_ref().filter(|_| !*closed).and_then(Weak::upgrade);
        let Some(writer) = writer else { return Ok(Some(false)) };
        let version = writer.data_version();
        drop(writer);
        drop(closed);
        Ok(version?.map(|version| self.version.replace(version) != Some(version)))
    }
}

impl Watch for SqliteWatch {
    fn wait(&mut self, timeout: Duration) -> Result<bool, StoreError> {
        let began = Instant::now();
        // SQLite locks and unlocks to answer, and its answer is the same as long as nobody writes the log.
        let mut unchanged = None;
        loop {
            let stamp = self.log.as_deref().and_then(Stamp::of);
            if stamp.is_none() || stamp != unchanged {
                let committed = self.foreign_commit()?;
                if committed == Some(true) {
                    return Ok(true);
                }
                unchanged = stamp.filter(|stamp| committed.is_some() && stamp.has_settled());
            }
            let left = timeout.saturating_sub(began.elapsed());
            let step = if self.writer.is_some() { left.min(LOOK_EVERY) } else { left };
            let count = self.commits.wait(self.seen, step);
            if count != self.seen {
                self.seen = count;
                return Ok(true);
            }
            if left <= step {
                return Ok(false);
            }
        }
    }
}
