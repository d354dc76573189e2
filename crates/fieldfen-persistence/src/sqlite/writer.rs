//! The one connection that writes, and its group commit.
//!
//! A commit under full durability costs a flush of the disk, however little it holds. Writers that come while another
//! one is at work therefore share one transaction and one flush: each runs in a savepoint of its own, the last of them
//! commits, and all of them return only after that.
//!
//! Some errors (disk full, I/O error, out of memory, interrupt) make SQLite roll back the whole transaction, not only
//! the savepoint (<https://sqlite.org/lang_transaction.html>, "Response To Errors Within A Transaction"). Then everyone
//! in the batch fails, and the next batch begins afresh: nobody who was told Ok is left out.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::StoreError;
use parking_lot::{Mutex, MutexGuard};

use super::batch::{Batch, OpenBatch, shared_error};
use super::busy;
use super::database_file::{DatabaseFile, OpenFiles};
use super::deadline::Deadline;
use super::error::{Classify, take_failure};
use super::file_header::Contents;
use super::log_file;
use super::opening::{Control, Handle, Opened};
use super::session::SqliteSession;
use super::settings::{self, SqliteOptions};
use super::statement::{Begin, BeginImmediate, Commit, Release, Rollback, RollbackTo, Savepoint, statement};
use super::turn::Turnstile;
use super::watch::Commits;
use crate::url::SqliteUrl;

/// After this time a batch is committed even though others wait to join it.
const LONGEST_BATCH: Duration = Duration::from_millis(50);

/// Where the writer works.
///
/// Beyond 64 KiB SQLite keeps what it needs to undo a savepoint in a temporary file, made anew every time; it belongs
/// into memory. And the bundled SQLite lets all connections of a process share one pool of cached pages: one that has used
/// up its own part takes those of others, and from then on the others drop each page as soon as it is not in use. 32 MiB
/// keep the hot pages of a queue of a million jobs, and the inner pages of an index of ten million hashes.
const WORKING_MEMORY: &str = "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768";

/// How often a thread lets others go first before it goes to sleep for the lock.
///
/// To be woken, most often on another core, takes longer than a small write. During a commit a thread sleeps at once.
const YIELDS: u32 = 400;

/// How long a writer waits for a turn. Turns only make the order fair, and the process that holds one may be suspended.
const LONGEST_TURN: Duration = Duration::from_millis(250);

/// A write transaction that takes longer to begin has found SQLite's lock taken.
const FREE_WITHIN: Duration = Duration::from_millis(5);

/// How long a thread sleeps before it looks again for the outcome of a batch that is being committed.
const LEAST_WAIT: Duration = Duration::from_millis(1);

statement! {
    /// A number that changes whenever another connection has committed.
    DataVersion {} -> (BigInt,) = "PRAGMA data_version"
}

statement! {
    /// Reads the first page.
    Schema {} = "SELECT 1 FROM sqlite_schema LIMIT 1"
}

/// The connection that writes.
pub(super) struct Writer {
    inner: Mutex<Inner>,
    /// How many threads are about to take `inner`.
    pub(super) waiting: AtomicUsize,
    /// Whether `inner` is held for a commit.
    committing: AtomicBool,
    commits: Arc<Commits>,
    turnstile: Option<Turnstile>,
    files: Option<OpenFiles>,
    options: SqliteOptions,
    /// After this time a batch is committed even though others wait to join it.
    pub(super) longest_batch: Duration,
}

struct Inner {
    conn: SqliteConnection,
    /// Commits are forbidden while a batch is open, so that only [`Writer::commit`] commits it.
    control: Control,
    handle: Handle,
    /// `None` for a database in memory.
    contents: Option<Contents>,
    batch: Option<OpenBatch>,
}

/// What became of one writer's closure, before the batch is committed.
enum Part<T, E> {
    /// It is in this batch.
    Joined(T, Arc<Batch>),
    /// It failed and is undone.
    Failed(E),
    /// It panicked and is undone.
    Panicked(Box<dyn Any + Send>),
    /// It is lost with the whole transaction.
    Lost(Arc<StoreError>),
}

