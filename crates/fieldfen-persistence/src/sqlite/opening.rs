//! Plans that do not depend on what is bound.
//!
//! The bundled SQLite samples the rows (`SQLITE_ENABLE_STAT4`). Once `ANALYZE` or `PRAGMA optimize` has run, it looks at
//! every value that is bound to see whether another plan would suit it better: a statement that is kept is prepared anew
//! at each call all the same, and that takes longer than a claim. The plans that matter here are pinned, so that the
//! connections ask for the query planner stability guarantee (<https://sqlite.org/queryplanner-ng.html>, section 4.1).

use std::cell::Cell;
use std::ffi::{c_char, c_int};
use std::ptr;

use libsqlite3_sys as ffi;

thread_local! {
    /// Whether this thread is opening a connection of ours; those of the importing program are left alone.
    static OPENING: Cell<bool> = const { Cell::new(false) };
}

/// Opens a connection whose plans are stable. Where SQLite refuses that, the connection is only slower.
pub(super) fn with_stable_plans<T>(open: impl FnOnce() -> T) -> T {
    // diesel does not hand out its connection, but SQLite shows every new one to the extensions of the process.
    // SAFETY: the function lives for ever and has the signature that SQLite calls it with; that it is there already
    // does no harm.
    #[expect(unsafe_code, reason = "registers a function with SQLite")]
    let code = unsafe { ffi::sqlite3_auto_extension(Some(show)) };
    if code != ffi::SQLITE_OK {
        tracing::debug!(code, "SQLite takes no extension: statements are planned anew when statistics are there");
    }
    OPENING.set(true);
    let opened = open();
    OPENING.set(false);
    opened
}

/// Is shown every new connection of the process.
#[expect(unsafe_code, reason = "is called by SQLite")]
unsafe extern "C" fn show(
    db: *mut ffi::sqlite3,
    _message: *mut *mut c_char,
    _routines: *const ffi::sqlite3_api_routines,
) -> c_int {
    if OPENING.try_with(Cell::get).unwrap_or(false) {
        // SAFETY: the connection is open, and this setting takes a number and where to put the answer, which may be null.
        unsafe { ffi::sqlite3_db_config(db, ffi::SQLITE_DBCONFIG_ENABLE_QPSG, 1 as c_int, ptr::null_mut::<c_int>()) };
    }
    ffi::SQLITE_OK
}
