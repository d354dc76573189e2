//! The part of SQLite's C interface that the baseline needs.
#![expect(unsafe_code, reason = "the baseline calls SQLite as a C program does")]

use std::ffi::{CStr, CString, c_int};
use std::path::Path;
use std::ptr::{self, NonNull};
use std::slice;

use anyhow::{Context, Result, bail, ensure};
use fieldfen_persistence::Durability;
use libsqlite3_sys as ffi;

/// A connection. Its statements must be dropped before it.
pub struct Connection {
    db: NonNull<ffi::sqlite3>,
}

/// A prepared statement.
pub struct Statement {
    statement: NonNull<ffi::sqlite3_stmt>,
    parameters: usize,
}

/// A value to be bound.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// A text.
    Text(&'a str),
    /// A whole number.
    Int(i64),
    /// NULL.
    Null,
}

/// The present row of a statement.
pub struct Row<'a> {
    statement: &'a Statement,
}

// SAFETY: SQLite is compiled for use by any thread, one at a time for each connection.
unsafe impl Send for Connection {}
// SAFETY: as above. A statement belongs to its connection and moves with it.
unsafe impl Send for Statement {}

impl Connection {
    /// Opens a database with the settings of fieldfen's writer.
    ///
    /// # Errors
    /// The errors of SQLite, with the path.
    pub fn open(path: &Path, durability: Durability) -> Result<Self> {
        let text = path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?;
        let name = CString::new(text)?;
        let flags = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE;
        let mut db = ptr::null_mut();
        // SAFETY: the name ends in NUL, and `db` is written before it is read.
        let code = unsafe { ffi::sqlite3_open_v2(name.as_ptr(), &mut db, flags, ptr::null()) };
        let db = NonNull::new(db).context("SQLite has no memory for a connection")?;
        let connection = Self { db };
        connection.check(code, text)?;
        // SAFETY: the connection is open. The setting takes a number and a pointer for the answer, which may be null.
        let code = unsafe {
            ffi::sqlite3_db_config(
                connection.db.as_ptr(),
                ffi::SQLITE_DBCONFIG_ENABLE_QPSG,
                1 as c_int,
                ptr::null_mut::<c_int>(),
            )
        };
        connection.check(code, "stable plans")?;
        let synchronous = match durability {
            Durability::Full => "FULL",
            Durability::Normal => "NORMAL",
        };
        connection.execute(&format!(
            "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; \
             PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192"
        ))?;
        Ok(connection)
    }

    /// Runs statements without parameters.
    ///
    /// # Errors
    /// The errors of SQLite, with the text.
    pub fn execute(&self, sql: &str) -> Result<()> {
        let text = CString::new(sql)?;
        // SAFETY: the connection is open and the text ends in NUL; there is no callback.
        let code =
            unsafe { ffi::sqlite3_exec(self.db.as_ptr(), text.as_ptr(), None, ptr::null_mut(), ptr::null_mut()) };
        self.check(code, sql)
    }

    /// Prepares a statement for repeated use.
    ///
    /// # Errors
    /// The errors of SQLite, with the text.
    pub fn prepare(&self, sql: &str) -> Result<Statement> {
        let text = CString::new(sql)?;
        let mut statement = ptr::null_mut();
        // SAFETY: the connection is open, the text ends in NUL, and `statement` is written before it is read.
        let code = unsafe {
            ffi::sqlite3_prepare_v3(
                self.db.as_ptr(),
                text.as_ptr(),
                -1,
                ffi::SQLITE_PREPARE_PERSISTENT,
                &mut statement,
                ptr::null_mut(),
            )
        };
        self.check(code, sql)?;
        let statement = NonNull::new(statement).with_context(|| format!("{sql:?} holds no statement"))?;
        // SAFETY: the statement has just been prepared.
        let parameters = unsafe { ffi::sqlite3_bind_parameter_count(statement.as_ptr()) };
        Ok(Statement { statement, parameters: usize::try_from(parameters)? })
    }

