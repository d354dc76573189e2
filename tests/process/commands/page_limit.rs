//! A limit on the pages of databases.

use std::ffi::{CString, c_char, c_int};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Error, ensure};
use libsqlite3_sys::{SQLITE_NOMEM, SQLITE_OK, sqlite3, sqlite3_api_routines, sqlite3_auto_extension, sqlite3_exec};

/// The limit for connections that are opened from now on; 0 for none.
static LIMIT: AtomicU32 = AtomicU32::new(0);

/// Sets the limit for all connections that this process opens from now on. SQLite keeps the limit in each connection
/// and not in the file, and a store does not give out its connections. SQLite therefore calls a function for each new
/// one.
pub(super) fn limit_pages(pages: Option<u32>) -> Result<(), Error> {
    LIMIT.store(pages.unwrap_or(0), Ordering::SeqCst);
    // SAFETY: the function is static and has the signature with which SQLite calls it. A second registration has no
    // effect.
    #[expect(unsafe_code, reason = "registers a function with SQLite")]
    let code = unsafe { sqlite3_auto_extension(Some(limit_connection)) };
    ensure!(code == SQLITE_OK, "SQLite calls nobody when it opens a connection: code {code}");
    Ok(())
}

/// Sets the limit. SQLite calls this for every new connection of the process.
#[expect(unsafe_code, reason = "is called by SQLite")]
unsafe extern "C" fn limit_connection(
    conn: *mut sqlite3,
    _error: *mut *mut c_char,
    _api: *const sqlite3_api_routines,
) -> c_int {
    let pages = LIMIT.load(Ordering::SeqCst);
    if pages == 0 {
        return SQLITE_OK;
    }
    let Ok(pragma) = CString::new(format!("PRAGMA max_page_count = {pages}")) else { return SQLITE_NOMEM };
    // SAFETY: the connection is open and the text ends in a NUL. The other three arguments may be null.
    unsafe { sqlite3_exec(conn, pragma.as_ptr(), None, null_mut(), null_mut()) }
}
