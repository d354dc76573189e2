//! The one connection that writes, and its group commit.
//!
//! A commit under full durability flushes the disk once, whatever its size. Writers that arrive while another writer is
//! at work therefore share one transaction and one flush. Each writer runs in its own savepoint, the last one commits,
//! and all of them return after the commit.
//!
//! Some errors (disk full, I/O error, out of memory, interrupt) make SQLite roll back the whole transaction, not only
//! the savepoint (<https://sqlite.org/lang_transaction.html>, "Response To Errors Within A Transaction"). Then every
//! writer of the batch gets the error, and the next batch begins with a new transaction.

mod batch;
mod checkpoint;
#[cfg(test)]
pub(super) mod tests;
mod timing;
mod transaction;
#[cfg(test)]
mod waits_test;

use std::any::Any;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;
use parking_lot::{Mutex, MutexGuard};

use self::batch::{Batch, OpenBatch};
use self::checkpoint::Checkpointer;
use self::timing::{TransactionTiming, WriteTiming, timed};
use crate::sqlite::cached_statement::{Begin, BeginImmediate, Rollback, statement};
use crate::sqlite::connection::hooks::{HookControl, OpenConnection};
use crate::sqlite::connection::open::{self, PutIntoWal};
use crate::sqlite::connection::options::SqliteOptions;
use crate::sqlite::connection::raw_handle::RawHandle;
use crate::sqlite::deadline::Deadline;
use crate::sqlite::error::{Classify, shared_error};
use crate::sqlite::fair_lock::FairLock;
use crate::sqlite::file::header::KnownHeader;
use crate::sqlite::file::replaced_files::{DatabaseFile, OpenFiles};
use crate::sqlite::file::wal::CommitMark;
use crate::sqlite::session::SqliteSession;
use crate::sqlite::url::SqliteUrl;
use crate::sqlite::watch::CommitNotifier;

/// The longest time that a batch stays open for more writers to join.
const MAX_BATCH_AGE: Duration = Duration::from_millis(50);

/// The writer's memory settings.
///
/// `temp_store`: SQLite writes the undo data of a savepoint beyond 64 KiB into a new temporary file each time, unless
/// it may keep the data in memory. `cache_size`: the bundled SQLite shares one pool of cached pages between all
/// connections of a process. A connection that has used up its own part takes pages from the others, and those then
/// drop each page as soon as it is not in use. 32 MiB hold the hot pages of a queue of a million jobs, and the inner
/// pages of an index of ten million hashes.
const MEMORY_SETTINGS: &str = "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768";

/// See [`checkpoint`].
const NO_AUTOMATIC_CHECKPOINT: &str = "PRAGMA wal_autocheckpoint = 0";

/// The number of times that a thread tries the writer's mutex and yields before it sleeps.
///
/// Waking a sleeping thread, most often on another core, takes longer than a small write. A thread that finds a commit
/// under way sleeps at once.
const SPIN_LIMIT: u32 = 400;

/// The longest wait of a writer for the fair lock. The writer then goes on without the lock.
///
/// The holder may be suspended. The lock only orders the writers; SQLite's own lock protects the data.
const FAIR_LOCK_TIMEOUT: Duration = Duration::from_millis(250);

/// If `BEGIN IMMEDIATE` takes longer, another process held SQLite's write lock.
const UNCONTENDED_BEGIN: Duration = Duration::from_millis(5);

/// The shortest wait for the outcome of a batch, also for a writer whose deadline has passed during the commit.
const MIN_OUTCOME_WAIT: Duration = Duration::from_millis(1);

statement! {
    /// Returns a number that changes with each commit of another connection.
    DataVersion {} -> (BigInt,) = "PRAGMA data_version"
}

statement! {
    /// Reads the first page.
    Schema {} = "SELECT 1 FROM sqlite_schema LIMIT 1"
}

/// The connection of a store that writes, shared by all threads of the process.
pub(super) struct Writer {
    inner: Mutex<Inner>,
    /// The number of threads that wait for `inner`.
    pub(super) waiting: AtomicUsize,
    /// Whether `inner` is held for a commit.
    committing: AtomicBool,
    commits: Arc<CommitNotifier>,
    fair_lock: Option<FairLock>,
    files: Option<OpenFiles>,
    options: SqliteOptions,
    /// See [`MAX_BATCH_AGE`]; tests set other values.
    pub(super) max_batch_age: Duration,
}

