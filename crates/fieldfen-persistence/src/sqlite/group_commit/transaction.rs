//! The transaction of a batch: begin, one savepoint for each writer, commit or rollback.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use fieldfen_domain::store::StoreError;

use super::batch::OpenBatch;
use super::timing::{TransactionTiming, timed};
use super::{Inner, UNCONTENDED_BEGIN, WriteOutcome, Writer};
use crate::sqlite::busy_handler;
use crate::sqlite::cached_statement::{BeginImmediate, Commit, Release, Rollback, RollbackTo, Savepoint};
use crate::sqlite::deadline::Deadline;
use crate::sqlite::error::{Classify, take_failure};
use crate::sqlite::fair_lock::FairLock;
use crate::sqlite::file::wal::{self, LogState};
use crate::sqlite::session::SqliteSession;

/// For this time after a check of the files, a fault may be reported by SQLite's own error.
const CLEAR_ERRORS: Duration = Duration::from_millis(1);

impl Writer {
    /// Opens a batch: takes the fair lock, then SQLite's write lock.
    pub(super) fn begin(&self, inner: &mut Inner, deadline: &Deadline) -> Result<(), StoreError> {
        // A statement would report the same fault less clearly.
        if inner.checked_at.elapsed() > CLEAR_ERRORS
            && let (Some(files), Some(contents)) = (&self.files, &mut inner.contents)
        {
            inner.control.set_busy_timeout(deadline.left());
            deadline.with_total_wait(contents.check(files.check_database()?, &mut inner.conn, &inner.handle))?;
        }
        let mut timing = TransactionTiming::default();
        let mut fair_lock = timed(&mut timing.fair_lock, || self.fair_lock.as_ref().and_then(FairLock::acquire));
        busy_handler::forget_refusal();
        inner.control.set_busy_timeout(deadline.left());
        let begun = timed(&mut timing.begin, || BeginImmediate {}.execute(&mut inner.conn).map(drop).store());
        inner.timing = timing;
        if timing.begin > UNCONTENDED_BEGIN
            && let Some(fair_lock) = &mut fair_lock
        {
            fair_lock.holder_is_active();
        }
        if let Err(error) = begun {
            // SQLite may have opened the transaction before it failed.
            let _ = Rollback {}.execute(&mut inner.conn);
            // A removed log may be the cause.
            let is_wait = matches!(error, StoreError::Busy { .. });
            let error = if is_wait { error } else { self.check_log(inner).err().unwrap_or(error) };
            return deadline.with_total_wait(Err(error));
        }
        inner.control.forbid_commits();
        inner.batch = Some(OpenBatch::new(fair_lock));
        Ok(())
    }

    /// Runs one writer's closure in the open batch. The batch stays open, unless its transaction is rolled back.
    pub(super) fn run<T, E, F>(inner: &mut Inner, f: &mut F) -> WriteOutcome<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut SqliteSession<'_>) -> Result<T, E>,
    {
        // The first writer needs no savepoint: to undo it, the transaction is rolled back.
        let alone = inner.batch.as_ref().is_none_or(|batch| batch.writes == 0);
        if !alone && let Err(error) = (Savepoint {}).execute(&mut inner.conn).store() {
            return WriteOutcome::RolledBack(Self::rollback_batch(inner, error));
        }
        drop(take_failure());
        let mut session = SqliteSession::new(&mut inner.conn);
        session.expects_limits = inner.expects_limits;
        let outcome = catch_unwind(AssertUnwindSafe(|| f(&mut session)));
        let notice = session.notice;
        inner.expects_limits = session.expects_limits;
        if let Some(batch) = inner.batch.as_mut().filter(|batch| batch.failure.is_none()) {
            batch.failure = take_failure();
        }
        let undone = match outcome {
            Ok(Ok(value)) => {
                let released = if alone { Ok(()) } else { Release {}.execute(&mut inner.conn).map(drop).store() };
                return match (released, inner.batch.as_mut()) {
                    (Err(error), _) => WriteOutcome::RolledBack(Self::rollback_batch(inner, error)),
                    (Ok(()), Some(batch)) => {
                        batch.writes += 1;
                        batch.notice = batch.notice.max(notice);
                        WriteOutcome::Joined(value, Arc::clone(&batch.shared))
                    }
                    (Ok(()), None) => {
                        WriteOutcome::RolledBack(Arc::new(StoreError::Database("no batch is open".into())))
                    }
                };
            }
            Ok(Err(error)) => WriteOutcome::Failed(error),
            Err(panic) => WriteOutcome::Panicked(panic),
        };
        let rolled_back = if alone {
            Rollback {}.execute(&mut inner.conn).map(drop).store()
        } else {
            RollbackTo {}.execute(&mut inner.conn).and_then(|_| Release {}.execute(&mut inner.conn)).map(drop).store()
        };
        match rolled_back {
            // The transaction is over, and there is nothing to commit.
            Ok(()) if alone => {
                inner.batch = None;
                inner.control.allow_commits();
            }
            Ok(()) => {}
            Err(error) => drop(Self::rollback_batch(inner, error)),
        }
        undone
    }