impl Writer {
    pub(super) fn open(
        url: &SqliteUrl,
        options: SqliteOptions,
        commits: Arc<Commits>,
        deadline: &Deadline,
    ) -> Result<Self, StoreError> {
        let Opened { mut conn, control, handle, .. } = settings::gated_writer(url, &options, deadline)?;
        control.set_busy_timeout(deadline.left());
        conn.batch_execute(WORKING_MEMORY).store()?;
        let database = url.path().map(DatabaseFile::remember).transpose()?;
        // The log is there once the database has been read.
        deadline.told(Begin {}.execute(&mut conn).and_then(|_| Schema {}.execute(&mut conn)).store())?;
        let files = database.map(OpenFiles::remember).transpose()?;
        let contents = files.as_ref().map(OpenFiles::check).transpose()?;
        let contents = contents.map(|found| Contents::of(&found, &mut conn, &handle));
        Rollback {}.execute(&mut conn).store()?;
        let turnstile = files
            .as_ref()
            .filter(|_| options.fair)
            .and_then(|files| Turnstile::open(files.database().path(), LONGEST_TURN.min(options.busy_timeout / 2)));
        let inner = Mutex::new(Inner { conn, control, handle, contents, batch: None });
        Ok(Self {
            inner,
            waiting: AtomicUsize::new(0),
            committing: AtomicBool::new(false),
            commits,
            turnstile,
            files,
            options,
            longest_batch: LONGEST_BATCH,
        })
    }