struct Inner {
    /// Dropped before the connection.
    checkpointer: Checkpointer,
    conn: SqliteConnection,
    /// Commits are forbidden while a batch is open, so that only [`Writer::commit`] commits it.
    control: HookControl,
    handle: RawHandle,
    /// `None` for a database in memory.
    contents: Option<KnownHeader>,
    /// The time of the last check that found the files in place.
    checked_at: Instant,
    /// The last answer of [`Writer::data_version`], and the index of the log before that question.
    answered: Option<(CommitMark, i64)>,
    batch: Option<OpenBatch>,
    /// The timing of the open batch, or of the last one.
    timing: TransactionTiming,
    /// See [`SqliteSession::expects_limits`].
    expects_limits: bool,
}

/// The result of one writer's closure, before its batch is committed.
enum WriteOutcome<T, E> {
    /// The closure succeeded, and its changes are part of this batch.
    Joined(T, Arc<Batch>),
    /// The closure returned an error, and its changes are undone.
    Failed(E),
    /// The closure panicked, and its changes are undone.
    Panicked(Box<dyn Any + Send>),
    /// The whole transaction was rolled back.
    RolledBack(Arc<StoreError>),
}

impl Writer {
    pub(super) fn open(
        url: &SqliteUrl,
        options: SqliteOptions,
        commits: Arc<CommitNotifier>,
        deadline: &Deadline,
        put_into_wal: PutIntoWal,
    ) -> Result<Self, StoreError> {
        let OpenConnection { mut conn, control, handle, .. } =
            open::open_writer(url, &options, deadline, put_into_wal)?;
        control.set_busy_timeout(deadline.left());
        conn.batch_execute(MEMORY_SETTINGS).store()?;
        conn.batch_execute(NO_AUTOMATIC_CHECKPOINT).store()?;
        let database = url.path().map(DatabaseFile::remember).transpose()?;
        // SQLite opens the log when it first reads the database.
        deadline.with_total_wait(Begin {}.execute(&mut conn).and_then(|_| Schema {}.execute(&mut conn)).store())?;
        let files = database.map(OpenFiles::remember).transpose()?;
        let contents = files.as_ref().map(OpenFiles::check).transpose()?;
        let contents = contents.map(|stamp| KnownHeader::of(stamp, &mut conn, &handle));
        Rollback {}.execute(&mut conn).store()?;
        let fair_lock = files
            .as_ref()
            .filter(|_| options.fair)
            .and_then(|files| FairLock::open(files.database().path(), FAIR_LOCK_TIMEOUT.min(options.busy_timeout / 2)));
        let checkpointer = Checkpointer::new(files.clone(), options.clone());
        let inner = Mutex::new(Inner {
            checkpointer,
            conn,
            control,
            handle,
            contents,
            checked_at: Instant::now(),
            answered: None,
            batch: None,
            timing: TransactionTiming::default(),
            expects_limits: false,
        });
        Ok(Self {
            inner,
            waiting: AtomicUsize::new(0),
            committing: AtomicBool::new(false),
            commits,
            fair_lock,
            files,
            options,
            max_batch_age: MAX_BATCH_AGE,
        })
    }