    /// Commits the open batch, wakes its writers and returns the outcome; `None` when no batch is open.
    pub(super) fn commit(&self, inner: &mut Inner) -> Option<Result<(), Arc<StoreError>>> {
        let notice = inner.batch.as_ref()?.notice;
        let log = match self.check_files(inner) {
            Ok(log) => log,
            Err(error) => return Some(Err(Self::rollback_batch(inner, error))),
        };
        if let Err(reason) = inner.batch.as_ref()?.shared.begin_commit() {
            Self::rollback_batch(inner, StoreError::Database("its batch has been cancelled".into()));
            return Some(Err(reason));
        }
        self.committing.store(true, Ordering::Relaxed);
        inner.control.allow_commits();
        let committed = timed(&mut inner.timing.commit, || (Commit {}).execute(&mut inner.conn).store());
        let outcome = match committed {
            Ok(_) => {
                let batch = inner.batch.take();
                if let Some(batch) = &batch {
                    batch.shared.resolve(Ok(()));
                }
                self.commits.notify(notice);
                // The fair lock is held until `batch` is dropped.
                let Inner { checkpointer, conn, control, timing, .. } = inner;
                timed(&mut timing.checkpoint, || checkpointer.after_commit(log, conn, control));
                drop(batch);
                Ok(())
            }
            Err(error) => Err(Self::rollback_batch(inner, error)),
        };
        self.committing.store(false, Ordering::Relaxed);
        Some(outcome)
    }

    /// Fails if the database or its log has been removed or replaced: no other program would find the commit.
    /// Returns the state of the log.
    fn check_files(&self, inner: &mut Inner) -> Result<LogState, StoreError> {
        let (Some(files), Some(contents)) = (&self.files, &mut inner.contents) else {
            return Ok(LogState::default());
        };
        contents.check(files.check()?, &mut inner.conn, &inner.handle)?;
        inner.checked_at = Instant::now();
        self.check_log(inner)
    }

    fn check_log(&self, inner: &mut Inner) -> Result<LogState, StoreError> {
        if self.files.is_some() { wal::check(&mut inner.conn, &inner.handle) } else { Ok(LogState::default()) }
    }

    /// Rolls the open transaction back. All its writers get the reason, which is returned.
    pub(super) fn rollback_batch(inner: &mut Inner, error: StoreError) -> Arc<StoreError> {
        // This fails if SQLite has rolled back by itself.
        let _ = Rollback {}.execute(&mut inner.conn);
        inner.control.allow_commits();
        let Some(batch) = inner.batch.take() else { return Arc::new(error) };
        let reason = Arc::new(match (error, batch.failure) {
            // SQLite's message about a transaction that is gone does not name the cause.
            (StoreError::Database(_), Some(failure)) => failure,
            (error, _) => error,
        });
        batch.shared.resolve(Err(Arc::clone(&reason)));
        reason
    }
}
