//! The one connection that writes, and its group commit.
//!
//! A commit under full durability costs a flush of the disk, however little it holds. Writers that come while another
//! one is at work therefore share one transaction and one flush: each runs in a savepoint of its own, whoever finds
//! nobody else waiting commits, and all of them return only after that.
//!
//! Some errors (disk full, I/O error, out of memory, interrupt) make SQLite roll back the whole transaction, not only
//! the savepoint (<https://sqlite.org/lang_transaction.html>, "Response To Errors Within A Transaction"). Then everyone
//! in the batch fails, and the next batch begins afresh: nobody who was told Ok is left out.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;

use super::error::Classify;
use super::session::SqliteSession;
use super::settings::{self, SqliteOptions};
use super::statement::{BeginImmediate, Commit, Release, Rollback, RollbackTo, Savepoint, statement};
use super::turn::{Turn, Turnstile};
use super::watch::Commits;
use crate::url::SqliteUrl;

/// After this time a batch is committed even though others wait to join it.
const LONGEST_BATCH: Duration = Duration::from_millis(50);

/// Where the writer works.
///
/// Beyond 64 KiB SQLite keeps what it needs to undo a savepoint in a temporary file, made anew every time; it belongs
/// into memory. And the bundled SQLite lets all connections of a process share one pool of cached pages: one that has used
/// up its own part takes those of others, and from then on the others drop each page as soon as it is not in use. Eight
/// MiB keep the hot pages of a queue of a million jobs.
const WORKING_MEMORY: &str = "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768";

/// How often a thread lets others go first before it goes to sleep for the lock.
///
/// To be woken, most often on another core, takes longer than a small write. During a commit a thread sleeps at once.
const YIELDS: u32 = 400;

/// A log larger than this is cut back by [`Writer::maintain`], waiting for readers if need be.
const LARGE_LOG: u64 = 16 << 20;

statement! {
    /// A number that changes whenever another connection has committed.
    DataVersion {} -> (BigInt,) = "PRAGMA data_version"
}

/// The connection that writes.
pub(super) struct Writer {
    inner: Mutex<Inner>,
    /// How many threads are about to take `inner`.
    waiting: AtomicUsize,
    /// Whether `inner` is held for a commit.
    committing: AtomicBool,
    commits: Arc<Commits>,
    turnstile: Option<Turnstile>,
    file: Option<DatabaseFile>,
    options: SqliteOptions,
}

struct Inner {
    conn: SqliteConnection,
    batch: Option<OpenBatch>,
}

/// The transaction that is open.
struct OpenBatch {
    shared: Arc<Batch>,
    /// Ends after the commit.
    _turn: Option<Turn>,
    writes: u32,
    announces: bool,
    began: Instant,
}

/// What the writers of one batch wait for.
#[derive(Default)]
struct Batch {
    state: Mutex<BatchState>,
    decided: Condvar,
}

#[derive(Default)]
struct BatchState {
    outcome: Option<Result<(), Arc<StoreError>>>,
    /// How many wait: waking nobody is a system call too.
    waiting: u32,
}

/// What became of one writer's closure, before the batch is committed.
enum Part<T, E> {
    /// It is in the batch.
    Joined(T),
    /// It failed and is undone.
    Failed(E),
    /// It panicked and is undone.
    Panicked(Box<dyn Any + Send>),
}

impl Writer {
    pub(super) fn open(url: &SqliteUrl, options: SqliteOptions, commits: Arc<Commits>) -> Result<Self, StoreError> {
        let mut conn = settings::writer(url, &options)?;
        conn.batch_execute(WORKING_MEMORY).store()?;
        let file = url.path().map(DatabaseFile::remember).transpose()?;
        let path = url.path().filter(|_| options.fair);
        let turnstile = path.and_then(|path| Turnstile::open(path, options.busy_timeout));
        let inner = Mutex::new(Inner { conn, batch: None });
        Ok(Self {
            inner,
            waiting: AtomicUsize::new(0),
            committing: AtomicBool::new(false),
            commits,
            turnstile,
            file,
            options,
        })
    }