    /// The number that a query of one row and one column returns.
    ///
    /// # Errors
    /// The errors of SQLite, with the text.
    pub fn number(&self, sql: &str) -> Result<i64> {
        let mut number = None;
        self.prepare(sql)?.run(&[], |row| number = Some(row.int(0)))?;
        number.with_context(|| format!("{sql:?} gives no row"))
    }

    /// The number of rows that the last statement has changed.
    #[must_use]
    pub fn changes(&self) -> i64 {
        // SAFETY: the connection is open.
        unsafe { ffi::sqlite3_changes64(self.db.as_ptr()) }
    }

    fn check(&self, code: c_int, what: &str) -> Result<()> {
        if code == ffi::SQLITE_OK {
            return Ok(());
        }
        bail!("{what}: {}", message(self.db.as_ptr()))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: nobody uses the connection after this, and its statements are dropped before it.
        unsafe { ffi::sqlite3_close(self.db.as_ptr()) };
    }
}

impl Statement {
    /// Binds the values, runs the statement to its end and resets it.
    ///
    /// # Errors
    /// The errors of SQLite.
    pub fn run(&mut self, values: &[Value<'_>], mut each: impl FnMut(&Row<'_>)) -> Result<()> {
        ensure!(values.len() == self.parameters, "{} values for {} parameters", values.len(), self.parameters);
        let statement = self.statement.as_ptr();
        for (index, value) in (1..).zip(values) {
            // SAFETY: the index is that of a parameter. Texts are not copied. They live longer than this call, which
            // resets the statement at its end, and no other run begins before all parameters are bound again.
            let code = unsafe {
                match value {
                    Value::Text(text) => ffi::sqlite3_bind_text(
                        statement,
                        index,
                        text.as_ptr().cast(),
                        c_int::try_from(text.len())?,
                        ffi::SQLITE_STATIC(),
                    ),
                    Value::Int(number) => ffi::sqlite3_bind_int64(statement, index, *number),
                    Value::Null => ffi::sqlite3_bind_null(statement, index),
                }
            };
            ensure!(code == ffi::SQLITE_OK, "parameter {index} cannot be bound (code {code})");
        }
        loop {
            // SAFETY: the statement is prepared, and all its parameters are bound.
            match unsafe { ffi::sqlite3_step(statement) } {
                ffi::SQLITE_ROW => each(&Row { statement: self }),
                ffi::SQLITE_DONE => break,
                _ => {
                    // SAFETY: the connection lives as long as its statements.
                    let message = message(unsafe { ffi::sqlite3_db_handle(statement) });
                    // SAFETY: a statement may always be reset.
                    unsafe { ffi::sqlite3_reset(statement) };
                    bail!("{message}");
                }
            }
        }
        // SAFETY: a statement may always be reset.
        unsafe { ffi::sqlite3_reset(statement) };
        Ok(())
    }
}

impl Drop for Statement {
    fn drop(&mut self) {
        // SAFETY: nobody uses the statement after this.
        unsafe { ffi::sqlite3_finalize(self.statement.as_ptr()) };
    }
}

impl Row<'_> {
    /// A column as text; empty for NULL and for bytes that are not UTF-8.
    #[must_use]
    pub fn text(&self, column: i32) -> &str {
        let statement = self.statement.statement.as_ptr();
        // SAFETY: the statement is at a row. The bytes live until the next step or reset, and `self` does not live
        // longer.
        unsafe {
            let text = ffi::sqlite3_column_text(statement, column);
            if text.is_null() {
                return "";
            }
            let bytes = usize::try_from(ffi::sqlite3_column_bytes(statement, column)).unwrap_or_default();
            std::str::from_utf8(slice::from_raw_parts(text, bytes)).unwrap_or_default()
        }
    }

    /// A column as a whole number; 0 for NULL.
    #[must_use]
    pub fn int(&self, column: i32) -> i64 {
        // SAFETY: the statement is at a row.
        unsafe { ffi::sqlite3_column_int64(self.statement.statement.as_ptr(), column) }
    }
}

fn message(db: *mut ffi::sqlite3) -> String {
    // SAFETY: the connection is open. The text is copied before the next call on the connection.
    unsafe { CStr::from_ptr(ffi::sqlite3_errmsg(db)) }.to_string_lossy().into_owned()
}