    /// Runs `f` in the open batch, or in a new one, and returns after the commit of the batch.
    ///
    /// # Errors
    /// The error of `f`; [`StoreError::Busy`] when the wait for other threads, other processes and the commit of the
    /// batch took longer than `busy_timeout`; otherwise the reason for which the batch was rolled back.
    pub(super) fn write<T, E, F>(&self, mut f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut SqliteSession<'_>) -> Result<T, E>,
    {
        let mut deadline = Deadline::after(self.options.busy_timeout);
        let mut timing = WriteTiming::default();
        let mut inner = timed(&mut timing.queue, || self.lock(&deadline))?;
        if inner.batch.as_ref().is_some_and(|batch| batch.shared.is_cancelled()) {
            Self::rollback_batch(&mut inner, StoreError::Database("its batch has been cancelled".into()));
        }
        if inner.batch.is_none() {
            let begun = self.begin(&mut inner, &deadline);
            timing.transaction = inner.timing;
            begun?;
        }
        let outcome = deadline.without(|| timed(&mut timing.closure, || Self::run(&mut inner, &mut f)));
        // A writer that is close to its deadline cannot wait for others to join.
        let full = inner.batch.as_ref().is_some_and(|batch| {
            batch.writes >= self.options.batch.max(1)
                || batch.began.elapsed() >= self.max_batch_age
                || deadline.left() < MAX_BATCH_AGE
        });
        let mut committed = None;
        if full || self.waiting.load(Ordering::SeqCst) == 0 {
            committed = self.commit(&mut inner);
            timing.transaction.commit = inner.timing.commit;
            timing.transaction.checkpoint = inner.timing.checkpoint;
        }
        drop(inner);
        match outcome {
            WriteOutcome::Joined(value, batch) => {
                let waited = || timed(&mut timing.outcome, || self.wait_for_outcome(&batch, &deadline));
                match committed.unwrap_or_else(waited) {
                    Ok(()) => Ok(value),
                    Err(reason) => Err(shared_error(&reason, deadline.waited_ms()).into()),
                }
            }
            WriteOutcome::Failed(error) => Err(error),
            WriteOutcome::Panicked(panic) => resume_unwind(panic),
            WriteOutcome::RolledBack(reason) => Err(shared_error(&reason, deadline.waited_ms()).into()),
        }
    }

    /// Waits for the outcome of a batch that another thread is expected to commit.
    ///
    /// If the thread that was about to join the batch does not run, this thread commits it. If the closure of another
    /// thread keeps the batch open beyond this writer's deadline, the batch is cancelled: the closure may be waiting
    /// for this very thread.
    fn wait_for_outcome(&self, batch: &Arc<Batch>, deadline: &Deadline) -> Result<(), Arc<StoreError>> {
        loop {
            if let Some(outcome) = batch.wait(self.max_batch_age.min(deadline.left().max(MIN_OUTCOME_WAIT))) {
                return outcome;
            }
            match self.inner.try_lock() {
                Some(mut inner) if inner.batch.as_ref().is_some_and(|open| Arc::ptr_eq(&open.shared, batch)) => {
                    self.commit(&mut inner);
                }
                None if deadline.is_over() => {
                    batch.cancel(deadline.busy("another thread of this program keeps the transaction open"));
                }
                Some(_) | None => {}
            }
        }
    }

    /// Commits the open batch, and runs `f` on the connection before another batch begins.
    pub(super) fn with_connection<T>(
        &self,
        deadline: &Deadline,
        f: impl FnOnce(&mut SqliteConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut inner = self.lock(deadline)?;
        self.commit(&mut inner);
        inner.control.set_busy_timeout(deadline.left());
        deadline.with_total_wait(f(&mut inner.conn))
    }

    /// Fails if the database can be read but not written, for example because the log belongs to another user. Does not
    /// wait for the write lock, since a later write can succeed although the lock is taken now.
    pub(super) fn check_writable(&self, deadline: &Deadline) -> Result<(), StoreError> {
        let mut inner = self.lock(deadline)?;
        self.commit(&mut inner);
        inner.control.set_busy_timeout(Duration::ZERO);
        let begun = BeginImmediate {}.execute(&mut inner.conn);
        match begun.and_then(|_| Rollback {}.execute(&mut inner.conn)).map(drop).store() {
            Err(StoreError::Busy { .. }) => Ok(()),
            result => result,
        }
    }

    /// A number that changes with each commit of another connection. `None` while this process writes, or while another
    /// process holds a lock that the query needs. Does not wait.
    pub(super) fn data_version(&self) -> Result<Option<i64>, StoreError> {
        let Some(mut inner) = self.inner.try_lock() else { return Ok(None) };
        let Inner { conn, control, handle, answered, .. } = &mut *inner;
        // Every commit changes the header of the log's index. Reading it needs no lock and no system call.
        let index = handle.read_log_index(conn).map(CommitMark::of);
        if let Some((before, version)) = answered
            && index.is_some_and(|now| now == *before && now.is_in_use())
        {
            return Ok(Some(*version));
        }
        control.set_busy_timeout(Duration::ZERO);
        let answer = DataVersion {}.get_result::<(i64,)>(conn).store();
        match answer {
            Ok((version,)) => {
                *answered = index.map(|index| (index, version));
                Ok(Some(version))
            }
            Err(StoreError::Busy { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The database file; `None` for a database in memory.
    pub(super) fn file(&self) -> Option<&DatabaseFile> {
        self.files().map(OpenFiles::database)
    }

    /// The database file with its log and index; `None` for a database in memory.
    pub(super) const fn files(&self) -> Option<&OpenFiles> {
        self.files.as_ref()
    }

    pub(super) const fn options(&self) -> &SqliteOptions {
        &self.options
    }

    /// Locks the connection, after the threads that use it.
    fn lock(&self, deadline: &Deadline) -> Result<MutexGuard<'_, Inner>, StoreError> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let locked = self.lock_until(deadline);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        locked.ok_or_else(|| deadline.busy("another thread of this program is writing"))
    }

    fn lock_until(&self, deadline: &Deadline) -> Option<MutexGuard<'_, Inner>> {
        for _ in 0..SPIN_LIMIT {
            if let Some(inner) = self.inner.try_lock() {
                return Some(inner);
            }
            if self.committing.load(Ordering::Relaxed) || deadline.is_over() {
                break;
            }
            std::thread::yield_now();
        }
        match deadline.at() {
            Some(at) => self.inner.try_lock_until(at),
            None => Some(self.inner.lock()),
        }
    }
}
