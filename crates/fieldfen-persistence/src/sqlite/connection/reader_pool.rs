//! The pool of connections that only read.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Condvar, Mutex, PoisonError};

use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::{ReadSession, StoreError};

use crate::sqlite::cached_statement::{Begin, Commit, Rollback};
use crate::sqlite::connection::hooks::OpenConnection;
use crate::sqlite::connection::open;
use crate::sqlite::connection::options::SqliteOptions;
use crate::sqlite::deadline::Deadline;
use crate::sqlite::error::Classify;
use crate::sqlite::file::replaced_files::OpenFiles;
use crate::sqlite::session::SqliteSession;

/// A pool of connections that cannot write. A connection is opened when no idle one is left.
pub(in crate::sqlite) struct Readers {
    files: OpenFiles,
    options: SqliteOptions,
    pool: Mutex<Pool>,
    returned: Condvar,
}

#[derive(Default)]
struct Pool {
    idle: Vec<OpenConnection>,
    open: u32,
}

impl Readers {
    pub(in crate::sqlite) fn new(files: OpenFiles, options: SqliteOptions) -> Self {
        Self { files, options, pool: Mutex::default(), returned: Condvar::new() }
    }

    /// Runs `f` in a read transaction: all its statements see the same state of the database.
    pub(in crate::sqlite) fn read<T, E, F>(&self, mut f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn ReadSession) -> Result<T, E>,
    {
        self.files.check()?;
        let deadline = Deadline::after(self.options.busy_timeout);
        let mut reader = self.take(&deadline)?;
        reader.control.set_busy_timeout(deadline.left());
        let outcome = catch_unwind(AssertUnwindSafe(|| in_transaction(&mut reader.conn, |session| f(session))));
        match outcome {
            Ok(Ok(value)) => {
                self.give_back(Some(reader));
                Ok(value)
            }
            Ok(Err(error)) => {
                self.give_back(rolled_back(reader));
                Err(error)
            }
            Err(panic) => {
                self.give_back(rolled_back(reader));
                resume_unwind(panic)
            }
        }
    }

    fn take(&self, deadline: &Deadline) -> Result<OpenConnection, StoreError> {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(reader) = pool.idle.pop() {
                return Ok(reader);
            }
            if pool.open < self.options.readers.max(1) {
                pool.open += 1;
                drop(pool);
                return self.open(deadline);
            }
            let left = deadline.left();
            if left.is_zero() {
                return Err(deadline.unavailable("other threads of this program use all reading connections"));
            }
            pool = self.returned.wait_timeout(pool, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Opens a connection that is already counted. The count is reduced again if the opening fails or the program's
    /// instrumentation panics.
    fn open(&self, deadline: &Deadline) -> Result<OpenConnection, StoreError> {
        let opened = catch_unwind(AssertUnwindSafe(|| open::open_reader(self.files.database(), deadline)));
        if !matches!(opened, Ok(Ok(_))) {
            self.give_back(None);
        }
        opened.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Returns a connection to the pool. `None` stands for a closed connection, so that another thread can open a new
    /// one.
    fn give_back(&self, reader: Option<OpenConnection>) {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        match reader {
            Some(reader) => pool.idle.push(reader),
            None => pool.open -= 1,
        }
        self.returned.notify_one();
    }
}

/// Runs `f` in a read transaction of this connection. After an error, the transaction may still be open.
pub(in crate::sqlite) fn in_transaction<T, E, F>(conn: &mut SqliteConnection, f: F) -> Result<T, E>
where
    E: From<StoreError>,
    F: FnOnce(&mut dyn ReadSession) -> Result<T, E>,
{
    Begin {}.execute(conn).store()?;
    let value = f(&mut SqliteSession::new(conn))?;
    Commit {}.execute(conn).store()?;
    Ok(value)
}

/// Rolls back after a failure. Returns `None` if the connection cannot begin a new transaction.
fn rolled_back(mut reader: OpenConnection) -> Option<OpenConnection> {
    // SQLite may have rolled back by itself. A new transaction shows whether the connection still works.
    let _ = Rollback {}.execute(&mut reader.conn);
    let usable = Begin {}.execute(&mut reader.conn).is_ok() && Rollback {}.execute(&mut reader.conn).is_ok();
    usable.then_some(reader)
}
