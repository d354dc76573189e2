//! The connections that read.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Condvar, Mutex, PoisonError};

use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::{ReadSession, StoreError};

use crate::sqlite::cached_statement::{Begin, Commit, Rollback};
use crate::sqlite::connection::hooks::Opened;
use crate::sqlite::connection::open;
use crate::sqlite::connection::options::SqliteOptions;
use crate::sqlite::deadline::Deadline;
use crate::sqlite::error::Classify;
use crate::sqlite::file::open_files::OpenFiles;
use crate::sqlite::session::SqliteSession;

/// A pool of connections that cannot write. They are opened when they are first needed.
pub(in crate::sqlite) struct Readers {
    files: OpenFiles,
    options: SqliteOptions,
    pool: Mutex<Pool>,
    returned: Condvar,
}

#[derive(Default)]
struct Pool {
    idle: Vec<Opened>,
    open: u32,
}

impl Readers {
    pub(in crate::sqlite) fn new(files: OpenFiles, options: SqliteOptions) -> Self {
        Self { files, options, pool: Mutex::default(), returned: Condvar::new() }
    }

    /// Runs `f` in a transaction that sees one and the same moment.
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

    fn take(&self, deadline: &Deadline) -> Result<Opened, StoreError> {
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
                return Err(deadline.unavailable("other threads of this program use all connections that read"));
            }
            pool = self.returned.wait_timeout(pool, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Opens a connection for which there is room; the room is free again when that fails, or when the program's own
    /// instrumentation panics.
    fn open(&self, deadline: &Deadline) -> Result<Opened, StoreError> {
        let opened = catch_unwind(AssertUnwindSafe(|| open::open_reader(self.files.database(), deadline)));
        if !matches!(opened, Ok(Ok(_))) {
            self.give_back(None);
        }
        opened.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Puts a connection back, or, with `None`, makes room for a new one.
    fn give_back(&self, reader: Option<Opened>) {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        match reader {
            Some(reader) => pool.idle.push(reader),
            None => pool.open -= 1,
        }
        self.returned.notify_one();
    }
}

fn in_transaction<T, E, F>(conn: &mut SqliteConnection, f: F) -> Result<T, E>
where
    E: From<StoreError>,
    F: FnOnce(&mut dyn ReadSession) -> Result<T, E>,
{
    Begin {}.execute(conn).store()?;
    let value = f(&mut SqliteSession::new(conn))?;
    Commit {}.execute(conn).store()?;
    Ok(value)
}

/// The connection after a failure; `None` when it cannot be used any more.
fn rolled_back(mut reader: Opened) -> Option<Opened> {
    // There may be no transaction left to roll back; a new one tells.
    let _ = Rollback {}.execute(&mut reader.conn);
    let usable = Begin {}.execute(&mut reader.conn).is_ok() && Rollback {}.execute(&mut reader.conn).is_ok();
    usable.then_some(reader)
}
