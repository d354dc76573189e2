//! What connections get and tell while they are opened, by the handle that diesel does not hand out.
//!
//! **Plans that do not depend on what is bound.** The bundled SQLite samples the rows (`SQLITE_ENABLE_STAT4`). Once
//! `ANALYZE` or `PRAGMA optimize` has run, it looks at every value that is bound to see whether another plan would suit
//! it better: a statement that is kept is prepared anew at each call all the same, and that takes longer than a claim. The
//! plans that matter here are pinned, so that the connections ask for the query planner stability guarantee
//! (<https://sqlite.org/queryplanner-ng.html>, section 4.1).
//!
//! **A gate before each commit.** When SQLite has rolled a transaction back by itself, whatever is written next would be a
//! transaction of its own and commit at once (<https://sqlite.org/c3ref/commit_hook.html>).

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use libsqlite3_sys as ffi;

thread_local! {
    /// What this thread is opening; connections of the importing program are left alone.
    static OPENING: Cell<Option<Opening>> = const { Cell::new(None) };
}

#[derive(Clone, Copy)]
struct Opening {
    /// The gate to set up, or null.
    gate: *const AtomicBool,
    read_only: bool,
}

/// Says whether a connection may commit. It must live longer than the connection.
#[derive(Debug)]
pub(super) struct CommitGate(Arc<AtomicBool>);

impl Default for CommitGate {
    /// An open gate.
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

impl CommitGate {
    /// Lets the connection commit.
    pub(super) fn open(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// From now on every commit becomes a rollback and an error.
    pub(super) fn close(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Opens a connection, whose plans are stable and whose commits this gate may stop, and says whether its database can
/// only be read. Where SQLite refuses stable plans, the connection is only slower.
pub(super) fn watched<T>(gate: Option<&CommitGate>, open: impl FnOnce() -> T) -> (T, bool) {
    // SQLite shows every new connection to the extensions of the process.
    // SAFETY: the function lives for ever and has the signature that SQLite calls it with; that it is there already
    // does no harm.
    #[expect(unsafe_code, reason = "registers a function with SQLite")]
    let code = unsafe { ffi::sqlite3_auto_extension(Some(show)) };
    if code != ffi::SQLITE_OK {
        tracing::debug!(code, "SQLite takes no extension: plans follow statistics, and commits are not watched");
    }
    OPENING.set(Some(Opening { gate: gate.map_or(ptr::null(), |gate| Arc::as_ptr(&gate.0)), read_only: false }));
    let opened = open();
    let read_only = OPENING.take().is_some_and(|opening| opening.read_only);
    (opened, read_only)
}

/// Is shown every new connection of the process.
#[expect(unsafe_code, reason = "is called by SQLite")]
unsafe extern "C" fn show(
    db: *mut ffi::sqlite3,
    _message: *mut *mut c_char,
    _routines: *const ffi::sqlite3_api_routines,
) -> c_int {
    let Ok(Some(opening)) = OPENING.try_with(Cell::get) else { return ffi::SQLITE_OK };
    // SAFETY: the connection is open; the setting takes a number and where to put the answer, which may be null; the
    // name ends in a NUL; the gate outlives the connection.
    let read_only = unsafe {
        ffi::sqlite3_db_config(db, ffi::SQLITE_DBCONFIG_ENABLE_QPSG, 1 as c_int, ptr::null_mut::<c_int>());
        if !opening.gate.is_null() {
            ffi::sqlite3_commit_hook(db, Some(may_not_commit), opening.gate.cast_mut().cast());
        }
        ffi::sqlite3_db_readonly(db, c"main".as_ptr()) == 1
    };
    let _ = OPENING.try_with(|cell| cell.set(Some(Opening { read_only, ..opening })));
    ffi::SQLITE_OK
}

/// Is asked before every commit; anything but 0 makes it a rollback.
#[expect(unsafe_code, reason = "is called by SQLite")]
unsafe extern "C" fn may_not_commit(gate: *mut c_void) -> c_int {
    // SAFETY: SQLite hands on what it was given in `show`, which outlives the connection.
    let open = unsafe { (*gate.cast::<AtomicBool>()).load(Ordering::Relaxed) };
    c_int::from(!open)
}