    /// Runs `f` as a part of a batch, and returns after the batch is committed.
    pub(super) fn write<T, E, F>(&self, mut f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut SqliteSession<'_>) -> Result<T, E>,
    {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let mut inner = self.lock();
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        if inner.batch.is_none() {
            let batch = self.begin(&mut inner.conn)?;
            inner.batch = Some(batch);
        }
        let part = self.run(&mut inner, &mut f)?;
        let Some(batch) = inner.batch.as_mut() else {
            return match part {
                Part::Joined(_) => Err(lost_transaction().into()),
                Part::Failed(error) => Err(error),
                Part::Panicked(panic) => resume_unwind(panic),
            };
        };
        let full = batch.writes >= self.options.batch.max(1) || batch.began.elapsed() >= LONGEST_BATCH;
        let shared = Arc::clone(&batch.shared);
        let committed = if full || self.waiting.load(Ordering::SeqCst) == 0 { self.commit(&mut inner) } else { None };
        drop(inner);
        match (part, committed) {
            (Part::Joined(value), Some(outcome)) => {
                outcome.map(|()| value).map_err(|reason| shared_error(&reason).into())
            }
            (Part::Joined(value), None) => shared.wait().map(|()| value).map_err(E::from),
            (Part::Failed(error), _) => Err(error),
            (Part::Panicked(panic), _) => resume_unwind(panic),
        }
    }

    /// Runs `f` on the writer's connection between two batches.
    pub(super) fn between_batches<T>(
        &self,
        f: impl FnOnce(&mut SqliteConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let mut inner = self.lock();
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        self.commit(&mut inner);
        f(&mut inner.conn)
    }

    /// SQLite's count of other connections' commits; `None` while this process writes.
    pub(super) fn data_version(&self) -> Result<Option<i64>, StoreError> {
        let mut inner = match self.inner.try_lock() {
            Ok(inner) => inner,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(None),
        };
        let (version,) = DataVersion {}.get_result::<(i64,)>(&mut inner.conn).store()?;
        Ok(Some(version))
    }

    /// Refreshes the planner's statistics where they are out of date, and cuts the log back.
    pub(super) fn maintain(&self, url: &SqliteUrl) -> Result<(), StoreError> {
        left_to_next_time(self.between_batches(|conn| conn.batch_execute("PRAGMA optimize").store()))?;
        let Some(path) = url.path() else { return Ok(()) };
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let large = std::fs::metadata(&log).is_ok_and(|log| log.len() > LARGE_LOG);
        // A passive checkpoint waits for nobody. Only one that truncates starts the log anew while readers overlap.
        let checkpoint = if large { "TRUNCATE" } else { "PASSIVE" };
        let mut conn = settings::writer(url, &self.options)?;
        left_to_next_time(conn.batch_execute(&format!("PRAGMA wal_checkpoint({checkpoint})")).store())
    }

    /// How many threads are about to join a batch.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        for _ in 0..YIELDS {
            match self.inner.try_lock() {
                Ok(inner) => return inner,
                Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
                Err(TryLockError::WouldBlock) if self.committing.load(Ordering::Relaxed) => break,
                Err(TryLockError::WouldBlock) => std::thread::yield_now(),
            }
        }
        // Closures panic inside `catch_unwind`, so that a poisoned mutex holds no half-done work.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, conn: &mut SqliteConnection) -> Result<OpenBatch, StoreError> {
        let began = Instant::now();
        if let Some(file) = &self.file {
            file.check()?;
        }
        let turn = self.turnstile.as_ref().and_then(Turnstile::enter);
        BeginImmediate {}.execute(conn).store().map_err(|error| waited(error, began.elapsed()))?;
        Ok(OpenBatch { shared: Arc::default(), _turn: turn, writes: 0, announces: false, began })
    }

    /// Runs one writer's closure in the open batch. Afterwards the batch is still open, unless its transaction is lost.
    fn run<T, E, F>(&self, inner: &mut Inner, f: &mut F) -> Result<Part<T, E>, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut SqliteSession<'_>) -> Result<T, E>,
    {
        let Inner { conn, batch } = inner;
        // The first writer is the whole transaction so far: it needs no savepoint to be undone.
        let alone = batch.as_ref().is_none_or(|batch| batch.writes == 0);
        if !alone && let Err(error) = (Savepoint {}).execute(conn).store() {
            self.abandon(inner, Arc::new(error));
            return Err(lost_transaction().into());
        }
        let mut session = SqliteSession::new(conn);
        let outcome = catch_unwind(AssertUnwindSafe(|| f(&mut session)));
        let announces = session.announces;
        let part = match outcome {
            Ok(Ok(value)) => Part::Joined(value),
            Ok(Err(error)) => Part::Failed(error),
            Err(panic) => Part::Panicked(panic),
        };
        let ended = match (&part, alone) {
            (Part::Joined(_), true) => Ok(()),
            (Part::Joined(_), false) => Release {}.execute(conn).map(drop),
            (_, true) => Rollback {}.execute(conn).map(drop),
            (_, false) => RollbackTo {}.execute(conn).and_then(|_| Release {}.execute(conn)).map(drop),
        };
        match (ended, batch) {
            (Ok(()), Some(batch)) if matches!(part, Part::Joined(_)) => {
                batch.writes += 1;
                batch.announces |= announces;
            }
            (Ok(()), _) if !alone => {}
            // The only writer is undone: there is nothing to commit.
            (Ok(()), _) => inner.batch = None,
            (Err(error), _) => self.abandon(inner, Arc::new(super::classify(error))),
        }
        Ok(part)
    }