    /// Runs `f` as a part of a batch, and returns after the batch is committed.
    pub(super) fn write<T, E, F>(&self, mut f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut SqliteSession<'_>) -> Result<T, E>,
    {
        let mut deadline = Deadline::after(self.options.busy_timeout);
        let mut inner = self.lock(&deadline)?;
        if inner.batch.as_ref().is_some_and(|batch| batch.shared.is_given_up()) {
            Self::abandon(&mut inner, StoreError::Database("its batch has been given up".into()));
        }
        if inner.batch.is_none() {
            self.begin(&mut inner, &deadline)?;
        }
        let part = deadline.without(|| Self::run(&mut inner, &mut f));
        // A writer that has waited for almost as long as it may has no time left for others that join.
        let full = inner.batch.as_ref().is_some_and(|batch| {
            batch.writes >= self.options.batch.max(1)
                || batch.began.elapsed() >= self.longest_batch
                || deadline.left() < LONGEST_BATCH
        });
        let committed = if full || self.waiting.load(Ordering::SeqCst) == 0 { self.commit(&mut inner) } else { None };
        drop(inner);
        match part {
            Part::Joined(value, batch) => match committed.unwrap_or_else(|| self.outcome(&batch, &deadline)) {
                Ok(()) => Ok(value),
                Err(reason) => Err(shared_error(&reason, deadline.waited_ms()).into()),
            },
            Part::Failed(error) => Err(error),
            Part::Panicked(panic) => resume_unwind(panic),
            Part::Lost(reason) => Err(shared_error(&reason, deadline.waited_ms()).into()),
        }
    }

    /// What became of a batch that somebody else was to commit. If the thread that was about to join it has been stopped,
    /// this one commits it. If another thread's closure keeps it open until this writer's time is over, it fails as a whole:
    /// that closure may wait for this thread.
    fn outcome(&self, batch: &Arc<Batch>, deadline: &Deadline) -> Result<(), Arc<StoreError>> {
        loop {
            if let Some(outcome) = batch.wait(self.longest_batch.min(deadline.left().max(LEAST_WAIT))) {
                return outcome;
            }
            match self.inner.try_lock() {
                Some(mut inner) if inner.batch.as_ref().is_some_and(|open| Arc::ptr_eq(&open.shared, batch)) => {
                    self.commit(&mut inner);
                }
                None if deadline.is_over() => {
                    batch.give_up(deadline.busy("another thread of this program keeps the transaction open"));
                }
                Some(_) | None => {}
            }
        }
    }

    /// Runs `f` on the writer's connection between two batches.
    pub(super) fn between_batches<T>(
        &self,
        deadline: &Deadline,
        f: impl FnOnce(&mut SqliteConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut inner = self.lock(deadline)?;
        self.commit(&mut inner);
        inner.control.set_busy_timeout(deadline.left());
        deadline.told(f(&mut inner.conn))
    }

    /// Fails where the database can be read but not written, as with a log that belongs to somebody else. Waits for
    /// nobody: who finds the lock taken may well write later.
    pub(super) fn try_out(&self, deadline: &Deadline) -> Result<(), StoreError> {
        let mut inner = self.lock(deadline)?;
        self.commit(&mut inner);
        inner.control.set_busy_timeout(Duration::ZERO);
        let begun = BeginImmediate {}.execute(&mut inner.conn);
        match begun.and_then(|_| Rollback {}.execute(&mut inner.conn)).map(drop).store() {
            Err(StoreError::Busy { .. }) => Ok(()),
            result => result,
        }
    }

    /// SQLite's count of other connections' commits; `None` while this process writes, or another one has the lock that
    /// is needed to look. Waits for nobody.
    pub(super) fn data_version(&self) -> Result<Option<i64>, StoreError> {
        let Some(mut inner) = self.inner.try_lock() else { return Ok(None) };
        inner.control.set_busy_timeout(Duration::ZERO);
        let answer = DataVersion {}.get_result::<(i64,)>(&mut inner.conn).store();
        match answer {
            Ok((version,)) => Ok(Some(version)),
            Err(StoreError::Busy { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The file behind the connection; `None` for a database in memory.
    pub(super) fn file(&self) -> Option<&DatabaseFile> {
        self.files().map(OpenFiles::database)
    }

    /// As [`Writer::file`], with the files beside it.
    pub(super) const fn files(&self) -> Option<&OpenFiles> {
        self.files.as_ref()
    }

    pub(super) const fn options(&self) -> &SqliteOptions {
        &self.options
    }

    /// Waits for the threads that are at work.
    fn lock(&self, deadline: &Deadline) -> Result<MutexGuard<'_, Inner>, StoreError> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let locked = self.lock_until(deadline);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        locked.ok_or_else(|| deadline.busy("another thread of this program is writing"))
    }

    fn lock_until(&self, deadline: &Deadline) -> Option<MutexGuard<'_, Inner>> {
        for _ in 0..YIELDS {
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

    /// Opens a batch.
    fn begin(&self, inner: &mut Inner, deadline: &Deadline) -> Result<(), StoreError> {
        // A fault of the file is reported before a statement meets it.
        if let (Some(files), Some(contents)) = (&self.files, &mut inner.contents) {
            inner.control.set_busy_timeout(deadline.left());
            deadline.told(contents.check(&files.check_database()?, &mut inner.conn, &inner.handle))?;
        }
        let mut turn = self.turnstile.as_ref().and_then(Turnstile::enter);
        busy::forget_refusal();
        inner.control.set_busy_timeout(deadline.left());
        let asked = Instant::now();
        let begun = BeginImmediate {}.execute(&mut inner.conn).map(drop).store();
        if asked.elapsed() > FREE_WITHIN
            && let Some(turn) = &mut turn
        {
            turn.holder_is_at_work();
        }
        if let Err(error) = begun {
            // None is open, unless SQLite had opened it before it failed.
            let _ = Rollback {}.execute(&mut inner.conn);
            // What SQLite stumbles over may be that the log is not there any more.
            let is_wait = matches!(error, StoreError::Busy { .. });
            let error = if is_wait { error } else { self.check_log(inner).err().unwrap_or(error) };
            return deadline.told(Err(error));
        }
        inner.control.forbid_commits();
        inner.batch = Some(OpenBatch::new(turn));
        Ok(())
    }

    /// Runs one writer's closure in the open batch. Afterwards the batch is still open, unless its transaction is lost.
    fn run<T, E, F>(inner: &mut Inner, f: &mut F) -> Part<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut SqliteSession<'_>) -> Result<T, E>,
    {
        // The first writer is the whole transaction so far: it needs no savepoint to be undone.
        let alone = inner.batch.as_ref().is_none_or(|batch| batch.writes == 0);
        if !alone && let Err(error) = (Savepoint {}).execute(&mut inner.conn).store() {
            return Part::Lost(Self::abandon(inner, error));
        }
        drop(take_failure());
        let mut session = SqliteSession::new(&mut inner.conn);
        let outcome = catch_unwind(AssertUnwindSafe(|| f(&mut session)));
        let announces = session.announces;
        if let Some(batch) = inner.batch.as_mut().filter(|batch| batch.failure.is_none()) {
            batch.failure = take_failure();
        }
        let undone = match outcome {
            Ok(Ok(value)) => {
                let released = if alone { Ok(()) } else { Release {}.execute(&mut inner.conn).map(drop).store() };
                return match (released, inner.batch.as_mut()) {
                    (Err(error), _) => Part::Lost(Self::abandon(inner, error)),
                    (Ok(()), Some(batch)) => {
                        batch.writes += 1;
                        batch.announces |= announces;
                        Part::Joined(value, Arc::clone(&batch.shared))
                    }
                    (Ok(()), None) => Part::Lost(Arc::new(StoreError::Database("no batch is open".into()))),
                };
            }
            Ok(Err(error)) => Part::Failed(error),
            Err(panic) => Part::Panicked(panic),
        };
        let rolled_back = if alone {
            Rollback {}.execute(&mut inner.conn).map(drop).store()
        } else {
            RollbackTo {}.execute(&mut inner.conn).and_then(|_| Release {}.execute(&mut inner.conn)).map(drop).store()
        };
        match rolled_back {
            // The only writer is undone: there is nothing to commit.
            Ok(()) if alone => {
                inner.batch = None;
                inner.control.allow_commits();
            }
            Ok(()) => {}
            Err(error) => drop(Self::abandon(inner, error)),
        }
        undone
    }

    /// Commits the open batch, tells its writers, and says what became of it; `None` when there is none.
    fn commit(&self, inner: &mut Inner) -> Option<Result<(), Arc<StoreError>>> {
        let announces = inner.batch.as_ref()?.announces;
        if let Err(error) = self.check_files(inner) {
            return Some(Err(Self::abandon(inner, error)));
        }
        if let Err(reason) = inner.batch.as_ref()?.shared.begin_commit() {
            Self::abandon(inner, StoreError::Database("its batch has been given up".into()));
            return Some(Err(reason));
        }
        self.committing.store(true, Ordering::Relaxed);
        inner.control.allow_commits();
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
            Err(error) => Err(Self::abandon(inner, error)),
        })
    }

    /// Fails when a commit would go where nobody finds it.
    fn check_files(&self, inner: &mut Inner) -> Result<(), StoreError> {
        let (Some(files), Some(contents)) = (&self.files, &mut inner.contents) else { return Ok(()) };
        contents.check(&files.check()?, &mut inner.conn, &inner.handle)?;
        self.check_log(inner)
    }

    fn check_log(&self, inner: &mut Inner) -> Result<(), StoreError> {
        if self.files.is_some() { log_file::check(&mut inner.conn, &inner.handle) } else { Ok(()) }
    }

    /// Gives up the open transaction: all its writers fail, with the reason that is returned.
    fn abandon(inner: &mut Inner, error: StoreError) -> Arc<StoreError> {
        // SQLite may have rolled back already, and then this fails.
        let _ = Rollback {}.execute(&mut inner.conn);
        inner.control.allow_commits();
        let Some(batch) = inner.batch.take() else { return Arc::new(error) };
        let reason = Arc::new(match (error, batch.failure) {
            // What SQLite says of a transaction that it has rolled back is not why.
            (StoreError::Database(_), Some(failure)) => failure,
            (error, _) => error,
        });
        batch.shared.decide(Err(Arc::clone(&reason)));
        reason
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The last connection to close empties the log; statistics gathered now serve the next program.
        // Closing does not wait for them when another process writes.
        let inner = self.inner.get_mut();
        inner.control.set_busy_timeout(Duration::ZERO);
        let _ = inner.conn.batch_execute("PRAGMA optimize");
    }
}