    /// Commits the open batch, tells its writers, and says what became of it; `None` when there is none.
    fn commit(&self, inner: &mut Inner) -> Option<Result<(), Arc<StoreError>>> {
        let announces = inner.batch.as_ref()?.announces;
        self.committing.store(true, Ordering::Relaxed);
        let committed = (Commit {}).execute(&mut inner.conn).store();
        self.committing.store(false, Ordering::Relaxed);
        Some(match committed {
            Ok(_) => {
                if let Some(batch) = inner.batch.take() {
                    batch.shared.decide(Ok(()));
                }
                if announces {
                    self.commits.announce();
                }
                Ok(())
            }
            Err(error) => {
                let reason = Arc::new(error);
                self.abandon(inner, Arc::clone(&reason));
                Err(reason)
            }
        })
    }

    /// Gives up the open transaction: all its writers fail.
    fn abandon(&self, inner: &mut Inner, reason: Arc<StoreError>) {
        // SQLite may have rolled back already, and then this fails.
        let _ = Rollback {}.execute(&mut inner.conn);
        if let Some(batch) = inner.batch.take() {
            batch.shared.decide(Err(reason));
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The last connection to close empties the log; statistics gathered now serve the next program.
        let inner = self.inner.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = inner.conn.batch_execute("PRAGMA optimize");
    }
}

impl Batch {
    fn decide(&self, outcome: Result<(), Arc<StoreError>>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.outcome = Some(outcome);
        if state.waiting > 0 {
            self.decided.notify_all();
        }
    }

    fn wait(&self) -> Result<(), StoreError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match &state.outcome {
                Some(Ok(())) => return Ok(()),
                Some(Err(reason)) => return Err(shared_error(reason)),
                None => {
                    state.waiting += 1;
                    state = self.decided.wait(state).unwrap_or_else(PoisonError::into_inner);
                    state.waiting -= 1;
                }
            }
        }
    }
}

/// The file that was opened, to notice when another one, or none, stands at its path.
struct DatabaseFile {
    path: PathBuf,
    #[cfg(unix)]
    id: (u64, u64),
}

impl DatabaseFile {
    fn remember(path: &Path) -> Result<Self, StoreError> {
        let found = std::fs::metadata(path).map_err(|error| StoreError::Io(error.into()))?;
        Ok(Self {
            path: path.to_owned(),
            #[cfg(unix)]
            id: identity(&found),
        })
    }

    /// A file that was deleted or replaced can still be written, and everything written would be lost.
    fn check(&self) -> Result<(), StoreError> {
        let found = std::fs::metadata(&self.path).map_err(|error| StoreError::Io(error.into()))?;
        #[cfg(unix)]
        if identity(&found) != self.id {
            return Err(StoreError::Io("another file has taken the place of the database: open it anew".into()));
        }
        Ok(())
    }
}

#[cfg(unix)]
fn identity(found: &std::fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (found.dev(), found.ino())
}

/// A busy error that says how long was waited.
fn waited(error: StoreError, time: Duration) -> StoreError {
    match error {
        StoreError::Busy { source, .. } => StoreError::Busy { waited_ms: settings::milliseconds(time), source },
        other => other,
    }
}

/// Upkeep that meets a busy database is no failure: the next one tries again.
fn left_to_next_time(result: Result<(), StoreError>) -> Result<(), StoreError> {
    match result {
        Err(StoreError::Busy { .. }) => Ok(()),
        result => result,
    }
}

fn lost_transaction() -> StoreError {
    StoreError::Database("the transaction was rolled back by an earlier error".into())
}

/// One writer's own copy of the error that all writers of a batch get.
fn shared_error(reason: &Arc<StoreError>) -> StoreError {
    /// Lets one error be the source of several.
    #[derive(Debug, thiserror::Error)]
    #[error(transparent)]
    struct Shared(Arc<StoreError>);

    let source = Box::new(Shared(Arc::clone(reason)));
    match **reason {
        StoreError::Busy { waited_ms, .. } => StoreError::Busy { waited_ms, source },
        StoreError::Full(_) => StoreError::Full(source),
        StoreError::ReadOnly(_) => StoreError::ReadOnly(source),
        StoreError::Io(_) => StoreError::Io(source),
        StoreError::Corrupt(_) => StoreError::Corrupt(source),
        _ => StoreError::Database(source),
    }
}
